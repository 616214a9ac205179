"""Options of a build, and changes to the machine that is built."""

from dataclasses import dataclass, field
from typing import Any, get_args

from allspin.boards.board import Link
from allspin.boards.build.tools import Wanted
from allspin.sim.parameters import Parameters, megahertz, option

MAX_SEED = 2**31 - 1
MAX_SEEDS = 100
MAX_JOBS = 64


@dataclass(frozen=True)
class BuildChanges:
    """Changes to a machine's profile and board.

    Parameters
    ----------
    lanes : int or None
        Columns that are computed in a cycle, 1 to 65535; None leaves the profile's.
    rows_per_clock : int or None
        Rows that are driven in a clock, 1, 2, 4, 8 or 16; None leaves the profile's.
    frequency : float or None
        Frequency of the machine's clock, in Hz; None leaves the profile's.
    baud : int or None
        Baud rate of the UART, for a bridge or adapter with other rates; None leaves the board's.
    link : {"uart", "usb"} or None
        Link to the host: the UART, or a USB port in gateware; None leaves the board's.
    """

    lanes: int | None = field(
        default=None, metadata=option("columns that are computed in a cycle", "L")
    )
    rows_per_clock: int | None = field(
        default=None, metadata=option("rows that are driven in a cycle", "R")
    )
    frequency: float | None = field(
        default=None,
        metadata=option(
            "clock frequency of the machine (the profile's)",
            "MHZ",
            type=megahertz,
        ),
    )
    baud: int | None = field(
        default=None,
        metadata=option(
            "bits a second of the UART, which then must be named to run (the board's)", "B"
        ),
    )
    link: str | None = field(
        default=None,
        metadata=option(
            "what carries bytes: a UART, or the FPGA's own USB port (the board's)",
            "LINK",
            choices=get_args(Link),
        ),
    )

    def named(self, *names: str) -> dict[str, Any]:
        """Return some of the changes by name, without those that are None."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class BuildOptions(Parameters):
    """Options of a build.

    Parameters
    ----------
    seed : int
        First seed of the placement, 1 to 2**31 - 1.
    seeds : int
        Number of seeds to try from that one on, 1 to 100; the fastest counts.
    tools : {"auto", "native", "pypi"}
        Installed tools only (``native``), those of PyPI only, or installed ones first (``auto``).
    jobs : int
        Boards to build at a time, 1 to 64.

    Raises
    ------
    ValueError
        If an option is out of its range; the message begins with its name.
    """

    seed: int = field(
        default=1,
        metadata={"low": 1, "high": MAX_SEED} | option("seed of the placement (1)", "N"),
    )
    seeds: int = field(
        default=1,
        metadata={"low": 1, "high": MAX_SEEDS} | option("try N seeds from --seed on (1)", "N"),
    )
    tools: Wanted = field(
        default="auto",
        metadata={"known": get_args(Wanted)}
        | option("which tools (auto)", choices=get_args(Wanted)),
    )
    jobs: int = field(
        default=1, metadata={"low": 1, "high": MAX_JOBS} | option("boards at a time (1)", "N")
    )
