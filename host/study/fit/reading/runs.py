"""Rows of a file to runs: the points of one device's cycle, in the order in which they came."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.host.study.fit.reading.columns import Columns
from allspin.host.study.fit.reading.curve import ReadScatter
from allspin.host.study.fit.reading.table.csv_file import CsvFile
from allspin.sim.device.synapse.response import MAX_PULSES, Array, Polarity
from allspin.sim.errors import UserError

LEAST_POINTS = 5
"""Points of a curve: three parameters, and something left over to judge by."""
POLARITIES = {
    Polarity.POTENTIATION: ("potentiation", "p", "ltp", "up", "+", "+1", "1", "positive", "set"),
    Polarity.DEPRESSION: ("depression", "d", "ltd", "down", "-", "-1", "negative", "reset"),
}

Way = Polarity | int | None
"""A run's polarity, or else the sign of its pulses' current, if either is known."""


@dataclass
class Run:
    """Points of one cycle.

    Attributes
    ----------
    device, cycle : str
        Which.
    way : Way
        What the file says of its polarity.
    line : int
        Of its first row.
    x : list of float
        Pulses or currents.
    reads : list of list of float
        R_AH at each: one value, or more where a state was read again; NaN where it is missing.
    rows : list of int
        Each point's first row.
    """

    device: str
    cycle: str
    way: Way
    line: int
    x: list[float] = field(default_factory=list)
    reads: list[list[float]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"device {self.device}" + (f", cycle {self.cycle}" if self.cycle else "")

    def points(self) -> Array:
        """R_AH at each x, the mean of its reads; NaN where there is none."""
        if all(len(reads) == 1 for reads in self.reads):
            return np.array([reads[0] for reads in self.reads])
        kept = [[read for read in reads if read == read] or [np.nan] for reads in self.reads]
        return np.array([float(np.mean(reads)) for reads in kept])

    def scatter(self) -> ReadScatter | None:
        """What repeated reads differ by; None where there are none."""
        if all(len(reads) == 1 for reads in self.reads):
            return None
        several = [np.array([read for read in reads if read == read]) for reads in self.reads]
        squares = [float(np.sum((one - one.mean()) ** 2)) if one.size else 0.0 for one in several]
        return ReadScatter(
            np.array(squares), np.array([max(one.size - 1, 0) for one in several], np.int64)
        )


def polarity_of(text: str) -> Polarity | None:
    """The polarity that a word names."""
    for polarity, words in POLARITIES.items():
        if text.strip().lower() in words:
            return polarity
    return None


def _polarity(file: CsvFile, line: int, text: str) -> Polarity:
    polarity = polarity_of(text)
    if polarity is None:
        raise file.fail(line, f"polarity is {text!r}; give potentiation or depression")
    return polarity


def signs(file: CsvFile, columns: Columns, chosen: list[int]) -> dict[int, int]:
    """Sign of each row's pulse current; empty where the file has no currents of both signs.

    A row without a current, as that before the first pulse, goes with the next one.
    """
    if columns.current is None or columns.neuron or columns.polarity is not None:
        return {}
    column = file.columns[columns.current]
    found: dict[int, int] = {}
    sign = 0
    for index in reversed(chosen):
        line, cells = file.rows[index]
        value = file.number(line, cells[columns.current], column)
        if value and value == value:
            sign = 1 if value > 0 else -1
        found[index] = sign
    if {1, -1} - set(found.values()):
        return {}
    for index in chosen:
        # Rows behind the last pulse.
        sign = found[index] = found[index] or sign
    return found


class _Devices:
    """Which device a row is of."""

    def __init__(self, file: CsvFile, columns: Columns, own: str) -> None:
        self.column, self.own = columns.device, own
        named = [block for block in file.blocks if block[1]]
        # One name alone may be that of a wafer; each file is then a device.
        self.blocks = file.blocks if len(file.blocks) > 1 and named else []

    def __call__(self, line: int, cells: list[str]) -> str:
        if self.column is not None:
            return cells[self.column]
        names = [name for head, name in self.blocks if head < line]
        return (names[-1] if names else "") or self.own


def gather(
    file: CsvFile,
    columns: Columns,
    factors: tuple[float, list[float]],
    chosen: list[int],
    own: str,
) -> list[Run]:
    """The runs of a file's rows.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : Columns
        What its columns are.
    factors : (float, list of float)
        From the file's numbers to pulses or ampere, and to ohm for each column of R_AH.
    chosen : list of int
        The rows that are taken.
    own : str
        The device, where the file names none.

    Raises
    ------
    UserError
        If a cell is none of what its column is.
    """
    device_of = _Devices(file, columns, own)
    sign_of = signs(file, columns, chosen)
    x_column = file.columns[columns.x]
    runs: list[Run] = []
    open_runs: dict[tuple[str, str, Way], Run] = {}
    counts: dict[tuple[str, str, Way], int] = {}
    for index in chosen:
        line, cells = file.rows[index]
        device = device_of(line, cells)
        way: Way = sign_of.get(index)
        if columns.polarity is not None and not columns.neuron:
            way = _polarity(file, line, cells[columns.polarity])
        x = file.number(line, cells[columns.x], x_column) * factors[0]
        if not columns.neuron and not (0 <= x <= MAX_PULSES or x != x):
            raise file.fail(line, f"pulse is {x:g}; count pulses from 0 to {MAX_PULSES:,}")
        for place, factor in zip(columns.resistances, factors[1], strict=True):
            cycle = cells[columns.cycle] if columns.cycle is not None else ""
            if len(columns.resistances) > 1:
                cycle = f"{cycle} {file.columns[place].name}".strip()
            value = file.number(line, cells[place], file.columns[place]) * factor
            key = (device, cycle, way)
            run = open_runs.get(key)
            if run is not None and x == run.x[-1] and not columns.neuron:
                run.reads[-1].append(value)
                continue
            if run is None or (not columns.neuron and x < run.x[-1]):
                # Pulses are counted anew: another cycle begins.
                number = counts[key] = counts.get(key, -1) + 1
                label = cycle
                if number:
                    label = f"{cycle}/{number}" if cycle else str(number + 1)
                run = open_runs[key] = Run(device, label, way, line)
                runs.append(run)
            if x != x:
                # Where a point is missing altogether, it counts as a value that is.
                x, value = (run.x[-1] if run.x else 0.0), np.nan
            run.x.append(x)
            run.reads.append([value])
            run.rows.append(index)
    return runs


def check_length(file: CsvFile, run: Run, points: int) -> None:
    """Refuse a run of too few points.

    Raises
    ------
    UserError
        With what is needed.
    """
    if points < LEAST_POINTS:
        raise file.fail(
            run.line,
            f"{run.name} has {points} point{'s' * (points != 1)}; a curve needs "
            f"at least {LEAST_POINTS}",
        )


@dataclass
class Gaps:
    """Values that are missing in a file.

    Attributes
    ----------
    share : float
        Of a curve's values, those that may be missing.
    missing, values : int
        Values that are, of all.
    first : int
        Line of the first.
    """

    share: float
    missing: int = 0
    values: int = 0
    first: int = 0

    def leave_out(self, file: CsvFile, run: Run) -> npt.NDArray[np.bool_]:
        """Which points of a run are there.

        Raises
        ------
        UserError
            If too many are not.
        """
        flat = [
            (read, row) for reads, row in zip(run.reads, run.rows, strict=True) for read in reads
        ]
        gone = [row for read, row in flat if read != read]
        self.values += len(flat)
        self.missing += len(gone)
        if gone and not self.first:
            self.first = file.rows[gone[0]][0]
        if len(gone) > self.share * len(flat):
            raise UserError(
                f"{file.path}: line {file.rows[gone[0]][0]}: {run.name} lacks {len(gone)} of "
                f"{len(flat)} values, more than --missing {self.share:g} of a curve; measure it "
                "again, or raise --missing"
            )
        return np.isfinite(run.points())

    def note(self, file: CsvFile) -> list[str]:
        """What is said of them."""
        if not self.missing:
            return []
        return [
            f"{file.path}: {self.missing:,} of {self.values:,} values are missing or out of the "
            f"meter's range, the first in line {self.first}; they are left out"
        ]
