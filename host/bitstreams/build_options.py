"""Options of a build, and changes to the machine that is built."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args

from allspin.boards.board import Link
from allspin.boards.build.tools import Wanted
from allspin.host.options import (
    HIDDEN,
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
    """Values of a machine that differ from those of its profile.

    Parameters
    ----------
    lanes : int or None
        Columns that a row drives in a cycle, 1 to 65535: the profile's unless given.
    rows_per_clock : int or None
        Rows that are driven in a cycle, 1, 2, 4, 8 or 16: the profile's unless given.
    frequency : float or None
        Clock of the machine: the profile's unless given (in Hz in Python).
    baud : int or None
        Bits a second of the UART, for a bridge or an adapter that has others: the board's unless
        given.
    link : {"uart", "usb"} or None
        Carrier of the bytes, the UART or a USB port in gateware: the board's unless given.
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
    """Seeds, tools and jobs of a build.

    Parameters
    ----------
    seed : int
        First seed of the placement, 1 to 2**31 - 1.
    seeds : int
        Number of seeds that are tried from the first on, 1 to 100; the fastest counts.
    tools : {"auto", "native", "pypi"}
        Tools: installed ones only (native), those of PyPI only (pypi), or installed ones first
        (auto).
    jobs : int
        Number of boards that are built at a time, 1 to 64.

    Raises
    ------
    ValueError
        If one is out of its range; the message begins with its name.
    """

    seed: Annotated[int, HIDDEN] = number(1, 1, MAX_SEED)
    seeds: int = number(1, 1, MAX_SEEDS)
    tools: Wanted = choice("auto", get_args(Wanted))  # noqa: RUF009
    jobs: int = number(1, 1, MAX_JOBS)
