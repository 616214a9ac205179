"""Rows of a file to curves: runs of one device's cycle, cut where the polarity changes.

``cycle`` and ``device`` tell runs apart, or pulses that are counted anew; several columns of
resistance are as many cycles. The polarity is in a column, or told by the sign of the pulses'
current, or else by whether R_AH rises or falls; a run that goes there and back is cut where it
turns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from allspin.host.fit.columns import Columns, filled
from allspin.host.fit.curves import Curve, ReadScatter, trend
from allspin.host.fit.tables import CsvFile
from allspin.host.fit.turns import LEAST_POINTS, all_turns, find_turn, numbered
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import MAX_PULSES, Array, Polarity

POLARITIES = {
    Polarity.POTENTIATION: ("potentiation", "p", "ltp", "up", "+", "+1", "1", "positive", "set"),
    Polarity.DEPRESSION: ("depression", "d", "ltd", "down", "-", "-1", "negative", "reset"),
}
SHOWN = 4
"""Turns that a message has."""
AGAINST = 0.3
"""Of its spread, by which R_AH goes against its polarity where pulses are numbered backwards."""

Way = Polarity | int | None
"""A run's polarity, or else the sign of its pulses' current, if either is known."""


@dataclass
class Run:
    """Points of one cycle, in the order in which they came.

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

    def _scatter(self) -> tuple[Array, npt.NDArray[np.int64]]:
        """What repeated reads differ by: their squares, and how many there are beyond the first."""
        several = [np.array([read for read in reads if read == read]) for reads in self.reads]
        squares = [float(np.sum((one - one.mean()) ** 2)) if one.size else 0.0 for one in several]
        return np.array(squares), np.array([max(one.size - 1, 0) for one in several], np.int64)

    def part(self, polarity: Polarity | None, start: int = 0, stop: int | None = None) -> Curve:
        """The curve of its points from and to, counted from their own start."""
        x, resistance = np.array(self.x)[start:stop], self.points()[start:stop]
        there = np.isfinite(resistance)
        first = x[0] if start else 0.0
        rows = [row for row, here in zip(self.rows[start:stop], there, strict=True) if here]
        scatter = None
        if any(len(reads) > 1 for reads in self.reads):
            square, freedom = self._scatter()
            if start:
                # The point at which a run turns is counted with the part before.
                freedom[start], square[start] = 0, 0.0
            scatter = ReadScatter(square[start:stop][there], freedom[start:stop][there])
        return Curve(
            self.device,
            self.cycle,
            polarity,
            x[there] - first,
            resistance[there],
            scatter,
            self.line,
            rows[1:] if start else rows,
        )


def _polarity(file: CsvFile, line: int, text: str) -> Polarity:
    for polarity, words in POLARITIES.items():
        if text.strip().lower() in words:
            return polarity
    raise file.fail(line, f"polarity is {text!r}; give potentiation or depression")


def _signs(file: CsvFile, columns: Columns, chosen: list[int]) -> dict[int, int]:
    """Sign of each row's pulse current; empty where the file has no currents of both signs.

    A row without a current, as that before the first pulse, goes with the next one.
    """
    if columns.current is None or columns.neuron or columns.polarity is not None:
        return {}
    column = file.columns[columns.current]
    found = {}
    for index, cell in filled(file, columns.current, chosen).items():
        value = file.number(file.rows[index][0], cell, column)
        found[index] = int(value > 0) - int(value < 0)
    return found if {1, -1} <= set(found.values()) else {}


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
    signs = _signs(file, columns, chosen)
    x_column = file.columns[columns.x]
    runs: list[Run] = []
    open_runs: dict[tuple[str, str, Way], Run] = {}
    counts: dict[tuple[str, str, Way], int] = {}
    for index in chosen:
        line, cells = file.rows[index]
        device = own
        if columns.device is not None:
            device = cells[columns.device]
        elif len(file.blocks) > 1:
            # One name alone may be that of a wafer; each file is then a device.
            device = file.blocks[file.block_of(line)].device or own
        way: Way = signs.get(index)
        if columns.polarity is not None and not columns.neuron:
            way = _polarity(file, line, cells[columns.polarity])
        x = file.number(line, cells[columns.x], x_column) * factors[0]
        if not columns.neuron and not (0 <= x <= MAX_PULSES or math.isnan(x)):
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
                counts[key] = counts.get(key, -1) + 1
                run = open_runs[key] = Run(device, numbered(cycle, counts[key]), way, line)
                runs.append(run)
            if math.isnan(x):
                # Where a point is missing altogether, it counts as a value that is.
                x, value = (run.x[-1] if run.x else 0.0), math.nan
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


def check_runs(file: CsvFile, runs: Sequence[Run], share: float) -> list[str]:
    """Refuse runs that lack too many values, are too short, or do not change.

    Parameters
    ----------
    file : CsvFile
        The table.
    runs : sequence of Run
        Its runs.
    share : float
        Of a run's values, those that may be missing.

    Returns
    -------
    list of str
        What is said of missing values.

    Raises
    ------
    UserError
        With the run.
    """
    missing: list[int] = []
    values = 0
    for run in runs:
        count = sum(map(len, run.reads))
        pairs = zip(run.reads, run.rows, strict=True)
        gone = [row for reads, row in pairs for read in reads if math.isnan(read)]
        if len(gone) > share * count:
            raise file.fail(
                file.rows[gone[0]][0],
                f"{run.name} lacks {len(gone)} of {count} values, more than --missing {share:g} of "
                "a curve; measure it again, or raise --missing",
            )
        values += count
        missing += gone
    for run in runs:
        points = run.points()
        there = np.isfinite(points)
        check_length(file, run, int(there.sum()))
        if not np.ptp(points[there]):
            raise file.fail(run.line, f"{run.name}: R_AH does not change; is it the right column?")
    if not missing:
        return []
    return [
        f"{file.path}: {len(missing):,} of {values:,} values are missing or out of the meter's "
        f"range, the first in line {file.rows[missing[0]][0]}; they are left out"
    ]


# Runs of pulses to curves of one polarity each.


def pulse_curves(
    file: CsvFile, runs: Sequence[Run], turn: float | None
) -> tuple[list[Curve], list[str]]:
    """Curves of one polarity each, and what was guessed.

    Parameters
    ----------
    file : CsvFile
        The table.
    runs : sequence of Run
        Its runs of pulses.
    turn : float or None
        Pulse at which runs turn that name no polarity; None looks for it.

    Raises
    ------
    UserError
        If a polarity makes no sense.
    """
    if any(run.way is not None for run in runs):
        ways = _ways(file, runs)
        curves = [run.part(way) for run, way in zip(runs, ways, strict=True)]
        for way, curve in zip(ways, curves, strict=True):
            rise = trend(curve.resistance)
            if abs(rise) > AGAINST and (rise > 0) is bool(way):
                raise file.fail(
                    curve.line,
                    f"R_AH {'rises' if rise > 0 else 'falls'} with pulses of {way.name.lower()}; "
                    "number pulses in the order in which they were given",
                )
        return curves, []
    turns = _turns(runs) if turn is None else [_given_turn(file, run, turn) for run in runs]
    curves = []
    for run, place in zip(runs, turns, strict=True):
        cuts: list[tuple[int, int | None]] = [(0, None)]
        if place is not None:
            cuts = [(0, place + 1), (place, None)]
        parts = [run.part(None, *cut) for cut in cuts]
        _check_turns(file, run, [run.x[start] for start, _ in cuts], parts)
        for part in parts:
            check_length(file, run, part.x.size)
            rises = trend(part.resistance) > 0
            way = Polarity.POTENTIATION if rises else Polarity.DEPRESSION
            curves.append(replace(part, polarity=way))
    pulses = {run.x[place]: None for run, place in zip(runs, turns, strict=True) if place}
    notes = [
        f"{file.path} names no polarity: curves are cut where R_AH turns (--turn for elsewhere), "
        f"at pulse {pulse:g}"
        for pulse in pulses
    ]
    return curves, notes if turn is None else []


def _ways(file: CsvFile, runs: Sequence[Run]) -> list[Polarity]:
    """Polarities as a column has them, or by the sign of the current.

    The sign with which R_AH rises is potentiation.
    """
    named = [run.way for run in runs if isinstance(run.way, Polarity)]
    if named:
        return named
    trends: dict[object, list[float]] = {1: [], -1: []}
    for run in runs:
        points = run.points()
        trends[run.way].append(trend(points[np.isfinite(points)]))
    up, down = (float(np.median(trends[sign])) for sign in (1, -1))
    if up * down >= 0:
        raise UserError(
            f"{file.path}: R_AH {'rises' if up > 0 else 'falls'} with pulse currents of either "
            "sign; name the polarity in a column"
        )
    sign = 1 if up > 0 else -1
    return [Polarity.POTENTIATION if run.way == sign else Polarity.DEPRESSION for run in runs]


def _check_turns(file: CsvFile, run: Run, starts: list[float], parts: list[Curve]) -> None:
    """Refuse a run that goes there and back more than once."""
    found: list[float] = []
    for start, part in zip(starts, parts, strict=True):
        origin = start if found else 0.0  # a part behind a turn is counted from there
        found += [start, *(origin + part.x[all_turns(part.resistance)]).tolist()]
    # The one turn at which a run was cut, or would be, is right.
    turns = found[1:]
    if len(turns) > 1:
        shown = ", ".join(f"{pulse:g}" for pulse in turns[:SHOWN])
        raise file.fail(
            run.line,
            f"{run.name} goes there and back more than once, with turns near pulse {shown}"
            f"{' and more' * (len(turns) > SHOWN)}; number pulses from 0 again where each "
            "cycle begins",
        )


def _turns(runs: Sequence[Run]) -> list[int | None]:
    """Where each run turns; runs on the same pulses turn where their mean does."""
    alike: dict[tuple[float, ...], list[Array]] = {}
    for run in runs:
        alike.setdefault(tuple(run.x), []).append(run.points())
    found = {}
    for x, several in alike.items():
        table = np.array(several)
        there = np.isfinite(table)
        known = there.any(axis=0)
        counts = np.maximum(there.sum(axis=0), 1)
        mean = np.where(there, table, 0.0).sum(axis=0) / counts
        places = np.arange(mean.size)
        found[x] = find_turn(np.interp(places, places[known], mean[known]))
    return [found[tuple(run.x)] for run in runs]


def _given_turn(file: CsvFile, run: Run, turn: float) -> int | None:
    x = np.array(run.x)
    if x[-1] <= turn:
        # A run of one polarity, counted from its own start.
        return None
    place = int(np.flatnonzero(x <= turn)[-1]) if x[0] <= turn else 0
    if min(place + 1, x.size - place) < LEAST_POINTS:
        raise file.fail(
            run.line,
            f"{run.name} has pulses {x[0]:g} to {x[-1]:g} and cannot turn at {turn:g}; mend --turn",
        )
    return place


def follow_on(curves: Sequence[Curve]) -> list[Curve]:
    """Pulses counted on from the other polarity's are counted from their own start."""
    ends: dict[tuple[str, str], float] = {}
    followed = []
    for curve in curves:
        before = ends.get((curve.device, curve.cycle), math.inf)
        ends[curve.device, curve.cycle] = float(curve.x[-1])
        x = curve.x - before if curve.x[0] > before else curve.x
        followed.append(replace(curve, x=x))
    return followed
