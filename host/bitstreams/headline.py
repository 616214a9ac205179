"""Short table of the boards whose figures stand for the project."""

from collections.abc import Sequence
from dataclasses import replace

from allspin.boards.catalogue import find_boards
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.board_rows import Row
from allspin.host.bitstreams.board_tables import markdown_table
from allspin.host.bitstreams.jobs import ANY
from allspin.sim.network.fitted import text

HEADLINE = (
    "ecpix-5:fast",
    "ulx3s-85f:fast",
    "ulx3s-85f:ideal",
    "ulx3s-25f:ideal",
    "icebreaker:ideal",
    "icebreaker:chips",
    "ulx3s-85f:chips",
    "ulx3s-85f:maps",
    "ulx3s-25f:maps",
    "ulx3s-85f:general",
    "ulx3s-25f:general",
    "icebreaker:general",
)
"""Machines of the table."""
HEADLINE_HEADER = ("Board", "Machine", "MHz", "MHz reached", "Images/s")
HEADLINE_RIGHT = {"MHz", "MHz reached", "Images/s"}
HEADLINE_SEEDS = 3
"""Seeds of a build in the table: a clock that a single seed reaches may be luck."""
HEADLINE_NONE = "No machine of this gateware was built with three seeds.\n"
"""Text in place of an empty table."""
COUNTS = {2: "two", 4: "four", 8: "eight", 16: "sixteen"}


def headline_table(rows: Sequence[Row]) -> str:
    """Return the rows of `HEADLINE` in Markdown: clock, clock of the worst seed, images/s.

    Builds with fewer seeds or of other gateware are left out.

    Parameters
    ----------
    rows : sequence of Row
        Rows of `allspin.host.bitstreams.board_rows.find_rows`.
    """
    cells = [_cells(row) for row in _headline(rows).values()]
    return markdown_table(HEADLINE_HEADER, HEADLINE_RIGHT, cells) if cells else HEADLINE_NONE


def headline_left_out(rows: Sequence[Row]) -> list[str]:
    """Return the machines of `HEADLINE` without a row in its table, such as ``ulx3s-85f:fast``.

    Parameters
    ----------
    rows : sequence of Row
        Rows of `allspin.host.bitstreams.board_rows.find_rows`.
    """
    shown = _headline(rows)
    return [name for name in HEADLINE if name not in shown]


def _headline(rows: Sequence[Row]) -> dict[str, Row]:
    """Rows of `HEADLINE` that were built of this gateware with enough seeds."""
    built = {}
    for row in rows:
        if row["built"] and not row["older"] and len(row["built"]["seeds"]) >= HEADLINE_SEEDS:
            built[f"{row['board']}:{row['profile']}"] = row
    return {name: built[name] for name in HEADLINE if name in built}


def _cells(row: Row) -> list[str]:
    """Cells of a row."""
    built = row["built"]
    clock = f"{built['need_mhz']:g}"
    machine = [row["title"], _machine(row), clock]
    if not row["fits"] or None in [each["fmax_mhz"] for each in built["seeds"]]:
        return [*machine, "misses timing" if built["fits"] else "does not fit", ""]
    images = built["images_per_second"]
    rate = "" if images is None else f"{round(images, -2):,.0f}"
    return [*machine, f"{built['worst_fmax_mhz']:.1f}", rate]


def _machine(row: Row) -> str:
    """Name of a machine, and what it has."""
    board = find_boards()[row["board"]]
    profile = board.profiles[row["profile"]]
    is_usual = row["profile"] == next(iter(board.profiles))
    name = row["board"] if is_usual else f"{row['board']}:{row['profile']}"
    built = row["built"]
    lanes = built["lanes"]
    hardware = replace(profile.hardware, lanes=lanes, rows_per_clock=built["rows_per_clock"])
    machine = f"`{name}`: {describe(hardware)}"
    if profile.network:
        machine += f", for `{profile.network}`"
    if profile.sizes is not None:
        machine += f", for {ANY} up to {text(profile.sizes)}"
    return machine


def describe(profile: HardwareProfile) -> str:
    """Describe a machine in words."""
    words = [f"{profile.lanes or 'all'} lanes"]
    if profile.rows_per_clock > 1:
        words.append(f"{COUNTS[profile.rows_per_clock]} rows per clock")
    if profile.variation is not None:
        redraw = profile.variation.redraw
        words.append("chips redrawn in place" if redraw else "chips drawn in the gateware")
    if profile.resident is not None:
        kept = profile.resident
        words.append("images in SDRAM" if kept.sdram else f"{kept.images:,} images that stay")
    return ", ".join(words)
