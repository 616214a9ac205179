"""``allspin virtual``: the virtual board as a serial port."""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.shared import NetworkName, Steps
from allspin.host.data.catalogue import open_network
from allspin.host.machines.opening import virtual_program
from allspin.host.machines.programmer import SUM_CHIPS
from allspin.host.machines.resident import VIRTUAL_RESIDENT, VIRTUAL_SDRAM
from allspin.host.options import parsed
from allspin.host.show.display import BuildWatch
from allspin.host.show.say import say, tell
from allspin.host.virtual.board import VirtualTransport
from allspin.host.virtual.board_line import BoardLine
from allspin.host.virtual.port import VirtualPort
from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.network.network import MAX_LINES, WIDTHS
from allspin.sim.network.random_network import random_network

TERMINALS = "/dev/pts/"
CLOCK = 1.0
"""Resolution of the times of some file systems in seconds."""


def check_link(link: Path) -> None:
    """Check that a link to a port can be made.

    A stale link of an earlier run may be replaced: one to a terminal that is gone, or that was
    opened after the link was made, since the system reuses the numbers of terminals.

    Raises
    ------
    UserError
        If the folder does not exist, or the path exists and is not a stale link.
    """
    stale = link.is_symlink() and os.readlink(link).startswith(TERMINALS)
    if stale and link.exists():
        stale = link.stat().st_ctime > link.lstat().st_mtime + CLOCK
    if os.path.lexists(link) and not stale:
        raise UserError(f"cannot make the link {link}: something else is there")
    if not link.parent.is_dir():
        raise UserError(f"cannot make the link {link}: there is no folder {link.parent}")


@contextlib.contextmanager
def linked(link: Path | None, path: str) -> Iterator[None]:
    """Keep a symbolic link to a port while the context is open; do nothing without a link.

    Raises
    ------
    UserError
        If the link cannot be made.
    """
    if link is None:
        yield
        return
    check_link(link)
    with refused(f"cannot make the link {link}: ", kinds=OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    try:
        yield
    finally:
        if link.is_symlink() and os.readlink(link) == path:
            link.unlink()


@contextlib.contextmanager
def signals() -> Iterator[socket.socket]:
    """Yield a socket that receives the numbers of signals: an end, or SIGUSR1 for a reset."""
    here, there = socket.socketpair()
    here.setblocking(False)
    there.setblocking(False)
    before = {
        number: signal.signal(number, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
        if (number, signal.getsignal(number)) != (signal.SIGHUP, signal.SIG_IGN)  # under nohup
    }
    wakeup = signal.set_wakeup_fd(there.fileno())
    try:
        yield here
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        here.close()
        there.close()


EXAMPLES = """\
  kill -USR1 PID   resets the board now

examples:
  allspin virtual mnist-10
  allspin virtual mnist-10 --link board  # then: allspin run mnist-10 --on board
  allspin virtual mnist-10 --general 1024-136-136-32 --rows-per-clock 2
  allspin virtual paper-10 --chip-maker --resident --rows-per-clock 4
"""


def sizes(text: str) -> tuple[int, ...]:
    """Read widths from the pixels to the classes, with hyphens between them."""
    try:
        parts = map(int, text.split("-"))
        return tuple(check_range("each of the sizes", part, 1, MAX_LINES) for part in parts)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a list of widths from 1 to {MAX_LINES} such as 1024-104-16"
        ) from None


def run(
    network: NetworkName,
    /,
    *,
    rows_per_clock: int = 1,
    keep_states: bool = False,
    chip_maker: bool = False,
    general: Annotated[tuple[int, ...], parsed(sizes, "SIZES")] = (),
    resident: bool = False,
    sdram: bool = False,
    link: Annotated[Path | None, Parameter(metavar="LINK")] = None,
    steps: Steps,
) -> int:
    """Open the virtual board as a serial port: a pseudo-terminal, whose path is printed.

    It behaves like a board on a serial port, for this program (--on PATH) and for clients in any
    language, one after another. It stays programmed until it is reset. Ctrl-C ends it.

    Parameters
    ----------
    network : str
        Network file, or the name of a shipped network.
    rows_per_clock : int
        Rows that are driven in a cycle, 1, 2, 4, 8 or 16.
    keep_states : bool
        Keep states in place of R_AH words.
    chip_maker : bool
        Build the board with the gateware that makes chips.
    general : tuple of int
        Build it for any network that fits into these widths, such as 1024-136-136-32; the named
        network has the numbers of bits.
    resident : bool
        Build it with a memory for resident images.
    sdram : bool
        The same, and that memory is a simulated SDRAM.
    link : Path, optional
        Symbolic link to the port, while it is open.
    """
    memory = VIRTUAL_RESIDENT if resident else None
    with refused(kinds=(ValueError, TypeError)):
        profile = HardwareProfile(
            rows_per_clock=rows_per_clock,
            states=keep_states,
            variation=SUM_CHIPS if chip_maker else None,
            resident=VIRTUAL_SDRAM if sdram else memory,
            general=bool(general),
        )
    if link is not None:
        check_link(link)
    opened = open_network(network)
    if general:
        widths = {name: getattr(opened, name) for name in WIDTHS}
        with refused("`general`: "):
            opened = random_network(general, 0, **widths)
    steps.start("building the virtual board")
    watch = BuildWatch(steps)
    program = virtual_program(opened, profile, progress=watch)
    steps.finish(watch.outcome.removeprefix("; "))
    _serve(program, network, link)
    return 0


def _serve(program: Path, network: str, link: Path | None) -> None:
    """Serve the virtual board on a pseudo-terminal until a signal ends it."""
    with (
        signals() as wanted,
        BoardLine(lambda: VirtualTransport(program)) as line,
        VirtualPort(line) as port,
        linked(link, port.path),
    ):
        say(port.path)
        sys.stdout.flush()
        where = port.path if link is None else f"{link} ({port.path})"
        tell(f"the virtual board of {network} is on {where}; Ctrl-C ends it")
        while True:
            if port.carry(wanted.fileno()):
                if set(wanted.recv(256)) - {signal.SIGUSR1}:
                    break
                line.reset()
                tell(f"  reset after {line.answers:,} answers")
    tell(f"  {line.requests:,} requests, {line.answers:,} answers")
