"""Runs experiments in worker processes, and tells how far they are."""

import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

from joblib import cpu_count

from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.show.say import spoken
from allspin.host.study.paper.cache import ResultCache
from allspin.host.study.paper.experiments import Experiment, perform
from allspin.sim.errors import UserError

WORKERS = 2
"""Processes, if there are as many cores."""

_datasets: list[Dataset] = []
"""A worker's data set."""

Report = Callable[[float, float, str], None]


def _begin(directory: Path | None) -> None:
    # Ctrl-C reaches the whole group: a worker has nothing to save, so it just goes.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _datasets[:] = [load_dataset(directory)]


def _perform(experiment: Experiment) -> dict[str, Any]:
    return perform(experiment, _datasets[0])


def run_experiments(
    experiments: Iterable[Experiment],
    cache: ResultCache,
    directory: Path | None = None,
    workers: int | None = None,
    report: Report = lambda done, total, figures: None,
) -> dict[Experiment, dict[str, Any]]:
    """Results of experiments: those that are there already, and the others computed.

    Parameters
    ----------
    experiments : iterable of Experiment
        What is needed; equal ones count once.
    cache : ResultCache
        Where results are found, and kept as soon as they are there.
    directory : Path, optional
        Of the data set.
    workers : int, optional
        Processes; up to `WORKERS` by default.
    report : callable
        Told how many seconds of work are done, of how many, and the time left in words.

    Returns
    -------
    dict
        Result of each experiment.

    Raises
    ------
    UserError
        If a worker is killed, say for want of memory, or a result cannot be written.
    """
    wanted = list(dict.fromkeys(experiments))
    results = {one: found for one in wanted if (found := cache.find(one)) is not None}
    # The longest first, so that no core is left over at the end.
    todo = sorted((one for one in wanted if one not in results), key=lambda one: -one.cost)
    if not todo:
        return results
    total = sum(one.cost for one in wanted)
    here = sum(one.cost for one in todo)
    done, begun = 0.0, time.monotonic()
    others = set(active_children())
    pool = ProcessPoolExecutor(
        min(workers or WORKERS, cpu_count(), len(todo)), get_context("spawn"), _begin, (directory,)
    )
    try:
        waiting = {pool.submit(_perform, one): one for one in todo}
        for future in as_completed(waiting):
            experiment = waiting[future]
            results[experiment] = future.result()
            cache.keep(experiment, results[experiment])
            done += experiment.cost
            left = (time.monotonic() - begun) / done * (here - done)
            report(total - here + done, total, f"about {spoken(left)} left")
    except BrokenProcessPool:
        raise UserError(
            "a worker process was killed, perhaps for want of memory; the same command goes on "
            "from what is done"
        ) from None
    except BaseException:
        # Python would wait at its exit for what the workers have begun.
        for child in set(active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return results
