"""Runs of pulses to curves of one polarity each: as a column, a current's sign or a turn says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.host.fit.columns import Curve, ReadScatter, trend
from allspin.host.fit.runs import LEAST_POINTS, Run, all_turns, check_length, find_turn
from allspin.host.fit.tables import CsvFile
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

There = npt.NDArray[np.bool_]
"""Which points of a run are there."""
SHOWN = 4
"""Turns that a message has."""
AGAINST = 0.3
"""Of its spread, by which R_AH goes against its polarity where pulses are numbered backwards."""


@dataclass(frozen=True, eq=False)
class Part:
    """A curve's points and the rows that they are from.

    Attributes
    ----------
    run : Run
        The run that it is a part of.
    polarity : Polarity or None
        None for a neuron's.
    x, resistance : ndarray of float64, shape (points,)
        As of `Curve`.
    scatter : ReadScatter or None
        The same; the point at which a run turns has it in the part before.
    rows : list of int
        Rows of these points; a point at which a run turns is of the part before.
    """

    run: Run
    polarity: Polarity | None
    x: Array
    resistance: Array
    scatter: ReadScatter | None
    rows: list[int]

    def curve(self) -> Curve:
        """The curve."""
        run = self.run
        return Curve(run.device, run.cycle, self.polarity, self.x, self.resistance, self.scatter)


def part_of(
    run: Run, polarity: Polarity | None, kept: There, start: int = 0, stop: int | None = None
) -> Part:
    """Some points of a run, from and to, counted from their own start."""
    x, resistance = np.array(run.x)[start:stop], run.points()[start:stop]
    there = kept[start:stop]
    first = x[0] if start else 0.0
    rows = [row for row, here in zip(run.rows[start:stop], there, strict=True) if here]
    scatter = run.scatter()
    if scatter is not None:
        scatter = scatter.at(np.arange(len(run.x))[start:stop][there])
        if start:
            # Counted with the part before.
            scatter.freedom[0] = 0
            scatter.square[0] = 0.0
    return Part(
        run,
        polarity,
        x[there] - first,
        resistance[there],
        scatter,
        rows[1:] if start else rows,
    )


class PulseCurves:
    """What makes one file's runs into curves.

    Parameters
    ----------
    file : CsvFile
        The file, for messages.
    turn : float or None
        Pulse at which runs turn; None looks for it.

    Attributes
    ----------
    notes : list of str
        What was guessed.
    """

    def __init__(self, file: CsvFile, turn: float | None) -> None:
        self.file, self.turn = file, turn
        self.notes: list[str] = []

    def parts(self, runs: Sequence[Run], there: Sequence[There]) -> list[Part]:
        """Curves of one polarity each.

        Raises
        ------
        UserError
            If a polarity makes no sense.
        """
        if any(run.way is not None for run in runs):
            ways = self._ways(runs, there)
            parts = [
                part_of(run, way, kept) for run, way, kept in zip(runs, ways, there, strict=True)
            ]
            for part in parts:
                self._check(part)
            return parts
        parts = []
        for run, kept, turn in zip(runs, there, self._turns(runs), strict=True):
            pieces = [(0, None)] if turn is None else [(0, turn + 1), (turn, None)]
            self._check_turns(run, kept, pieces)
            for start, stop in pieces:
                check_length(self.file, run, int(kept[start:stop].sum()))
                part = part_of(run, None, kept, start, stop)
                rises = trend(part.resistance) > 0
                way = Polarity.POTENTIATION if rises else Polarity.DEPRESSION
                parts.append(replace(part, polarity=way))
        return parts

    def _check_turns(self, run: Run, kept: There, pieces: Sequence[tuple[int, int | None]]) -> None:
        """Refuse a run that goes there and back more than once."""
        x, resistance = np.array(run.x), run.points()
        found: list[float] = []
        for start, stop in pieces:
            own = kept[start:stop]
            turns = all_turns(resistance[start:stop][own])
            found += [float(x[start]), *(float(x[start:stop][own][turn]) for turn in turns)]
        # The one turn at which a run was cut, or would be, is right.
        if len(found) - 1 > 1:
            shown = ", ".join(f"{pulse:g}" for pulse in found[1 : SHOWN + 1])
            raise self.file.fail(
                run.line,
                f"{run.name} goes there and back more than once, with turns near pulse {shown}"
                f"{' and more' * (len(found) - 1 > SHOWN)}; number pulses from 0 again where each "
                "cycle begins",
            )

    def _ways(self, runs: Sequence[Run], there: Sequence[There]) -> list[Polarity]:
        """Polarities as a column has them, or by the sign of the current.

        The sign with which R_AH rises is potentiation.
        """
        named = [run.way for run in runs if isinstance(run.way, Polarity)]
        if named:
            return named
        ways: dict[object, list[float]] = {1: [], -1: []}
        for run, kept in zip(runs, there, strict=True):
            ways[run.way].append(trend(run.points()[kept]))
        up, down = (float(np.median(ways[sign])) for sign in (1, -1))
        if up * down >= 0:
            raise UserError(
                f"{self.file.path}: R_AH {'rises' if up > 0 else 'falls'} with pulse currents of "
                "either sign; name the polarity in a column"
            )
        sign = 1 if up > 0 else -1
        return [Polarity.POTENTIATION if run.way == sign else Polarity.DEPRESSION for run in runs]

    def _check(self, part: Part) -> None:
        assert part.polarity is not None
        way = trend(part.resistance)
        if abs(way) > AGAINST and (way > 0) is bool(part.polarity):
            raise self.file.fail(
                part.run.line,
                f"R_AH {'rises' if way > 0 else 'falls'} with pulses of "
                f"{part.polarity.name.lower()}; number pulses in the order in which they were "
                "given",
            )

    def _turns(self, runs: Sequence[Run]) -> list[int | None]:
        """Where each run turns; runs on the same pulses turn at the same one."""
        if self.turn is not None:
            return [self._given_turn(run, self.turn) for run in runs]
        alike: dict[tuple[float, ...], list[Array]] = {}
        for run in runs:
            alike.setdefault(tuple(run.x), []).append(run.points())
        found = {x: _mean_turn(several) for x, several in alike.items()}
        for x, turn in found.items():
            if turn is not None:
                note = (
                    f"{self.file.path} names no polarity: curves are cut where R_AH turns "
                    f"(--turn for elsewhere), at pulse {x[turn]:g}"
                )
                self.notes += [] if note in self.notes else [note]
        return [found[tuple(run.x)] for run in runs]

    def _given_turn(self, run: Run, turn: float) -> int | None:
        x = np.array(run.x)
        if x[-1] <= turn:
            # A run of one polarity, counted from its own start.
            return None
        place = int(np.flatnonzero(x <= turn)[-1]) if x[0] <= turn else 0
        if min(place + 1, x.size - place) < LEAST_POINTS:
            raise self.file.fail(
                run.line,
                f"{run.name} has pulses {x[0]:g} to {x[-1]:g} and cannot turn at {turn:g}; mend "
                "--turn",
            )
        return place


def _mean_turn(several: Sequence[Array]) -> int | None:
    """Where curves on the same pulses turn, which their mean tells best."""
    table = np.array(several)
    there = np.isfinite(table)
    known = there.any(axis=0)
    counts = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, table, 0.0).sum(axis=0) / counts
    places = np.arange(mean.size)
    return find_turn(np.interp(places, places[known], mean[known]))


def follow_on(curves: list[Curve]) -> list[Curve]:
    """Pulses counted on from the other polarity's are counted from their own start."""
    ends: dict[tuple[str, str], float] = {}
    followed = []
    for curve in curves:
        key = (curve.device, curve.cycle)
        before = ends.get(key)
        x = curve.x
        if before is not None and x[0] > before:
            x = x - before
        ends[key] = float(curve.x[-1])
        followed.append(
            Curve(curve.device, curve.cycle, curve.polarity, x, curve.resistance, curve.scatter)
        )
    return followed
