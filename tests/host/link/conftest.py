"""Serial ports that are none: pseudo terminals, with the virtual board or nobody behind them."""

import os
import pty
import select
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class Bridge:
    """A pseudo terminal whose other end is a virtual board's pipes."""

    def __init__(self, program: Path) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def _carry(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        ends = [self._master, self.process.stdout.fileno()]
        while not self._over.is_set():
            ready, _, _ = select.select(ends, [], [], 0.05)
            if self._master in ready:
                self.process.stdin.write(os.read(self._master, 1 << 16))
            if ends[1] in ready:
                answer = os.read(ends[1], 1 << 10)
                while answer:
                    answer = answer[os.write(self._master, answer) :]

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        with self.process:
            self.process.kill()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def bridged() -> Iterator[Callable[[Path], str]]:
    """Put a virtual board behind a pseudo terminal, and return the port's name."""
    bridges = []

    def open_bridge(program: Path) -> str:
        bridges.append(Bridge(program))
        return bridges[-1].name

    yield open_bridge
    for bridge in bridges:
        bridge.close()


@pytest.fixture
def dead_port() -> Iterator[str]:
    """A serial port on which nobody listens."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)
