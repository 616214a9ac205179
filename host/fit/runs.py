"""Rows of a file to runs: the points of one device's cycle, in the order in which they came."""

import itertools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from allspin.host.fit.columns import Columns, Curve, ReadScatter, ends
from allspin.host.fit.tables import CsvFile
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import MAX_PULSES, Array, Polarity

# Where a curve that rises and falls has its kink, among places that are nearly as good.
#
# From where pulses change polarity R_AH moves fast, and then ever more slowly: a sum of
# exponentials of one sign. A place too early gives the second side points of a plateau before its
# fast ones, one too late gives the first side fast points at its end. No such sum has either.

REACH = 200
"""Points on either side of all places by which they are compared."""
AT_ONCE = 24
"""Places that are compared, before those between the best ones are."""
OUTLYING = 6.0
"""Standard deviations from which a point counts no more than that."""
LEAST = 0.01
"""Of the range, the same."""


def _left(values: Array, limit: float) -> float:
    """What a rising sum of exponentials leaves of some points."""
    n = np.arange(values.size, dtype=float)
    scales = np.geomspace(0.5, 4.0 * values.size, 12)
    rising = -np.expm1(-n[:, None] / scales)
    # The first value may have either sign.
    columns = np.column_stack([np.ones(n.size), -np.ones(n.size), rising])
    rest = values - columns @ nnls(columns, values, maxiter=1000)[0]
    good = np.abs(rest) <= limit
    if not good.all() and good.sum() > columns.shape[1]:
        # Without spikes, which draw the curve with them.
        rest = values - columns @ nnls(columns[good], values[good], maxiter=1000)[0]
    return float(np.sum(np.minimum(np.abs(rest), limit) ** 2))


def best_kink(values: Array, places: npt.NDArray[np.int64], noise: float) -> int:
    """The place from which values fall that have risen to there.

    Parameters
    ----------
    values : ndarray of float64, shape (points,)
        Over their range.
    places : ndarray of int64
        Those in question, in order.
    noise : float
        Standard deviation of a point.
    """
    low, high = max(int(places[0]) - REACH, 0), int(places[-1]) + REACH + 1
    limit = max(OUTLYING * noise, LEAST)

    def left(place: int) -> float:
        # The turning point itself is of both sides.
        before, after = values[low : place + 1], values[place:high]
        return _left(before, limit) + _left(-after, limit)

    while True:
        some = places[np.unique(np.linspace(0, places.size - 1, AT_ONCE).astype(int))]
        best = int(np.argmin([left(int(place)) for place in some]))
        if some.size == places.size:
            return int(some[best])
        start, stop = some[max(best - 1, 0)], some[min(best + 1, some.size - 1)]
        places = places[(places >= start) & (places <= stop)]


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


# Branches of a neuron's loop: stretches of rising and of falling current.

REVERSAL = 0.05
"""Of the currents' range, by which the current must go back to be a turn."""
JUMP = 0.5
"""Of the range: a step beyond it belongs to no branch, but sets the current back."""
WHOLE = 0.6
"""Of the range, from which a stretch is a branch and no part of one."""
APART = 0.05
"""Of R_AH's range, from which branches differ."""
SURE = 5.0
"""Standard deviations of a point from which they do."""
GRID = 50


@dataclass(frozen=True, eq=False)
class Branch:
    """A stretch of a curve along which the current rises, or falls.

    Attributes
    ----------
    up : bool
        Whether it rises.
    curve : Curve
        The stretch; the point at which the current turns is of both sides.
    """

    up: bool
    curve: Curve

    @property
    def covers(self) -> float:
        """Range of its currents."""
        return float(np.ptp(self.curve.x))


def reversals(x: Array, least: float) -> list[int]:
    """Places where a current, or R_AH, turns, with both ends: it went back by so much at least."""
    places = [0]
    extreme, direction = 0, 0
    for place in range(1, x.size):
        step = x[place] - x[extreme]
        if direction == 0:
            if abs(step) >= least:
                direction, extreme = (1 if step > 0 else -1), place
        elif step * direction >= 0:
            extreme = place
        elif abs(step) >= least:
            places.append(extreme)
            direction, extreme = -direction, place
    return [*places, x.size - 1]


def branches(curve: Curve) -> list[Branch]:
    """A curve's stretches, in the order in which they were measured."""
    x = curve.x
    extent = float(np.ptp(x))
    if not extent:
        return []
    found = []
    jumps = np.flatnonzero(np.abs(np.diff(x)) > JUMP * extent) + 1
    for part in np.split(np.arange(x.size), jumps):
        if part.size < 2:
            continue
        turns = reversals(x[part], REVERSAL * extent)
        for start, stop in itertools.pairwise(turns):
            stretch = part[start : stop + 1]
            if stretch.size >= 2:
                found.append(Branch(bool(x[stretch[-1]] > x[stretch[0]]), curve.at(stretch)))
    return found


def _whole(parts: list[Branch], up: bool) -> list[Branch]:
    """The branches of a direction; a loop that begins in the middle of one is closed there."""
    extent = max(part.covers for part in parts)
    mine = [part for part in parts if part.up is up and part.curve.x.size >= LEAST_POINTS]
    whole = [part for part in mine if part.covers >= WHOLE * extent]
    if not whole and len(mine) > 1:
        first, last = mine[0].curve, mine[-1].curve
        x = np.concatenate([last.x, first.x])
        resistance = np.concatenate([last.resistance, first.resistance])
        joined = Curve(first.device, first.cycle, None, x, resistance)
        return [Branch(up, joined)]
    return whole or mine[:1]


def _mean(parts: list[Branch], grid: Array) -> Array:
    ways = []
    for part in parts:
        order = np.argsort(part.curve.x, kind="stable")
        ways.append(np.interp(grid, part.curve.x[order], part.curve.resistance[order]))
    return np.mean(ways, axis=0)


def _gap(up: list[Branch], down: list[Branch]) -> float:
    """How far two branches are apart at most; 0 where no more than scatter says."""
    ends = [(part.curve.x.min(), part.curve.x.max()) for part in (*up, *down)]
    low, high = max(end[0] for end in ends), min(end[1] for end in ends)
    if not high > low:
        return 0.0
    grid = np.linspace(low, high, GRID)
    apart = np.abs(_mean(up, grid) - _mean(down, grid))
    # Three in a row, so that one spike makes no loop.
    gap = float(np.max(np.median(np.stack([apart[:-2], apart[1:-1], apart[2:]]), axis=0)))
    values = np.concatenate([part.curve.resistance for part in (*up, *down)])
    steps = np.concatenate([np.diff(part.curve.resistance, n=2) for part in (*up, *down)])
    scatter = float(1.4826 * np.median(np.abs(steps)) / np.sqrt(6))
    low, high = np.percentile(values, [2, 98])
    return gap if gap > max(APART * (high - low), SURE * scatter) else 0.0


def choose(path: object, curves: list[Curve], branch: str | None, scale: str) -> list[Curve]:
    """The neuron's curves: whole where there is no loop, else the branch that was asked for.

    Parameters
    ----------
    path : Path
        The file, for messages.
    curves : list of Curve
        A neuron's, as they were measured.
    branch : str or None
        One of `allspin.host.fit.columns.BRANCHES`.
    scale : str
        Unit of the current, for messages.

    Raises
    ------
    UserError
        If a loop has two branches and none was asked for, or not the one that was.
    """
    chosen = []
    for curve in curves:
        parts = branches(curve)
        sides = {up: _whole(parts, up) for up in (True, False)} if parts else {}
        loop = all(sides.get(up) for up in (True, False))
        gap = _gap(sides[True], sides[False]) if loop else 0.0
        if branch is None:
            if gap:
                raise UserError(_says(path, curve, sides, gap, scale))
            chosen.append(curve)
            continue
        mine = sides.get(branch == "up", [])
        if not mine:
            raise UserError(
                f"{path}: device {curve.device} has no branch of {branch}: the current never "
                f"{'rises' if branch == 'up' else 'falls'}; take the other --branch"
            )
        for number, part in enumerate(mine):
            label = curve.cycle
            if number:
                label = f"{curve.cycle}/{number}" if curve.cycle else str(number + 1)
            own = part.curve
            chosen.append(Curve(own.device, label, None, own.x, own.resistance))
    return chosen


def _says(
    path: object, curve: Curve, sides: dict[bool, list[Branch]], gap: float, scale: str
) -> str:
    factor, unit = (1e3, "mA") if scale == "A" else (1.0, "")

    def current(value: float) -> str:
        return f"{value * factor:.3g} {unit}".strip()

    up, down = sides[True][0].curve.x, sides[False][0].curve.x
    return (
        f"{path}: {curve.name} runs in a loop whose branches are {gap:.3g} apart: up (the current "
        f"rises from {current(float(up.min()))} to {current(float(up.max()))}) and down (it falls "
        f"from {current(float(down.max()))} to {current(float(down.min()))}); choose --branch up "
        "or --branch down"
    )


# Where a run of pulses turns: rising R_AH on the one side, falling on the other.

NEARLY = 2.0
"""Places that leave so much more than the best are compared by smooth curves."""
CHANCE = 20.0
"""And those that leave so many variances of a point more."""
LEAST_WAY = 0.25
"""Of the range, what R_AH goes on either side of a turn at least; a plateau goes nothing."""
FAR_BACK = 0.5
"""Of the range, what R_AH goes back at each of several turns."""
SURE_OF_TURNS = 6.0
"""The same in standard deviations of a point."""


def _left_by_rises(values: Array) -> Array:
    """What the nearest never-falling sequence leaves of the first points, for each number of them.

    Pools as `allspin.sim.synapse.table_synapse.rising` does, and keeps count of the squares.
    """
    sums: list[float] = []
    counts: list[int] = []
    squares: list[float] = []
    left = 0.0
    found = []
    for value in values.tolist():
        total, count, square = value, 1, value * value
        while sums and sums[-1] * count > total * counts[-1]:
            left -= squares[-1] - sums[-1] ** 2 / counts[-1]
            total, count, square = total + sums.pop(), count + counts.pop(), square + squares.pop()
        left += square - total**2 / count
        sums.append(total)
        counts.append(count)
        squares.append(square)
        found.append(max(left, 0.0))
    return np.array(found)


def _scatter(resistance: Array) -> float:
    """Standard deviation of a point, from what neighbours differ by."""
    steps = np.diff(resistance, n=2)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(6))


def all_turns(resistance: Array) -> list[int]:
    """About where a curve turns by more than half of its range, however often it does.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    """
    if len(resistance) < 2 * LEAST_POINTS:
        return []
    low, high = np.percentile(resistance, [2, 98])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(resistance, 2, mode="edge"), 5)
    # Without spikes, and less noisy.
    smooth = np.median(windows, axis=1)
    least = max(FAR_BACK * (high - low), SURE_OF_TURNS * _scatter(resistance))
    return reversals(smooth, float(least))[1:-1] if least else []


def find_turn(resistance: Array) -> int | None:
    """Where a curve that goes there and back turns, and None for any other.

    Parameters
    ----------
    resistance : ndarray of float64, shape (points,)
        R_AH along the pulses.
    """
    count = len(resistance)
    if count < 2 * LEAST_POINTS:
        return None
    low, high = np.percentile(resistance, [2, 98])
    if not high > low:
        return None
    # Around zero, so that squares of small differences are not lost.
    way = (np.clip(resistance, low - (high - low), high + (high - low)) - low) / (high - low)
    noise = _scatter(way)
    least = max(LEAST_WAY, SURE_OF_TURNS * noise)
    places = np.arange(LEAST_POINTS - 1, count - LEAST_POINTS + 1)
    best: tuple[float, float, npt.NDArray[np.int64]] | None = None
    for sign in (1.0, -1.0):
        left = (_left_by_rises(sign * way) + _left_by_rises(sign * way[::-1])[::-1])[places]
        if best is not None and left.min() >= best[0]:
            continue
        # Along a plateau, and within noise, many places will do.
        most = NEARLY * left.min() + CHANCE * noise**2 + 1e-12
        best = float(left.min()), sign, places[left <= most]
    assert best is not None
    turn = best_kink(best[1] * way, best[2], noise)
    first, second = ends(way[: turn + 1]), ends(way[turn:])
    there, back = first[1] - first[0], second[1] - second[0]
    return turn if there * back < 0 and min(abs(there), abs(back)) > least else None
