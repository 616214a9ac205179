"""What a file says of the pulses and reads themselves: currents, widths and times.

They have no part in a fit, but programming's energy and time are made of them.
"""

import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allspin.host.fit import tables as cell_text
from allspin.host.fit import tables as cells
from allspin.host.fit.columns import Columns, Condition, ReadOptions, plain
from allspin.host.fit.pulses import Part
from allspin.host.fit.runs import LEAST_POINTS
from allspin.host.fit.tables import CsvFile, unit_of
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

CURRENT = re.compile(
    r"current|i|i_?x|i_?pulse|i_?write|(input|pulse|write)_(current|amplitude)|amplitude"
)
"""Columns of the current of a pulse."""
NAMES = {
    "pulse_time": ("s", re.compile(r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|"
                                   r"t_?(pulse|write)")),
    "read_current": ("A", re.compile(r"(read|sense)_current|i_?(read|sense)")),
    "read_time": ("s", re.compile(r"(read|sense)_(time|width|duration)|t_?(read|sense)")),
    "saturation_current": ("A", re.compile(r"(saturation|reset)_current|i_?(sat|reset)")),
}  # fmt: skip
"""Unit and columns of each figure that is the same for both polarities."""
SAID = re.compile(
    r"\W*(?P<name>[^\W\d][\w .-]*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]])?\s*[:=\t;,]\s*"
    r"(?P<value>[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?)\s*[\t;,]?\s*(?P<own>[^\W\d]*)\s*"
)
"""A line of a preamble such as ``Pulse width: 1 ms`` or ``Pulse width (ms) = 1``."""
LONGEST = 200
"""Characters of such a line."""
SCATTER = 0.02
"""Of its magnitude, by how much a figure that is read back may scatter."""
ALIKE = 1e-6
"""Of its magnitude, by how much a figure may differ between files."""


def _magnitude(file: CsvFile, place: int, base: str, rows: Iterable[int]) -> float | None:
    """What a column has in some rows; None where it has nothing, or several values."""
    unit = unit_of(file.columns[place].unit)
    if unit is None or unit[0] != base:
        return None
    found = (cells.number(file.rows[row][1][place]) for row in rows)
    values = np.array([abs(value) for value in found if value and math.isfinite(value)])
    if not values.size or np.ptp(values) > SCATTER * values.max():
        return None
    return _rounded(float(np.median(values)) * unit[1])


@dataclass(frozen=True)
class Line:
    """What a line before a table gives.

    Attributes
    ----------
    name : str
        As it is written.
    value : float
        In the unit that is written there.
    unit : str
        As it is written; empty if there is none.
    """

    name: str
    value: float
    unit: str


def lines_of(preamble: Iterable[str]) -> list[Line]:
    """Those lines before a table that give a number, which is not 0."""
    found = []
    short = (line for line in preamble if len(line) <= LONGEST)
    for match in filter(None, map(SAID.fullmatch, short)):
        value = cells.number(match["value"])
        if value and math.isfinite(value):
            found.append(Line(match["name"], value, match["own"] or match["unit"] or ""))
    return found


def _of_preamble(file: CsvFile) -> dict[str, set[float]]:
    """Figures that lines before the tables give."""
    found: dict[str, set[float]] = {}
    for line in lines_of(itertools.chain.from_iterable(file.preamble)):
        name, value, unit = plain(line.name), line.value, unit_of(line.unit)
        if unit is None:
            continue
        keys = [
            key
            for key, (base, known) in NAMES.items()
            if (base == unit[0]) and known.fullmatch(name)
        ]
        if unit[0] == "A":
            keys += [
                f"{polarity.name.lower()}_current"
                for polarity in Polarity
                if CURRENT.fullmatch(name) or name == f"{polarity.name.lower()}_current"
            ]
        for key in keys:
            found.setdefault(key, set()).add(_rounded(abs(value) * unit[1]))
    return found


def _rounded(value: float) -> float:
    """Without what the factor of a unit adds in the last digit."""
    return float(f"{value:.12g}")


def settings_of(
    file: CsvFile, columns: Columns, parts: Iterable[Part]
) -> tuple[dict[str, float], list[str]]:
    """Figures of a device's ``[synapse.electrical]`` that a file of pulses has.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : Columns
        What its columns are.
    parts : iterable of Part
        The curves.

    Returns
    -------
    dict of str to float
        In SI units; of columns, and of lines before the table. What varies within a polarity, or
        has no unit, is left out.
    list of str
        What is said of lines that contradict one another.
    """
    if columns.neuron:
        return {}, []
    rows: dict[Polarity, list[int]] = {polarity: [] for polarity in Polarity}
    for part in parts:
        if part.polarity is not None:
            rows[part.polarity] += part.rows
    every = [row for own in rows.values() for row in own]
    found: dict[str, float | None] = {}
    for place, heading in enumerate(columns.headings):
        if place == columns.current or CURRENT.fullmatch(heading):
            for polarity, own in rows.items():
                key = f"{polarity.name.lower()}_current"
                found.setdefault(key, _magnitude(file, place, "A", own))
            continue
        for key, (base, name) in NAMES.items():
            if name.fullmatch(heading):
                found.setdefault(key, _magnitude(file, place, base, every))
    known = {key: value for key, value in found.items() if value is not None}
    # A column that varies is not what a preamble says once.
    said = {key: some for key, some in _of_preamble(file).items() if key not in found}
    notes = [
        f"{file.path}: lines before the table give several values of {key} ({min(some):g} to "
        f"{max(some):g}); it is left out"
        for key, some in said.items()
        if len(some) > 1
    ]
    return {key: min(some) for key, some in said.items() if len(some) == 1} | known, notes


def together(files: Iterable[Mapping[str, float]]) -> tuple[dict[str, float], list[str]]:
    """Figures of several files, and what is said of those that differ, which are left out."""
    values: dict[str, list[float]] = {}
    for figures in files:
        for key, value in figures.items():
            values.setdefault(key, []).append(value)
    alike = {
        key: some[0] for key, some in values.items() if max(some) - min(some) <= ALIKE * max(some)
    }
    notes = [
        f"{key} differs between the files ({min(some):g} to {max(some):g}) and is left out"
        for key, some in values.items()
        if key not in alike
    ]
    return alike, notes


# What a column has in the rows of some curves, and whether somebody has set it.

STEADY = 0.02
"""Of its magnitude, by how much a setting that is read back may scatter."""
APART = 5.0
"""Times a column's range within cycles, by which cycles differ that have another setting."""
RESULTS = ("ohm", "S")
"""Units of what is measured, and not set."""
COUNTS = {"step", "number", "no", "count", "point"}
"""Names of counts that may also be those of settings."""

Range = tuple[float, float]


class Varying:
    """What a column has in the rows of some curves.

    Parameters
    ----------
    file : CsvFile
        The table.
    place : int
        Of the column.
    parts : sequence of Part
        The curves.

    Attributes
    ----------
    values : dict
        How often there is each number, or text in small letters.
    texts : set of str
        As they are written.
    """

    def __init__(self, file: CsvFile, place: int, parts: Sequence[Part]) -> None:
        self.file, self.place, self.parts = file, place, parts
        self.heading = plain(file.columns[place].name)
        self.unit = unit_of(file.columns[place].unit)
        self.is_current = "current" in self.heading or (
            self.unit is not None and self.unit[0] == "A"
        )
        self.values: dict[str | float, int] = {}
        self.texts: set[str] = set()
        self.by_x: dict[float, set[str | float]] = {}
        self.by_cycle: list[list[str | float]] = []
        for part in parts:
            xs = part.x[-len(part.rows) :] if part.rows else []
            self.by_cycle.append([])
            for row, x in zip(part.rows, map(float, xs), strict=True):
                self._take(file.rows[row][1][place], x)

    def _take(self, text: str, x: float) -> None:
        value = cell_text.number(text)
        if value is not None and math.isnan(value):
            return
        # A pulse of no current is none.
        if value == 0 and self.is_current:
            return
        key = text.lower() if value is None else abs(value) if self.is_current else value
        self.values[key] = self.values.get(key, 0) + 1
        self.texts.add(text)
        self.by_x.setdefault(x, set()).add(key)
        self.by_cycle[-1].append(key)

    @functools.cached_property
    def numbers(self) -> list[float]:
        """The numbers, with their signs, in order."""
        found = (cell_text.number(text) for text in self.texts)
        return sorted(value for value in found if value is not None)

    @functools.cached_property
    def top(self) -> float:
        """The largest magnitude."""
        return max(map(abs, self.numbers), default=0.0)

    @property
    def scatter(self) -> float:
        """Range of the numbers over the largest magnitude."""
        numbers = [key for key in self.values if isinstance(key, float)]
        return (max(numbers) - min(numbers)) / self.top if self.top else 0.0

    @property
    def repeated(self) -> bool:
        """Whether there are a few values, each many times."""
        return sum(self.values.values()) >= LEAST_POINTS * len(self.values)

    def is_setting(self, named: bool, bookkeeping: bool, columns: Columns) -> bool:
        """Whether it is something that was set, and differs between or within curves."""
        if named:
            return self.repeated or self.scatter > STEADY
        if bookkeeping:
            return self.heading in COUNTS and self._comes_back()
        if not self.repeated:
            # Every row has its own: a reading, mostly of no setting.
            return self._set_by_cycle()
        # What goes with the pulses is another count of them; what goes with the device its name.
        along = all(len(keys) == 1 for keys in self.by_x.values()) and len(self.by_x) > 1
        return not along and not self._names_device(columns)

    def _comes_back(self) -> bool:
        """Whether each cycle has one number, and some of a device's cycles the same: no count."""
        cycles: dict[str, list[str | float]] = {}
        for part, keys in zip(self.parts, self.by_cycle, strict=True):
            if len(set(keys)) != 1 or not isinstance(keys[0], float):
                return False
            cycles.setdefault(part.run.device, []).append(keys[0])
        return any(1 < len(set(keys)) < len(keys) for keys in cycles.values())

    def _set_by_cycle(self) -> bool:
        """Whether numbers are steady within each cycle of a device, and others in others."""
        if self.unit is not None and self.unit[0] in RESULTS:
            return False
        cycles: dict[str, list[list[float]]] = {}
        for part, keys in zip(self.parts, self.by_cycle, strict=True):
            numbers = [key for key in keys if isinstance(key, float)]
            if len(numbers) != len(keys):
                return False
            if numbers:
                cycles.setdefault(part.run.device, []).append(numbers)
        return any(self._apart(own) for own in cycles.values())

    def _apart(self, cycles: list[list[float]]) -> bool:
        every = np.concatenate(cycles)
        if np.all(np.diff(every) > 0):
            # A clock, whatever it is called.
            return False
        within = max(float(np.subtract(*np.percentile(own, [95, 5]))) for own in cycles)
        between = float(np.ptp([np.median(own) for own in cycles]))
        return between > max(STEADY * self.top, APART * within)

    def _names_device(self, columns: Columns) -> bool:
        if columns.device is None or any(isinstance(key, float) for key in self.values):
            return False
        rows = [row for part in self.parts for row in part.rows]
        pairs = {
            (self.file.rows[row][1][columns.device], self.file.rows[row][1][self.place].lower())
            for row in rows
        }
        return len(pairs) == len({device for device, _ in pairs}) == len({own for _, own in pairs})

    def ranges(self) -> list[Range]:
        """Ranges that numbers are in which scatter about a few settings, by magnitude."""
        numbers = self.numbers
        if not self.top:
            return []
        step = 10.0 ** math.floor(math.log10(STEADY * self.top))
        cuts = [
            place
            for place, (low, high) in enumerate(itertools.pairwise(numbers), 1)
            if high - low > STEADY * self.top
        ]
        groups = [numbers[a:b] for a, b in itertools.pairwise([0, *cuts, len(numbers)])]
        # A single wrong reading is no setting.
        least = max(map(len, groups)) / LEAST_POINTS
        found = [
            (math.floor(own[0] / step) * step, math.ceil(own[-1] / step) * step)
            for own in groups
            if len(own) >= least
        ]
        return sorted(found, key=lambda ends: min(map(abs, ends)))


# Columns beside those of the model: rows chosen by them, and none that varies unseen.

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
SHOWN = 4
"""Values that a message has."""


def is_bookkeeping(heading: str) -> bool:
    """Whether a column, by its plain name, is what every row may have of its own."""
    return BOOKKEEPING.fullmatch(heading) is not None


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    if READINGS & set(heading.split("_")):
        return False
    known = unit_of(unit)
    called = KNOWN.fullmatch(heading) or WORDS.fullmatch(heading)
    return called is not None or (known is not None and known[0] in UNITS)


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
    file: CsvFile, columns: Columns, options: ReadOptions, parts: Mapping[str, Sequence[Part]]
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
    parts : mapping of str to sequence of Part
        The curves, by what they are of.

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
        column = file.columns[place]
        named = is_named(heading, column.unit)
        all_parts = {what: Varying(file, place, own) for what, own in parts.items()}
        for what, varies in all_parts.items():
            if len(varies.values) < 2:
                continue
            if varies.is_setting(named, is_bookkeeping(heading), columns):
                others = [other for one, other in all_parts.items() if one != what]
                name = column.name or f"number {place + 1}"
                raise UserError(
                    f"{file.path}: column {name} varies within {what} ({_few(varies.texts)}) and "
                    f"has no part in the model; {_advice(name, varies, others)}, or let it "
                    f'vary with --ignore-column "{name}"'
                )
            if named:
                notes.append(
                    f"{file.path}: column {column.name} scatters by {varies.scatter:.1%} within "
                    f"{what} and is taken as constant"
                )
    return notes


def _advice(name: str, varies: Varying, others: list[Varying]) -> str:
    """How to choose one of the values, with one of those that other curves have.

    Those are such as the current of the other polarity.
    """
    if varies.repeated or not varies.numbers:
        rest = set().union(*(other.texts for other in others)) - varies.texts
        wanted = [_ordered(varies.texts)[0], *_ordered(rest)[:1]]
        return f'choose by --where "{name}={",".join(wanted)}"'
    own = varies.ranges()
    rest = [
        (low, high)
        for other in others
        for low, high in other.ranges()
        if all(high < start or low > end for start, end in own)
    ]
    if len(own) + len(rest) < 2:
        return f'choose by a range, as in --where "{name}=LOW..HIGH"'
    ranges = [f"{low:.6g}..{high:.6g}" for low, high in (*own[:1], *rest[:1])]
    return f'choose by --where "{name}={",".join(ranges)}"'


# Settings of curves that are taken for cycles of one device: no two files may give two values.


@dataclass(frozen=True)
class Setting:
    """What one table gives for all of a device's curves of one polarity.

    Attributes
    ----------
    device, polarity
        Of the curves.
    name : str
        What is set, by one name for all of its names.
    value : float or str
        In the base unit, or as it is written.
    exact : bool
        Whether it is the same number in every row, and no reading.
    column : str or None
        The column that has it; None for a line before the table.
    shown, where : str
        How messages give name and value, and the table.
    """

    device: str
    polarity: Polarity | None
    name: str
    value: float | str
    exact: bool
    column: str | None
    shown: str
    where: str

    def differs(self, other: "Setting") -> float:
        """Of the larger magnitude, by how much another value differs; 1 for another text."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            return float(self.value != other.value)
        top = max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) / top if top else 0.0


def _one_name(name: str) -> str:
    """A setting's name, the same for each way to write it."""
    heading = plain(name)
    if CURRENT.fullmatch(heading):
        return "current"
    return next((key for key, (_, known) in NAMES.items() if known.fullmatch(heading)), heading)


def _in_base(value: float, unit: str) -> float:
    known = unit_of(unit)
    if known is None:
        return value
    return (abs(value) if known[0] == "A" else value) * known[1]


class _Table:
    """Curves of one device and one polarity in one block of a file."""

    def __init__(self, file: CsvFile, block: int, parts: list[Part]) -> None:
        self.file, self.block = file, block
        self.device, self.polarity = parts[0].run.device, parts[0].polarity
        self.rows = [row for part in parts for row in part.rows]
        line = file.blocks[block][0] if file.blocks else 0
        self.where = f"{file.path}" + f", line {line}" * (len(file.blocks) > 1)

    def _setting(
        self, name: str, value: float | str, unit: str, exact: bool, column: bool
    ) -> Setting:
        text = value if isinstance(value, str) else f"{value:.4g} {unit}".rstrip()
        known = value if isinstance(value, str) else _in_base(value, unit)
        return Setting(
            self.device,
            self.polarity,
            _one_name(name),
            known,
            exact,
            name if column else None,
            f"{name} {text}",
            self.where,
        )

    def settings(self, columns: Columns, ignored: set[str]) -> list[Setting]:
        """What lines and columns give; a column knows better, and lines may contradict another."""
        found: dict[str, Setting | None] = {}
        for one in self._lines():
            other = found.setdefault(one.name, one)
            if other is None or one.differs(other) > ALIKE:
                found[one.name] = None
        found |= {one.name: one for one in self._columns(columns, ignored)}
        return [one for one in found.values() if one is not None]

    def _lines(self) -> Iterator[Setting]:
        preamble = self.file.preamble[self.block] if self.file.preamble else []
        for line in lines_of(preamble):
            if is_named(plain(line.name), line.unit):
                yield self._setting(line.name, line.value, line.unit, False, False)

    def _columns(self, columns: Columns, ignored: set[str]) -> Iterator[Setting]:
        """Settings that columns give which are the same all along."""
        for place, heading in enumerate(columns.headings):
            column = self.file.columns[place]
            named = is_named(heading, column.unit)
            if place in columns.used or heading in ignored or is_bookkeeping(heading):
                continue
            if (unit_of(column.unit) or ("",))[0] in RESULTS:
                continue
            texts = [self.file.rows[row][1][place] for row in self.rows]
            numbers = [cells.number(text) for text in texts]
            if any(value is None for value in numbers):
                if len(set(texts)) == 1:
                    yield self._setting(column.name, texts[0].lower(), "", True, True)
                continue
            values = np.array([one for one in numbers if one and math.isfinite(one)])
            if not values.size:
                continue
            scatter = float(np.ptp(values) / np.abs(values).max())
            if not scatter or (named and scatter <= STEADY):
                value = float(np.median(values))
                yield self._setting(column.name, value, column.unit, not scatter, True)


def _tables(file: CsvFile, parts: Iterable[Part]) -> list[_Table]:
    found: dict[tuple[str, Polarity | None, int], list[Part]] = {}
    for part in parts:
        heads = [line for line, _ in file.blocks if line < part.run.line]
        key = (part.run.device, part.polarity, max(len(heads) - 1, 0))
        found.setdefault(key, []).append(part)
    return [_Table(file, block, own) for (_, _, block), own in found.items()]


def settings_by_table(
    file: CsvFile, columns: Columns, options: ReadOptions, parts: Iterable[Part]
) -> list[Setting]:
    """What a file's tables give for their curves.

    Parameters
    ----------
    file : CsvFile
        The tables.
    columns : Columns
        What its columns are.
    options : ReadOptions
        Which columns may vary.
    parts : iterable of Part
        The curves.
    """
    ignored = {plain(name) for name in options.ignored}
    found = [
        setting for table in _tables(file, parts) for setting in table.settings(columns, ignored)
    ]
    # A neuron's current is what its curves are over, whatever else is said of currents.
    return [one for one in found if not (columns.neuron and "current" in one.name)]


def check_agreement(settings: Iterable[Setting]) -> list[str]:
    """Refuse curves as cycles of one device where their tables give different settings.

    Returns
    -------
    list of str
        What is said of readings of a setting that differ a little.

    Raises
    ------
    UserError
        With both values and where they are.
    """
    first: dict[tuple[str, Polarity | None, str], Setting] = {}
    notes: list[str] = []
    for own in settings:
        other = first.setdefault((own.device, own.polarity, own.name), own)
        apart = own.differs(other)
        if apart <= ALIKE:
            continue
        if apart <= STEADY and not (own.exact and other.exact):
            note = (
                f"{own.where}: {own.shown} and {other.shown} ({other.where}) differ by "
                f"{apart:.1%} and are taken as one"
            )
            notes += [] if note in notes else [note]
            continue
        more = f', or let it vary with --ignore-column "{own.column}"' if own.column else ""
        raise UserError(
            f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
            f"{other.where}; they are no cycles of one curve: give those of one value, or call "
            f"the device differently{more}"
        )
    return notes
