"""The virtual board as a serial port: a pseudo-terminal that any client can open."""

import contextlib
import os
import select
from typing import Protocol

from allspin.host.data.closing import Closing
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.systems import SystemModule

pty, termios, tty = map(SystemModule, ("pty", "termios", "tty"))

CHUNK = 1 << 16
"""Most bytes of one read from the port."""
ABSENT_POLL = 0.02
"""Seconds between two checks for a client: the system does not notify of one."""
CLIENT_POLL = 0.05
"""Seconds between two attempts to pass bytes on to a slow client."""


class PortLine(Protocol):
    """Line behind a port: a `BoardLine`, or a test's line with faults."""

    @property
    def board(self) -> VirtualTransport:
        """The board that runs now."""
        ...

    @property
    def pending(self) -> bool:
        """True if bytes wait for the board."""
        ...

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Take bytes for the board, and return bytes that it sent."""
        ...

    def close(self) -> None:
        """Close the stream to the board."""


class VirtualPort(Closing):
    """Pseudo-terminal with a board behind it, for one client after another.

    The terminal is raw: it passes each byte as it is, whatever settings an earlier client left.
    No byte is lost: the faster side waits for the slower one. Bytes that a client left unread are
    gone with it, as on a serial port.

    Parameters
    ----------
    line : PortLine
        Line to the board, which `close` closes.

    Attributes
    ----------
    path : str
        Path for clients to open.
    """

    def __init__(self, line: PortLine) -> None:
        self._line = line
        self._master, slave = pty.openpty()
        self.path = os.ttyname(slave)
        # With the client's end closed, the system tells whether a client has it open.
        os.close(slave)
        os.set_blocking(self._master, False)
        tty.setraw(self._master)
        self._raw = termios.tcgetattr(self._master)
        self._requests = b""
        self._answers = b""
        self._has_client = False

    def carry(self, wake: int) -> bool:
        """Wait for bytes or for `wake`, and carry the bytes.

        Parameters
        ----------
        wake : int
            File descriptor that ends the wait when it can be read.

        Returns
        -------
        bool
            True if `wake` can be read.

        Raises
        ------
        Disconnected
            If the board is gone.
        """
        ready = self._wait(wake, self._look_for_client())
        # Answers first: requests that are held back then wait for the next turn.
        self._pass_answers()
        if not self._answers:
            sent, self._answers = self._line.exchange(self._requests, 0.0)
            self._requests = self._requests[sent:]
            self._pass_answers()
        return ready

    def _wait(self, wake: int, readable: bool) -> bool:
        """Wait, read a client's bytes, and return True if `wake` can be read."""
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        if self._line.pending:
            poll.register(self._line.board.input, select.POLLOUT)
        if not self._answers:
            poll.register(self._line.board.output, select.POLLIN)
        if self._has_client:
            events = 0 if self._requests else select.POLLIN
            if self._answers:
                events |= select.POLLOUT
            poll.register(self._master, events)
            patience = CLIENT_POLL if self._answers else None
        else:
            patience = 0.0 if readable and not self._requests else ABSENT_POLL
        ready = dict(poll.poll(None if patience is None else patience * 1000))
        if not self._requests and (readable or ready.get(self._master, 0) & select.POLLIN):
            # A client may take back its bytes, and leave.
            with contextlib.suppress(OSError):
                self._requests = os.read(self._master, CHUNK)
        return bool(ready.get(wake))

    def _look_for_client(self) -> bool:
        """Find out if a client has the port open; return True if it wrote anything."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = dict(poll.poll(0)).get(self._master, 0)
        had_client = self._has_client
        self._has_client = not events & select.POLLHUP
        if had_client and not self._has_client:
            self._drop_unread()
        # A client that came and went between two looks may have changed the settings, too.
        if not self._has_client and termios.tcgetattr(self._master) != self._raw:
            termios.tcsetattr(self._master, termios.TCSANOW, self._raw)
        return bool(events & select.POLLIN)

    def _drop_unread(self) -> None:
        """Drop the bytes that a client left unread."""
        self._answers = b""
        termios.tcflush(self._master, termios.TCOFLUSH)
        client = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(client, termios.TCIFLUSH)
        os.close(client)

    def _pass_answers(self) -> None:
        """Pass answers on to the client; without a client they are dropped."""
        if not self._has_client:
            self._answers = b""
        if self._answers:
            with contextlib.suppress(BlockingIOError):
                written = os.write(self._master, self._answers)
                self._answers = self._answers[written:]

    def close(self) -> None:
        """Remove the port, and close the line to the board."""
        os.close(self._master)
        self._line.close()
