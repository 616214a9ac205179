"""``allspin boards``: which boards there are, and what was last built for them."""

import argparse
import json
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from boards.board import Board, find_boards
from boards.room import weights_fit
from boards.shell import ShellParameters
from host.built import recall_one
from host.catalogue import open_network
from host.cli.build import DEFAULT_NETWORK
from host.cli.terminal import Terminal
from host.marks import Marks
from host.say import say
from sim.errors import UserError
from sim.netfile import write_atomically
from sim.network import Network

NAME = "boards"
HELP = """\
List the boards: part, memory, lanes, whether a network fits, and what was last built.

A network fits where a build of it did; where none was made, whether its weights fit the
memory is said."""
EPILOG = """\
examples:
  allspin boards
  allspin boards --network mnist-100 --json
  allspin boards --write docs/boards.md
"""

MARKS = Marks("<!-- allspin boards -->", "<!-- end -->")
PATHS = ("bitstream", "netlist")
"""Figures that are places on this machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "--network",
        metavar="NET",
        default=DEFAULT_NETWORK,
        help=f"network file, or the name of one that ships ({DEFAULT_NETWORK})",
    )
    add(
        "--write",
        metavar="FILE.md",
        type=Path,
        help="put the table into this page, and JSON beside it",
    )
    add("--json", action="store_true", help="print all of it as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Find out, and print."""
    network = open_network(arguments.network)
    rows = [row for board in find_boards().values() for row in _rows(board, arguments, network)]
    if arguments.write is not None:
        _write(arguments.write, arguments.network, rows)
    if arguments.json:
        say(json.dumps({"network": arguments.network, "boards": rows}))
    elif arguments.write is None:
        _print(rows, arguments.network)
    return 0


def _rows(board: Board, arguments: argparse.Namespace, network: Network) -> list[dict[str, Any]]:
    """A row for each of the board's machines that was built, and for its usual one."""
    usual = next(iter(board.profiles))
    return [
        _row(board, name, arguments.network, network)
        for name in board.profiles
        if name == usual or recall_one(board.name, name, arguments.network)
    ]


def _row(board: Board, name: str, network_name: str, network: Network) -> dict[str, Any]:
    board = board.running(name)
    profile = board.profiles[name]
    built = recall_one(board.name, name, network_name)
    try:
        engine = ShellParameters.from_network(board, network, profile).machine.link.engine
    except UserError as error:
        fits, why = False, str(error)
    else:
        fits, why = weights_fit(engine, board.create_platform())
    if built is not None:
        fits, why = built["fits"] and built["meets_timing"], built["shortfall"] or "built"
    return {
        "board": board.name,
        "title": board.title,
        "part": board.part,
        "profile": name,
        "clock_mhz": board.machine_frequency / 1e6,
        "baud": board.baud,
        "bridge": board.bridge,
        "memory": profile.memory,
        "lanes": profile.lanes,
        "rows_per_clock": profile.rows_per_clock,
        "fits": fits,
        "why": why,
        "built": built,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    """A row's words, as both tables have them."""
    built = row["built"]
    lanes = str(row["lanes"] or "all")
    rows = row["rows_per_clock"]
    words = [
        row["board"],
        row["part"],
        row["profile"],
        row["memory"],
        lanes if rows == 1 else f"{lanes} x {rows}",
    ]
    if built is None:
        fits = "weights do" if row["fits"] else "no"
        return [*words, fits, f"of {row['clock_mhz']:g}", "", "", "", ""]
    fits = "yes" if row["fits"] else "too slow" if built["fits"] else "no"
    fmax = f"{built['fmax_mhz']:.1f} " if built["fits"] else ""
    images = built["images_per_second"]
    return [
        *words,
        fits,
        f"{fmax}of {built['need_mhz']:g}",
        f"{built['luts']:,} ({built['luts_share']:.0%})",
        f"{built['memories']} ({built['memories_share']:.0%})",
        "" if images is None else f"{images:,}",
        f"{built['seconds']:,.0f}",
    ]


HEADER = (
    *("board", "part", "machine", "memory", "lanes", "fits", "MHz"),
    *("LUTs", "memories", "images/s", "seconds"),
)
"""Titles of the columns; lanes are followed by the rows a clock where these are several."""
RIGHT = {"MHz", "LUTs", "memories", "images/s", "seconds"}
WIDTH = 120
"""Columns that the table takes where it is not printed on a terminal."""


def _markdown(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"| {' | '.join(HEADER)} |",
        f"|{'|'.join(' ---: ' if name in RIGHT else ' --- ' for name in HEADER)}|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]
    built = [row["built"] for row in rows if row["built"]]
    tools = sorted({f"{name} {version}" for one in built for name, version in one["tools"].items()})
    if tools:
        lines += ["", f"Built with {', '.join(tools)}."]
    return "\n".join(lines) + "\n"


def _write(path: Path, network: str, rows: list[dict[str, Any]]) -> None:
    """The table between the page's marks, and the figures beside it."""
    # Where the files lie on this machine is nobody else's business.
    content = {
        "network": network,
        "boards": [
            {**row, "built": {k: v for k, v in row["built"].items() if k not in PATHS}}
            if row["built"]
            else row
            for row in rows
        ],
    }
    beside = path.with_suffix(".json")
    MARKS.fill(path, _markdown(rows))
    write_atomically(beside, (json.dumps(content, indent=1) + "\n").encode())
    built = sum(row["built"] is not None for row in rows)
    say(f"{path}, {beside}: {len(rows)} machines, {built} of them built")


def _print(rows: list[dict[str, Any]], network: str) -> None:
    table = Table(title=f"boards, and {network} on them", box=SIMPLE_HEAD, pad_edge=False)
    for name in HEADER:
        justify = "right" if name in RIGHT else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name == "board")
    for row in rows:
        table.add_row(*_cells(row))
    console = Terminal(piped_width=WIDTH)
    console.print(table)
    for row in rows:
        if not row["fits"]:
            console.print(f"{row['board']}: {row['why']}", soft_wrap=True)
