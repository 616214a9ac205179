"""``allspin boards``: the boards, and their last builds."""

from json import dumps
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from allspin.host.bitstreams.board_rows import (
    find_rows,
    machines_for,
    read_documented,
)
from allspin.host.bitstreams.board_tables import (
    boards_table,
    printed_table,
)
from allspin.host.bitstreams.headline import (
    headline_left_out,
    headline_table,
)
from allspin.host.bitstreams.jobs import DEFAULT_NETWORK
from allspin.host.bitstreams.manifest import without_places
from allspin.host.bitstreams.release import (
    collect as collect_bitstreams,
)
from allspin.host.cli.answers import FAILED, answer
from allspin.host.cli.command import check_excludes
from allspin.host.cli.shared import NETWORK, Json, Steps
from allspin.host.data.catalogue import open_network
from allspin.host.selftest.board_report import (
    count_reports,
)
from allspin.host.show.display import BuildWatch
from allspin.host.show.document import Marks
from allspin.host.show.say import say, warn
from allspin.host.show.table import Table, TableColumn
from allspin.sim.network.fitted import text
from allspin.sim.network.netfile import write_atomically

EXAMPLES = """\
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
"""Folder beside the page with reports of ``allspin selftest --report``."""


def run(
    *,
    network: Annotated[str | None, NETWORK] = None,
    write: Annotated[Path | None, Parameter(metavar="FILE.md")] = None,
    fits: Annotated[str | None, NETWORK] = None,
    collect: Annotated[Path | None, Parameter(metavar="DIR")] = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """List the boards: part, memory, lanes, whether a network fits, and the last build.

    Fits: the result of a build with the network; without a build, whether the network's weights
    fit the memory. MHz: the clock at the worst of the placed seeds, and the clock that the machine
    needs. A build is called older if these sources make other gateware; to find out, the machines
    that were built are elaborated, once after each change of the sources.

    Parameters
    ----------
    network : str, optional
        Network file, or the name of a shipped network: the one that a machine is built for
        (mnist-10, of maps conv-small-10) unless given.
    write : Path, optional
        Page for the table of boards and its short form, and JSON beside it; rows of builds made
        elsewhere are kept.
    fits : str, optional
        Network whose machines are listed that run it without a build, with the reason why others
        do not.
    collect : Path, optional
        Folder for copies of the bitstreams that were built here of this gateware, for networks
        that ship, with their digests, as flash --from takes them.
    """
    others = {"network": network, "write": write}
    check_excludes({"fits": fits}, {**others, "collect": collect})
    check_excludes({"collect": collect}, others)
    if fits is not None:
        return _fits(fits, json, steps)
    if collect is not None:
        for name in collect_bitstreams(collect):
            say(str(collect / name))
        return 0
    name = network or DEFAULT_NETWORK
    open_network(name)
    if write is not None:
        MARKS.around(write)
        HEADLINE_MARKS.around(write)
    documented = None if write is None else read_documented(write.with_suffix(".json"))
    with steps.waiting("looking at what was built"):
        rows = find_rows(network, documented, BuildWatch(steps))
    if write is not None:
        _write_page(write, rows, name)
    if json or write is None:
        notes = [f"{row['board']}: {row['why']}" for row in rows if not row["fits"]]
        record = {"network": name, "boards": rows}
        answer(steps, record, printed_table(rows, name), notes, json_wanted=json)
    return 0


def _write_page(page: Path, rows: list[dict[str, Any]], network: str) -> None:
    """Put the table of boards into a page, and its rows as JSON beside it."""
    beside = page.with_suffix(".json")
    reports = count_reports(page.parent / REPORTS)
    published = []
    for row in rows:
        row["reports"] = reports[row["board"], row["profile"]]
        built = without_places(row["built"]) if row["built"] else row["built"]
        published.append(row | {"built": built})
    MARKS.fill(page, boards_table(rows))
    HEADLINE_MARKS.fill(page, headline_table(rows))
    if absent := headline_left_out(rows):
        warn(
            f"the short table of {page} leaves out machines that were not built with three "
            f"seeds of this gateware: {', '.join(absent)}"
        )
    content = dumps({"network": network, "boards": published}, indent=1) + "\n"
    write_atomically(beside, content.encode())
    built_count = sum(row["built"] is not None for row in rows)
    older = sum(row["older"] is True for row in rows)
    told = f"{len(rows)} machines, {built_count} of them built, {older} of other gateware"
    say(f"{page}, {beside}: {told}")


def _fits(name: str, json: bool, steps: Steps) -> int:
    """List the machines that run a network as they are."""
    network = open_network(name)
    with steps.waiting("looking at what there is"):
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
    title = f"Machines that run {name}, {text(network.topology)}"
    table = Table(title, columns, rows, keys=2)
    record = {"network": name, "machines": found}
    answer(steps, record, table, notes, json_wanted=json)
    return 0 if rows else FAILED
