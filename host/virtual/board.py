"""The virtual board's process, which simulates the compiled gateware, on two pipes."""

import contextlib
import mmap
import os
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from allspin.host.link.transport import BITS_PER_BYTE, Disconnected, Transport
from allspin.sim.errors import UserError
from allspin.sim.systems import SystemModule

fcntl, select = map(SystemModule, ("fcntl", "select"))

PIPE_BYTES = 1 << 20
"""Requested size of a pipe, so that neither end waits for the other."""
READ_BYTES = 1 << 20
TIMEOUT = 60.0
"""Seconds of silence that exceed even a large network's time on one lane."""
UART_TIMEOUT = 2.0
"""The same for a UART, besides the time of its bits."""
SLOWEST = 1e5
"""Clocks a second that any machine simulates at least."""
PROBE_BYTES = 256
"""Bytes that exceed a question for the identity and its answer."""
WINDOW_BYTES = 4096
"""Bytes that exceed the usual ones under way in either direction."""
STOPWATCH = struct.Struct("=QQQ")
"""Words of the stopwatch: a flag that the next byte starts it, its start, the last byte's clock."""
CLOSING = 1.0
"""Seconds for the process to end by itself after its input has ended."""


class VirtualTransport(Transport):
    """Virtual board that runs as a process.

    Parameters
    ----------
    program : Path
        Program that `allspin.boards.virtual.build.build` returned.
    bit_clocks : float or None
        Clocks a bit by the host's clock, for a machine with a UART; None for one without.
    trace : tuple of Path and int, optional
        File to which the engine's activity goes, and for how many clocks from the first
        event on; `read_trace` reads it when the board is closed.
    options : sequence of str
        Further options of the program.
    slowest : float
        Least clocks a second of the simulation, from which time-outs follow.
    name : str
        Name in messages.

    Attributes
    ----------
    input, output : int
        File descriptors of the pipes to the board and from it, to wait for with other files.

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
        # A pipe loses no byte, so asking again would not help. Through a UART the window holds
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
        """Exchange bytes with the process's pipes."""
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
        """Start the count of `elapsed_clocks` with the next byte that is sent."""
        if self._stopwatch is not None:
            STOPWATCH.pack_into(self._stopwatch, 0, 1, 0, 0)

    def elapsed_clocks(self) -> int | None:
        """Return the clocks from the stopwatch's start to the last byte; None without a UART."""
        if self._stopwatch is None:
            return None
        _, begun, ended = STOPWATCH.unpack_from(self._stopwatch)
        return ended - begun

    def _died(self) -> Disconnected:
        """Return an error of one line about the end of the process."""
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
        """End the process, by force if it does not end soon by itself."""
        with self.process as process:  # closes its pipes
            # It may have more to say before it ends.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=CLOSING)
            process.kill()
