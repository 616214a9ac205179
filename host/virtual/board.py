"""The virtual board: a process that runs the compiled gateware, on two pipes; and its activity."""

import contextlib
import mmap
import os
import struct
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.data.files import Closing
from allspin.host.link.transport import BITS_PER_BYTE, Disconnected, Transport
from allspin.sim.errors import UserError
from allspin.sim.systems import SystemModule

fcntl, select = map(SystemModule, ("fcntl", "select"))

PIPE_BYTES = 1 << 20
"""Size that is asked of a pipe, so that neither end waits for the other's turn."""
READ_BYTES = 1 << 20
TIMEOUT = 60.0
"""Seconds of silence that even a large network on one lane does not need."""
UART_TIMEOUT = 2.0
"""The same for a UART, besides the time of the bits."""
SLOWEST = 1e5
"""Clocks a second that any machine simulates."""
PROBE_BYTES = 256
"""More than a question for the identity and its answer take."""
WINDOW_BYTES = 4096
"""More than is usually under way, either way."""
STOPWATCH = struct.Struct("=QQQ")
"""Whether the next byte starts the watch, the clock when it did, the clock of the last byte."""
CLOSING = 1.0
"""Seconds for the process to end by itself when its input has ended."""


class VirtualTransport(Transport):
    """A running virtual board.

    Parameters
    ----------
    program : Path
        What `allspin.boards.virtual.build.build` returned.
    bit_clocks : float or None
        For a machine with a UART: clocks a bit by the host's clock.
    trace : tuple of Path and int, optional
        File to which the engine's activity goes, and for how many clocks from the first
        event on; `read_trace` reads it when the board is closed.
    options : sequence of str
        More options of the program.
    slowest : float
        Clocks a second that any machine simulates; timeouts come of it.
    name : str
        What messages call it.

    Attributes
    ----------
    input, output : int
        File descriptors of the pipes to the board and from it, for whoever waits for other things
        too.

    Raises
    ------
    UserError
        If the program cannot be started.
    """

    def __init__(
        self,
        program: Path,
        *,
        bit_clocks: float | None = None,
        trace: tuple[Path, int] | None = None,
        options: Sequence[str] = (),
        slowest: float = SLOWEST,
        name: str = "the virtual board",
    ) -> None:
        self.name = name
        # A pipe loses nothing, so asking again would not help. Through a UART the window holds
        # and bytes may get lost, but time is the simulation's.
        command = [str(program), *options]
        self._stopwatch: mmap.mmap | None = None
        if bit_clocks is None:
            self.holds_back = True
            self.attempts = 1
            self.latency = self.timeout = self.probe_timeout = TIMEOUT
        else:
            self.advice = "its clock may differ too much from the host's"
            byte = BITS_PER_BYTE * bit_clocks / slowest
            self.probe_timeout = UART_TIMEOUT + PROBE_BYTES * byte
            self.latency = self.timeout = UART_TIMEOUT + 2 * WINDOW_BYTES * byte
            command += ["--bit-clocks", repr(bit_clocks)]
        if trace is not None:
            command += ["--trace", str(trace[0]), "--trace-clocks", str(trace[1])]
        with tempfile.TemporaryFile(prefix="allspin-") as shared:
            if bit_clocks is not None:
                shared.truncate(STOPWATCH.size)
                self._stopwatch = mmap.mmap(shared.fileno(), STOPWATCH.size)
                command += ["--stopwatch", str(shared.fileno())]
            try:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    pass_fds=(shared.fileno(),),
                    start_new_session=True,  # an interrupt is for the host alone
                )
            except OSError as error:
                raise UserError(f"cannot start {self.name} {program}: {error.strerror}") from error
        stdin, stdout, stderr = self.process.stdin, self.process.stdout, self.process.stderr
        assert stdin is not None and stdout is not None and stderr is not None  # noqa: PT018
        self._stderr = stderr
        self.input, self.output = stdin.fileno(), stdout.fileno()
        for pipe in (self.input, self.output):
            os.set_blocking(pipe, False)
            with contextlib.suppress(OSError, AttributeError):  # Linux only, and limited
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Give the process what it takes, and return what it gave."""
        poll = select.poll()
        poll.register(self.output, select.POLLIN)
        if data:
            poll.register(self.input, select.POLLOUT)
        ready = dict(poll.poll(timeout * 1000))
        sent = 0
        if ready.get(self.input):
            try:
                sent = os.write(self.input, data)
            except BlockingIOError:
                pass
            except BrokenPipeError:
                raise self._died() from None
        received = b""
        if ready.get(self.output):
            received = os.read(self.output, READ_BYTES)
            if not received:
                raise self._died()
        return sent, received

    def start_stopwatch(self) -> None:
        """Let the next byte that is sent start the count of `elapsed_clocks`."""
        if self._stopwatch is not None:
            STOPWATCH.pack_into(self._stopwatch, 0, 1, 0, 0)

    def elapsed_clocks(self) -> int | None:
        """Clocks from the stopwatch's start to the last byte; None without a UART."""
        if self._stopwatch is None:
            return None
        _, begun, ended = STOPWATCH.unpack_from(self._stopwatch)
        return ended - begun

    def _died(self) -> Disconnected:
        """Why the process is gone, in one line."""
        try:
            status = self.process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            return Disconnected(f"{self.name} closed its end of the link")
        if status < 0:
            reason = f"killed by signal {-status}"
        else:
            reason = f"exited with status {status}"
            lines = self._stderr.read().decode(errors="replace").split("\n")
            if lines[0]:
                reason += f": {lines[0]}"
        return Disconnected(f"{self.name} died ({reason})")

    def close(self) -> None:
        """End the process: by itself if it does so soon, else by force."""
        with self.process as process:  # closes its pipes
            # It may have more to say before it ends.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=CLOSING)
            process.kill()


def read_trace(path: Path) -> npt.NDArray[np.uint64]:
    """What the engine did clock by clock, as the board wrote it.

    Returns
    -------
    ndarray of uint64, shape (clocks,)
        Layer k has bits 4k to 4k + 3: an event was taken, it was its image's last, a sum was
        taken, it was its image's last.
    """
    return np.fromfile(path, dtype="<u8")


WORD = 8
"""Bytes of a clock's word."""
ALL_CLOCKS = 1 << 62
"""More clocks than any board runs for."""
KEPT = 1 << 18
"""Clocks that are kept at most."""
QUIET = 1024
"""Clocks without activity after which nothing of an image is under way: more than the program holds
back before it writes."""
WAIT = 0.2
"""Seconds between looks at whether the tap is closed."""


class ActivityTap(Closing):
    """A pipe that takes the engine's activity of a virtual board that runs, for as long as it runs.

    `VirtualTransport` takes `trace`. A thread empties the pipe, so that the board never waits.

    Attributes
    ----------
    trace : tuple of Path and int
        Where the board writes, and for how many clocks.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="allspin-")
        path = Path(self._folder.name) / "activity"
        os.mkfifo(path, 0o600)
        # The board could not open its end if this one were not open.
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._file, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.trace = (path, ALL_CLOCKS)
        self._changed = threading.Condition()
        self._bytes = bytearray()
        self._ended = False
        self._thread = threading.Thread(target=self._empty, daemon=True)
        self._thread.start()

    def _empty(self) -> None:
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        while not self._ended:
            ready = poll.poll(WAIT * 1000)
            content = os.read(self._file, PIPE_BYTES) if ready else b""
            if ready and not content:
                break  # the board has ended
            with self._changed:
                self._bytes += content
                if len(self._bytes) > 2 * KEPT * WORD:
                    del self._bytes[: len(self._bytes) // WORD * WORD - KEPT * WORD]
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _is_quiet(self) -> bool:
        return self._ended or not any(self._bytes[-QUIET * WORD :])

    def clear(self, timeout: float) -> bool:
        """Forget what was, when it is over; nothing may be under way.

        Parameters
        ----------
        timeout : float
            Seconds to wait for its end.

        Returns
        -------
        bool
            Whether it was over in time.
        """
        with self._changed:
            over = self._changed.wait_for(self._is_quiet, timeout)
            del self._bytes[: len(self._bytes) // WORD * WORD]
            return over and not self._ended

    def take(self, last: int, timeout: float) -> npt.NDArray[np.uint64] | None:
        """What the engine did for one image since `clear`.

        Parameters
        ----------
        last : int
            Bit of the activity's word that tells the image's end.
        timeout : float
            Seconds to wait for it.

        Returns
        -------
        ndarray of uint64, shape (clocks,), or None
            From its first activity to its end, as `read_trace` has it; None if it did not come
            in time.
        """

        def whole() -> list[npt.NDArray[np.uint64]] | bool:
            size = len(self._bytes) // WORD * WORD
            words = np.frombuffer(bytes(self._bytes[:size]), "<u8")
            ends = np.flatnonzero(words >> np.uint64(last) & np.uint64(1))
            if ends.size:
                return [words[np.flatnonzero(words)[0] : ends[0] + 1]]
            return self._ended

        with self._changed:
            found = self._changed.wait_for(whole, timeout)
        return found[0] if isinstance(found, list) else None

    def close(self) -> None:
        """End the thread; the board must have ended before."""
        self._ended = True
        self._thread.join()
        os.close(self._file)
        self._folder.cleanup()
