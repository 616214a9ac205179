"""Who measures the chips: this process, others on this machine, or a cluster.

Each of these yields jobs with their outcomes in whatever order they come. A chip is a seed, so
it does not matter who measures it: a worker that is lost costs a retry of what it had in hand.
"""

import os
import queue
import signal
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from joblib import Parallel, delayed

from allspin.host.sweep.job import (
    NOBODY,
    Job,
    Outcome,
    Watch,
    close_machines,
    lots,
    measure,
    measure_lot,
)
from allspin.sim.errors import UserError
from allspin.sim.files import open_file
from allspin.sim.options import option

if TYPE_CHECKING:
    from distributed import Client


# A Dask cluster: where its scheduler is, and with which certificates it is spoken to.

MAX_CERTIFICATE = 1 << 22
"""Bytes of a file of certificates."""
CONNECTING = 10.0
"""Seconds for a scheduler to answer."""
TLS = "tls://"


@dataclass(frozen=True)
class Cluster:
    """A cluster's scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.5:8786``, or ``tls://10.0.0.5:8786``.
    ca_file : Path, optional
        Certificates of the authority that signed the scheduler's, in PEM. Without them, those of
        Dask's own configuration.
    certificate, key : Path, optional
        Certificate of this side and its key, in PEM; without a key, it is in the certificate's
        file.

    Raises
    ------
    ValueError
        If certificates are named but not those that TLS needs, or the address is another kind's.
    """

    address: str = field(
        metadata=option(
            "measure on a Dask cluster, such as tls://HOST:8786", "ADDRESS", flag="--scheduler"
        )
    )
    ca_file: Path | None = field(
        default=None,
        metadata=option("with tls://, who vouches for the cluster", "PEM", flag="--tls-ca-file"),
    )
    certificate: Path | None = field(
        default=None,
        metadata=option("with tls://, what this machine shows to it", "PEM", flag="--tls-cert"),
    )
    key: Path | None = field(
        default=None,
        metadata=option("with tls://, the key of that (in the same file)", "PEM", flag="--tls-key"),
    )

    def __post_init__(self) -> None:
        files = (self.ca_file, self.certificate, self.key)
        if not any(files):
            return
        if self.ca_file is None or self.certificate is None:
            raise ValueError(
                "a scheduler with TLS needs both `ca_file` and `certificate`, for the two sides "
                "show their certificates to one another"
            )
        if not self.address.startswith(TLS):
            raise ValueError(
                f"certificates are for a scheduler at {TLS}HOST:PORT, not at {self.address}"
            )

    def connect(self) -> "Client":
        """A client of the scheduler.

        Raises
        ------
        UserError
            If Dask is not installed, a certificate cannot be used, or the scheduler does not
            answer or does not accept it.
        """
        try:
            from distributed import Client
        except ImportError:
            raise UserError(
                "a cluster needs Dask; install the package distributed, or allspin[cluster]"
            ) from None

        class Closing(Client):
            """One that is closed if it cannot connect: Dask's own waits for that at exit."""

            def __init__(self, *arguments: Any, **options: Any) -> None:
                try:
                    super().__init__(*arguments, **options)
                except Exception:
                    self.close()
                    raise

        security = self._security()
        try:
            return Closing(
                self.address, timeout=CONNECTING, set_as_default=False, security=security
            )
        except TypeError as error:  # what Dask raises for tls:// without certificates
            raise UserError(
                f"the scheduler at {self.address} needs certificates: `ca_file` and `certificate` "
                f"name them ({error})"
            ) from error
        except (OSError, ValueError) as error:
            raise UserError(
                f"no Dask scheduler answers at {self.address}: {error or type(error).__name__}"
            ) from error

    def _security(self) -> Any:
        """Dask's own object of the certificates; None, for its configuration, without them."""
        if self.ca_file is None:
            return None
        from distributed.security import Security

        names = {
            "tls_ca_file": self.ca_file,
            "tls_client_cert": self.certificate,
            "tls_client_key": self.key or self.certificate,
        }
        security = Security(require_encryption=True, **{k: str(v) for k, v in names.items()})
        try:
            for path in names.values():
                assert path is not None
                open_file(path, "certificate", MAX_CERTIFICATE)[0].close()
            security.get_connection_args("client")  # which reads and matches them
        except OSError as error:  # ssl.SSLError is one
            where = f": {error.filename}" if error.filename else ""
            raise UserError(
                f"the certificates cannot be used: {error.strerror or error}{where}"
            ) from error
        return security


LOSSES = 3
"""Workers that may be lost in a row without a chip done between, or by one chip on a cluster."""
PATIENCE = 60.0
"""Seconds that a cluster may be without a worker."""
LOOK = 2.0
"""Seconds between two looks at a cluster that is silent."""
ORPHANED = 0.5
"""Seconds between two looks of a worker at whether its parent is there."""
STARTING = 10.0
"""Seconds that workers have to begin: one may be killed as it starts."""
SOON = 0.01
"""Seconds between two looks at how many have."""
IDLE = 10
"""Seconds after which a worker without work ends."""
TIDYING = "ignore:resource_tracker:UserWarning"
"""Python's option that silences what the tracker of semaphores and folders says."""

Done = Generator[tuple[Job, Outcome], None, None]


def in_this_process(jobs: Sequence[Job], watch: Watch = NOBODY) -> Done:
    """Measure jobs here, one after another, or together where a board can; `watch` as there."""
    try:
        for lot in lots(jobs):
            yield from measure_lot(lot, watch)
    finally:
        close_machines()


def _leave_with(parent: int) -> None:
    """End this process soon after its parent has ended, however that did."""
    while os.getppid() == parent:
        time.sleep(ORPHANED)
    os._exit(1)


def _begin(parent: int, begun: str) -> None:
    # Ctrl-C reaches the whole group: a worker has nothing to save, so it just goes. One that came
    # while this was starting has waited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # Loky's workers would wait minutes for a parent that was killed.
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    with suppress(OSError):  # the parent waits no longer
        Path(begun, str(os.getpid())).touch()


@contextmanager
def _noted_interrupts() -> Iterator[None]:
    """Let Ctrl-C act afterwards only, though another thread of this process may get it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)  # waits for the mask


@contextmanager
def _starting(workers: int) -> Iterator[str]:
    """Hold Ctrl-C back until the workers that are started meanwhile have begun.

    A Python that is interrupted as it starts prints where it was, and so does a worker whose pool
    is gone before it has begun.

    Parameters
    ----------
    workers : int
        How many.

    Yields
    ------
    str
        A folder; each worker leaves a file there when it has begun.
    """
    # Python's own, which joblib starts with the first worker, lets signals through afterwards.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _noted_interrupts(), TemporaryDirectory(prefix="allspin-") as begun:
            yield begun
            deadline = time.monotonic() + STARTING
            while len(os.listdir(begun)) < workers and time.monotonic() < deadline:
                time.sleep(SOON)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _measured(job: Job) -> tuple[Job, Outcome]:
    return job, measure(job)


def _end_quietly() -> None:
    """Let joblib say nothing of a pool that ends before its work does.

    It warns of tasks that are dropped, and its manager's thread may stumble over them; the
    process that tidies up behind it may find that already done. An interrupt is one line, and
    what is dropped is measured when the sweep goes on.
    """
    warnings.filterwarnings(
        "ignore", "[0-9]+ tasks (which were still being processed|have been successfully executed)"
    )
    if TIDYING not in sys.warnoptions:
        # Handed on to every Python process that multiprocessing starts from here.
        sys.warnoptions.append(TIDYING)
    previous = threading.excepthook

    def hook(fault: threading.ExceptHookArgs) -> None:
        if fault.thread is None or "ExecutorManager" not in fault.thread.name:
            previous(fault)

    threading.excepthook = hook


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
    _end_quietly()
    left = dict.fromkeys(jobs)
    losses = 0
    while left:
        with _starting(workers) as begun:
            pool = Parallel(
                n_jobs=workers,
                backend="loky",
                return_as="generator_unordered",
                # A job takes a tenth of a second or more: one by one costs nothing.
                batch_size=cast(Any, 1),
                # Whatever is handed out later may be handed out while the pool is being ended.
                pre_dispatch="all",
                initializer=_begin,
                initargs=(os.getpid(), begun),
                idle_worker_timeout=IDLE,
            )
            outcomes = cast(
                Generator[tuple[Job, Outcome], None, None],
                pool(delayed(_measured)(job) for job in list(left)),
            )
        try:
            with closing(outcomes):
                for job, outcome in outcomes:
                    del left[job]
                    losses = 0
                    yield job, outcome
        except BrokenProcessPool:
            losses += 1
            if losses > LOSSES:
                raise UserError(
                    "worker processes are killed again and again, perhaps for want of memory; "
                    "give fewer `workers`: the same command goes on from what is done"
                ) from None


def on_cluster(jobs: Sequence[Job], cluster: Cluster) -> Done:
    """Measure jobs on the workers of a Dask scheduler.

    Parameters
    ----------
    jobs : sequence of Job
        The jobs.
    cluster : Cluster
        Where the scheduler is.

    Raises
    ------
    UserError
        If Dask is not installed, the scheduler does not answer, it has no worker for a minute,
        or one chip loses one worker after another.
    """
    client = cluster.connect()
    from distributed import Future
    from distributed.scheduler import KilledWorker

    address = cluster.address
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
