"""Columns that vary within the curves of one file: settings may not, readings may.

A column beside those of the model is a setting if it has a name or a unit of settings. Any other
column is taken for one only if it is steady within each cycle of a device and differs between
cycles.
"""

import math
import re
from collections.abc import Iterable

import numpy as np

from allspin.host.lab.column_map import ColumnMap, CurveColumns, plain
from allspin.host.lab.curves import Curve
from allspin.host.lab.facts import quantities
from allspin.host.lab.quantities import base_of, few, number, ordered
from allspin.host.lab.tables import CsvFile
from allspin.sim.errors import UserError

SETTING = re.compile(
    r"((read_|write_|pulse_|bias_)?(current|width|duration|length|amplitude)|i|i_?pulse|i_?write|"
    r"t_?pulse|([a-z]+_)*field|[bh]_?[xyz]?|v_?g|j|angle|phi|theta)(_.*)?|"
    r"(puls)?(breite|dauer|spannung)|strom(dichte)?|(magnet)?feld|temperatur|winkel|"
    r"(.*_)?(currents?|width|duration|amplitude|field|temperature|temp|gate|bias|"
    r"[iv]_?(src|source|bias|pulse|write|prog|set|gate)|"
    r"(pulse|source|write|set|programming|bias|drive|gate)_(voltage|level|power))(_.*)?"
)
"""Names of settings, also among other words, as in ``Stage temperature``."""
READINGS = {
    *("meas", "measured", "sense", "sensed", "leak", "leakage", "noise", "std", "sigma", "error"),
    *("uncertainty", "compliance", "limit", "range", "max", "min", "start", "stop"),
}
"""Words that make a name one of a reading, or of a bound, whatever its unit."""
BOOKKEEPING = re.compile(
    r"|(time|date|timestamp|elapsed|clock|index|row|line|no|point|id|number|count|comment|"
    r"remark|note|operator|user|file|unnamed|error|status|std|sigma|uncertainty)(_.*|s)?"
)
"""Names of columns that differ in every row."""
MOST_TEXTS = 20
"""Largest number of different words in a column of settings."""
STEADY = 0.02
"""Share of its magnitude by which a setting that is read back may scatter."""
SETTING_UNITS = ("A", "T", "Oe", "K", "C")
"""Base units of settings."""


def is_named(heading: str, unit: str) -> bool:
    """Return True if a column has a name or a unit of settings."""
    if READINGS & set(heading.split("_")):
        return False
    return base_of(unit) in SETTING_UNITS or SETTING.fullmatch(heading) is not None


def may_vary(heading: str, unit: str) -> bool:
    """Return True if a column has a name or a unit of readings or bookkeeping."""
    return bool(BOOKKEEPING.fullmatch(heading)) or base_of(unit) in ("ohm", "S")


def role(columns: ColumnMap, place: int) -> tuple[str, str]:
    """Return the use of a column, and the reason."""
    if place in columns.reasons:
        return columns.reasons[place]
    heading = columns.headings[place]
    unit = columns.file.columns[place].unit
    if is_named(heading, unit):
        use = "setting, the same in all cycles"
    elif may_vary(heading, unit) or READINGS & set(heading.split("_")):
        use = "reading"
    else:
        use = "none, as long as it is not steady in each cycle and another in others"
    return use, "by its name or unit"


def is_missing(cell: str) -> bool:
    """Return True for a mark of a missing value."""
    value = number(cell)
    return value is not None and math.isnan(value)


def _cells(file: CsvFile, place: int, curve: Curve) -> list[str]:
    """Return a column's cells in a curve, without empty ones and pulses of no current."""
    cells = file.cells(place, curve.rows[curve.rows >= 0])
    zeros = _is_current(file, place)
    return [cell for cell in cells if not is_missing(cell) and not (zeros and number(cell) == 0)]


def _is_current(file: CsvFile, place: int) -> bool:
    name, unit = file.columns[place]
    return "current" in plain(name) or base_of(unit) == "A"


def scatter_of_cells(cells: Iterable[str], signed: bool = True) -> float:
    """Return the range of numbers over the largest magnitude; infinity for several words."""
    texts = {cell.lower() for cell in cells}
    numbers = [number(text) for text in texts]
    if None in numbers:
        return math.inf if len(texts) > 1 else 0.0
    values = np.array(numbers, float)
    sizes = np.abs(values)
    return float(np.ptp(values if signed else sizes) / sizes.max()) if sizes.any() else 0.0


def _is_set_by_cycle(cycles: list[list[str]]) -> bool:
    """Return True if values are steady within each cycle, and differ between cycles.

    Numbers that only rise are a clock.
    """
    if max(map(scatter_of_cells, cycles)) > STEADY / 2:
        return False
    firsts = [cells[0] for cells in cycles]
    rises = np.diff([number(cell) or 0.0 for cell in firsts]) > 0
    return scatter_of_cells(firsts) > STEADY and not rises.all()


def check_steady(columns: CurveColumns, ignored: set[str], curves: Iterable[Curve]) -> list[str]:
    """Refuse a setting that varies, and return notes on settings that scatter a little.

    Parameters
    ----------
    columns : CurveColumns
        Columns of the file.
    ignored : set of str
        Columns that may vary, by their plain names.
    curves : iterable of Curve
        The curves.

    Raises
    ------
    UserError
        With the column and its values.
    """
    file = columns.file
    for name in sorted(ignored - set(columns.headings)):
        raise UserError(f"{file.path} has no column {name}; mend `column` ignore={name}")
    parts = _by_polarity(columns.kind, curves)
    notes = []
    for place, heading in enumerate(columns.headings):
        if place in columns.used or heading in ignored:
            continue
        named = is_named(heading, file.columns[place].unit) or _has_quantities(file, place)
        # Only a named setting may refuse decays.
        free = columns.kind == "time" or may_vary(heading, file.columns[place].unit)
        if named or not free:
            notes += _check_column(file, place, named, parts)
    return notes


def _by_polarity(kind: str, curves: Iterable[Curve]) -> dict[str, list[Curve]]:
    """Return curves by the word that messages have for their polarity."""
    parts: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.polarity is not None:
            name = curve.polarity.name.lower()
        else:
            name = "the decays" if kind == "time" else "the neuron's curves"
        parts.setdefault(name, []).append(curve)
    return parts


def _has_quantities(file: CsvFile, place: int) -> bool:
    """Return True if a column has a few words with a quantity, such as 100 Oe."""
    texts = set(file.cells(place))
    return len(texts) <= MOST_TEXTS and any(map(quantities, texts))


def _check_column(
    file: CsvFile, place: int, named: bool, parts: dict[str, list[Curve]]
) -> list[str]:
    """Refuse a column that varies within a polarity, or return notes on its scatter.

    A column without a name of settings is one only if it is set by cycle in some device.
    """
    called = file.columns[place].name or f"number {place + 1}"
    every: dict[str, list[tuple[str, list[str]]]] = {}
    for name, curves in parts.items():
        pairs = [(curve.device, _cells(file, place, curve)) for curve in curves]
        every[name] = [(device, cells) for device, cells in pairs if cells]
    texts = {name: {cell for _, cells in pairs for cell in cells} for name, pairs in every.items()}
    notes = []
    for name, pairs in every.items():
        devices: dict[str, list[list[str]]] = {}
        for device, cells in pairs:
            devices.setdefault(device, []).append(cells)
        scatter = scatter_of_cells(texts[name], not _is_current(file, place))
        if scatter > STEADY and (named or any(map(_is_set_by_cycle, devices.values()))):
            others = set().union(*texts.values()) - texts[name]
            raise _varies(f"{file.path}: column {called}", called, name, texts[name], others)
        if named and scatter:
            notes.append(
                f"{file.path}: column {called} scatters by {scatter:.1%} within {name} and is "
                "taken as constant"
            )
    return notes


def _varies(place: str, called: str, name: str, texts: set[str], others: set[str]) -> UserError:
    """Return an error on a column that varies within a polarity, with a condition on its rows.

    The condition names a value, and one that only other polarities have.
    """
    choice = "LOW..HIGH"
    if len(texts) <= MOST_TEXTS:
        choice = ",".join([ordered(texts)[0], *ordered(others)[:1]])
    message = (
        f"{place} varies within {name} ({few(texts)}) and has no part in the model; choose by "
        f'`where` "{called}={choice}", or let it vary with `column` "ignore={called}"'
    )
    if any(number(text) is None for text in texts):
        message += f' (`column` "device={called}" if it names devices)'
    return UserError(message)
