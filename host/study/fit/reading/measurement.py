"""Measured curves of files: which column is what, and where a curve ends.

By convention a file with a column ``pulse`` holds pulse curves of a synapse, one without it
and with ``current`` curves of a neuron. ``cycle`` and ``device`` tell curves apart; a file
without ``device`` is one device, named as the file, or as many as its blocks name. Several
columns of resistance are as many cycles. Without ``polarity`` the sign of the pulses' current
tells it, or else whether a curve rises or falls.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allspin.host.study.fit.reading.branches import choose
from allspin.host.study.fit.reading.columns import Columns
from allspin.host.study.fit.reading.conditions import check_steady, check_used, choose_rows
from allspin.host.study.fit.reading.csv_file import read_csv
from allspin.host.study.fit.reading.curve import Curve, Measurement, trend
from allspin.host.study.fit.reading.options import ReadOptions
from allspin.host.study.fit.reading.runs import LEAST_POINTS, Gaps, Run, check_length, gather
from allspin.host.study.fit.reading.turns import find_turn
from allspin.sim.device.response import Array, Polarity
from allspin.sim.errors import UserError

UNITS = {"": "arbitrary", "S": "siemens"}
"""What a device calls units that it does not call as columns do."""


@dataclass(frozen=True)
class _File:
    """What one file holds: curves, the units of R_AH and x, content, and what was guessed."""

    curves: list[Curve]
    unit: str
    x_unit: str
    data: bytes
    notes: list[str]
    conditions: set[str]


@dataclass(frozen=True, eq=False)
class _Part:
    """A curve's points and the rows that they are from."""

    run: Run
    polarity: Polarity | None
    x: Array
    resistance: Array
    rows: list[int]

    def curve(self) -> Curve:
        run = self.run
        return Curve(run.device, run.cycle, self.polarity, self.x, self.resistance, run.scatter())


class _Reader:
    """One file on its way to curves."""

    def __init__(self, path: Path, own: str, options: ReadOptions) -> None:
        self.options, self.own = options, own
        self.file = read_csv(path)
        self.columns = Columns(self.file, options)
        self.notes = list(self.file.notes)

    def read(self) -> _File:
        file, columns, options = self.file, self.columns, self.options
        x_unit, x_factor = columns.unit(columns.x, "current" if columns.neuron else "pulse")
        unit, factors = columns.resistance_unit(options.read_current)
        chosen, used = choose_rows(file, columns, options)
        runs = gather(file, columns, (x_factor, factors), chosen, self.own)
        gaps = Gaps(options.missing)
        there = [gaps.leave_out(file, run) for run in runs]
        self.notes += gaps.note(file)
        for run, kept in zip(runs, there, strict=True):
            check_length(file, run, int(kept.sum()))
            if not np.ptp(run.points()[kept]):
                raise file.fail(
                    run.line, f"{run.name}: R_AH does not change; is it the right column?"
                )
        if columns.neuron:
            parts = [self._part(run, None, kept) for run, kept in zip(runs, there, strict=True)]
            curves = choose(file.path, [part.curve() for part in parts], options.branch, x_unit)
        else:
            parts = self._pulses(runs, there)
            curves = _follow_on([part.curve() for part in parts])
        self.notes += check_steady(file, columns, options, _by_polarity(parts))
        self._note_blocks()
        return _File(curves, unit, x_unit, file.data, self.notes, used)

    def _note_blocks(self) -> None:
        count = len(self.file.blocks)
        if (
            count > 1
            and self.columns.device is None
            and not any(name for _, name in self.file.blocks)
        ):
            self.notes.append(
                f"{self.file.path}: {count} tables one after another name no device and are taken "
                "as cycles of one; give a line such as 'device: A' before each header if not"
            )

    def _part(
        self,
        run: Run,
        polarity: Polarity | None,
        kept: Array,
        start: int = 0,
        stop: int | None = None,
    ) -> _Part:
        """Some points of a run, from and to, counted from their own start."""
        x, resistance = np.array(run.x)[start:stop], run.points()[start:stop]
        there = np.asarray(kept[start:stop], bool)
        first = x[0] if start else 0.0
        rows = [row for row, here in zip(run.rows[start:stop], there, strict=True) if here]
        # The point at which a curve turns was reached by the pulses before it.
        rows = rows[1:] if start else rows
        return _Part(run, polarity, x[there] - first, resistance[there], rows)

    def _pulses(self, runs: list[Run], there: list[Array]) -> list[_Part]:
        """Pulse curves, each of one polarity."""
        if any(isinstance(run.way, Polarity) for run in runs):
            parts = [
                self._part(run, _way(run), kept) for run, kept in zip(runs, there, strict=True)
            ]
            self._check(parts)
            return parts
        if any(run.way for run in runs):
            return self._by_sign(runs, there)
        parts = []
        turns = self._turns(runs)
        for run, kept, turn in zip(runs, there, turns, strict=True):
            if turn is None:
                parts.append(self._part(run, _rises(run.points()[kept]), kept))
                continue
            for start, stop in ((0, turn + 1), (turn, None)):
                check_length(self.file, run, int(kept[start:stop].sum()))
                way = _rises(run.points()[start:stop][kept[start:stop]])
                parts.append(self._part(run, way, kept, start, stop))
        return parts

    def _by_sign(self, runs: list[Run], there: list[Array]) -> list[_Part]:
        """Polarity by the sign of the current: that with which R_AH rises is potentiation."""
        ways: dict[int, list[float]] = {1: [], -1: []}
        for run, kept in zip(runs, there, strict=True):
            assert isinstance(run.way, int)
            ways[run.way].append(trend(run.points()[kept]))
        up, down = (float(np.median(ways[sign])) for sign in (1, -1))
        if up * down >= 0:
            raise UserError(
                f"{self.file.path}: R_AH {'rises' if up > 0 else 'falls'} with pulse currents of "
                "either sign; name the polarity in a column"
            )
        sign = 1 if up > 0 else -1
        parts = [
            self._part(
                run,
                Polarity.POTENTIATION if run.way == sign else Polarity.DEPRESSION,
                kept,
            )
            for run, kept in zip(runs, there, strict=True)
        ]
        self._check(parts)
        return parts

    def _check(self, parts: list[_Part]) -> None:
        for part in parts:
            assert part.polarity is not None
            way = trend(part.resistance)
            if abs(way) > 0.3 and (way > 0) is bool(part.polarity):
                raise self.file.fail(
                    part.run.line,
                    f"R_AH {'rises' if way > 0 else 'falls'} with pulses of "
                    f"{part.polarity.name.lower()}; number pulses in the order in which they were "
                    "given",
                )

    def _turns(self, runs: list[Run]) -> list[int | None]:
        """Where each run turns; runs on the same pulses turn at the same one."""
        if self.options.turn is not None:
            return [self._given_turn(run, self.options.turn) for run in runs]
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


def _mean_turn(several: list[Array]) -> int | None:
    """Where curves on the same pulses turn, which their mean tells best."""
    table = np.array(several)
    there = np.isfinite(table)
    known = there.any(axis=0)
    counts = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, table, 0.0).sum(axis=0) / counts
    places = np.arange(mean.size)
    return find_turn(np.interp(places, places[known], mean[known]))


def _way(run: Run) -> Polarity:
    assert isinstance(run.way, Polarity)
    return run.way


def _rises(resistance: Array) -> Polarity:
    return Polarity.POTENTIATION if trend(resistance) > 0 else Polarity.DEPRESSION


def _by_polarity(parts: Iterable[_Part]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for part in parts:
        name = "the neuron's curves" if part.polarity is None else part.polarity.name.lower()
        xs = part.x[-len(part.rows) :] if part.rows else []
        found.setdefault(name, []).extend(zip(part.rows, map(float, xs), strict=True))
    return found


def _follow_on(curves: list[Curve]) -> list[Curve]:
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


def read_measurement(paths: Sequence[Path], options: ReadOptions | None = None) -> Measurement:
    """Read all curves of some files.

    Parameters
    ----------
    paths : sequence of Path
        CSV files.
    options : ReadOptions, optional
        How they are read; as is usual.

    Returns
    -------
    Measurement

    Raises
    ------
    UserError
        If a file cannot be read or understood; the message is one line that names file, line
        and fix.
    """
    options = options or ReadOptions()
    curves: list[Curve] = []
    units: dict[str, Path] = {}
    current_units: dict[str, Path] = {}
    digests: dict[str, str] = {}
    notes: list[str] = []
    used: set[str] = set()
    names = [path.name for path in paths]
    for path, own in zip(paths, _devices(paths), strict=True):
        file = _Reader(path, own, options).read()
        curves += file.curves
        notes += file.notes
        used |= file.conditions
        units.setdefault(file.unit, path)
        if file.curves[0].polarity is None:
            current_units.setdefault(file.x_unit, path)
        name = path.name if names.count(path.name) == 1 else str(path)
        digests[name] = hashlib.sha256(file.data).hexdigest()
    check_used(options.conditions(), used)
    for what, seen in (("R_AH", units), ("current", current_units)):
        if len(seen) > 1:
            some, other, *_ = seen.values()
            first, second, *_ = (unit or "no unit" for unit in seen)
            raise UserError(
                f"{other} gives {what} in {second}, but {some} in {first}; give all files the "
                "same unit"
            )
    unit, current_unit = next(iter(units)), next(iter(current_units), "A")
    return Measurement(
        curves,
        unit=UNITS.get(unit, unit),
        current_unit=UNITS.get(current_unit, current_unit),
        digests=digests,
        notes=notes,
        given=_given(options),
        read_current=options.read_current,
    )


def _devices(paths: Sequence[Path]) -> list[str]:
    """Devices as files are called, with their folders where names alone are equal."""
    names = [path.name.removesuffix(".gz") for path in paths]
    stems = [name.rpartition(".")[0] or name for name in names]
    return [
        str(path) if stems.count(stem) > 1 else stem
        for path, stem in zip(paths, stems, strict=True)
    ]


def _given(options: ReadOptions) -> dict[str, object]:
    """What was said about the files, for the device file."""
    given: dict[str, object] = {}
    if options.where:
        given["where"] = [str(one) for one in options.conditions()]
    if options.ignored:
        given["ignored_columns"] = list(options.ignored)
    if options.branch is not None:
        given["branch"] = options.branch
    if options.turn is not None:
        given["turn"] = float(options.turn)
    return given
