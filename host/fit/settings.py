"""What was set in an experiment: none may vary unseen, and some are figures of the device.

Columns beside those of the model, and lines before a table such as ``Pulse width: 1 ms``, say at
which currents, fields and times curves were measured. Curves of two values of one of these are no
cycles of one another. Currents and times of pulses and reads have no part in a fit, but
programming's energy and time are made of them.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from allspin.host.fit.columns import FileColumns, few, ordered, plain
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
ALIKE = 1e-6
"""Of its magnitude, by how much a figure may differ between files."""

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
SAID = re.compile(
    r"\W*(?P<name>[^\W\d][\w .-]*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]])?\s*[:=\t;,]\s*"
    r"(?P<value>[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?)\s*[\t;,]?\s*(?P<own>[^\W\d]*)\s*"
)
"""A line of a preamble such as ``Pulse width: 1 ms`` or ``Pulse width (ms) = 1``."""

Key = str | float
"""A number, or text in small letters."""
Given = tuple[str, str, list[str], str | None]
"""What a line or a column gives: what it is called, its unit, its cells, and the column."""


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    if READINGS & set(heading.split("_")):
        return False
    known = unit_of(unit)
    called = KNOWN.fullmatch(heading) or WORDS.fullmatch(heading)
    return called is not None or (known is not None and known[0] in ("A", "T", "Oe", "K"))


def _base(unit: str) -> str:
    """The base unit of a unit as it is written; empty where it is none, or not known."""
    return (unit_of(unit) or ("", 1.0))[0]


# What varies within the curves of one file.


def _tells(pairs: Iterable[tuple[object, object]]) -> bool:
    """Whether of some pairs the first tells the second."""
    every = set(pairs)
    return len(every) == len({first for first, _ in every})


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
    points : list of (str, int, float, str or float)
        Device, number of the curve, pulse or current, and value of each point that has one.
    texts : set of str
        The values as they are written.
    numbers : ndarray
        The numbers among them, with their signs, in order.
    top, scatter : float
        The largest magnitude, and the range of the values over it.
    repeated : bool
        Whether there are a few values, each many times.
    """

    def __init__(self, file: CsvFile, place: int, curves: Sequence[Curve]) -> None:
        name, unit = file.columns[place]
        self.heading, self.base = plain(name), _base(unit)
        self.points: list[tuple[str, int, float, Key]] = []
        self.texts: set[str] = set()
        is_current = "current" in self.heading or self.base == "A"
        for count, curve in enumerate(curves):
            for row, x in zip(curve.rows.tolist(), curve.x.tolist(), strict=True):
                text = file.rows[row][1][place]
                value = number(text)
                # A pulse of no current is none; nor is a row that is counted with another part.
                empty = value is not None and (math.isnan(value) or (is_current and not value))
                if row >= 0 and not empty:
                    key = text.lower() if value is None else abs(value) if is_current else value
                    self.points.append((curve.device, count, x, key))
                    self.texts.add(text)
        self.values = {point[-1] for point in self.points}
        self.numbers = np.sort([value for value in map(number, self.texts) if value is not None])
        self.top = float(np.abs(self.numbers).max(initial=0.0))
        sizes = [key for key in self.values if isinstance(key, float)]
        self.scatter = (max(sizes) - min(sizes)) / self.top if self.top else 0.0
        self.repeated = len(self.points) >= LEAST_POINTS * len(self.values)

    def is_setting(self, named: bool) -> bool:
        """Whether it is something that was set, and differs between or within curves."""
        if named:
            return self.repeated or self.scatter > STEADY
        if BOOKKEEPING.fullmatch(self.heading):
            return False
        devices = {device for device, *_ in self.points}
        texts = any(isinstance(key, str) for key in self.values)
        if not self.repeated:
            # Every row has its own: a reading, mostly of no setting.
            known = not texts and self.base not in RESULTS
            return known and any(map(self._set_by_cycle, devices))
        # What goes with the pulses is another count of them; what goes with the device its name.
        along = [(x, key) for _, _, x, key in self.points]
        own = [(device, key) for device, _, _, key in self.points]
        counts = _tells(along) and len({x for x, _ in along}) > 1
        names = texts and _tells(own) and _tells((key, device) for device, key in own)
        return not counts and not (names and len(devices) > 1)

    def _set_by_cycle(self, device: str) -> bool:
        """Whether numbers are steady within each cycle of a device, and others in others."""
        cycles: dict[int, list[float]] = {}
        for name, count, _, key in self.points:
            if name == device:
                cycles.setdefault(count, []).append(float(key))
        # Numbers that only rise are a clock, whatever it is called.
        if np.all(np.diff(np.concatenate(list(cycles.values()))) > 0):
            return False
        within = max(float(np.subtract(*np.percentile(own, [95, 5]))) for own in cycles.values())
        between = float(np.ptp([np.median(own) for own in cycles.values()]))
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
    file: CsvFile, columns: FileColumns, ignored: set[str], curves: Iterable[Curve]
) -> list[str]:
    """Refuse a column that varies where curves are taken for cycles of one another.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : FileColumns
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
        # Of decays, only what is called as experiments call it.
        other = columns.kind == "time" and not KNOWN.fullmatch(heading)
        if place in columns.used or heading in ignored or other:
            continue
        name = file.columns[place].name or f"number {place + 1}"
        named = is_named(heading, file.columns[place].unit)
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
    exact : bool
        Whether it is the same number in every row of a column, and no reading.
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


def _name(heading: str, base: str, polarity: Polarity | None) -> str:
    """A setting's name, the same for each way to write it."""
    for key, (unit, known) in FIGURES.items():
        if base in (unit, "") and known.fullmatch(heading):
            own = polarity is not None and key == f"{polarity.name.lower()}_current"
            return "current" if own else key
    return heading


def _steady(cells: Sequence[str], named: bool) -> tuple[Key, bool] | None:
    """The one value that a column has, and whether it has it exactly; None if it has several."""
    numbers = [value for value in map(number, cells) if value is not None]
    if len(numbers) < len(cells):
        return (cells[0].lower(), True) if len(set(cells)) == 1 else None
    values = np.array([one for one in numbers if one and math.isfinite(one)])
    if not values.size:
        return None
    scatter = float(np.ptp(values) / np.abs(values).max())
    known = not scatter or (scatter <= STEADY and named)
    return (float(np.median(values)), not scatter) if known else None


def settings_of(file: CsvFile, columns: FileColumns, curves: Iterable[Curve]) -> list[Setting]:
    """What lines and columns of a file's tables give for their curves.

    A column knows better than a line, and lines that contradict one another give nothing.

    Parameters
    ----------
    file : CsvFile
        The tables.
    columns : FileColumns
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
        for called, unit, cells, column in _given(file, columns, block.preamble, rows):
            base, factor = unit_of(unit) or ("", 1.0)
            name = _name(plain(called), base, polarity)
            named = is_named(plain(called), unit) or name in FIGURES
            # A neuron's current is what its curves are over, whatever else is said of currents.
            over = columns.kind == "current" and "current" in name
            if over or name in others or (column is None and not named):
                continue
            steady = _steady(cells, named)
            if steady is None:
                found[name] = None
                continue
            value, exact = steady
            shown = f"{column or called} {value}"
            if isinstance(value, float):
                shown = f"{column or called} {value:.4g} {unit}".rstrip()
                value = (abs(value) if base == "A" else value) * factor
            exact = exact and column is not None
            one = Setting(device, polarity, name, base, value, exact, column, shown, where)
            other = found.get(name, one) if column is None else one
            agree = other is not None and one.differs(other) <= ALIKE
            found[name] = one if agree else None
        settings += filter(None, found.values())
    return settings


def _given(
    file: CsvFile, columns: FileColumns, preamble: Iterable[str], rows: list[int]
) -> Iterator[Given]:
    """Lines before a table with a number that is not 0, and columns that are none of the model's.

    Columns of results and of bookkeeping are left out.
    """
    short = (line for line in preamble if len(line) <= 200)
    for match in filter(None, map(SAID.fullmatch, short)):
        if number(match["value"]):
            yield match["name"], match["own"] or match["unit"] or "", [match["value"]], None
    for place, (name, unit) in enumerate(file.columns):
        bookkeeping = BOOKKEEPING.fullmatch(columns.headings[place])
        if not (place in columns.used or bookkeeping or _base(unit) in RESULTS):
            called = "current" if place == columns.places.get("current") else name
            yield called, unit, file.cells(place, rows), name


def check_agreement(settings: Iterable[Setting]) -> None:
    """Refuse curves as cycles of one device where their tables give different settings.

    Raises
    ------
    UserError
        With both values and where they are.
    """
    first: dict[tuple[str, Polarity | None, str], Setting] = {}
    for own in settings:
        other = first.setdefault((own.device, own.polarity, own.name), own)
        apart = own.differs(other)
        if apart > STEADY or (apart > ALIKE and own.exact and other.exact):
            more = f', or let it vary with --ignore-column "{own.column}"' if own.column else ""
            raise UserError(
                f"{own.where}: device {own.device} has {own.shown}, but {other.shown} in "
                f"{other.where}; they are no cycles of one curve: give those of one value, or call "
                f"the device differently{more}"
            )


def figures(settings: Iterable[Setting]) -> tuple[dict[str, float], list[str]]:
    """Figures of a device's ``[synapse.electrical]``, in SI units, and what is said of others.

    What has no unit, or differs, is left out.
    """
    found: dict[str, list[float]] = {}
    read: set[str] = set()
    for one in settings:
        known = one.base and one.base == FIGURES.get(one.name, ("",))[0]
        if known and one.polarity is not None and isinstance(one.value, float):
            own = f"{one.polarity.name.lower()}_current"
            key = own if one.name == "current" else one.name
            # Without what the factor of a unit adds in the last digit.
            found.setdefault(key, []).append(float(f"{abs(one.value):.12g}"))
            if one.column and not one.exact:
                read.add(key)
    alike, notes = {}, []
    for key, some in found.items():
        if max(some) - min(some) <= (STEADY if key in read else ALIKE) * max(some):
            alike[key] = float(np.median(some))
        else:
            notes.append(f"{key} differs ({min(some):g} to {max(some):g}) and is left out")
    return alike, notes
