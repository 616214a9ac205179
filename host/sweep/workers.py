"""Who measures the chips: this process, others on this machine, or a cluster.

Each of these yields jobs with their outcomes in whatever order they come. A chip is a seed, so
it does not matter who measures it: a worker that is lost costs a retry of what it had in hand.
"""

import queue
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from host.sweep.job import Job, Outcome, close_machines, measure
from sim.errors import UserError

LOSSES = 3
"""Workers that may be lost in a row without a chip done between, or by one chip on a cluster."""
PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""
LOOK = 2.0
"""Seconds between two looks at a cluster that is silent."""
CONNECTING = 10.0
"""Seconds for a scheduler to answer."""

Done = Iterator[tuple[Job, Outcome]]


def in_this_process(jobs: Sequence[Job]) -> Done:
    """Measure jobs here, one after another."""
    try:
        for job in jobs:
            yield job, measure(job)
    finally:
        close_machines()


def _begin() -> None:
    # Ctrl-C reaches the whole group: a worker has nothing to save, so it just goes.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _measured(job: Job) -> tuple[Job, Outcome]:
    return job, measure(job)


def in_processes(jobs: Sequence[Job], workers: int) -> Done:
    """Measure jobs in some processes of this machine.

    Parameters
    ----------
    jobs : sequence of Job
        The jobs.
    workers : int
        Processes.

    Raises
    ------
    UserError
        If workers are killed again and again, say for want of memory.
    """
    left = dict.fromkeys(jobs)
    losses = 0
    try:
        while left:
            # A job takes a tenth of a second or more: handing them out one by one costs nothing.
            pool = Parallel(
                n_jobs=workers,
                backend="loky",
                return_as="generator_unordered",
                batch_size=1,
                initializer=_begin,
            )
            try:
                for job, outcome in pool(delayed(_measured)(job) for job in list(left)):
                    del left[job]
                    losses = 0
                    yield job, outcome
            except BrokenProcessPool:
                losses += 1
                if losses > LOSSES:
                    raise UserError(
                        "worker processes are killed again and again, perhaps for want of memory; "
                        "give fewer --jobs: the same command goes on from what is done"
                    ) from None
    finally:
        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def on_cluster(jobs: Sequence[Job], address: str) -> Done:
    """Measure jobs on the workers of a Dask scheduler.

    Parameters
    ----------
    jobs : sequence of Job
        The jobs.
    address : str
        Of the scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises
    ------
    UserError
        If Dask is not installed, the scheduler does not answer, it has no worker for a minute,
        or one chip loses one worker after another.
    """
    try:
        from distributed import Client, Future
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise UserError(
            "--scheduler needs Dask; install the package distributed, or allspin[cluster]"
        ) from None
    try:
        client = Client(address, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at {address}: {error or type(error).__name__}"
        ) from error
    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting: dict[Future, Job] = {}

    def submit(job: Job) -> None:
        future = client.submit(measure, job, pure=False)
        waiting[future] = job
        future.add_done_callback(finished.put)

    losses: Counter[Job] = Counter()
    seen = time.monotonic()
    try:
        for job in jobs:
            submit(job)
        while waiting:
            try:
                future = finished.get(timeout=LOOK)
            except queue.Empty:
                if client.status != "running":
                    raise UserError(
                        f"the scheduler at {address} is gone; the same command goes on from what "
                        "is done"
                    ) from None
                if client.scheduler_info(n_workers=-1)["workers"]:
                    seen = time.monotonic()
                elif time.monotonic() - seen > PATIENCE:
                    raise UserError(
                        f"the scheduler at {address} has no worker; start some, and the same "
                        "command goes on from what is done"
                    ) from None
                continue
            seen = time.monotonic()
            job = waiting.pop(future)
            try:
                outcome = future.result()
            except KilledWorker:
                losses[job] += 1
                if losses[job] >= LOSSES:
                    raise UserError(
                        f"chip {job.chip} of {job.point.network} lost its worker again and again, "
                        "perhaps for want of memory"
                    ) from None
                submit(job)
                continue
            yield job, outcome
    finally:
        # The scheduler forgets what nobody waits for any more.
        client.close(timeout=1)
