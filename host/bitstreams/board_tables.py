"""Tables of boards and their builds, for the terminal and for documents."""

from collections.abc import Sequence

from allspin.boards.build.figures import share
from allspin.host.bitstreams.board_rows import Row
from allspin.host.bitstreams.manifest import Manifest
from allspin.host.show.table import Cell, Figure, Number, Table, TableColumn, figures

HEADER = (
    "board",
    "part",
    "machine",
    "gateware",
    "memory",
    "lanes",
    "fits",
    "MHz",
    "each seed",
    "logic cells",
    "memories",
    "images/s",
    "latency, ns",
    "seconds",
    "ran on a board",
)
"""Titles of the columns in documents; lanes are followed by the rows per clock if these are
several. An iCE40 is full when its logic cells are: many have a register and no LUT. In other parts
each cell is a LUT."""
NOT_RUN = "none yet"
"""Last column of a machine without a report."""
RIGHT = {"MHz", "logic cells", "memories", "images/s", "latency, ns", "seconds"}

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
"""Columns in the terminal."""


def boards_table(rows: Sequence[Row]) -> str:
    """Return all rows as a Markdown table, with the tools of their builds.

    Parameters
    ----------
    rows : sequence of Row
        Rows of `allspin.host.bitstreams.board_rows.find_rows`.
    """
    table = markdown_table(HEADER, RIGHT, [_cells(row) for row in rows])
    tools = set()
    for row in rows:
        if row["built"]:
            tools |= {f"{name} {version}" for name, version in row["built"]["tools"].items()}
    return table + (f"\nBuilt with {', '.join(sorted(tools))}.\n" if tools else "")


def _cells(row: Row) -> list[str]:
    """Cells of a row, in the order of `HEADER`."""
    lanes, rows, fits = _shape(row)
    machine = [
        row["board"],
        row["part"],
        row["profile"],
        _gateware(row),
        row["memory"],
        lanes if rows == 1 else f"{lanes} x {rows}",
        fits,
    ]
    built = row["built"]
    ran = str(row.get("reports") or NOT_RUN)
    if built is None:
        return [*machine, f"of {row['clock_mhz']:g}", "", "", "", "", "", "", ran]
    images = built["images_per_second"]
    latency = latency_ns(built)
    return [
        *machine,
        _clock(row),
        _seeds(built),
        f"{built['cells']:,} ({built['cells_share']:.0%})",
        f"{built['memories']} ({built['memories_share']:.0%})",
        "" if images is None else f"{images:,}",
        "" if latency is None else f"{latency:,.0f}",
        f"{built['seconds']:,.0f}",
        ran,
    ]


def _clock(row: Row) -> str:
    """Clock that a build reached, the one it needed, and the one that is needed now."""
    built = row["built"]
    was = round(built["need_mhz"], 3)
    now = round(row["clock_mhz"], 3)
    reached = f"{built['worst_fmax_mhz']:.1f} " if built["fits"] else ""
    changed = "" if was == now else f", now {now:g}"
    return f"{reached}of {was:g}{changed}"


def latency_ns(built: Manifest) -> float | None:
    """Return the time from the first event to the last logit of an image at the needed clock.

    Parameters
    ----------
    built : mapping
        Manifest of the build.

    Returns
    -------
    float or None
        Nanoseconds; None if the cycles were not counted.
    """
    cycles = built.get("latency_cycles")
    return None if cycles is None else 1e3 * cycles / built["need_mhz"]


def printed_table(rows: Sequence[Row], network: str) -> Table:
    """Return all rows as a table for the terminal.

    Parameters
    ----------
    rows : sequence of Row
        Rows of `allspin.host.bitstreams.board_rows.find_rows`.
    network : str
        Network of the builds.
    """
    cells = [_printed(row) for row in rows]
    return Table(f"Boards, and {network} on them", PRINTED, cells, keys=2)


def _printed(row: Row) -> tuple[Cell, ...]:
    """Cells of a row, in the order of `PRINTED`."""
    machine = (row["board"], row["profile"], row["part"], _gateware(row) or None, row["memory"])
    built = row["built"]
    if built is None:
        return (*machine, *_shape(row), None, float(row["clock_mhz"]), *[None] * 8)
    images = built["images_per_second"]
    return (
        *machine,
        *_shape(row),
        built["worst_fmax_mhz"] if built["fits"] else None,
        float(built["need_mhz"]),
        _seeds(built),
        built["cells"],
        100 * built["cells_share"],
        built["memories"],
        100 * built["memories_share"],
        None if images is None else float(images),
        latency_ns(built),
        float(built["seconds"]),
    )


def _gateware(row: Row) -> str:
    """Word for the gateware of a build; empty without a build."""
    if row["built"] is None:
        return ""
    return "older" if row["older"] else "this"


def _shape(row: Row) -> tuple[str, int, str]:
    """Lanes, rows per clock and a word for the fit, of the build if it exists."""
    built = row["built"]
    machine = row if built is None else built
    lanes = str(machine["lanes"] or "all")
    return lanes, machine["rows_per_clock"], _fit(row)


def _fit(row: Row) -> str:
    """Word for the fit of a machine."""
    built = row["built"]
    if built is None:
        return "weights do" if row["fits"] else "no"
    if row["fits"]:
        return "yes"
    return "misses timing" if built["fits"] else "no"


def _seeds(built: Manifest) -> str:
    """Clock that each seed reached."""
    clocks = [each["fmax_mhz"] for each in built["seeds"]]
    return ", ".join("-" if clock is None else f"{clock:.1f}" for clock in clocks)


def markdown_table(header: Sequence[str], right: set[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a Markdown table; columns of the set `right` are right-aligned."""
    rules = [" ---: " if name in right else " --- " for name in header]
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join(rules)}|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def build_table(built: Manifest) -> Table:
    """Return the figures of a build, line by line.

    Parameters
    ----------
    built : mapping
        Manifest of the build.
    """
    rows: list[Figure] = [
        ("part", built["part"]),
        ("profile", built["profile"]),
        ("lanes", built["lanes"]),
        ("rows per clock", built["rows_per_clock"]),
        *_use("LUTs", built["luts"], built["luts_share"]),
        *_use("flip-flops", built["ffs"], built["ffs_share"]),
        *_use("logic cells", built["cells"], built["cells_share"]),
    ]
    for name, block in built["blocks"].items():
        rows += _use(name, block["used"], share(**block))
    if built["fits"]:
        rows.append(("clock", Number(built["fmax_mhz"], ".1f"), "MHz"))
        if len(built["seeds"]) > 1:
            rows.append(("  worst of the seeds", Number(built["worst_fmax_mhz"], ".1f"), "MHz"))
        rows.append(("  needed", Number(built["need_mhz"], "g"), "MHz"))
    if built["images_per_second"] is not None:
        rows.append(("machine", built["images_per_second"], "images/s"))
        wire = "USB" if built.get("link") == "usb" else f"{built['baud']:,} baud"
        rows.append((f"link of {wire}", built["link_images_per_second"], "images/s"))
    latency = latency_ns(built)
    if latency is not None:
        rows.append(("latency of one image", Number(latency, ",.0f"), "ns"))
    rows += built["tools"].items()
    rows.append(("time of the tools", built["seconds"], "s"))
    return figures(f"{built['network']} on {built['board']}", rows)


def _use(name: str, used: int, part: float) -> tuple[Figure, Figure]:
    """Lines of a resource: its number, and its share of the part's."""
    return (name, used), ("  of the part's", Number(100 * part, ".0f"), "%")
