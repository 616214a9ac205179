"""Serial ports that are none: pseudo-terminals, with the virtual board or nobody behind them."""

import contextlib
import os
import pty
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allspin.host.link.virtual.board import VirtualTransport
from allspin.host.link.virtual.faults import Faults, FaultyTransport
from allspin.host.link.virtual.port import VirtualPort


@contextlib.contextmanager
def served(port: VirtualPort) -> Iterator[None]:
    """Carry a port's bytes in a thread."""
    wake, ends = os.pipe()

    def carry() -> None:
        while not port.carry(wake):
            pass

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield
    finally:
        os.write(ends, b".")
        thread.join()
        os.close(wake)
        os.close(ends)


@pytest.fixture
def bridged() -> Iterator[Callable[[Path], str]]:
    """Put a virtual board behind a pseudo-terminal, and return the port's name."""
    with contextlib.ExitStack() as stack:

        def open_bridge(program: Path) -> str:
            link = FaultyTransport(lambda: VirtualTransport(program), Faults())
            port = stack.enter_context(VirtualPort(link))
            stack.enter_context(served(port))
            return port.path

        yield open_bridge


@pytest.fixture
def dead_port() -> Iterator[str]:
    """A serial port on which nobody listens."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)
