"""What was set in an experiment: none may vary unseen, and some are figures of the device.

Columns beside those of the model, and lines before a table such as ``Pulse width: 1 ms``, say at
which currents, fields and times curves were measured. Curves of two values of one of these are no
cycles of one another. Currents and times of pulses and reads have no part in a fit, but
programming's energy and time are made of them.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allspin.host.fit.columns import Columns, few, ordered, plain
from allspin.host.fit.curves import Curve
from allspin.host.fit.quantities import number, unit_of
from allspin.host.fit.tables import CsvFile
from allspin.host.fit.turns import LEAST_POINTS
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

KNOWN = re.compile(
    r"((read_|write_|pulse_|bias_)?(current|width|duration|length|amplitude)|i|i_?pulse|i_?write|"
    r"t_?pulse|([a-z]+_)*field|[bh]_?[xyz]?|temperature|temp|gate|v_?g|v_?gate)(_.*)?"
)
"""Names of what an experiment sets."""
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
BOOKKEEPING = re.compile(
    r"|(time|date|timestamp|elapsed|clock|index|row|line|no|point|step|id|number|count|comment|"
    r"remark|note|operator|user|file|unnamed|error|status|std|sigma|uncertainty)(_.*|s)?"
)
"""Names of what every row may have of its own."""
COUNTS = {"step", "number", "no", "count", "point"}
"""Names of counts that may also be those of settings."""
RESULTS = ("ohm", "S")
"""Units of what is measured, and not set."""
STEADY = 0.02
"""Of its magnitude, by how much a setting that is read back may scatter."""
APART = 5.0
"""Times a column's range within cycles, by which cycles differ that have another setting."""
ALIKE = 1e-6
"""Of its magnitude, by how much a figure may differ between files."""

CURRENT = r"current|i|i_?x|i_?pulse|i_?write|(input|pulse|write)_(current|amplitude)|amplitude"
"""Names of the current of a pulse."""
FIGURES = {
    "potentiation_current": ("A", re.compile(f"{CURRENT}|potentiation_current")),
    "depression_current": ("A", re.compile(f"{CURRENT}|depression_current")),
    "pulse_time": ("s", re.compile(r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|"
                                   r"t_?(pulse|write)")),
    "read_current": ("A", re.compile(r"(read|sense)_current|i_?(read|sense)")),
    "read_time": ("s", re.compile(r"(read|sense)_(time|width|duration)|t_?(read|sense)")),
    "saturation_current": ("A", re.compile(r"(saturation|reset)_current|i_?(sat|reset)")),
}  # fmt: skip
"""Unit and names of each figure of a device's ``[synapse.electrical]``."""
SAID = re.compile(
    r"\W*(?P<name>[^\W\d][\w .-]*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]])?\s*[:=\t;,]\s*"
    r"(?P<value>[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?)\s*[\t;,]?\s*(?P<own>[^\W\d]*)\s*"
)
"""A line of a preamble such as ``Pulse width: 1 ms`` or ``Pulse width (ms) = 1``."""
LONGEST = 200
"""Characters of such a line."""

Said = tuple[str, float, str]
"""What a line before a table gives: name, value and unit, as they are written."""


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    if READINGS & set(heading.split("_")):
        return False
    known = unit_of(unit)
    called = KNOWN.fullmatch(heading) or WORDS.fullmatch(heading)
    return called is not None or (known is not None and known[0] in UNITS)


def _said(preamble: Iterable[str]) -> list[Said]:
    """Those lines before a table that give a number, which is not 0."""
    short = (line for line in preamble if len(line) <= LONGEST)
    found = []
    for match in filter(None, map(SAID.fullmatch, short)):
        value = number(match["value"])
        if value and math.isfinite(value):
            found.append((match["name"], value, match["own"] or match["unit"] or ""))
    return found


# Figures of the device.


def _rounded(value: float) -> float:
    """Without what the factor of a unit adds in the last digit."""
    return float(f"{value:.12g}")


def _magnitude(file: CsvFile, place: int, base: str, rows: Iterable[int]) -> float | None:
    """What a column has in some rows; None where it has nothing, or several values."""
    unit = unit_of(file.columns[place].unit)
    if unit is None or unit[0] != base:
        return None
    found = (number(file.rows[row][1][place]) for row in rows)
    values = np.array([abs(value) for value in found if value and math.isfinite(value)])
    if not values.size or np.ptp(values) > STEADY * values.max():
        return None
    return _rounded(float(np.median(values)) * unit[1])


def electrical_of(
    file: CsvFile, columns: Columns, curves: Sequence[Curve]
) -> dict[str, list[float]]:
    """Figures of a device's ``[synapse.electrical]`` that a file of pulses has, in SI units.

    They are those of columns, and of lines before the tables, which may contradict one another.
    What varies within a polarity, or has no unit, is left out.
    """
    if columns.neuron:
        return {}
    rows: dict[str, list[int]] = {f"{polarity.name.lower()}_current": [] for polarity in Polarity}
    for curve in curves:
        if curve.polarity is not None:
            rows[f"{curve.polarity.name.lower()}_current"] += curve.rows
    every = [row for own in rows.values() for row in own]
    found: dict[str, list[float]] = {}
    for place, heading in enumerate(columns.headings):
        for key, (base, known) in FIGURES.items():
            if key in rows if place == columns.current else known.fullmatch(heading):
                value = _magnitude(file, place, base, rows.get(key, every))
                found.setdefault(key, [] if value is None else [value])
    said: dict[str, list[float]] = {}
    for name, value, text in _said(line for block in file.blocks for line in block.preamble):
        unit = unit_of(text)
        for key, (base, known) in FIGURES.items():
            # A column that varies is not what a preamble says once.
            if unit and unit[0] == base and known.fullmatch(plain(name)) and key not in found:
                said.setdefault(key, []).append(_rounded(abs(value) * unit[1]))
    return said | found


def together(files: Iterable[Mapping[str, list[float]]]) -> tuple[dict[str, float], list[str]]:
    """Figures of several files, and what is said of those that differ, which are left out."""
    values: dict[str, list[float]] = {}
    for figures in files:
        for key, some in figures.items():
            values.setdefault(key, []).extend(some)
    alike, notes = {}, []
    for key, some in values.items():
        if some and max(some) - min(some) <= ALIKE * max(some):
            alike[key] = some[0]
        elif some:
            notes.append(f"{key} differs ({min(some):g} to {max(some):g}) and is left out")
    return alike, notes


# What varies within the curves of one file.

Key = str | float
"""A number, or text in small letters."""


class Varying:
    """What a column has in the rows of some curves.

    Parameters
    ----------
    file : CsvFile
        The table.
    place : int
        Of the column.
    curves : sequence of Curve
        The curves.

    Attributes
    ----------
    values : Counter of str or float
        How often there is each value.
    texts : set of str
        As they are written.
    by_x : dict of float to set
        The values at each pulse or current.
    by_device : dict of str to list of list
        The values of each cycle of each device.
    numbers : list of float
        The numbers, with their signs, in order.
    top, scatter : float
        The largest magnitude, and the range of the magnitudes over it.
    """

    def __init__(self, file: CsvFile, place: int, curves: Sequence[Curve]) -> None:
        self.file, self.place, self.curves = file, place, curves
        self.heading = plain(file.columns[place].name)
        self.base = (unit_of(file.columns[place].unit) or ("",))[0]
        self.values: Counter[Key] = Counter()
        self.texts: set[str] = set()
        self.by_x: dict[float, set[Key]] = {}
        self.by_device: dict[str, list[list[Key]]] = {}
        is_current = "current" in self.heading or self.base == "A"
        for curve in curves:
            cycle: list[Key] = []
            self.by_device.setdefault(curve.device, []).append(cycle)
            # The point at which a run turns has its row in the part before.
            xs = curve.x[-len(curve.rows) :] if curve.rows else []
            for row, x in zip(curve.rows, map(float, xs), strict=True):
                text = file.rows[row][1][place]
                value = number(text)
                # A pulse of no current is none.
                if value is not None and (math.isnan(value) or (is_current and not value)):
                    continue
                key: Key = text.lower() if value is None else value
                if is_current and isinstance(key, float):
                    key = abs(key)
                self.values[key] += 1
                self.texts.add(text)
                self.by_x.setdefault(x, set()).add(key)
                cycle.append(key)
        found = map(number, self.texts)
        self.numbers = sorted(value for value in found if value is not None)
        self.top = max(map(abs, self.numbers), default=0.0)
        sizes = [key for key in self.values if isinstance(key, float)]
        self.scatter = (max(sizes) - min(sizes)) / self.top if self.top else 0.0

    @property
    def repeated(self) -> bool:
        """Whether there are a few values, each many times."""
        return self.values.total() >= LEAST_POINTS * len(self.values)

    def is_setting(self, named: bool, columns: Columns) -> bool:
        """Whether it is something that was set, and differs between or within curves."""
        if named:
            return self.repeated or self.scatter > STEADY
        if BOOKKEEPING.fullmatch(self.heading):
            return self.heading in COUNTS and self._comes_back()
        if not self.repeated:
            # Every row has its own: a reading, mostly of no setting.
            return self._set_by_cycle()
        # What goes with the pulses is another count of them; what goes with the device its name.
        along = all(len(keys) == 1 for keys in self.by_x.values()) and len(self.by_x) > 1
        return not along and not self._names_device(columns)

    def _comes_back(self) -> bool:
        """Whether each cycle has one number, and some of a device's cycles the same: no count."""
        found = False
        for cycles in self.by_device.values():
            if any(len(set(keys)) != 1 or isinstance(keys[0], str) for keys in cycles):
                return False
            found |= 1 < len({keys[0] for keys in cycles}) < len(cycles)
        return found

    def _set_by_cycle(self) -> bool:
        """Whether numbers are steady within each cycle of a device, and others in others."""
        if self.base in RESULTS or any(isinstance(key, str) for key in self.values):
            return False
        for cycles in self.by_device.values():
            some = [np.array(keys, np.float64) for keys in cycles if keys]
            # Numbers that only rise are a clock, whatever it is called.
            if not some or np.all(np.diff(np.concatenate(some)) > 0):
                continue
            within = max(float(np.subtract(*np.percentile(own, [95, 5]))) for own in some)
            between = float(np.ptp([np.median(own) for own in some]))
            if between > max(STEADY * self.top, APART * within):
                return True
        return False

    def _names_device(self, columns: Columns) -> bool:
        if columns.device is None or any(isinstance(key, float) for key in self.values):
            return False
        rows = [self.file.rows[row][1] for curve in self.curves for row in curve.rows]
        pairs = {(cells[columns.device], cells[self.place].lower()) for cells in rows}
        return len(pairs) == len({device for device, _ in pairs}) == len({own for _, own in pairs})

    def ranges(self) -> list[tuple[float, float]]:
        """Ranges that numbers are in which scatter about a few settings, by magnitude."""
        numbers = self.numbers
        if not self.top:
            return []
        step = 10.0 ** math.floor(math.log10(STEADY * self.top))
        cuts = np.flatnonzero(np.diff(numbers) > STEADY * self.top) + 1
        groups = np.split(np.array(numbers), cuts)
        # A single wrong reading is no setting.
        least = max(map(len, groups)) / LEAST_POINTS
        found = [
            (math.floor(own[0] / step) * step, math.ceil(own[-1] / step) * step)
            for own in groups
            if len(own) >= least
        ]
        return sorted(found, key=lambda ends: min(map(abs, ends)))

    def advice(self, others: Sequence["Varying"]) -> str:
        """How to choose one of the values, with one of those that other curves have.

        Those are such as the current of the other polarity.
        """
        if self.repeated or not self.numbers:
            rest = {text for other in others for text in other.texts} - self.texts
            return ",".join([ordered(self.texts)[0], *ordered(rest)[:1]])
        own = self.ranges()
        rest = [
            (low, high)
            for other in others
            for low, high in other.ranges()
            if all(high < start or low > end for start, end in own)
        ]
        if len(own) + len(rest) < 2:
            return ""
        return ",".join(f"{low:.6g}..{high:.6g}" for low, high in (*own[:1], *rest[:1]))


def check_steady(
    file: CsvFile, columns: Columns, ignored: set[str], curves: Iterable[Curve]
) -> list[str]:
    """Refuse a column that varies where curves are taken for cycles of one another.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : Columns
        What its columns are.
    ignored : set of str
        Columns that may vary, by their plain names.
    curves : iterable of Curve
        The curves.

    Returns
    -------
    list of str
        What is said of settings that scatter a little.

    Raises
    ------
    UserError
        With the column and its values.
    """
    parts: dict[str, list[Curve]] = {}
    for curve in curves:
        what = "the neuron's curves" if curve.polarity is None else curve.polarity.name.lower()
        parts.setdefault(what, []).append(curve)
    for name in sorted(ignored - set(columns.headings)):
        raise UserError(f"{file.path} has no column {name}; mend --ignore-column")
    notes = []
    for place, heading in enumerate(columns.headings):
        if place in columns.used or heading in ignored:
            continue
        column = file.columns[place]
        named = is_named(heading, column.unit)
        columns_of = {what: Varying(file, place, own) for what, own in parts.items()}
        for what, varies in columns_of.items():
            if len(varies.values) < 2:
                continue
            if varies.is_setting(named, columns):
                name = column.name or f"number {place + 1}"
                advice = varies.advice([one for one in columns_of.values() if one is not varies])
                choose = f'choose by --where "{name}={advice}"'
                if not advice:
                    choose = f'choose by a range, as in --where "{name}=LOW..HIGH"'
                raise UserError(
                    f"{file.path}: column {name} varies within {what} ({few(varies.texts)}) and "
                    f"has no part in the model; {choose}, or let it vary with --ignore-column "
                    f'"{name}"'
                )
            if named:
                notes.append(
                    f"{file.path}: column {column.name} scatters by {varies.scatter:.1%} within "
                    f"{what} and is taken as constant"
                )
    return notes


# What differs between tables whose curves are taken for cycles of one device.


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
    if re.fullmatch(CURRENT, heading):
        return "current"
    found = (key for key, (_, known) in FIGURES.items() if known.fullmatch(heading))
    return next(found, heading)


def _in_base(name: str, value: Key, unit: str) -> tuple[Key, str]:
    """A value in the base unit, and how messages give name and value."""
    if isinstance(value, str):
        return value, f"{name} {value}"
    shown = f"{name} {value:.4g} {unit}".rstrip()
    base, factor = unit_of(unit) or ("", 1.0)
    return (abs(value) if base == "A" else value) * factor, shown


def _steady_columns(
    file: CsvFile, columns: Columns, ignored: set[str], rows: list[int]
) -> Iterator[tuple[int, Key, bool]]:
    """Columns that have one value in some rows: place, value, and whether it is so exactly."""
    for place, heading in enumerate(columns.headings):
        unit = file.columns[place].unit
        if place in columns.used or heading in ignored or BOOKKEEPING.fullmatch(heading):
            continue
        if (unit_of(unit) or ("",))[0] in RESULTS:
            continue
        texts = [file.rows[row][1][place] for row in rows]
        numbers = list(map(number, texts))
        if None in numbers:
            if len(set(texts)) == 1:
                yield place, texts[0].lower(), True
            continue
        values = np.array([one for one in numbers if one and math.isfinite(one)])
        if values.size:
            scatter = float(np.ptp(values) / np.abs(values).max())
            if not scatter or (scatter <= STEADY and is_named(heading, unit)):
                yield place, float(np.median(values)), not scatter


def settings_by_table(
    file: CsvFile, columns: Columns, ignored: set[str], curves: Iterable[Curve]
) -> list[Setting]:
    """What lines and columns of a file's tables give for their curves.

    A column knows better than a line, and lines that contradict one another give nothing.

    Parameters
    ----------
    file : CsvFile
        The tables.
    columns : Columns
        What its columns are.
    ignored : set of str
        Columns that may vary, by their plain names.
    curves : iterable of Curve
        The curves.
    """
    tables: dict[tuple[str, Polarity | None, int], list[int]] = {}
    for curve in curves:
        key = curve.device, curve.polarity, file.block_of(curve.line)
        tables.setdefault(key, []).extend(curve.rows)
    settings: list[Setting] = []
    for (device, polarity, block), rows in tables.items():
        where = f"{file.path}" + f", line {file.blocks[block].line}" * (len(file.blocks) > 1)
        found: dict[str, Setting | None] = {}
        for name, value, unit in _said(file.blocks[block].preamble):
            if is_named(plain(name), unit):
                known, shown = _in_base(name, value, unit)
                one = Setting(device, polarity, _one_name(name), known, False, None, shown, where)
                other = found.setdefault(one.name, one)
                if other is None or one.differs(other) > ALIKE:
                    found[one.name] = None
        for place, value, exact in _steady_columns(file, columns, ignored, rows):
            name, unit = file.columns[place]
            known, shown = _in_base(name, value, unit)
            one = Setting(device, polarity, _one_name(name), known, exact, name, shown, where)
            found[one.name] = one
        settings += [one for one in found.values() if one is not None]
    # A neuron's current is what its curves are over, whatever else is said of currents.
    return [one for one in settings if not (columns.neuron and "current" in one.name)]


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
    notes: dict[str, None] = {}
    for own in settings:
        other = first.setdefault((own.device, own.polarity, own.name), own)
        apart = own.differs(other)
        if apart <= ALIKE:
            continue
        if apart > STEADY or (own.exact and other.exact):
            more = f', or let it vary with --ignore-column "{own.column}"' if own.column else ""
            raise UserError(
                f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
                f"{other.where}; they are no cycles of one curve: give those of one value, or call "
                f"the device differently{more}"
            )
        notes[
            f"{own.where}: {own.shown} and {other.shown} ({other.where}) differ by "
            f"{apart:.1%} and are taken as one"
        ] = None
    return list(notes)
