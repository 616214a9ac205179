"""How files of measurements are read: what columns are taken for, and what becomes of curves."""

from collections.abc import Sequence
from pathlib import Path

from allspin.host.lab.columns import ColumnNames
from allspin.host.lab.curves import Curve
from allspin.host.lab.quantities import few
from allspin.host.lab.roles import ColumnMap
from allspin.host.lab.tables import read_csv
from allspin.host.lab.varying import role
from allspin.host.show.table import Table, TableColumn
from allspin.sim.synapse.lookup_table import is_lookup_table

HEADS = {
    "columns": ("file", "column", "unit", "taken for", "why", "cells"),
    "curves": ("device", "cycle", "polarity", "file", "line", "points", "what"),
}
"""What is told of each column, and of each curve."""


def columns_table(files: Sequence[Path], names: ColumnNames) -> Table:
    """What each column of the files is taken for, and why."""
    maps = [ColumnMap(read_csv(path), names.of) for path in files if not is_lookup_table(files[0])]
    rows = [
        (one.file.path.name, *column, *role(one, n), few(cells[n] for _, cells in one.file.rows))
        for one in maps
        for n, column in enumerate(one.file.columns)
    ]
    return Table("columns", list(map(TableColumn, HEADS["columns"])), rows, keys=2)


def curves_table(kept: Sequence[Curve] = (), gone: Sequence[Curve] = ()) -> Table:
    """Which curves were found in which lines: those that were fitted, and those left out."""
    rows = [
        (
            *(one.device, one.cycle, "" if one.polarity is None else one.polarity.name.lower()),
            *(Path(one.path).name, one.line, one.x.size),
            "fitted" if place < len(kept) else "left out",
        )
        for place, one in enumerate([*kept, *gone])
    ]
    return Table("curves", list(map(TableColumn, HEADS["curves"])), rows, keys=3)
