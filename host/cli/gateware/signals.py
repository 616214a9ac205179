"""Signals that tell a command that serves what its user wants."""

import signal
import socket
from typing import Self


class Signals:
    """What the user wants: an end, or a reset.

    Attributes
    ----------
    wake : int
        A file that can be read when something is wanted.
    """

    ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._here, there = socket.socketpair()
        there.setblocking(False)
        self._here.setblocking(False)
        self._there = there
        self.wake = self._here.fileno()
        self._before = {
            number: signal.signal(number, lambda *_: None)
            for number in (*self.ENDS, signal.SIGUSR1)
            if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN)  # nohup
        }
        self._wakeup = signal.set_wakeup_fd(there.fileno())

    def wanted(self) -> bytes:
        """Numbers of the signals that came."""
        return self._here.recv(256)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._here.close()
        self._there.close()
