"""What was set in an experiment: none may vary unseen, and some are figures of the device.

Columns beside those of the model, and lines before a table such as ``Pulse width: 1 ms``, say at
which currents, fields and times curves were measured. Curves of two values of one of these are no
cycles of one another. Currents and times of pulses and reads have no part in a fit, but
programming's energy and time are made of them.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allspin.host.fit.columns import Columns, few, ordered, plain
from allspin.host.fit.curves import Curve
from allspin.host.fit.quantities import number, unit_of
from allspin.host.fit.tables import Block, CsvFile
from allspin.host.fit.turns import LEAST_POINTS
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

SETTING = re.compile(
    r"((read_|write_|pulse_|bias_)?(current|width|duration|length|amplitude)|i|i_?pulse|i_?write|"
    r"t_?pulse|([a-z]+_)*field|[bh]_?[xyz]?|v_?g)(_.*)?|"
    r"(.*_)?(currents?|width|duration|amplitude|field|temperature|temp|gate|bias|"
    r"[iv]_?(src|source|bias|pulse|write|prog|set|gate)|"
    r"(pulse|source|write|set|programming|bias|drive|gate)_(voltage|level|power))(_.*)?"
)
"""Names of what an experiment sets, also among other words, as in ``Stage temperature``."""
READINGS = {
    *("meas", "measured", "sense", "sensed", "leak", "leakage", "noise", "std", "sigma", "error"),
    *("uncertainty", "compliance", "limit", "range", "max", "min", "start", "stop"),
}
"""Words of what is read, or bounds it, in such a unit."""
BOOKKEEPING = re.compile(
    r"|(time|date|timestamp|elapsed|clock|index|row|line|no|point|id|number|count|comment|"
    r"remark|note|operator|user|file|unnamed|error|status|std|sigma|uncertainty)(_.*|s)?"
)
"""Names of what every row may have of its own."""
RESULTS = ("ohm", "S")
"""Units of what is measured, and not set."""
STEADY = 0.02
"""Of its magnitude, by how much a setting that is read back may scatter."""

CURRENT = r"current|i|i_?x|i_?pulse|i_?write|(input|pulse|write)_(current|amplitude)|amplitude"
"""Names of the current of a pulse."""
FIGURES = {
    key: (unit, re.compile(known))
    for key, unit, known in (
        ("current", "A", CURRENT),
        ("potentiation_current", "A", "potentiation_current"),
        ("depression_current", "A", "depression_current"),
        ("pulse_time", "s", r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|"
                            r"t_?(pulse|write)"),
        ("read_current", "A", r"(read|sense)_current|i_?(read|sense)"),
        ("read_time", "s", r"(read|sense)_(time|width|duration)|t_?(read|sense)"),
        ("saturation_current", "A", r"(saturation|reset)_current|i_?(sat|reset)"),
    )
}  # fmt: skip
"""Unit and names of each figure of a device's ``[synapse.electrical]``; the current of pulses is
one of their polarity's."""
Key = str | float
"""A number, or text in small letters."""
Given = tuple[str, str, list[str], str | None]
"""What a line or a column gives: what it is called, its unit, its cells, and the column."""


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    if READINGS & set(heading.split("_")):
        return False
    return bool(SETTING.fullmatch(heading)) or _base(unit) in ("A", "T", "Oe", "K", "C")


def _base(unit: str) -> str:
    """The base unit of a unit as it is written; empty where it is none, or not known."""
    return (unit_of(unit) or ("", 1.0))[0]


# What varies within the curves of one file.


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
    points : list of (str, int, str or float)
        Device, number of the curve, and value of each point that has one.
    texts : set of str
        The values as they are written.
    numbers : ndarray
        The numbers among them, with their signs, in order.
    top, scatter : float
        The largest magnitude, and the range of the values over it.
    worded, repeated : bool
        Whether there are words among them, and whether they are a few, each many times.
    """

    def __init__(self, file: CsvFile, place: int, curves: Sequence[Curve]) -> None:
        name, unit = file.columns[place]
        self.heading, self.base = plain(name), _base(unit)
        self.points: list[tuple[str, int, Key]] = []
        self.texts: set[str] = set()
        is_current = "current" in self.heading or self.base == "A"
        for count, curve in enumerate(curves):
            rows = curve.rows[curve.rows >= 0].tolist()
            for text in file.cells(place, rows):
                value = number(text)
                # A pulse of no current is none.
                if value is None or not (math.isnan(value) or (is_current and not value)):
                    key = text.lower() if value is None else abs(value) if is_current else value
                    self.points.append((curve.device, count, key))
                    self.texts.add(text)
        self.values = {point[-1] for point in self.points}
        self.worded = any(isinstance(value, str) for value in self.values)
        self.numbers = np.sort([value for value in map(number, self.texts) if value is not None])
        self.top = float(np.abs(self.numbers).max(initial=0.0))
        sizes = [key for key in self.values if isinstance(key, float)]
        self.scatter = (max(sizes) - min(sizes)) / self.top if self.top else 0.0
        self.repeated = len(self.points) >= LEAST_POINTS * len(self.values)

    def is_setting(self, named: bool) -> bool:
        """Whether it is something that was set, and differs between or within curves.

        What is called as nothing is that an experiment sets is a setting only if it is steady
        within each cycle of a device, and another in others.
        """
        if named:
            return self.repeated or self.scatter > STEADY
        if BOOKKEEPING.fullmatch(self.heading) or self.base in RESULTS:
            return False
        devices: dict[str, dict[int, list[Key]]] = {}
        for device, count, key in self.points:
            devices.setdefault(device, {}).setdefault(count, []).append(key)
        return any(self._set_by_cycle(list(own.values())) for own in devices.values())

    def _set_by_cycle(self, cycles: list[list[Any]]) -> bool:
        """Whether values of cycles are steady within each and others in others."""
        every = list(itertools.chain(*cycles))
        if self.worded:
            return all(len(set(own)) == 1 for own in cycles) and len(set(every)) > 1
        # Numbers that only rise are a clock, whatever it is called.
        if np.all(np.diff(every) > 0):
            return False
        within = max(float(np.subtract(*np.percentile(own, [95, 5]))) for own in cycles)
        between = float(np.ptp([np.median(own) for own in cycles]))
        return between > max(STEADY * self.top, 5 * within)

    def ranges(self) -> list[tuple[float, float]]:
        """Ranges that numbers are in which scatter about a few settings, by magnitude."""
        if not self.top:
            return []
        step = 10.0 ** math.floor(math.log10(STEADY * self.top))
        cuts = np.flatnonzero(np.diff(self.numbers) > STEADY * self.top) + 1
        groups = np.split(self.numbers, cuts)
        # A single wrong reading is no setting.
        least = max(map(len, groups)) / LEAST_POINTS
        ends = [(float(own[0]), float(own[-1])) for own in groups if len(own) >= least]
        found = [(math.floor(low / step) * step, math.ceil(top / step) * step) for low, top in ends]
        return sorted(found, key=lambda ends: min(map(abs, ends)))

    def advice(self, others: Sequence["Varying"]) -> str:
        """How to choose one of the values, with one of those that only other curves have.

        Those are such as the current of the other polarity.
        """
        if self.repeated or not self.numbers.size:
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
            return "LOW..HIGH"
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
    others = "the decays" if columns.kind == "time" else "the neuron's curves"
    for curve in curves:
        what = others if curve.polarity is None else curve.polarity.name.lower()
        parts.setdefault(what, []).append(curve)
    for name in sorted(ignored - set(columns.headings)):
        raise UserError(f"{file.path} has no column {name}; mend --ignore-column")
    notes = []
    for place, heading in enumerate(columns.headings):
        named = is_named(heading, file.columns[place].unit)
        # Of decays, only what is called as experiments call it.
        other = columns.kind == "time" and not named
        if place in columns.used or heading in ignored or other:
            continue
        name = file.columns[place].name or f"number {place + 1}"
        columns_of = {what: Varying(file, place, own) for what, own in parts.items()}
        for what, varies in columns_of.items():
            if len(varies.values) < 2:
                continue
            if varies.is_setting(named):
                advice = varies.advice([one for one in columns_of.values() if one is not varies])
                raise UserError(
                    f"{file.path}: column {name} varies within {what} ({few(varies.texts)}) and "
                    f'has no part in the model; choose by --where "{name}={advice}", or let it '
                    f'vary with --ignore-column "{name}"'
                    + f' (--device-column "{name}" if it names devices)' * varies.worded
                )
            if named:
                notes.append(
                    f"{file.path}: column {name} scatters by {varies.scatter:.1%} within {what} "
                    "and is taken as constant"
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
        What is set: by one of `FIGURES`, whatever it is called, or else its heading.
    base : str
        Its base unit.
    value : float or str
        In the base unit, or as it is written.
    column : str or None
        The column that has it; None for a line before the table.
    shown, where : str
        How messages give name and value, and the table.
    """

    device: str
    polarity: Polarity | None
    name: str
    base: str
    value: Key
    column: str | None
    shown: str
    where: str

    def differs(self, other: "Setting") -> float:
        """Of the larger magnitude, by how much another value differs; 1 for another text."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            return float(self.value != other.value)
        top = max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) / top if top else 0.0


def _name(heading: str, base: str, polarity: Polarity | None) -> str:
    """A setting's name, the same for each way to write it."""
    for key, (unit, known) in FIGURES.items():
        if base in (unit, "") and known.fullmatch(heading):
            own = polarity is not None and key == f"{polarity.name.lower()}_current"
            return "current" if own else key
    return heading


def _steady(cells: Sequence[str], named: bool) -> Key | None:
    """The one value that a column has; None if it has several."""
    numbers = [value for value in map(number, cells) if value is not None]
    if len(numbers) < len(cells):
        return cells[0].lower() if len(set(cells)) == 1 else None
    values = np.array([one for one in numbers if one and math.isfinite(one)])
    if not values.size:
        return None
    scatter = float(np.ptp(values) / np.abs(values).max())
    return float(np.median(values)) if scatter <= STEADY * named else None


def settings_of(file: CsvFile, columns: Columns, curves: Iterable[Curve]) -> list[Setting]:
    """What lines and columns of a file's tables give for their curves.

    A column knows better than a line, and lines that contradict one another give nothing.

    Parameters
    ----------
    file : CsvFile
        The tables.
    columns : Columns
        What its columns are.
    curves : iterable of Curve
        The curves.
    """
    tables: dict[tuple[str, Polarity | None, int], list[int]] = {}
    for curve in curves:
        key = curve.device, curve.polarity, file.block_of(curve.line)
        tables.setdefault(key, []).extend(row for row in curve.rows.tolist() if row >= 0)
    others = {f"{polarity.name.lower()}_current" for polarity in Polarity}
    settings: list[Setting] = []
    for (device, polarity, place), rows in tables.items():
        block = file.blocks[place]
        where = f"{file.path}" + f", line {block.line}" * (len(file.blocks) > 1)
        found: dict[str, Setting | None] = {}
        for called, unit, cells, column in _given(file, columns, block, rows):
            base, factor = unit_of(unit) or ("", 1.0)
            name = _name(plain(called), base, polarity)
            named = is_named(plain(called), unit) or name in FIGURES
            # A neuron's current is what its curves are over, whatever else is said of currents.
            over = columns.kind == "current" and "current" in name
            if over or name in others or (column is None and not named):
                continue
            value = _steady(cells, named)
            if value is None:
                found[name] = None
                continue
            shown = f"{column or called} {value}"
            if isinstance(value, float):
                shown = f"{column or called} {value:.4g} {unit}".rstrip()
                value = (abs(value) if base == "A" else value) * factor
            one = Setting(device, polarity, name, base, value, column, shown, where)
            other = found.get(name, one) if column is None else one
            agree = other is not None and one.differs(other) <= STEADY
            found[name] = one if agree else None
        settings += filter(None, found.values())
    return settings


def _given(
    file: CsvFile, columns: Columns, block: Block, rows: list[int]
) -> Iterator[Given]:
    """What is said of a table with a number that is not 0, and columns that are none of the model's.

    Columns of results and of bookkeeping are left out.
    """
    for called, unit, value in file.facts(block):
        yield called, unit, [value], None
    for place, (name, unit) in enumerate(file.columns):
        bookkeeping = BOOKKEEPING.fullmatch(columns.headings[place])
        if not (place in columns.used or bookkeeping or _base(unit) in RESULTS):
            called = "current" if place == columns.place("current") else name
            yield called, unit, file.cells(place, rows), name


def check_agreement(settings: Iterable[Setting]) -> list[str]:
    """What is said of devices at different settings; cycles of one device at two are refused.

    Raises
    ------
    UserError
        With both values and where they are.
    """
    first: dict[tuple[str, Polarity | None, str], Setting] = {}
    notes: dict[str, str] = {}
    for own in settings:
        other = first.setdefault((own.device, own.polarity, own.name), own)
        if own.differs(other) > STEADY:
            more = f', or let it vary with --ignore-column "{own.column}"' if own.column else ""
            raise UserError(
                f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
                f"{other.where}; they are no cycles of one curve: give those of one value, or call "
                f"the device differently{more}"
            )
        another = first.setdefault(("", own.polarity, own.name), own)
        if own.differs(another) > STEADY and is_named(own.name, own.base):
            notes[own.name] = (
                f"{own.where}: device {own.device} has {own.shown}, but device {another.device} "
                f"{another.shown}; what that changes counts as D2D"
            )
    return list(notes.values())


def figures(settings: Iterable[Setting]) -> tuple[dict[str, float], list[str]]:
    """Figures of a device's ``[synapse.electrical]``, in SI units, and what is said of others.

    What has no unit, or differs, is left out.
    """
    found: dict[str, list[float]] = {}
    for one in settings:
        known = one.base and one.base == FIGURES.get(one.name, ("",))[0]
        if known and one.polarity is not None and isinstance(one.value, float):
            own = f"{one.polarity.name.lower()}_current"
            key = own if one.name == "current" else one.name
            # Without what the factor of a unit adds in the last digit.
            found.setdefault(key, []).append(float(f"{abs(one.value):.12g}"))
    spans = {key: (min(some), max(some)) for key, some in found.items()}
    alike = {key for key, (low, high) in spans.items() if high - low <= STEADY * high}
    return {key: float(np.median(found[key])) for key in found if key in alike}, [
        f"{key} differs ({low:g} to {high:g}) and is left out"
        for key, (low, high) in spans.items()
        if key not in alike
    ]


def role(columns: Columns, place: int) -> tuple[str, str]:
    """What a column is taken for, and why."""
    heading, unit = columns.headings[place], columns.file.columns[place].unit
    if place in columns.why:
        return columns.why[place]
    if BOOKKEEPING.fullmatch(heading):
        return "bookkeeping, which may vary", "by its name"
    if READINGS & set(heading.split("_")) or _base(unit) in RESULTS:
        return "a reading, which may vary", "by its name or unit"
    if is_named(heading, unit):
        return "a setting, which must not vary", "by its name or unit"
    return "nothing; it must not differ from cycle to cycle", "its name is not known"
