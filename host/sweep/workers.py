"""Workers that measure chips: processes on this machine, or the workers of a Dask cluster.

A chip is a seed, so any worker gives the same result; the job of a lost worker is done again.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import as_completed, process
from multiprocessing import resource_tracker
from typing import Any, TypeVar

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend import resource_tracker as loky_tracker

from allspin.hdl.cache.process import SAFE_PATH, for_tools_of_others
from allspin.host.sweep.job import Job, Rows
from allspin.host.sweep.measuring import measure
from allspin.sim.errors import UserError, refused
from allspin.sim.systems import naming_extras

T = TypeVar("T")
R = TypeVar("R")

LOSSES = 3
"""Most workers that may be lost in a row without a job done between."""
ORPHANED = 0.5
"""Seconds between two checks of a worker that its parent still runs."""
IDLE = 10
"""Seconds after which a worker without work ends."""
TIDYING = "ignore:resource_tracker:UserWarning"
"""Python's option that silences the tracker of semaphores and folders."""
PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""
LOOK = 2.0
"""Seconds between two checks of a silent cluster."""
CONNECTING = 10.0
"""Seconds for a scheduler to answer."""
TLS = "tls://"


def _leave_with(parent: int) -> None:
    """End this process soon after its parent has ended, even if the parent was killed."""
    while os.getppid() == parent:
        time.sleep(ORPHANED)
    os._exit(1)


def _start_worker(parent: int) -> None:
    """Start the thread that ends a worker with its parent."""
    # Loky's workers would wait minutes for a parent that was killed.
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _end_quietly() -> None:
    """Silence a pool that ends before its work does, so that an interrupt prints one line."""
    if TIDYING not in sys.warnoptions:
        # Handed on to every Python process that multiprocessing starts from here.
        sys.warnoptions.append(TIDYING)
    previous = threading.excepthook

    def hook(fault: threading.ExceptHookArgs) -> None:
        # Loky's thread stumbles over the jobs that were dropped as its workers were killed.
        if fault.thread is None or "ExecutorManager" not in fault.thread.name:
            previous(fault)

    threading.excepthook = hook


@contextlib.contextmanager
def _delay_interrupts() -> Iterator[None]:
    """Delay interrupts while workers start.

    Ctrl-C reaches the whole process group. A worker has nothing to save and would print a
    traceback, so it inherits a blocked SIGINT and is killed by its parent. In the parent another
    thread may take the signal, and a worker that is only half started would print a traceback
    too: the signal is stored, and raised again once the workers have started.
    """
    came: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def in_processes(
    work: Callable[[T], R], jobs: Iterable[T], workers: int
) -> Generator[tuple[T, R], None, None]:
    """Do jobs in processes of this machine, and yield each job with its result when it is done.

    Parameters
    ----------
    work : callable
        Function that does a job; a worker must be able to import it.
    jobs : iterable
        Jobs, each different from the others.
    workers : int
        Number of processes.

    Raises
    ------
    UserError
        If workers are killed again and again, for example for want of memory.
    """
    _end_quietly()
    left = dict.fromkeys(jobs)
    losses = 0
    while left:
        try:
            with contextlib.closing(_in_pool(work, list(left), workers)) as results:
                for job, result in results:
                    del left[job]
                    losses = 0
                    yield job, result
        except process.BrokenProcessPool:
            losses += 1
            if losses > LOSSES:
                raise UserError(
                    "worker processes are killed again and again, perhaps for want of memory; "
                    "give fewer `workers`: the same command goes on from what is done"
                ) from None


def _in_pool(
    work: Callable[[T], R], jobs: Sequence[T], workers: int
) -> Generator[tuple[T, R], None, None]:
    """Do jobs in one pool of processes, until all are done or a worker is lost."""
    with for_tools_of_others():
        pool = ProcessPoolExecutor(
            workers,
            timeout=IDLE,
            initializer=_start_worker,
            initargs=(os.getpid(),),
            env=SAFE_PATH,
        )
        # Each of the two would unblock signals if it started later.
        resource_tracker.ensure_running()
        loky_tracker.ensure_running()
    try:
        with _delay_interrupts():
            waiting: dict[Any, T] = {pool.submit(work, job): job for job in jobs}
        for future in as_completed(waiting):
            result = future.result()
            yield waiting.pop(future), result
    finally:
        pool.shutdown(kill_workers=True)


def connect(scheduler: str) -> Any:
    """Connect to a Dask scheduler, with the certificates of Dask's own configuration.

    Parameters
    ----------
    scheduler : str
        Address, such as ``tls://10.0.0.5:8786``.

    Returns
    -------
    distributed.Client

    Raises
    ------
    UserError
        If Dask is not installed, a certificate cannot be used, or the scheduler does not
        answer or does not accept it.
    """
    with naming_extras():
        from distributed import Client, Security

    class ClosedClient(Client):
        """Client that closes itself if it cannot connect: Dask's own would wait at exit."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            try:
                super().__init__(*arguments, **options)
            except Exception:
                self.close()
                raise

    security = None
    if scheduler.startswith(TLS):
        security = Security()
        # Reads the files and matches them, so that a wrong one is not taken for a silent scheduler.
        with refused(
            "the certificates of Dask's configuration cannot be used: ", kinds=(OSError, TypeError)
        ):
            security.get_connection_args("client")
    try:
        return ClosedClient(scheduler, timeout=CONNECTING, set_as_default=False, security=security)
    except (OSError, TypeError, ValueError) as error:  # TypeError: tls:// without certificates
        advice = ""
        if scheduler.startswith(TLS):
            advice = "; Dask's configuration names certificates: DASK_DISTRIBUTED__COMM__TLS__..."
        raise UserError(
            f"no Dask scheduler answers at {scheduler}: {error or type(error).__name__}{advice}"
        ) from error


def on_cluster(jobs: Sequence[Job], scheduler: str) -> Rows:
    """Measure jobs on the workers of a Dask scheduler, and yield each row when it is known.

    Raises
    ------
    UserError
        If Dask is not installed, the scheduler does not answer, it has no worker for a minute,
        or one chip loses one worker after another.
    """
    client = connect(scheduler)
    from distributed import Future, KilledWorker  # an optional package

    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting: dict[Future, Job] = {}
    try:
        for job in jobs:
            future = client.submit(measure, job, pure=False)
            waiting[future] = job
            future.add_done_callback(finished.put)
        while waiting:
            future = _next_finished(finished, client, scheduler)
            job = waiting.pop(future)
            try:
                yield future.result()
            except KilledWorker:  # Dask has tried it on other workers already
                raise UserError(
                    f"chip {job.chip} of {job.point.network} lost its worker again and again, "
                    "perhaps for want of memory"
                ) from None
    finally:
        # The scheduler drops jobs without a client.
        client.close(timeout=1)


def _next_finished(finished: queue.SimpleQueue[Any], client: Any, scheduler: str) -> Any:
    """Return the next future that is done, while the cluster has workers."""
    seen = time.monotonic()
    while True:
        with contextlib.suppress(queue.Empty):
            return finished.get(timeout=LOOK)
        problem = None
        if client.status != "running":
            problem = "is gone"
        elif time.monotonic() - seen > PATIENCE:
            problem = "has no worker"
        if problem is not None:
            raise UserError(
                f"the scheduler at {scheduler} {problem}; start it: the same command "
                "goes on from what is done"
            )
        if client.scheduler_info(n_workers=-1)["workers"]:
            seen = time.monotonic()
