"""Makes the whole report: experiments, pictures, numbers, verdicts."""

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
from allspin.host.data.files import make_folder
from allspin.host.draw.style import SCREEN, Look, save_pictures
from allspin.host.paper.chapter import Effort, Part
from allspin.host.paper.chapters import (
    beyond,
    collapse,
    energy,
    neuron_curve,
    nonlinearity,
    pulse_width,
    response,
    states,
    synapse_variation,
    tolerances,
    types,
)
from allspin.host.paper.experiments import Experiment, ResultCache, perform
from allspin.host.paper.report import Report, markdown, page, readings_table, verdict_table
from allspin.host.show.say import Display, commit, spoken
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically

# Runs experiments in worker processes, and tells how far they are.

WORKERS = 2
"""Processes, if there are as many cores."""

_datasets: list[Dataset] = []
"""A worker's data set."""

Told = Callable[[float, float, str], None]


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
    report: Told = lambda done, total, figures: None,
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


PARTS: tuple[Part, ...] = (
    response,
    synapse_variation,
    neuron_curve,
    types,
    tolerances.SYNAPSE,
    tolerances.NEURON,
    states,
    nonlinearity,
    pulse_width,
    collapse,
    energy,
    beyond,
)
"""The chapters, in order."""
RESULTS = "results"
"""Folder, within the report's, of what is computed."""


def reproduce(
    effort: Effort,
    out: Path,
    display: Display,
    directory: Path | None = None,
    parts: tuple[Part, ...] = PARTS,
    look: Look = SCREEN,
) -> Report:
    """Compute what is missing, and write the report.

    Parameters
    ----------
    effort : Effort
        How much.
    out : Path
        Folder; it is made. What an earlier run computed there is used.
    display : Display
        Told of the progress.
    directory : Path, optional
        Of the data set; MNIST, which ships.
    parts : tuple of Part
        Chapters.
    look : Look
        What files pictures become, besides those that the report shows.

    Returns
    -------
    Report

    Raises
    ------
    UserError
        If something cannot be read or written.
    """
    make_folder(out / RESULTS)
    dataset = load_dataset(directory)
    cache = ResultCache(out / RESULTS, dataset.digest)
    needed = list(dict.fromkeys(one for part in parts for one in part.experiments(effort)))
    there = sum(cache.find(one) is not None for one in needed)
    already = f", {there} of them done before" if there else ""
    display.start(f"{len(needed)} experiments{already}")
    begun = time.monotonic()
    results = run_experiments(needed, cache, directory, report=display.advance)
    seconds = time.monotonic() - begun
    display.finish()

    report = Report(
        [part.chapter(results, effort) for part in parts],
        (
            f"Effort: {effort.name}; the four types over {effort.seeds} seeds, sweeps over "
            f"{effort.sweep_seeds}, {effort.chips} chips. Figures after ± are standard deviations.",
            f"Data: {dataset.name}, {len(dataset.train_images):,} training images and "
            f"{len(dataset.test_images):,} test images.",
            f"{len(needed)} experiments, {there} of them from an earlier run; this run took "
            f"{seconds / 60:.1f} minutes for the others.",
            f"Commit {commit() or 'unknown'}.",
        ),
    )
    pictures = [picture for chapter in report.chapters for picture in chapter.pictures]
    drawn = {picture.name: picture.draw for picture in pictures}
    save_pictures(drawn, out, display, look.with_formats("png", "svg"))
    tables = [
        *(picture.numbers for picture in pictures),
        *(table for chapter in report.chapters for table in chapter.tables),
        verdict_table(report.claims),
        readings_table(report.claims),
    ]
    for table in tables:
        write_atomically(out / f"{table.name}.csv", table.csv())
    write_atomically(out / "paper.md", markdown(report).encode())
    write_atomically(out / "paper.html", page(report).encode())
    return report
