"""``allspin boards``: which boards there are, and what was last built for them."""

import json

from allspin.host.bitstreams.board_rows import find_rows, machines_for, read_documented
from allspin.host.bitstreams.board_tables import boards_table, printed_table
from allspin.host.bitstreams.headline import headline_left_out, headline_table
from allspin.host.bitstreams.jobs import DEFAULT_NETWORK
from allspin.host.bitstreams.manifest import without_places
from allspin.host.bitstreams.release import collect
from allspin.host.cli.build import NETWORK_HELP
from allspin.host.cli.options import FAILED, Arguments, Parser, add_shared, answer
from allspin.host.data.catalogue import open_network
from allspin.host.selftest.board_report import count_reports
from allspin.host.show.display import BuildWatch
from allspin.host.show.document import Marks
from allspin.host.show.say import say, warn
from allspin.host.show.table import Table, TableColumn
from allspin.sim.files import write_atomically
from allspin.sim.network.fitted import text

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
  allspin boards --fits net.safetensors
  allspin boards --collect bitstreams
  allspin boards --write docs/boards.md
"""

MARKS = Marks("<!-- allspin boards -->", "<!-- end -->")
HEADLINE_MARKS = Marks("<!-- allspin boards: headline -->", "<!-- end of the headline -->")
REPORTS = "selftests"
"""Folder beside the page with what ``allspin selftest --report`` wrote."""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "--network", help=NETWORK_HELP)
    parser.add_argument(
        "--write",
        metavar="FILE.md",
        type="file",
        help="put the table of boards and its short form into this page, and JSON beside it; rows "
        "of builds made elsewhere are kept",
    )
    parser.add_argument(
        "--fits",
        metavar="NET",
        help="list the machines that run this network without a build, and why others do not",
    )
    parser.add_argument(
        "--collect",
        metavar="DIR",
        type="file",
        help="copy the bitstreams that were built here of this gateware, for networks that ship, "
        "with their digests, as flash --from takes them",
    )
    add_shared(parser, "--wide", "--json")


def run(arguments: Arguments) -> int:
    """Find out, and print."""
    if arguments.fits is not None:
        return _fits(arguments)
    if arguments.collect is not None:
        for name in collect(arguments.collect):
            say(str(arguments.collect / name))
        return 0
    page, network = arguments.write, arguments.network
    name = network or DEFAULT_NETWORK
    open_network(name)
    documented, ran = None, {}
    if page is not None:
        MARKS.around(page)
        HEADLINE_MARKS.around(page)
        documented = read_documented(page.with_suffix(".json"))
        ran = count_reports(page.parent / REPORTS)
    with arguments.steps.waiting("looking at what was built"):
        rows = find_rows(network, documented, BuildWatch(arguments.steps))
    if page is not None:
        beside = page.with_suffix(".json")
        for row in rows:
            row["reports"] = ran[row["board"], row["profile"]]
        shown = [
            row | {"built": without_places(row["built"])} if row["built"] else row for row in rows
        ]
        MARKS.fill(page, boards_table(rows))
        HEADLINE_MARKS.fill(page, headline_table(rows))
        if absent := headline_left_out(rows):
            warn(
                f"the short table of {page} leaves out machines that were not built with three "
                f"seeds of this gateware: {', '.join(absent)}"
            )
        content = json.dumps({"network": name, "boards": shown}, indent=1) + "\n"
        write_atomically(beside, content.encode())
        built = sum(row["built"] is not None for row in rows)
        older = sum(row["older"] is True for row in rows)
        told = f"{len(rows)} machines, {built} of them built, {older} of other gateware"
        say(f"{page}, {beside}: {told}")
    if arguments.json or page is None:
        notes = [f"{row['board']}: {row['why']}" for row in rows if not row["fits"]]
        answer(arguments, {"network": name, "boards": rows}, printed_table(rows, name), notes)
    return 0


def _fits(arguments: Arguments) -> int:
    """Which machines run a network as they are."""
    network = open_network(arguments.fits)
    with arguments.steps.waiting("looking at what there is"):
        found = machines_for(network)
    rows = [
        (row["board"], row["profile"], row["built_for"], text(tuple(row["topology"])))
        for row in found
        if row["fits"]
    ]
    others: dict[str, list[str]] = {}
    for row in found:
        if not row["fits"]:
            others.setdefault(row["why"], []).append(f"{row['board']}:{row['profile']}")
    notes = [f"{why}: {', '.join(names)}" for why, names in others.items()]
    columns = tuple(map(TableColumn, ("board", "machine", "built for", "sizes")))
    title = f"Machines that run {arguments.fits}, {text(network.topology)}"
    table = Table(title, columns, rows, keys=2)
    answer(arguments, {"network": arguments.fits, "machines": found}, table, notes)
    return 0 if rows else FAILED
