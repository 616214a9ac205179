"""Columns that vary within the curves of one file: settings may not, readings may.

A column beside those of the model is a setting if it has a name or a unit of settings. Any other
column is taken for one only if it is steady within each cycle of a device and differs between
cycles.
"""

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

from allspin.host.lab.column_map import ColumnMap, CurveColumns, plain
from allspin.host.lab.curves import LEAST_POINTS, Curve
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


class Varying:
    """Values of a column in the rows of some curves.

    Parameters
    ----------
    file : CsvFile
        The table.
    place : int
        Place of the column.
    curves : sequence of Curve
        The curves.

    Attributes
    ----------
    cycles : list of (str, list of str)
        Device and cells of each curve, without empty ones and pulses of no current.
    texts : set of str
        The values as they are written.
    numbers : ndarray
        The numbers among them, with their signs, in order.
    top, scatter : float
        The largest magnitude, and the range of the values over it.
    worded : bool
        True if words are among the values.
    several : bool
        True if the column has several values; the sign of a current does not count.
    repeated : bool
        True if these are few, and each occurs many times.
    """

    def __init__(self, file: CsvFile, place: int, curves: Sequence[Curve]) -> None:
        name, unit = file.columns[place]
        signed = "current" not in plain(name) and base_of(unit) != "A"
        empty = {cell for cell in set(file.cells(place)) if _is_empty(cell, signed)}
        self.cycles: list[tuple[str, list[str]]] = []
        for curve in curves:
            cells = file.cells(place, curve.rows[curve.rows >= 0])
            self.cycles.append((curve.device, [cell for cell in cells if cell not in empty]))
        self.texts = {cell for _, cells in self.cycles for cell in cells}
        words = {text.lower() for text in self.texts if number(text) is None}
        self.worded = bool(words)
        values = [value for value in map(number, self.texts) if value is not None]
        self.numbers = np.sort(values)
        sizes = np.unique(self.numbers if signed else np.abs(self.numbers))
        self.top = float(np.abs(self.numbers).max(initial=0.0))
        self.scatter = float(np.ptp(sizes)) / self.top if self.top else 0.0
        count = sizes.size + len(words)
        points = sum(len(cells) for _, cells in self.cycles)
        self.several = count > 1
        self.repeated = 1 < count <= min(points / LEAST_POINTS, 2 * LEAST_POINTS - 1)

    def is_setting(self, named: bool) -> bool:
        """Return True if the column is a setting that differs between or within curves.

        A column without a name of settings is one only if it is steady within each cycle of a
        device and differs between cycles.
        """
        if named:
            return self.repeated or self.scatter > STEADY
        devices: dict[str, list[list[str]]] = {}
        for device, cells in self.cycles:
            if cells:
                devices.setdefault(device, []).append(cells)
        return self.several and any(map(self._is_set_by_cycle, devices.values()))

    def _is_set_by_cycle(self, cycles: list[list[str]]) -> bool:
        """Return True if values are steady within each cycle and differ between cycles."""
        if self.worded:
            return all(len(set(own)) == 1 for own in cycles) and len(set(map(min, cycles))) > 1
        values = [np.array([number(cell) for cell in own], float) for own in cycles]
        within = max(float(np.subtract(*np.percentile(own, [95, 5]))) for own in values)
        between = float(np.ptp([np.median(own) for own in values]))
        # Numbers that only rise are a clock.
        falls = np.any(np.diff(np.concatenate(values)) <= 0)
        return between > max(STEADY * self.top, 5 * within) and bool(falls)

    def ranges(self) -> list[tuple[float, float]]:
        """Return the ranges of numbers that scatter about a few settings, by magnitude."""
        if not self.top:
            return []
        step = 10.0 ** math.floor(math.log10(STEADY * self.top))
        far = np.diff(self.numbers) > STEADY * self.top
        groups = np.split(self.numbers, np.flatnonzero(far) + 1)
        # A single wrong reading is no setting.
        least = max(map(len, groups)) / LEAST_POINTS
        found = []
        for group in groups:
            if len(group) >= least:
                low = math.floor(group[0] / step) * step
                found.append((low, math.ceil(group[-1] / step) * step))
        return sorted(found, key=lambda ends: min(map(abs, ends)))

    def advice(self, others: Sequence["Varying"]) -> str:
        """Return a condition's values: one setting, and one that only other curves have.

        The second one is such as the current of the other polarity.
        """
        if self.repeated or not self.numbers.size:
            rest = set[str]().union(*(other.texts for other in others)) - self.texts
            return ",".join([ordered(self.texts)[0], *ordered(rest)[:1]])
        own = self.ranges()
        others_only = []
        for other in others:
            for low, high in other.ranges():
                if all(high < first or low > last for first, last in own):
                    others_only.append((low, high))
        if len(own) + len(others_only) < 2:
            return "LOW..HIGH"
        return ",".join(f"{low:.6g}..{high:.6g}" for low, high in (*own[:1], *others_only[:1]))


def _is_empty(cell: str, signed: bool) -> bool:
    """Return True for a cell without a value; such as a pulse without a current."""
    value = number(cell)
    if value is None:
        return False
    return math.isnan(value) or (value == 0 and not signed)


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
    """Refuse a column that varies within a polarity, or return notes on its scatter."""
    called = file.columns[place].name or f"number {place + 1}"
    every = {name: Varying(file, place, curves) for name, curves in parts.items()}
    notes = []
    for name, varying in every.items():
        if varying.is_setting(named):
            advice = varying.advice([one for one in every.values() if one is not varying])
            message = (
                f"{file.path}: column {called} varies within {name} ({few(varying.texts)}) and "
                f'has no part in the model; choose by `where` "{called}={advice}", or let it '
                f'vary with `column` "ignore={called}"'
            )
            if varying.worded:
                message += f' (`column` "device={called}" if it names devices)'
            raise UserError(message)
        if named and varying.several:
            notes.append(
                f"{file.path}: column {called} scatters by {varying.scatter:.1%} within {name} "
                "and is taken as constant"
            )
    return notes
