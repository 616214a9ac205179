"""What a column has in the rows of some curves, and whether somebody has set it."""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np

from allspin.host.study.fit.reading.columns import Columns, plain
from allspin.host.study.fit.reading.pulses import Part
from allspin.host.study.fit.reading.runs import LEAST_POINTS
from allspin.host.study.fit.reading.table import cells as cell_text
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.host.study.fit.reading.table.units import unit_of

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
