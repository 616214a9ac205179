"""The virtual board as a serial port: a pseudo-terminal, and what carries bytes through it."""

import contextlib
import os
import pty
import select
import termios
import tty

from allspin.host.data.files import Closing
from allspin.host.virtual.board import VirtualTransport
from allspin.host.virtual.faults import FaultyTransport

CHUNK = 1 << 16
"""Bytes that are read of the port at a time."""
ABSENT_POLL = 0.02
"""Seconds between looks at whether a client has opened the port: the system does not tell."""
CLIENT_POLL = 0.05
"""Seconds after which a client that was too slow is offered its bytes again."""


class VirtualPort(Closing):
    """A pseudo-terminal with a board behind it, for one client after another.

    It is raw: each byte passes as it is, whatever the client before made of the terminal's
    settings. Nothing is lost but what the link's faults lose: whoever is faster than the other
    side waits for it. What a client left unread is gone with it, as on a serial port.

    Parameters
    ----------
    link : FaultyTransport
        The stream to the board; `close` closes it.

    Attributes
    ----------
    path : str
        What a client opens.
    """

    def __init__(self, link: FaultyTransport[VirtualTransport]) -> None:
        self._link = link
        self._master, slave = pty.openpty()
        self.path = os.ttyname(slave)
        # With no client's end open, the system tells whether there is a client.
        os.close(slave)
        os.set_blocking(self._master, False)
        tty.setraw(self._master)
        self._raw = termios.tcgetattr(self._master)
        self._requests = self._answers = b""
        self._client = False

    def carry(self, wake: int) -> bool:
        """Wait until there is something to carry, and carry it.

        Parameters
        ----------
        wake : int
            A file that ends the wait when it can be read.

        Returns
        -------
        bool
            Whether `wake` can be read.

        Raises
        ------
        Disconnected
            If the board is gone.
        """
        poll, board = select.poll(), self._link.board
        poll.register(wake, select.POLLIN)
        if self._link.pending:
            poll.register(board.input, select.POLLOUT)
        if not self._answers:
            poll.register(board.output, select.POLLIN)
        readable = self._look()
        if self._client:
            wanted = 0 if self._requests else select.POLLIN
            poll.register(self._master, wanted | bool(self._answers) * select.POLLOUT)
            patience = CLIENT_POLL if self._answers else None
        else:
            patience = 0.0 if readable and not self._requests else ABSENT_POLL
        ready = dict(poll.poll(None if patience is None else patience * 1000))
        if not self._requests and (readable or ready.get(self._master, 0) & select.POLLIN):
            with contextlib.suppress(OSError):  # a client may take back what it wrote, and leave
                self._requests = os.read(self._master, CHUNK)
        # Answers first: requests that are kept back then wait for what the next turn waits for.
        self._answer()
        if not self._answers:
            sent, self._answers = self._link.exchange(self._requests, 0.0)
            self._requests = self._requests[sent:]
            self._answer()
        return bool(ready.get(wake))

    def _look(self) -> bool:
        """See whether a client has the port open, and return whether one wrote something."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = dict(poll.poll(0)).get(self._master, 0)
        left = self._client and events & select.POLLHUP
        self._client = not events & select.POLLHUP
        if left:
            self._forget()
        # One that came and went between two looks may have changed the settings too.
        if not self._client and termios.tcgetattr(self._master) != self._raw:
            termios.tcsetattr(self._master, termios.TCSANOW, self._raw)
        return bool(events & select.POLLIN)

    def _forget(self) -> None:
        """Drop what the client that left would have read."""
        self._answers = b""
        termios.tcflush(self._master, termios.TCOFLUSH)
        client = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(client, termios.TCIFLUSH)
        os.close(client)

    def _answer(self) -> None:
        if not self._client:
            self._answers = b""
        if self._answers:
            try:
                written = os.write(self._master, self._answers)
            except BlockingIOError:
                return
            self._answers = self._answers[written:]

    def close(self) -> None:
        """Take the port away, and let go of the board."""
        os.close(self._master)
        self._link.close()
