"""Columns beside those of the model: rows chosen by them, and none that varies unseen."""

import math
import re
from collections.abc import Iterable

from allspin.host.study.fit.reading.columns import Columns, plain
from allspin.host.study.fit.reading.options import Condition, ReadOptions
from allspin.host.study.fit.reading.runs import LEAST_POINTS
from allspin.host.study.fit.reading.table import cells as cell_text
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.host.study.fit.reading.table.units import unit_of
from allspin.sim.errors import UserError

KNOWN = re.compile(
    r"((read_|write_|pulse_|bias_)?(current|width|duration|length|amplitude)|i|i_?pulse|i_?write|"
    r"t_?pulse|([a-z]+_)*field|[bh]_?[xyz]?|temperature|temp|gate|v_?g|v_?gate)(_.*)?"
)
"""Names of what an experiment sets."""
BOOKKEEPING = re.compile(
    r"|(time|date|timestamp|elapsed|clock|index|row|line|no|point|step|id|number|count|comment|"
    r"remark|note|operator|user|file|unnamed|error|status|std|sigma|uncertainty)(_.*|s)?"
)
"""Names of what every row may have of its own."""
WORDS = re.compile(
    r"(.*_)?(currents?|width|duration|amplitude|field|temperature|temp|gate|bias|"
    r"[iv]_?(src|source|bias|pulse|write|prog|set)|"
    r"(pulse|source|write|set|programming|bias|drive|gate)_(voltage|level|power))(_.*)?"
)
"""The same among other words, as in ``Stage temperature``."""
UNITS = ("A", "T", "Oe", "K")
"""Units of what an experiment sets, whatever it is called."""
READINGS = {
    *("meas", "measured", "sense", "sensed", "leak", "leakage", "noise", "std", "sigma", "error"),
    *("uncertainty", "compliance", "limit", "range", "max", "min", "start", "stop"),
}
"""Words of what is read, or bounds it, in such a unit."""
STEADY = 0.02
"""Of its magnitude, by how much a setting that is read back may scatter."""
SHOWN = 4
"""Values that a message has."""


def is_bookkeeping(heading: str) -> bool:
    """Whether a column, by its plain name, is what every row may have of its own."""
    return BOOKKEEPING.fullmatch(heading) is not None


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    if KNOWN.fullmatch(heading):
        return True
    if READINGS & set(heading.split("_")):
        return False
    known = unit_of(unit)
    return WORDS.fullmatch(heading) is not None or (known is not None and known[0] in UNITS)


def choose_rows(
    file: CsvFile, columns: Columns, options: ReadOptions
) -> tuple[list[int], set[str]]:
    """The rows for which all conditions hold, and the columns of those that the file has.

    A neuron's current is what its curve is over, and no condition.

    Raises
    ------
    UserError
        If a condition leaves no row, or is about a column that curves are over.
    """
    chosen = list(range(len(file.rows)))
    used: set[str] = set()
    for condition in options.conditions():
        name = plain(condition.column)
        if name not in columns.headings:
            continue
        place = columns.headings.index(name)
        if place == columns.x or place in columns.resistances:
            if columns.neuron:
                continue
            raise UserError(
                f"{file.path}: --where {condition} is about the curves themselves; choose by "
                "another column"
            )
        used.add(name)
        cells = _filled(file, place, chosen) if place == columns.current else {}
        kept = [
            index
            for index in chosen
            if condition.takes(cells.get(index, file.rows[index][1][place]))
        ]
        if not kept:
            there = _few({file.rows[index][1][place] for index in chosen})
            raise UserError(f"{file.path}: no row has {condition}; {condition.column} has {there}")
        chosen = kept
    return chosen, used


def _filled(file: CsvFile, place: int, chosen: list[int]) -> dict[int, str]:
    """Pulse currents of rows that have none: those of the next pulse, or of the last."""
    found: dict[int, str] = {}
    for order in (reversed(chosen), iter(chosen)):
        last = ""
        for index in order:
            cell = found.get(index, file.rows[index][1][place])
            value = cell_text.number(cell)
            if value is None or value:
                last = cell if value is None or value == value else last
            if value is not None and (not value or value != value) and last:
                found[index] = last
    return found


def check_used(conditions: Iterable[Condition], used: set[str]) -> None:
    """Refuse a condition on a column that no file has.

    Raises
    ------
    UserError
        With its column.
    """
    for condition in conditions:
        if plain(condition.column) not in used:
            raise UserError(f"no file has a column {condition.column}; mend --where {condition}")


def _plainly(text: str) -> str:
    """A value without a decimal comma, as a condition takes it."""
    value = cell_text.number(text)
    return text if value is None or math.isnan(value) else f"{value:.10g}"


def _ordered(values: set[str]) -> list[str]:
    def order(text: str) -> tuple[float, str]:
        value = cell_text.number(text)
        return (math.inf if value is None or math.isnan(value) else abs(value), text)

    return sorted(map(_plainly, values), key=order)


def _few(values: set[str]) -> str:
    shown = [text or "nothing" for text in _ordered(values)]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" * (len(shown) > SHOWN))


def check_steady(
    file: CsvFile, columns: Columns, options: ReadOptions, parts: dict[str, list[tuple[int, float]]]
) -> list[str]:
    """Refuse a column that varies where curves are taken for cycles of one another.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : Columns
        What its columns are.
    options : ReadOptions
        Which columns may vary.
    parts : dict of str to list of (int, float)
        Rows and x of the curves, by what they are of.

    Returns
    -------
    list of str
        What is said of settings that scatter a little.

    Raises
    ------
    UserError
        With the column and its values.
    """
    notes = []
    ignored = {plain(name) for name in options.ignored}
    for name in sorted(ignored - set(columns.headings)):
        raise UserError(f"{file.path} has no column {name}; mend --ignore-column")
    for place, heading in enumerate(columns.headings):
        if place in columns.used or heading in ignored:
            continue
        named = KNOWN.fullmatch(heading) is not None
        for what, rows in parts.items():
            varies = _Varying(file, place, rows)
            if not varies.values or len(varies.values) == 1:
                continue
            if varies.is_setting(named, columns):
                name = file.columns[place].name or f"number {place + 1}"
                # With what the column has elsewhere, such as the current of the other polarity.
                others = [_Varying(file, place, part) for one, part in parts.items() if one != what]
                rest = set().union(*(other.texts for other in others)) - varies.texts
                wanted = [_ordered(varies.texts)[0], *_ordered(rest)[:1]]
                choice = f"{name}={','.join(wanted)}"
                raise UserError(
                    f"{file.path}: column {name} varies within {what} ({_few(varies.texts)}) and "
                    f'has no part in the model; choose by --where "{choice}", or let it '
                    f'vary with --ignore-column "{name}"'
                )
            if named:
                notes.append(
                    f"{file.path}: column {file.columns[place].name} scatters by "
                    f"{varies.scatter:.1%} within {what} and is taken as constant"
                )
    return notes


class _Varying:
    """What a column has in the rows of some curves."""

    def __init__(self, file: CsvFile, place: int, rows: list[tuple[int, float]]) -> None:
        self.file, self.place, self.rows = file, place, rows
        self.heading = plain(file.columns[place].name)
        cells = [(file.rows[index][1][place], x) for index, x in rows]
        self.values: dict[str | float, int] = {}
        self.texts: set[str] = set()
        self.by_x: dict[float, set[str | float]] = {}
        for text, x in cells:
            value = cell_text.number(text)
            if value is not None and math.isnan(value):
                continue
            # A pulse of no current is none.
            if value == 0 and self.heading.endswith("current"):
                continue
            key = (
                text.lower()
                if value is None
                else abs(value)
                if "current" in self.heading
                else value
            )
            self.values[key] = self.values.get(key, 0) + 1
            self.texts.add(text)
            self.by_x.setdefault(x, set()).add(key)

    @property
    def scatter(self) -> float:
        """Range of the numbers over the largest magnitude."""
        numbers = [key for key in self.values if isinstance(key, float)]
        top = max((abs(key) for key in numbers), default=0.0)
        return (max(numbers) - min(numbers)) / top if top else 0.0

    def is_setting(self, named: bool, columns: Columns) -> bool:
        """Whether it is something that was set, and differs between or within curves."""
        if not named and BOOKKEEPING.fullmatch(self.heading):
            return False
        repeated = sum(self.values.values()) >= LEAST_POINTS * len(self.values)
        if named:
            return repeated or self.scatter > STEADY
        if not repeated:
            # Every row has its own: another reading, and no setting.
            return False
        # What goes with the pulses is another count of them; what goes with the device its name.
        along = all(len(keys) == 1 for keys in self.by_x.values()) and len(self.by_x) > 1
        return not along and not self._names_device(columns)

    def _names_device(self, columns: Columns) -> bool:
        if columns.device is None or any(isinstance(key, float) for key in self.values):
            return False
        pairs = {
            (self.file.rows[index][1][columns.device], self.file.rows[index][1][self.place].lower())
            for index, _ in self.rows
        }
        return len(pairs) == len({device for device, _ in pairs}) == len({own for _, own in pairs})
