"""Tables of boards and their builds, for the terminal and for documents."""

from collections.abc import Sequence

from allspin.boards.build.figures import share
from allspin.host.bitstreams.board_rows import Row
from allspin.host.bitstreams.manifest import Manifest
from allspin.host.show.table import Cell, Figure, Number, Table, TableColumn, figures, record_table

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

PRINTED = {
    "board": TableColumn("board"),
    "profile": TableColumn("machine"),
    "part": TableColumn("part", wide=True),
    "gateware": TableColumn("gateware"),
    "memory": TableColumn("memory", wide=True),
    "lanes": TableColumn("lanes", number=True, wide=True),
    "rows_per_clock": TableColumn("rows per clock", wide=True),
    "fits": TableColumn("fits"),
    "clock": TableColumn("clock", "MHz", form=".1f"),
    "needed": TableColumn("needed", "MHz", form="g"),
    "seeds": TableColumn("each seed", "MHz", number=True, wide=True),
    "cells": TableColumn("logic cells"),
    "cells_percent": TableColumn("logic cells' share", "%", form=".0f", wide=True),
    "memories": TableColumn("memories", wide=True),
    "memories_percent": TableColumn("memories' share", "%", form=".0f", wide=True),
    "images_per_second": TableColumn("images/s"),
    "latency": TableColumn("latency", "ns", form=",.0f", wide=True),
    "seconds": TableColumn("tools", "s", form=",.0f", wide=True),
}
"""Columns in the terminal, by the keys of `_printed`."""


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
    if tools:
        table += f"\nBuilt with {', '.join(sorted(tools))}.\n"
    return table


def _cells(row: Row) -> list[str]:
    """Return the cells of a row, in the order of `HEADER`."""
    built = row["built"]
    machine = built or row
    lanes = _lanes(row)
    rows = machine["rows_per_clock"]
    cells = {
        "board": row["board"],
        "part": row["part"],
        "machine": row["profile"],
        "gateware": _gateware(row),
        "memory": row["memory"],
        "lanes": lanes if rows == 1 else f"{lanes} x {rows}",
        "fits": _fit(row),
        "MHz": _clock(row),
        "ran on a board": str(row.get("reports") or NOT_RUN),
    }
    if built is not None:
        cells |= _built_cells(built)
    return [cells.get(name, "") for name in HEADER]


def _built_cells(built: Manifest) -> dict[str, str]:
    """Return the cells of a row that a build adds, by their titles."""
    cells = {
        "each seed": _seeds(built),
        "logic cells": f"{built['cells']:,} ({built['cells_share']:.0%})",
        "memories": f"{built['memories']} ({built['memories_share']:.0%})",
        "seconds": f"{built['seconds']:,.0f}",
    }
    images = built["images_per_second"]
    if images is not None:
        cells["images/s"] = f"{images:,}"
    latency = latency_ns(built)
    if latency is not None:
        cells["latency, ns"] = f"{latency:,.0f}"
    return cells


def _clock(row: Row) -> str:
    """Clock that a build reached, the one it needed, and the one that is needed now."""
    built = row["built"]
    if built is None:
        return f"of {row['clock_mhz']:g}"
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
    records = [_printed(row) for row in rows]
    return record_table(f"Boards, and {network} on them", records, PRINTED, keys=2)


def _printed(row: Row) -> dict[str, Cell]:
    """Return the cells of a row by the keys of `PRINTED`."""
    built = row["built"]
    machine = built or row
    record: dict[str, Cell] = {
        "board": row["board"],
        "profile": row["profile"],
        "part": row["part"],
        "gateware": _gateware(row) or None,
        "memory": row["memory"],
        "lanes": _lanes(row),
        "rows_per_clock": machine["rows_per_clock"],
        "fits": _fit(row),
        "needed": float(row["clock_mhz"]),
    }
    if built is None:
        return record
    if built["fits"]:
        record["clock"] = built["worst_fmax_mhz"]
    if built["images_per_second"] is not None:
        record["images_per_second"] = float(built["images_per_second"])
    record["needed"] = float(built["need_mhz"])
    record["seeds"] = _seeds(built)
    record["cells"] = built["cells"]
    record["cells_percent"] = 100 * built["cells_share"]
    record["memories"] = built["memories"]
    record["memories_percent"] = 100 * built["memories_share"]
    record["latency"] = latency_ns(built)
    record["seconds"] = float(built["seconds"])
    return record


def _gateware(row: Row) -> str:
    """Word for the gateware of a build; empty without a build."""
    if row["built"] is None:
        return ""
    return "older" if row["older"] else "this"


def _lanes(row: Row) -> str:
    """Lanes of the build, or of the machine without a build."""
    machine = row["built"] or row
    return str(machine["lanes"] or "all")


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
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
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
