"""What was set in an experiment: none may vary unseen, and some are figures of the device.

Columns beside those of the model, and lines before a table such as ``Pulse width: 1 ms``, say at
which currents, fields and times curves were measured. Curves of two values of one of these are no
cycles of one another. Currents and times of pulses and reads have no part in a fit, but
programming's energy and time are made of them.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from allspin.host.fit.columns import READ_CURRENT, Columns
from allspin.host.fit.curves import Curve
from allspin.host.fit.quantities import base_of, few, number, ordered, unit_of
from allspin.host.fit.roles import NAMES, ColumnMap, plain
from allspin.host.fit.tables import CsvFile
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
STEADY = 0.02
"""Of its magnitude, by how much a setting that is read back may scatter."""

FIGURES = {
    key: (unit, re.compile(known))
    for key, unit, known in (
        ("current", "A", "|".join(NAMES["current"])),
        ("potentiation_current", "A", "potentiation_current"),
        ("depression_current", "A", "depression_current"),
        ("pulse_time", "s", r"((pulse|write)_)?(width|duration|length)|(pulse|write)_time|"
                            r"t_?(pulse|write)"),
        ("read_current", "A", READ_CURRENT.pattern),
        ("read_time", "s", r"(read|sense)_(time|width|duration)|t_?(read|sense)"),
        ("saturation_current", "A", r"(saturation|reset)_current|i_?(sat|reset)"),
    )
}  # fmt: skip
"""Unit and names of each figure of a device's ``[synapse.electrical]``; the current of pulses is
one of their polarity's."""


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    called = SETTING.fullmatch(heading) or base_of(unit) in ("A", "T", "Oe", "K", "C")
    return bool(called) and not READINGS & set(heading.split("_"))


def may_vary(heading: str, unit: str) -> bool:
    """Whether a column is a reading or keeps books, by its plain name and its unit."""
    return bool(BOOKKEEPING.fullmatch(heading)) or base_of(unit) in ("ohm", "S")


def role(columns: ColumnMap, place: int) -> tuple[str, str]:
    """What a column is taken for, and why."""
    heading, unit = columns.headings[place], columns.file.columns[place].unit
    reading = may_vary(heading, unit) or bool(READINGS & set(heading.split("_")))
    known = {"setting, the same in all cycles": is_named(heading, unit), "reading": reading}
    unknown = "none, as long as it is not steady in each cycle and another in others"
    kind = next((kind for kind, holds in known.items() if holds), unknown)
    return columns.why.get(place, (kind, "by its name or unit"))


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
    cycles : list of (str, list of str)
        Device and cells of each curve, without empty ones and pulses of no current.
    texts : set of str
        The values as they are written.
    numbers : ndarray
        The numbers among them, with their signs, in order.
    top, scatter : float
        The largest magnitude, and the range of the values over it.
    worded, several, repeated : bool
        Whether there are words among them; several values, a current's aside from its sign; and
        whether these are a few, each many times.
    """

    def __init__(self, file: CsvFile, place: int, curves: Sequence[Curve]) -> None:
        name, unit = file.columns[place]
        signed = "current" not in plain(name) and base_of(unit) != "A"
        empty = {cell for cell in file.cells(place, range(len(file.rows))) if _empty(cell, signed)}
        rows = [(one.device, file.cells(place, one.rows[one.rows >= 0])) for one in curves]
        self.cycles = [(device, [c for c in cells if c not in empty]) for device, cells in rows]
        self.texts = {cell for _, cells in self.cycles for cell in cells}
        known = [value for value in map(number, self.texts) if value is not None]
        self.numbers, self.worded = np.sort(known), len(known) < len(self.texts)
        sizes = np.unique(self.numbers if signed else np.abs(self.numbers))
        self.top = float(np.abs(self.numbers).max(initial=0.0))
        self.scatter = float(np.ptp(sizes)) / self.top if self.top else 0.0
        count = sizes.size + len({text.lower() for text in self.texts if number(text) is None})
        most = min(sum(len(cells) for _, cells in self.cycles) / LEAST_POINTS, 2 * LEAST_POINTS - 1)
        self.several, self.repeated = count > 1, 1 < count <= most

    def is_setting(self, named: bool) -> bool:
        """Whether it is something that was set, and differs between or within curves.

        What is called as nothing that an experiment sets is a setting only if it is steady within
        each cycle of a device, and another in others.
        """
        if named:
            return self.repeated or self.scatter > STEADY
        devices = {device for device, cells in self.cycles if cells}
        return self.several and any(
            self._set_by_cycle([cells for name, cells in self.cycles if name == one and cells])
            for one in devices
        )

    def _set_by_cycle(self, cycles: list[list[str]]) -> bool:
        """Whether values of cycles are steady within each and others in others."""
        if self.worded:
            return all(len(set(own)) == 1 for own in cycles) and len(set(map(min, cycles))) > 1
        values = [np.array([number(cell) for cell in own], float) for own in cycles]
        within = max(float(np.subtract(*np.percentile(own, [95, 5]))) for own in values)
        between = float(np.ptp([np.median(own) for own in values]))
        # Numbers that only rise are a clock, whatever it is called.
        clock = bool(np.all(np.diff(np.concatenate(values)) > 0))
        return between > max(STEADY * self.top, 5 * within) and not clock

    def ranges(self) -> list[tuple[float, float]]:
        """Ranges that numbers are in which scatter about a few settings, by magnitude."""
        if not self.top:
            return []
        step = 10.0 ** math.floor(math.log10(STEADY * self.top))
        far = np.diff(self.numbers) > STEADY * self.top
        groups = np.split(self.numbers, np.flatnonzero(far) + 1)
        # A single wrong reading is no setting.
        least = max(map(len, groups)) / LEAST_POINTS
        ends = [(own[0] / step, own[-1] / step) for own in groups if len(own) >= least]
        found = [(math.floor(low) * step, math.ceil(top) * step) for low, top in ends]
        return sorted(found, key=lambda ends: min(map(abs, ends)))

    def advice(self, others: Sequence["Varying"]) -> str:
        """How to choose one of the values, with one of those that only other curves have.

        Those are such as the current of the other polarity.
        """
        if self.repeated or not self.numbers.size:
            rest = set[str]().union(*(other.texts for other in others)) - self.texts
            return ",".join([ordered(self.texts)[0], *ordered(rest)[:1]])
        own, more = self.ranges(), [ends for other in others for ends in other.ranges()]
        more = [(low, top) for low, top in more if all(top < a or low > b for a, b in own)]
        chosen = [f"{low:.6g}..{top:.6g}" for low, top in (*own[:1], *more[:1])]
        return ",".join(chosen) if len(own) + len(more) > 1 else "LOW..HIGH"


def _empty(cell: str, signed: bool) -> bool:
    """Whether a cell has no value; a pulse of no current is none either."""
    value = number(cell)
    return value is not None and (math.isnan(value) or not (value or signed))


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
    for one in curves:
        parts.setdefault(others if one.polarity is None else one.polarity.name.lower(), []).append(
            one
        )
    for name in sorted(ignored - set(columns.headings)):
        raise UserError(f"{file.path} has no column {name}; mend --ignore-column")
    notes = []
    for place, (heading, (name, unit)) in enumerate(
        zip(columns.headings, file.columns, strict=True)
    ):
        named, called = is_named(heading, unit), name or f"number {place + 1}"
        # Of decays, only what is called as experiments call it.
        free = not named and (columns.kind == "time" or may_vary(heading, unit))
        if place in columns.used or heading in ignored or free:
            continue
        every = {what: Varying(file, place, own) for what, own in parts.items()}
        for what, varies in every.items():
            if varies.is_setting(named):
                advice = varies.advice([one for one in every.values() if one is not varies])
                raise UserError(
                    f"{file.path}: column {called} varies within {what} ({few(varies.texts)}) and "
                    f'has no part in the model; choose by --where "{called}={advice}", or let it '
                    f'vary with --ignore-column "{called}"'
                    + f' (--device-column "{called}" if it names devices)'
                    * varies.worded
                )
            if named and varies.several:
                notes.append(
                    f"{file.path}: column {called} scatters by {varies.scatter:.1%} within {what} "
                    "and is taken as constant"
                )
    return notes


# What differs between tables whose curves are taken for cycles of one device.


class Setting(NamedTuple):
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
        The column that has it; None for a line before the table, or the file's name.
    shown, where : str
        How messages give name and value, and the table.
    """

    device: str
    polarity: Polarity | None
    name: str
    base: str
    value: str | float
    column: str | None
    shown: str
    where: str


def _apart(one: Setting, other: Setting) -> bool:
    """Whether two settings differ, by more than readings of one value may."""
    a, b = one.value, other.value
    if isinstance(a, str) or isinstance(b, str):
        return a != b
    return abs(a - b) > STEADY * max(abs(a), abs(b))


def _name(heading: str, base: str, polarity: Polarity | None) -> str:
    """A setting's name, the same for each way to write it."""
    for key, (unit, known) in FIGURES.items():
        if base in (unit, "") and known.fullmatch(heading):
            own = polarity is not None and key == f"{polarity.name.lower()}_current"
            return "current" if own else key
    return heading


def _steady(cells: Sequence[str], named: bool) -> str | float | None:
    """The one value that a column has; None if it has several."""
    numbers = [value for value in map(number, cells) if value is not None]
    if len(numbers) < len(cells):
        return cells[0].lower() if len(set(cells)) == 1 else None
    values = np.array([one for one in numbers if one and math.isfinite(one)])
    steady = values.size and np.ptp(values) <= STEADY * named * np.abs(values).max()
    return float(np.median(values)) if steady else None


def settings_of(file: CsvFile, columns: Columns, curves: Iterable[Curve]) -> list[Setting]:
    """What lines, names and columns of a file's tables give for their curves.

    A column knows better than a line, and lines that contradict one another give nothing. Columns
    of results and of bookkeeping are left out.

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
    for one in curves:
        key = one.device, one.polarity, file.blocks[file.block_of(one.line)].line
        tables.setdefault(key, []).extend(one.rows[one.rows >= 0].tolist())
    others = {f"{polarity.name.lower()}_current" for polarity in Polarity}
    settings: list[Setting] = []
    for (device, polarity, line), rows in tables.items():
        given: list[tuple[str, str, list[str], str | None]] = [
            (name, unit, [value], None) for name, unit, value in file.facts(line + 1)
        ]
        for place, (column, unit) in enumerate(file.columns):
            if place not in columns.used and not may_vary(columns.headings[place], unit):
                called = "current" if place == columns.place("current") else column
                given.append((called, unit, file.cells(place, rows), column))
        where = f"{file.path}" + f", line {line}" * (len(file.blocks) > 1)
        found: dict[str, Setting | None] = {}
        for called, unit, cells, column in given:
            base, factor = unit_of(unit) or ("", 1.0)
            name = _name(plain(called), base, polarity)
            named = is_named(plain(called), unit) or name in FIGURES
            # A neuron's current is what its curves are over, whatever else is said of currents.
            over = columns.kind == "current" and "current" in name
            if over or name in others or (column is None and not named):
                continue
            value, shown = _steady(cells, named), column or called
            if isinstance(value, float):
                shown = f"{shown} {value:.4g} {unit}".rstrip()
                value = (abs(value) if base == "A" else value) * factor
            elif value is not None:
                shown = f"{shown} {value}"
            known = device, polarity, name, base
            one = None if value is None else Setting(*known, value, column, shown, where)
            other = found.get(name, one) if column is None else one
            found[name] = one if one and other and not _apart(one, other) else None
        settings += filter(None, found.values())
    return settings


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
        if _apart(own, other):
            more = f', or let it vary with --ignore-column "{own.column}"' if own.column else ""
            raise UserError(
                f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
                f"{other.where}; they are no cycles of one curve: give those of one value, or call "
                f"the device differently{more}"
            )
        another = first.setdefault(("", own.polarity, own.name), own)
        if _apart(own, another) and is_named(own.name, own.base):
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
            own = f"{one.polarity.name.lower()}_" * (one.name == "current")
            # Without what the factor of a unit adds in the last digit.
            found.setdefault(own + one.name, []).append(float(f"{abs(one.value):.12g}"))
    spans = {key: (min(some), max(some)) for key, some in found.items()}
    alike = {key for key, (low, high) in spans.items() if high - low <= STEADY * high}
    return {key: float(np.median(found[key])) for key in found if key in alike}, [
        f"{key} differs ({low:g} to {high:g}) and is left out"
        for key, (low, high) in spans.items()
        if key not in alike
    ]
