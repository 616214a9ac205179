"""Options of a build, and changes to the machine that is built."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args

from allspin.boards.board import Link
from allspin.boards.build.tools import Wanted
from allspin.host.options import (
    Options,
    megahertz,
    parsed,
)
from allspin.sim.parameters import (
    choice,
    number,
)

MAX_SEED = 2**31 - 1
MAX_SEEDS = 100
MAX_JOBS = 64


@dataclass(frozen=True)
class BuildChanges:
    """What a machine has in place of what its profile says.

    Parameters
    ----------
    lanes : int or None
        Columns that a row drives in a clock, 1 to 65535; None leaves the profile's.
    rows_per_clock : int or None
        Rows that are driven in a clock, 1, 2, 4, 8 or 16; None leaves the profile's.
    frequency : float or None
        Of the machine's clock, Hz; None leaves the profile's.
    baud : int or None
        Bits a second of the UART, for a bridge or an adapter that makes others; None leaves the
        board's.
    link : {"uart", "usb"} or None
        What carries bytes: the UART, or a USB port in gateware; None leaves the board's.
    """

    lanes: int | None = None
    rows_per_clock: int | None = None
    frequency: Annotated[float | None, parsed(megahertz, "MHZ")] = None
    baud: int | None = None
    link: Link | None = None

    def named(self, *names: str) -> dict[str, Any]:
        """Return some of the changes by name, without those that are None."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class BuildOptions(Options):
    """How boards are built.

    Parameters
    ----------
    seed : int
        The first seed of the placement, 1 to 2**31 - 1.
    seeds : int
        How many seeds are tried from that on, 1 to 100; the fastest counts.
    tools : {"auto", "native", "pypi"}
        Only installed tools (``native``), only those of PyPI, or installed ones first (``auto``).
    jobs : int
        Boards at a time, 1 to 64.

    Raises
    ------
    ValueError
        If one is out of its range; the message begins with its name.
    """

    seed: int = number(1, 1, MAX_SEED)
    seeds: int = number(1, 1, MAX_SEEDS)
    tools: Wanted = choice("auto", get_args(Wanted))  # noqa: RUF009
    jobs: int = number(1, 1, MAX_JOBS)
