"""The figures as tables, in Markdown too, and the marks that they stand between in a document."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from allspin.host.show.document import Marks
from allspin.host.show.table import Cell, Number, Table, TableColumn, shown

MARKS = Marks(
    "<!-- What `make bench` writes begins here; do not edit it by hand. -->",
    "<!-- What `make bench` writes ends here. -->",
)
RATE = ",.0f"
Section = tuple[Sequence[str], Table]
"""Text about a table, line by line, and the table; without columns the text stands alone."""


def _number(value: float | None, form: str) -> Cell:
    return None if value is None else Number(value, form)


def _columns(*names: str) -> tuple[TableColumn, ...]:
    """Columns of a table: the first names a row, the others hold numbers."""
    return (TableColumn(names[0]), *(TableColumn(name, number=True) for name in names[1:]))


def _targets(record: dict[str, Any]) -> list[Section]:
    rows: list[tuple[Cell, ...]] = []
    for each in record["golden_chips"]:
        rows += [
            (
                f"golden model, `{each['network']}`, device `{each['device']}`: {each['chips']} "
                f"chips, {each['images']:,} images, on two cores",
                f"{each['target_seconds']:g} s",
                f"{each['seconds']:.1f} s ({each['processor_seconds']:.1f} s of processor)",
            ),
            (
                "its memory, all processes together",
                f"{each['target_bytes'] / 2**20:,.0f} MiB",
                f"{each['memory_bytes'] / 2**20:,.0f} MiB",
            ),
        ]
    others = [
        (
            f"virtual board, `{each['network']}`: {each['chips']} chips, "
            f"{each['images']:,} images, programming included "
            f"({each['chips_that_differ']} chips differ from the golden model)",
            each,
        )
        for each in record["virtual_chips"]
    ]
    others += [
        (
            f"training, {each['states']} states, `--epochs {each['epochs']}`: "
            f"test accuracy {each['accuracy']:.2%}",
            each,
        )
        for each in record["training"]
    ]
    rows += [
        (what, f"{each['target_seconds']:g} s", f"{each['seconds']:.1f} s") for what, each in others
    ]
    return [((), Table("Targets", _columns("what", "target, at most", "measured"), rows))]


def _ratios(record: dict[str, Any]) -> list[Section]:
    title = "Against others, side by side"
    if not record["ratios"]:
        return [(("Not measured of this state.",), Table(title, (), ()))]
    text = (
        "Images/s of one thread, by processor time, 784-100-10, by how many images are given at a",
        "time. A noisy run is of one chip, whose programming is a column of its own. *Ratio*: how",
        "many times as fast the golden model is, each program at its best; there is none where",
        "accuracies differ by more than 0.3 points. *Target*: what it shall be at least.",
    )
    batches = list(record["ratios"][0]["by_batch"])
    rows = [
        (
            " ".join(filter(None, (row["what"], row["version"]))),
            "noisy" if row["noisy"] else "ideal",
            *(Number(row["by_batch"][batch], RATE) for batch in batches),
            Number(1e3 * row["programming_seconds"], ".1f"),
            Number(row["accuracy"], ".2%"),
            _number(row["golden_is_times_as_fast"], ".2f"),
            _number(row["target"], ",g"),
        )
        if "by_batch" in row
        else (row["what"], "not installed", *[None] * (len(batches) + 4))
        for row in record["ratios"]
    ]
    given = (f"{int(batch):,} at a time" for batch in batches)
    columns = _columns("what", "run", *given, "ms to program", "accuracy", "ratio", "target")
    return [(text, Table(title, columns, rows))]


def _growth(record: dict[str, Any]) -> list[Section]:
    golden = [
        (f"{name}: {row[name]:,}", Number(row["seconds"], ".3f"))
        for name, each in record["growth"].items()
        for row in each
    ]
    virtual = [
        (
            f"{row['lanes'] or 'all'} lanes, rows per clock {row['rows_per_clock']}, "
            + ("states" if row["states"] else "words"),
            *(Number(row[key], ".1f") for key in ("cycles_per_image", "bound")),
            Number(row["link_cycles_per_image"], ".1f"),
            Number(row["images_per_second"], RATE),
            row["target"],
        )
        for row in record["shapes"]
    ]
    text = (
        "Virtual board; cycles per image by the gateware's own counters, of images that wait on",
        "the board and of images that come over the link, whose decoder takes one byte per cycle.",
        "Images/s are those of a machine that keeps no images.",
    )
    head = ("machine", "resident", "slowest stage", "over the link")
    more = ("images/s, simulated", "target, at least")
    return [
        (
            ("Golden model, one thread, processor seconds, programming included.",),
            Table("How the cost grows", _columns("what grows", "seconds"), golden),
        ),
        (text, Table("", _columns(*head, *more), virtual)),
    ]


def _engine(record: dict[str, Any]) -> list[Section]:
    title = "Engine: the board's clock over mean cycles per image"
    if not record["engine"]:
        return [(("No builds were given (`--builds FILE.json`).",), Table(title, (), ()))]
    rows = [
        (
            f"{each['board']} ({each['part']}), {each['profile']}, {each['lanes']} lanes, "
            f"rows per clock {each['rows_per_clock']}",
            "older" if each["older"] else "this",
            each["seeds"],
            *(
                Number(each[name], ".1f")
                for name in ("worst_fmax_megahertz", "megahertz", "cycles")
            ),
            Number(each["images_per_second"], RATE),
            each["target"],
        )
        for each in record["engine"]
    ]
    head = ("complete top, placed and routed", "gateware", "seeds", "MHz reached, worst seed")
    more = ("MHz of the board", "cycles per image", "images/s", "target, at least")
    return [((), Table(title, _columns(*head, *more), rows))]


def _resident(record: dict[str, Any]) -> list[Section]:
    title = "Resident sweep: images on the board, once for each chip, redraw included"
    if not record["resident"]:
        return [(("No build with resident images was given.",), Table(title, (), ()))]
    rows = [
        (
            f"{each['board']}:{each['profile']}, {each['images']:,} images on board",
            each["redraw_clocks"],
            Number(each["images_per_second"], RATE),
        )
        for each in record["resident"]
    ]
    return [((), Table(title, _columns("board", "clocks of a redraw", "images/s"), rows))]


def _link(record: dict[str, Any]) -> list[Section]:
    each = record["link"]
    rows = [
        (f"UART of {int(baud):,} bits a second", Number(rate, RATE))
        for baud, rate in each["images_per_second"].items()
    ]
    text = (
        f"An image's request takes {each['bytes_per_image']:.1f} bytes, frame included, each of",
        "ten bits on a UART.",
    )
    return [(text, Table("Link: host to host", _columns("link", "images/s, at most"), rows))]


PARTS: tuple[Callable[[dict[str, Any]], list[Section]], ...] = (
    *(_targets, _ratios, _growth, _engine, _resident, _link),
)


def circumstances(record: dict[str, Any]) -> str:
    """Commit of the figures, and the machine that they were measured on."""
    machine = record["machine"]
    return (
        f"Commit {record['commit'] or 'unknown'}; {machine['cores']} cores, "
        f"Python {machine['python']}, NumPy {machine['numpy']}, "
        f"kernels for {machine.get('blas', 'a processor that was not noted')}, "
        f"load before it began {machine['load']:.1f}."
    )


def printed(record: dict[str, Any]) -> tuple[list[Table], list[str]]:
    """The figures as tables of the terminal, and the text below them.

    Parameters
    ----------
    record : dict
        Output of ``python -m tests.bench --json``.
    """
    tables = [
        replace(table, notes=[" ".join(text)] if text else [])
        for part in PARTS
        for text, table in part(record)
        if table.rows
    ]
    return tables, [circumstances(record)]


def markdown(record: dict[str, Any]) -> str:
    """The figures as Markdown.

    Parameters
    ----------
    record : dict
        Output of ``python -m tests.bench --json``.
    """
    lines = [circumstances(record), ""]
    for said, table in (section for part in PARTS for section in part(record)):
        lines += [f"### {table.title}", ""] if table.title else []
        lines += [*said, ""] if said else []
        if table.columns:
            lines.append("| " + " | ".join(column.head for column in table.columns) + " |")
            lines.append("| --- |" + " ---: |" * (len(table.columns) - 1))
            for row in table.rows:
                cells = [shown(*each) for each in zip(row, table.columns, strict=True)]
                lines.append("| " + " | ".join(cells) + " |")
            lines.append("")
    return "\n".join(lines)
