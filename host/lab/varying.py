"""What varies within the curves of one file: a setting may not, and readings and books may.

A column beside those of the model is a setting if it is called as experiments call one, or has such
a unit. Of any other only what is steady within each cycle of a device, and another in others, is
taken for one.
"""

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np

from allspin.host.lab.columns import FileColumns
from allspin.host.lab.curves import Curve
from allspin.host.lab.facts import quantities
from allspin.host.lab.quantities import base_of, few, number, ordered
from allspin.host.lab.roles import ColumnMap, plain
from allspin.host.lab.tables import CsvFile
from allspin.host.lab.turns import LEAST_POINTS
from allspin.sim.errors import UserError

SETTING = re.compile(
    r"((read_|write_|pulse_|bias_)?(current|width|duration|length|amplitude)|i|i_?pulse|i_?write|"
    r"t_?pulse|([a-z]+_)*field|[bh]_?[xyz]?|v_?g|j|angle|phi|theta)(_.*)?|"
    r"(puls)?(breite|dauer|spannung)|strom(dichte)?|(magnet)?feld|temperatur|winkel|"
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
MOST_TEXTS = 20
"""Different words of a column that may tell settings."""
STEADY = 0.02
"""Of its magnitude, by how much a setting that is read back may scatter."""


def is_named(heading: str, unit: str) -> bool:
    """Whether a column is something that an experiment sets, by its plain name and its unit."""
    return not READINGS & set(heading.split("_")) and (
        base_of(unit) in ("A", "T", "Oe", "K", "C") or SETTING.fullmatch(heading) is not None
    )


def may_vary(heading: str, unit: str) -> bool:
    """Whether a column is a reading or keeps books, by its plain name and its unit."""
    return bool(BOOKKEEPING.fullmatch(heading)) or base_of(unit) in ("ohm", "S")


def role(columns: ColumnMap, place: int) -> tuple[str, str]:
    """What a column is taken for, and why."""
    heading, unit = columns.headings[place], columns.file.columns[place].unit
    reading = may_vary(heading, unit) or bool(READINGS & set(heading.split("_")))
    known = {"setting, the same in all cycles": is_named(heading, unit), "reading": reading}
    known["none, as long as it is not steady in each cycle and another in others"] = True
    return columns.why.get(place, (next(filter(known.get, known)), "by its name or unit"))


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
        return between > max(STEADY * self.top, 5 * within) and bool(
            np.any(np.diff(np.concatenate(values)) <= 0)
        )

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
        texts = {row[place] for _, row in file.rows} if place not in columns.used else set()
        # Words are settings that tell quantities, such as 100 Oe.
        told = len(texts) <= MOST_TEXTS and any(map(quantities, texts))
        named, called = told or is_named(heading, unit), name or f"number {place + 1}"
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
