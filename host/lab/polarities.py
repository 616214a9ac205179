"""Polarity of pulses: by a column, by the sign of their current, or by the turn of R_AH.

A run of pulses without a known polarity is cut where R_AH turns; rising R_AH is potentiation. R_AH
that does the opposite of both polarities of a device has the other sign.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from allspin.host.lab.column_map import POLARITIES, CurveColumns
from allspin.host.lab.curves import DEAD, Curve, by_device, scatter_of, trend, usual_swing
from allspin.host.lab.quantities import few, number
from allspin.host.lab.tables import CsvFile
from allspin.host.lab.turns import check_length, cut, find_turns, given_turn
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity

Sense = Polarity | int | None
"""Polarity of a run, or the sign of its pulses' current, or None if neither is known."""
COUNTED_BACK = 0.3
"""Share of its spread that R_AH changes by along a curve whose pulses are counted backwards."""


def senses_of(columns: CurveColumns, rows: Sequence[int]) -> Sequence[Sense]:
    """Return the sense of each row: by a column of polarities, or by currents of both signs."""
    if columns.kind != "pulse":
        return [None] * len(rows)
    file = columns.file
    place = columns.place("polarity")
    if place is not None:
        return _polarities(file, place, rows)
    place = columns.place("current")
    if place is not None:
        currents = file.values(place, rows)[filled_places(file.cells(place, rows))]
        signs: list[Sense] = np.sign(np.nan_to_num(currents)).astype(int).tolist()
        if 1 in signs and -1 in signs:
            return signs
    return [None] * len(rows)


def _polarities(file: CsvFile, place: int, rows: Sequence[int]) -> list[Sense]:
    """Return the polarity of each row; two unknown words are signs, which R_AH tells apart."""
    cells = [cell.lower() for cell in file.cells(place, rows)]
    unknown = [row for row, cell in zip(rows, cells, strict=True) if cell not in POLARITIES]
    if not unknown:
        return [POLARITIES[cell] for cell in cells]
    words = list(dict.fromkeys(cells))
    if len(words) != len(Polarity):
        line, row = file.rows[unknown[0]]
        raise file.fail(line, f"polarity is {row[place]!r}; give potentiation or depression")
    return [1 if cell == words[0] else -1 for cell in cells]


def filled_places(cells: Sequence[str]) -> npt.NDArray[np.intp]:
    """Return for each row the place of its current: its own, the next one's, or the last one's.

    A row without a current, such as the state before the first pulse, belongs to the next pulse.
    """
    every = np.arange(len(cells))
    values = [number(cell) for cell in cells]
    known = [value is None or bool(value and not math.isnan(value)) for value in values]
    places = np.flatnonzero(known)
    if not places.size:
        return every
    return places[np.minimum(np.searchsorted(places, every), places.size - 1)]


def pulse_curves(
    file: CsvFile, runs: Sequence[tuple[Curve, Sense]], turn: float | None
) -> tuple[list[Curve], list[str]]:
    """Return curves of one polarity each, and notes on guesses.

    Parameters
    ----------
    file : CsvFile
        The table.
    runs : sequence of (Curve, Sense)
        Its runs of pulses; R_AH is NaN where it is missing.
    turn : float or None
        Pulse at which runs turn that have no sense; None to find it.

    Raises
    ------
    UserError
        If polarities contradict R_AH.
    """
    if any(sense is not None for _, sense in runs):
        return _named(file, runs)
    return _cut(file, [run for run, _ in runs], turn)


def _cut(file: CsvFile, runs: list[Curve], turn: float | None) -> tuple[list[Curve], list[str]]:
    """Cut runs of no sense where R_AH turns, or at a given pulse."""
    places = find_turns(runs) if turn is None else [given_turn(file, run, turn) for run in runs]
    notes: dict[str, None] = {}
    curves = []
    for run, place in zip(runs, places, strict=True):
        for part in cut(file, run, place):
            check_length(file, part)
            falls = trend(part.resistance) <= 0
            curves.append(replace(part, polarity=Polarity(falls)))
        if turn is None and place is not None:
            note = (
                f"{file.path} names no polarity: curves are cut where R_AH turns (`turn` for "
                f"elsewhere), at pulse {run.x[place]:g}"
            )
            notes[note] = None
    return curves, list(notes)


def _named(file: CsvFile, runs: Sequence[tuple[Curve, Sense]]) -> tuple[list[Curve], list[str]]:
    """Give runs the polarities of a column, or those of the sign of the current."""
    curves = [run.measured() for run, _ in runs]
    senses = np.array([int(sense or 0) for _, sense in runs])
    if not isinstance(runs[0][1], Polarity):
        senses = _by_trend(file, curves, senses)
    pairs = zip(curves, senses.tolist(), strict=True)
    curves = [replace(curve, polarity=Polarity(sense)) for curve, sense in pairs]
    scatter = scatter_of([one.resistance for one in curves])
    least = max(DEAD * usual_swing(curves), 3 * scatter)
    reversed_devices = _reversed(curves, least)
    notes = []
    if reversed_devices:
        notes.append(
            f"{file.path}: R_AH falls with potentiation and rises with depression in "
            f"{few(reversed_devices)}: its sign is taken as reversed, and turned"
        )
    for place, curve in enumerate(curves):
        if curve.device in reversed_devices:
            curves[place] = replace(curve, resistance=-curve.resistance)
        _check_order(file, curves[place], least)
    return curves, notes


def _by_trend(
    file: CsvFile, curves: list[Curve], signs: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return polarities of curves by the signs of their currents: R_AH rises with potentiation."""
    trends = np.array([trend(curve.resistance) for curve in curves])
    up = float(np.median(trends[signs == 1]))
    down = float(np.median(trends[signs == -1]))
    if up * down >= 0:
        raise UserError(
            f"{file.path}: R_AH {'rises' if up > 0 else 'falls'} with pulse currents of either "
            "sign; name the polarity in a column"
        )
    return ((signs == 1) != (up > 0)).astype(int)


def _reversed(curves: list[Curve], least: float) -> list[str]:
    """Return devices whose R_AH does the opposite of both of their polarities."""
    devices = []
    for device, places in by_device(curves).items():
        swings = [curves[place].swing for place in places]
        both = len({curves[place].polarity for place in places}) == len(Polarity)
        if both and -sum(swings) > max(sum(map(abs, swings)) / 2, least):
            devices.append(device)
    return devices


def _check_order(file: CsvFile, curve: Curve, least: float) -> None:
    """Raise a `UserError` for a curve that switches against its polarity."""
    # A device that does not switch may do so by chance.
    if abs(trend(curve.resistance)) > COUNTED_BACK and curve.swing < -least:
        way = "rises" if curve.polarity is Polarity.DEPRESSION else "falls"
        name = curve.polarity.name.lower() if curve.polarity is not None else ""
        raise file.fail(
            curve.line,
            f"R_AH {way} with pulses of {name}; number pulses in the order in which they were "
            "given",
        )
