"""Tables of boards: all that was built, and the few figures that stand for the project."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from allspin.boards.board import Board
from allspin.boards.build.families import weights_fit
from allspin.boards.build.figures import share
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache.process import Progress, no_progress
from allspin.hdl.link.protocol import LinkParameters, identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.builds import ANY, known_as, usual_network
from allspin.host.bitstreams.record import check_record, is_older, recall
from allspin.host.data.catalogue import open_network
from allspin.host.link.identity import Identity
from allspin.host.show.table import Cell, Figure, Number, Table, TableColumn, figures
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.network.fitted import text
from allspin.sim.network.network import Network
from allspin.sim.plain_values import MAX_JSON, parse_json

Row = dict[str, Any]
Machine = tuple[str, str, str]
"""Names of a board, of its profile, and of the network."""
Records = Mapping[Machine, Mapping[str, Any]]


def read_documented(path: Path) -> Records:
    """The builds that a document's JSON tells of.

    Parameters
    ----------
    path : Path
        What ``allspin boards --write`` has put beside a page; it need not be there.

    Raises
    ------
    UserError
        If it is something else.
    """
    if not os.path.exists(path):
        return {}
    content = read_file(path, "file of builds", MAX_JSON)
    try:
        rows = parse_json(content)["boards"]
        records = [check_record(row["built"]) for row in rows if row["built"]]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is not what allspin boards --write has made: {error}") from error
    return {_machine(record): record for record in records}


def _machine(record: Mapping[str, Any]) -> Machine:
    return record["board"], record["profile"], record["network"]


def find_rows(
    network: str | None = None,
    documented: Records | None = None,
    progress: Progress = no_progress,
) -> list[Row]:
    """A row for each board's usual machine, and for each other one that was built.

    Parameters
    ----------
    network : str, optional
        What the machines run, as it was written for the builds; what each is built for.
    documented : mapping, optional
        Builds by board and profile, for machines that were not built here. Where one was built
        here too, what is of this gateware goes before what is older, then what was placed with
        more seeds, and of two alike the one that was built here.
    progress : callable
        Told what is being done, and for how many seconds now.
    """
    here: dict[Machine, Mapping[str, Any]] = {}
    for record in recall():
        here.setdefault(_machine(record), record)
    both = (here, documented or {})
    rows = []
    for board in find_boards().values():
        for name, profile in board.profiles.items():
            own = network or usual_network(profile)
            machine = board.name, name, known_as(profile, own)
            found = [records[machine] for records in both if machine in records]
            # Images/s of a machine for any network are of the usual one.
            if (found and not (network and profile.sizes)) or name == next(iter(board.profiles)):
                made_for = profile.built_for(open_network(own))
                rows.append(_row(board, name, made_for, found, progress))
    return rows


def _row(
    board: Board,
    name: str,
    network: Network,
    found: list[Mapping[str, Any]],
    progress: Progress,
) -> Row:
    board = board.running(name)
    hardware = board.profiles[name].hardware

    def told(what: str, seconds: float) -> None:
        progress(f"{board.name}, {name}: {what}", seconds)

    builds = [(record, is_older(record, network, told)) for record in found]
    built, older = max(
        builds, key=lambda build: (not build[1], len(build[0]["seeds"])), default=(None, None)
    )
    if built is not None:
        fits, why = built["fits"] and built["meets_timing"], built["shortfall"] or "built"
    else:
        # Of a machine that was never built, whether it has room for its weights.
        try:
            parameters = ShellParameters.from_network(board, network, hardware)
            fits, why = weights_fit(parameters.machine.link.engine, board.create_platform())
        except UserError as error:
            fits, why = False, str(error)
    return {
        "board": board.name,
        "title": board.title,
        "part": board.part,
        "profile": name,
        "clock_mhz": board.machine_frequency / 1e6,
        "baud": board.baud,
        "bridge": board.bridge,
        "memory": hardware.memory,
        "lanes": hardware.lanes,
        "rows_per_clock": hardware.rows_per_clock,
        "fits": fits,
        "why": why,
        "older": older,
        "built": None if built is None else dict(built),
    }


def machines_for(network: Network) -> list[Row]:
    """Which machines run a network as they are: those of the tables, and what was built here.

    Parameters
    ----------
    network : Network
        What shall run.

    Returns
    -------
    list of dict
        Of each machine its board and profile, what it was built for, its widths, whether the
        network fits, and why it does not.
    """
    built: dict[tuple[str, str], set[str]] = {}
    for record in recall():
        built.setdefault((record["board"], record["profile"]), set()).add(record["network"])
    rows = []
    for board in find_boards().values():
        for name, profile in board.profiles.items():
            names = {usual_network(profile)} | built.get((board.name, name), set())
            for own in [ANY] if profile.sizes else sorted(names):
                try:
                    made_for = profile.built_for(network if own == ANY else open_network(own))
                except UserError:  # what it was built for is no longer there
                    continue
                engine = EngineParameters.from_network(made_for, profile.hardware)
                identity = Identity.parse(identity_bytes(LinkParameters(engine)))
                why = network.beyond_words or identity.mismatch(network)
                rows.append(
                    {
                        "board": board.name,
                        "profile": name,
                        "built_for": own,
                        "topology": list(identity.topology),
                        "fits": why is None,
                        "why": why,
                    }
                )
    return rows


HEADER = (
    *("board", "part", "machine", "gateware", "memory", "lanes", "fits", "MHz", "each seed"),
    *("logic cells", "memories", "images/s", "latency, ns", "seconds", "ran on a board"),
)
"""Titles of the columns; lanes are followed by the rows per clock where these are several.
An iCE40 is full when its logic cells are: many of them have a register and no LUT. Of other parts
each cell is a LUT."""
NOT_RUN = "none yet"
"""What the last column says until somebody has sent a report."""
RIGHT = {"MHz", "logic cells", "memories", "images/s", "latency, ns", "seconds"}
HEADLINE = (
    *("ecpix-5:fast", "ulx3s-85f:fast", "ulx3s-85f:ideal", "ulx3s-25f:ideal"),
    *("icebreaker:ideal", "icebreaker:chips", "ulx3s-85f:chips"),
    *("ulx3s-85f:maps", "ulx3s-25f:maps"),
    *("ulx3s-85f:general", "ulx3s-25f:general", "icebreaker:general"),
)
"""Machines whose figures stand for the project."""
HEADLINE_HEADER = ("Board", "Machine", "MHz", "MHz reached", "Images/s")
HEADLINE_RIGHT = {"MHz", "MHz reached", "Images/s"}
HEADLINE_SEEDS = 3
"""A clock that one seed reaches is luck: the worst of so many counts, or none."""
HEADLINE_NONE = "No machine of this gateware was built with three seeds.\n"
"""What stands in place of the table where it has no row."""
COUNTS = {2: "two", 4: "four", 8: "eight", 16: "sixteen"}


def cells(row: Row) -> list[str]:
    """A row's words, in the order of `HEADER`."""
    built = row["built"]
    lanes, rows, fits = _shape(row)
    words = [
        *(row["board"], row["part"], row["profile"], _gateware(row), row["memory"]),
        *(lanes if rows == 1 else f"{lanes} x {rows}", fits),
    ]
    ran = row.get("reports") or NOT_RUN
    if built is None:
        return [*words, f"of {row['clock_mhz']:g}", "", "", "", "", "", "", ran]
    was, now = round(built["need_mhz"], 3), round(row["clock_mhz"], 3)
    needed = f"{was:g}" if was == now else f"{was:g}, now {now:g}"
    fmax = f"{built['worst_fmax_mhz']:.1f} " if built["fits"] else ""
    images, latency = built["images_per_second"], latency_ns(built)
    return [
        *words,
        f"{fmax}of {needed}",
        _seeds(built),
        f"{built['cells']:,} ({built['cells_share']:.0%})",
        f"{built['memories']} ({built['memories_share']:.0%})",
        "" if images is None else f"{images:,}",
        "" if latency is None else f"{latency:,.0f}",
        f"{built['seconds']:,.0f}",
        str(ran),
    ]


def latency_ns(built: Mapping[str, Any]) -> float | None:
    """From the first event to the last logit of an image alone, at the clock that is needed.

    Parameters
    ----------
    built : mapping
        What ``allspin build --json`` says of a board.

    Returns
    -------
    float or None
        Nanoseconds; None where nobody has counted the cycles.
    """
    cycles = built.get("latency_cycles")
    return None if cycles is None else 1e3 * cycles / built["need_mhz"]


PRINTED = (
    TableColumn("board"),
    TableColumn("machine"),
    TableColumn("part", wide=True),
    TableColumn("gateware"),
    TableColumn("memory", wide=True),
    TableColumn("lanes", number=True, wide=True),
    TableColumn("rows per clock", wide=True),
    TableColumn("fits"),
    TableColumn("clock", "MHz", form=".1f"),
    TableColumn("needed", "MHz", form="g"),
    TableColumn("each seed", "MHz", number=True, wide=True),
    TableColumn("logic cells"),
    TableColumn("logic cells' share", "%", form=".0f", wide=True),
    TableColumn("memories", wide=True),
    TableColumn("memories' share", "%", form=".0f", wide=True),
    TableColumn("images/s"),
    TableColumn("latency", "ns", form=",.0f", wide=True),
    TableColumn("tools", "s", form=",.0f", wide=True),
)


def printed_table(rows: Sequence[Row], network: str) -> Table:
    """All rows as a table of the terminal.

    Parameters
    ----------
    rows : sequence of Row
        As of `boards_table`.
    network : str
        Whose builds they are of.
    """
    return Table(f"Boards, and {network} on them", PRINTED, [_printed(row) for row in rows], keys=2)


def _printed(row: Row) -> tuple[Cell, ...]:
    built = row["built"]
    begin = (row["board"], row["profile"], row["part"], _gateware(row) or None, row["memory"])
    if built is None:
        return (*begin, *_shape(row), None, float(row["clock_mhz"]), *[None] * 8)
    images = built["images_per_second"]
    return (
        *(*begin, *_shape(row)),
        built["worst_fmax_mhz"] if built["fits"] else None,
        float(built["need_mhz"]),
        _seeds(built),
        *(built["cells"], 100 * built["cells_share"]),
        *(built["memories"], 100 * built["memories_share"]),
        None if images is None else float(images),
        latency_ns(built),
        float(built["seconds"]),
    )


def _gateware(row: Row) -> str:
    return "" if row["built"] is None else "older" if row["older"] else "this"


def _shape(row: Row) -> tuple[str, int, str]:
    """Lanes, rows per clock and whether it fits, of the build if there is one."""
    built = row["built"]
    if built is None:
        fits = "weights do" if row["fits"] else "no"
        return str(row["lanes"] or "all"), row["rows_per_clock"], fits
    fits = "yes" if row["fits"] else "misses timing" if built["fits"] else "no"
    return str(built["lanes"] or "all"), built["rows_per_clock"], fits


def _seeds(built: dict[str, Any]) -> str:
    reached = [each["fmax_mhz"] for each in built["seeds"]]
    return ", ".join("-" if one is None else f"{one:.1f}" for one in reached)


def boards_table(rows: Sequence[Row]) -> str:
    """All rows as a Markdown table, and the tools that built them.

    Parameters
    ----------
    rows : sequence of Row
        What `allspin.host.bitstreams.board_tables.find_rows` found.
    """
    table = _markdown(HEADER, RIGHT, [cells(row) for row in rows])
    built = [row["built"] for row in rows if row["built"]]
    tools = sorted({f"{name} {version}" for one in built for name, version in one["tools"].items()})
    return table + (f"\nBuilt with {', '.join(tools)}.\n" if tools else "")


def headline_table(rows: Sequence[Row]) -> str:
    """The rows of `HEADLINE` as a Markdown table: clock, worst of the seeds, images at the clock.

    What was built with fewer seeds, or of other gateware, is left out.

    Parameters
    ----------
    rows : sequence of Row
        As of `boards_table`.
    """
    table = [_headline_cells(row) for row in _headline(rows).values()]
    return _markdown(HEADLINE_HEADER, HEADLINE_RIGHT, table) if table else HEADLINE_NONE


def headline_left_out(rows: Sequence[Row]) -> list[str]:
    """Machines of `HEADLINE` without a row there, such as ``ulx3s-85f:fast``.

    Parameters
    ----------
    rows : sequence of Row
        As of `boards_table`.
    """
    shown = _headline(rows)
    return [name for name in HEADLINE if name not in shown]


def _headline(rows: Sequence[Row]) -> dict[str, Row]:
    """Those of `HEADLINE` that are of this gateware and were built with seeds enough."""
    named = {f"{row['board']}:{row['profile']}": row for row in rows if row["built"]}
    return {
        name: row
        for name in HEADLINE
        if (row := named.get(name)) is not None
        and not row["older"]
        and len(row["built"]["seeds"]) >= HEADLINE_SEEDS
    }


def _headline_cells(row: Row) -> list[str]:
    board = find_boards()[row["board"]]
    profile = board.profiles[row["profile"]]
    usual = row["profile"] == next(iter(board.profiles))
    name = row["board"] if usual else f"{row['board']}:{row['profile']}"
    built = row["built"]
    hardware = replace(
        profile.hardware, lanes=built["lanes"], rows_per_clock=built["rows_per_clock"]
    )
    what = describe(hardware) + (f", for `{profile.network}`" if profile.network else "")
    if profile.sizes is not None:
        what += f", for {ANY} up to {text(profile.sizes)}"
    words = [row["title"], f"`{name}`: {what}", f"{built['need_mhz']:g}"]
    if not row["fits"] or None in [each["fmax_mhz"] for each in built["seeds"]]:
        return [*words, "does not fit" if not built["fits"] else "misses timing", ""]
    images = built["images_per_second"]
    rate = "" if images is None else f"{round(images, -2):,.0f}"
    return [*words, f"{built['worst_fmax_mhz']:.1f}", rate]


def describe(profile: HardwareProfile) -> str:
    """What a machine has, in words."""
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


def _markdown(header: Sequence[str], right: set[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        f"| {' | '.join(header)} |",
        f"|{'|'.join(' ---: ' if name in right else ' --- ' for name in header)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def build_table(result: Mapping[str, Any]) -> Table:
    """The figures of a board that was built, line by line.

    Parameters
    ----------
    result : mapping
        What ``allspin build --json`` prints of it.
    """

    def use(name: str, used: int, share: float) -> tuple[Figure, Figure]:
        return (name, used), ("  of the part's", Number(100 * share, ".0f"), "%")

    rows: list[Figure] = [
        ("part", result["part"]),
        ("profile", result["profile"]),
        ("lanes", result["lanes"]),
        ("rows per clock", result["rows_per_clock"]),
        *use("LUTs", result["luts"], result["luts_share"]),
        *use("flip-flops", result["ffs"], result["ffs_share"]),
        *use("logic cells", result["cells"], result["cells_share"]),
        *(
            figure
            for name, one in result["blocks"].items()
            for figure in use(name, one["used"], share(**one))
        ),
    ]
    if result["fits"]:
        rows.append(("clock", Number(result["fmax_mhz"], ".1f"), "MHz"))
        if len(result["seeds"]) > 1:
            rows.append(("  worst of the seeds", Number(result["worst_fmax_mhz"], ".1f"), "MHz"))
        rows.append(("  needed", Number(result["need_mhz"], "g"), "MHz"))
    if result["images_per_second"] is not None:
        rows.append(("machine", result["images_per_second"], "images/s"))
        wire = "USB" if result.get("link") == "usb" else f"{result['baud']:,} baud"
        link = f"link of {wire}"
        rows.append((link, result["link_images_per_second"], "images/s"))
    if (latency := latency_ns(result)) is not None:
        rows.append(("latency of one image", Number(latency, ",.0f"), "ns"))
    rows += [(name, version) for name, version in result["tools"].items()]
    rows.append(("time of the tools", result["seconds"], "s"))
    return figures(f"{result['network']} on {result['board']}", rows)
