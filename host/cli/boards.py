"""``allspin boards``: which boards there are, and what was last built for them."""

import argparse
import json
from pathlib import Path

from allspin.host.bitstreams.build import DEFAULT_NETWORK
from allspin.host.bitstreams.tables import (
    Row,
    boards_table,
    find_rows,
    headline_left_out,
    headline_table,
    printed_table,
    read_documented,
)
from allspin.host.cli.options import add_shared, answer, check_together
from allspin.host.data.catalogue import open_network
from allspin.host.show.progress import stages
from allspin.host.show.say import say, warn
from allspin.host.show.table import Marks
from allspin.sim.files import write_atomically

HELP = """\
List the boards: part, memory, lanes, whether a network fits, and what was last built.

Fits: the result of a build with the network; without a build, whether the network's weights fit
the memory. MHz: the clock at the worst of the placed seeds, and the clock that the machine
needs. A build is called older if these sources make other gateware; to find out, the machines
that were built are elaborated, once after each change of the sources."""
EPILOG = """\
examples:
  allspin boards
  allspin boards --network mnist-100 --json
  allspin boards --write docs/boards.md --headline README.md
"""

MARKS = Marks("<!-- allspin boards -->", "<!-- end -->")
HEADLINE_MARKS = Marks("<!-- allspin boards: headline -->", "<!-- end -->")
PATHS = ("bitstream", "netlist")
"""Figures that are places on this machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add_shared(parser, "--network", default=DEFAULT_NETWORK)
    add(
        "--write",
        metavar="FILE.md",
        type=Path,
        help="put the table into this page, and JSON beside it; rows of builds made "
        "elsewhere are kept",
    )
    add(
        "--headline",
        metavar="FILE.md",
        type=Path,
        help="with --write: put the short table of the README into this page; rows that were not "
        "built with three seeds of this gateware are dropped, and named",
    )
    add_shared(parser, "--wide", "--json")


def run(arguments: argparse.Namespace) -> int:
    """Find out, and print."""
    check_together(arguments)
    network = open_network(arguments.network)
    documented = None
    if arguments.write is not None:
        MARKS.around(arguments.write)
        documented = read_documented(_beside(arguments.write), arguments.network)
    if arguments.headline is not None:
        HEADLINE_MARKS.around(arguments.headline)
    with stages() as progress:
        rows = find_rows(arguments.network, network, documented, progress)
    if arguments.headline is not None:
        HEADLINE_MARKS.fill(arguments.headline, headline_table(rows))
        if absent := headline_left_out(rows):
            why = "what was not built with three seeds of this gateware"
            warn(f"{arguments.headline} leaves out {why}: {', '.join(absent)}")
    if arguments.write is not None:
        _write(arguments.write, arguments.network, rows)
    if arguments.json or arguments.write is None:
        notes = [f"{row['board']}: {row['why']}" for row in rows if not row["fits"]]
        record = {"network": arguments.network, "boards": rows}
        answer(arguments, record, printed_table(rows, arguments.network), notes)
    return 0


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _write(path: Path, network: str, rows: list[Row]) -> None:
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
    beside = _beside(path)
    MARKS.fill(path, boards_table(rows))
    write_atomically(beside, (json.dumps(content, indent=1) + "\n").encode())
    built = sum(row["built"] is not None for row in rows)
    older = sum(row["older"] is True for row in rows)
    say(f"{path}, {beside}: {len(rows)} machines, {built} of them built, {older} of other gateware")
