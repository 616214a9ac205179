"""Tables about the files of a fit: the use of each column, and of each curve."""

from collections.abc import Sequence
from pathlib import Path

from allspin.host.lab.column_map import ColumnMap
from allspin.host.lab.curves import Curve
from allspin.host.lab.quantities import few
from allspin.host.lab.reading import ColumnNames
from allspin.host.lab.tables import read_csv
from allspin.host.lab.varying import role
from allspin.host.show.table import Table, TableColumn
from allspin.sim.synapse.lookup_table import is_lookup_table

HEADS = {
    "columns": ("file", "column", "unit", "taken for", "why", "cells"),
    "curves": ("device", "cycle", "polarity", "file", "line", "points", "what"),
}
"""Headings of both tables."""


def columns_table(files: Sequence[Path], names: ColumnNames) -> Table:
    """Return the use of each column of the files, and the reason."""
    rows = []
    for path in files:
        if is_lookup_table(files[0]):
            continue
        columns = ColumnMap(read_csv(path), names)
        for place, (name, unit) in enumerate(columns.file.columns):
            use, reason = role(columns, place)
            rows.append((path.name, name, unit, use, reason, few(columns.file.cells(place))))
    return Table("columns", list(map(TableColumn, HEADS["columns"])), rows, keys=2)


def curves_table(kept: Sequence[Curve] = (), left_out: Sequence[Curve] = ()) -> Table:
    """Return file and line of each curve: those that were fitted, and those left out."""
    rows = []
    for place, curve in enumerate([*kept, *left_out]):
        rows.append(
            (
                curve.device,
                curve.cycle,
                "" if curve.polarity is None else curve.polarity.name.lower(),
                Path(curve.path).name,
                curve.line,
                curve.x.size,
                "fitted" if place < len(kept) else "left out",
            )
        )
    return Table("curves", list(map(TableColumn, HEADS["curves"])), rows, keys=3)
