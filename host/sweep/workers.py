"""Who measures the chips beside this process: others on this machine, or a cluster.

A chip is a seed, so it does not matter who measures it: a worker that is lost costs a retry of
what it had in hand.
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
from allspin.host.sweep.job import Job, Rows, measure
from allspin.sim.errors import UserError, refused
from allspin.sim.systems import naming_extras

T = TypeVar("T")
R = TypeVar("R")

LOSSES = 3
"""Workers that may be lost in a row without a chip done between."""
ORPHANED = 0.5
"""Seconds between two looks of a worker at whether its parent is there."""
IDLE = 10
"""Seconds after which a worker without work ends."""
TIDYING = "ignore:resource_tracker:UserWarning"
"""Python's option that silences what the tracker of semaphores and folders says."""


def _leave_with(parent: int) -> None:
    """End this process soon after its parent has ended, however that did."""
    while os.getppid() == parent:
        time.sleep(ORPHANED)
    os._exit(1)


def _begin(parent: int) -> None:
    # Loky's workers would wait minutes for a parent that was killed.
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _end_quietly() -> None:
    """Let nothing be said of a pool that ends before its work does: an interrupt is one line."""
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
def _interrupts_held() -> Iterator[None]:
    """Let interrupts wait while workers start.

    Ctrl-C reaches the whole group. A worker has nothing to save, and would print where it was: it
    inherits that SIGINT is blocked, and is killed by its parent. In the parent, any other thread
    takes the signal, and a worker that was begun by half would print that too: so it is noted, and
    then does what it would have done.
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
    """Do work in some processes of this machine, and yield jobs and results as they are done.

    Parameters
    ----------
    work : callable
        What is done with a job; it can be imported by a worker.
    jobs : iterable
        Each once.
    workers : int
        Processes.

    Raises
    ------
    UserError
        If workers are killed again and again, say for want of memory.
    """
    _end_quietly()
    left = dict.fromkeys(jobs)
    losses = 0
    while left:
        with for_tools_of_others():
            pool = ProcessPoolExecutor(
                workers, timeout=IDLE, initializer=_begin, initargs=(os.getpid(),), env=SAFE_PATH
            )
            # Either lets signals through once it has started.
            resource_tracker.ensure_running()
            loky_tracker.ensure_running()
        try:
            with _interrupts_held():
                waiting: dict[Any, T] = {pool.submit(work, job): job for job in left}
            for future in as_completed(waiting):
                result, job = future.result(), waiting.pop(future)
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
        finally:
            pool.shutdown(kill_workers=True)


PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""
LOOK = 2.0
"""Seconds between two looks at a cluster that is silent."""
CONNECTING = 10.0
"""Seconds for a scheduler to answer."""
TLS = "tls://"


def connect(scheduler: str) -> Any:
    """Return a client of a Dask scheduler; its certificates are those of Dask's configuration.

    Parameters
    ----------
    scheduler : str
        Address, such as ``tls://10.0.0.5:8786``.

    Raises
    ------
    UserError
        If Dask is not installed, a certificate cannot be used, or the scheduler does not
        answer or does not accept it.
    """
    with naming_extras():
        from distributed import Client, Security

    class ClosedClient(Client):
        """Client that is closed if it cannot connect: Dask's own waits for that at exit."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            try:
                super().__init__(*arguments, **options)
            except Exception:
                self.close()
                raise

    security = None
    if scheduler.startswith(TLS):
        security = Security()
        # Reads and matches them: a scheduler that does not answer is told apart.
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
    """Measure jobs on the workers of a Dask scheduler, and yield them as they are done.

    Raises
    ------
    UserError
        If Dask is not installed, the scheduler does not answer, it has no worker for a minute,
        or one chip loses one worker after another.
    """
    client = connect(scheduler)
    from distributed import Future, KilledWorker

    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting: dict[Future, Job] = {}
    seen = time.monotonic()
    try:
        for job in jobs:
            future = client.submit(measure, job, pure=False)
            waiting[future] = job
            future.add_done_callback(finished.put)
        while waiting:
            try:
                future = finished.get(timeout=LOOK)
            except queue.Empty:
                gone = client.status != "running"
                if gone or time.monotonic() - seen > PATIENCE:
                    what = "is gone" if gone else "has no worker"
                    raise UserError(
                        f"the scheduler at {scheduler} {what}; start it: the same command "
                        "goes on from what is done"
                    ) from None
                if client.scheduler_info(n_workers=-1)["workers"]:
                    seen = time.monotonic()
                continue
            seen = time.monotonic()
            job = waiting.pop(future)
            try:
                yield future.result()
            except KilledWorker:  # Dask has given it to others already
                raise UserError(
                    f"chip {job.chip} of {job.point.network} lost its worker again and again, "
                    "perhaps for want of memory"
                ) from None
    finally:
        # The scheduler forgets what nobody waits for any more.
        client.close(timeout=1)
