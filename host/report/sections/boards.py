"""Boards: what the gateware comes to on each."""

from collections.abc import Sequence
from typing import Any

from host.report.charts.bars import Bar, bars_chart
from host.report.charts.strips import Strip, strips_chart
from host.report.charts.svg import Chart, figure
from host.report.markup import Content
from host.report.records import flag, numeral, string
from host.report.table import Cell, Table

Record = dict[str, Any]

COLUMNS: dict[str, str] = {
    "board": "board",
    "part": "part",
    "profile": "profile",
    "lanes": "lanes",
    "rows_per_clock": "rows a clock",
    "fmax_mhz": "Fmax (MHz)",
    "need_mhz": "needs (MHz)",
    "luts": "LUT",
    "luts_share": "LUT (%)",
    "ffs": "FF",
    "memories": "memories",
    "memories_share": "memories (%)",
    "dsps": "DSP",
    "images_per_second": "images a second",
}
"""What a build's record has, and what the table calls it."""
SHARES = {"luts_share", "memories_share"}
TEXTS = {"board", "part", "profile"}


def verdict(record: Record) -> str:
    """Whether a build fits its board and keeps its time."""
    if flag(record, "fits") is False:
        return "does not fit"
    fmax, need = numeral(record, "fmax_mhz"), numeral(record, "need_mhz")
    if fmax is not None and need is not None and fmax < need:
        return "too slow"
    return "yes"


def named(record: Record) -> str:
    """Board, part and profile of a build."""
    parts = [string(record, key) for key in ("board", "part", "profile")]
    return ", ".join(part for part in parts if part) or "a board"


def builds_table(records: Sequence[Record]) -> Table:
    """All figures of the builds, one a row; what no build has is no column."""
    shown = [key for key in COLUMNS if any(key in record for record in records)]

    def cell(record: Record, key: str) -> Cell:
        if key in TEXTS:
            return string(record, key)
        value = numeral(record, key)
        return None if value is None else 100 * value if key in SHARES else value

    return Table(
        "figures of the builds",
        (*(COLUMNS[key] for key in shown), "fits and keeps time"),
        [(*(cell(record, key) for key in shown), verdict(record)) for record in records],
    )


def speed_figure(records: Sequence[Record]) -> Content:
    """Images a second of each build that gives them, on a logarithmic axis."""
    rates = [
        (named(record), rate)
        for record in records
        if (rate := numeral(record, "images_per_second")) is not None and rate > 0
    ]
    if not rates:
        return None
    table = Table("images a second", ("board", "images a second"), rates)
    return figure(
        Chart(
            "boards-speed",
            "Images a second on each board",
            "; ".join(f"{name}: {rate:,.0f}" for name, rate in rates) + " images a second.",
            strips_chart(
                [Strip(name, [rate], f"{rate:,.0f}") for name, rate in rates],
                "images a second, logarithmic",
                log=True,
            ),
        ),
        [table],
    )


def room_figure(records: Sequence[Record]) -> Content:
    """What share of a board's LUTs each build takes."""
    shares = [
        (named(record), 100 * share)
        for record in records
        if (share := numeral(record, "luts_share")) is not None and share >= 0
    ]
    if not shares:
        return None
    return figure(
        Chart(
            "boards-room",
            "LUTs that each build takes",
            "; ".join(f"{name}: {share:.0f}" for name, share in shares) + " percent of the LUTs.",
            bars_chart(
                [Bar(name, [share], f"{share:.0f} %") for name, share in shares],
                "LUTs of the part (%)",
                end=max(100.0, max(share for _, share in shares)),
            ),
        ),
        [Table("share of the LUTs", ("board", "LUT (%)"), shares)],
    )
