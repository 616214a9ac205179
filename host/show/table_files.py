"""Tables as text for programs and documents: TSV, CSV and Markdown."""

import csv
import io

from allspin.host.show.say import printable
from allspin.host.show.table import Cell, Number, Table, shown


def tsv(table: Table) -> str:
    """Return a table as TSV: title and notes behind ``#``, the heads, the rows.

    A column whose numbers have deviations becomes two columns.
    """
    comments = [*table.notes]
    if table.title:
        comments.insert(0, table.title)
    lines = [f"# {printable(line, layout='')}" for line in comments]
    columns: list[list[Cell]] = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        columns.append([column.head, *cells])
        deviations = [cell.deviation if isinstance(cell, Number) else None for cell in cells]
        if any(deviation is not None for deviation in deviations):
            columns.append([f"deviation of {column.head}", *deviations])
    lines += ["\t".join(map(_plain, line)) for line in zip(*columns, strict=True)]
    return "\n".join(lines)


def _plain(cell: Cell) -> str:
    """Return a value without thousands separators; empty where it is None."""
    if isinstance(cell, Number):
        cell = cell.value
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.10g}"
    return printable(cell, layout="").strip() if isinstance(cell, str) else str(cell)


def csv_bytes(table: Table) -> bytes:
    """Return heads and rows as CSV, floats with nine digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.head for column in table.columns])
    for row in table.rows:
        writer.writerow([f"{cell:.9g}" if isinstance(cell, float) else cell for cell in row])
    return text.getvalue().encode()


def markdown(table: Table) -> str:
    """Return heads and rows as a Markdown table, as people read them."""
    lines = [[column.head for column in table.columns], ["---"] * len(table.columns)]
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        lines.append([shown(cell, column).replace("|", "\\|") for cell, column in cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
