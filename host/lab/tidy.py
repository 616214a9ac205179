"""Tidy table of a file, one reading a row whatever the file's layout, and its curves.

By convention a file with a column ``pulse`` holds pulse curves of a synapse, one without it and
with ``current`` curves of a neuron, and one over ``time`` decays. Columns ``cycle`` and ``device``
divide runs, and so do pulses that are counted anew; several columns of R_AH are as many cycles. A
file without ``device`` is one device, named as the file, or as many as its blocks name.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.lab.column_map import CurveColumns, plain
from allspin.host.lab.curves import LEAST_POINTS, Curve
from allspin.host.lab.polarities import Sense, filled_places, senses_of
from allspin.host.lab.quantities import base_of, few, number
from allspin.host.lab.reading import Condition
from allspin.host.lab.tables import CsvFile
from allspin.host.lab.turns import check_length
from allspin.host.lab.varying import STEADY
from allspin.sim.device.retention import MAX_AGE, MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError
from allspin.sim.parameters import Brief
from allspin.sim.synapse.response import MAX_PULSES, Array

Rows = npt.NDArray[np.intp]
ZERO_CELSIUS = 273.15
"""In kelvin."""
ROOM = 300.0
"""Kelvin that are assumed where a decay names no temperature."""


Key = tuple[str, str, Sense]
"""Device and cycle of a row, and its polarity or the sign of its current."""


class _Run(NamedTuple):
    """Consecutive readings of one curve.

    Attributes
    ----------
    key : Key
        Device, cycle and sense.
    repeat : int
        Number of such runs before it.
    places : ndarray of int
        Places of its readings among those of the table.
    """

    key: Key
    repeat: int
    places: Rows


@dataclass(frozen=True, eq=False)
class TidyTable(Brief):
    """Readings of one file, one a row.

    Attributes
    ----------
    columns : CurveColumns
        Columns of the file.
    row : ndarray of int, shape (readings,)
        Row of the file.
    x : ndarray of float64, shape (readings,)
        Pulses since the start of the run, current in base units, or seconds.
    temperature : ndarray of float64, shape (readings,)
        In kelvin for a decay, else 0.
    resistance : dict of int to ndarray of float64, each (readings,)
        R_AH in base units by the place of its column; NaN where it is missing or out of the
        meter's range.
    runs : list of _Run
        Runs in the order of their first readings.
    """

    columns: CurveColumns
    row: Rows
    x: Array
    temperature: Array
    resistance: dict[int, Array]
    runs: list[_Run]


def choose_rows(
    columns: CurveColumns, conditions: Iterable[Condition]
) -> tuple[list[int], set[str]]:
    """Return the rows for which all conditions hold, and the columns of applied conditions.

    A condition on a neuron's current is ignored: the current is the abscissa.

    Raises
    ------
    UserError
        If no row meets a condition, or the condition is on a column of the curves themselves.
    """
    file = columns.file
    rows = list(range(len(file.rows)))
    used: set[str] = set()
    for condition in conditions:
        place = columns.find(condition.column)
        if place is None:
            continue
        if columns.kind != "time" and place in (columns.x, *columns.resistances):
            if columns.kind == "current":
                continue
            raise UserError(
                f"{file.path}: `where` {condition.text} is about the curves themselves; choose by "
                "another column"
            )
        used.add(plain(condition.column))
        cells = file.cells(place, rows)
        if place == columns.place("current"):
            filled = [cells[at] for at in filled_places(cells)]
        else:
            filled = cells
        rows = [row for row, cell in zip(rows, filled, strict=True) if condition.holds(cell)]
        if not rows:
            raise UserError(
                f"{file.path}: no row has {condition.text}; {condition.column} has {few(cells)}"
            )
    return rows, used


def tidy(columns: CurveColumns, rows: Sequence[int], own: tuple[str, str]) -> TidyTable:
    """Return the tidy table of a file's rows.

    Parameters
    ----------
    columns : CurveColumns
        Columns of the file.
    rows : sequence of int
        The rows that are taken.
    own : (str, str)
        Device and cycle, where no column names them.

    Raises
    ------
    UserError
        If a cell does not suit its column.
    """
    file = columns.file
    kind = columns.kind
    x = file.values(columns.x, rows) * columns.x_factor
    _check_abscissa(file, kind, rows, x)
    missing = np.isnan(x)
    temperature = np.zeros(len(rows))
    if kind == "time":
        temperature = _temperatures(columns, rows)
    keys = zip(
        _names(columns, rows, "device", own),
        _names(columns, rows, "cycle", own),
        senses_of(columns, rows),
        strict=True,
    )
    runs = _divide(kind, x, temperature, keys)
    resistance = {}
    for place, factor in columns.resistances.items():
        resistance[place] = np.where(missing, np.nan, file.values(place, rows) * factor)
    return TidyTable(columns, np.array(rows), x, temperature, resistance, runs)


def _check_abscissa(file: CsvFile, kind: str, rows: Sequence[int], x: Array) -> None:
    if kind == "current":
        return
    most = MAX_AGE if kind == "time" else MAX_PULSES
    for place in np.flatnonzero((x < 0) | (x > most)).tolist():
        raise file.fail(file.rows[rows[place]][0], f"{kind} is {x[place]:g}; give 0 to {most:,g}")


def _temperatures(columns: CurveColumns, rows: Sequence[int]) -> Array:
    """Return each row's temperature in kelvin, by its column or by the facts of its table."""
    file = columns.file
    place = columns.place("temperature")
    if place is None:
        kelvin = np.array([stated_temperature(file, file.rows[row][0]) or ROOM for row in rows])
    else:
        kelvin = file.values(place, rows)
        if base_of(file.columns[place].unit) == "C":
            kelvin = kelvin + ZERO_CELSIUS
    for row, value in zip(rows, kelvin, strict=True):
        if not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:
            raise file.fail(file.rows[row][0], f"temperature is {value:g} K; give 1 to 2000 K")
    return kelvin


def stated_temperature(file: CsvFile, line: int) -> float | None:
    """Return the temperature in kelvin that the facts of a line's table give, or None."""
    for _, unit, text in file.facts(line):
        base = base_of(unit)
        if base in ("K", "C"):
            return (number(text) or 0.0) + (ZERO_CELSIUS if base == "C" else 0.0)
    return None


def _names(
    columns: CurveColumns, rows: Sequence[int], kind: str, own: tuple[str, str]
) -> list[str]:
    """Return each row's device or cycle: by a column, a line before its table, or the file."""
    file = columns.file
    place = columns.place(kind)
    if place is not None:
        return file.cells(place, rows)
    if kind == "cycle":
        return [own[1]] * len(rows)
    names = []
    for row in rows:
        block = file.block_of(file.rows[row][0])
        # The single name of a sample may be that of a wafer; each file is then a device.
        named = block.device and (len(file.blocks) > 1 or block.names_device)
        names.append(block.device if named else own[0])
    return names


def _divide(kind: str, x: Array, temperature: Array, keys: Iterable[Key]) -> list[_Run]:
    """Return the runs of rows, in the order of their first rows.

    A run ends where the pulse number falls, and where pulses of another polarity follow. A missing
    x becomes that of the row before. Pulses that are counted on from the run before are counted
    from their own start.
    """
    groups, previous = _group(keys)
    written = x.copy()
    runs = []
    for key, own in groups.items():
        known = np.maximum.accumulate(np.where(np.isnan(x[own]), 0, np.arange(own.size)))
        x[own] = np.nan_to_num(x[own[known]])
        interrupted = previous[own][1:] != own[:-1]
        # Rows of all runs in turn are interrupted at each point, and do not end.
        in_blocks = kind == "pulse" and np.count_nonzero(interrupted) < own.size / LEAST_POINTS
        begins = np.abs(np.diff(temperature[own])) > STEADY * temperature[own[1:]]
        if in_blocks:
            begins |= interrupted
        if kind != "current":
            begins |= np.diff(x[own]) < 0
        for count, places in enumerate(np.split(own, np.flatnonzero(begins) + 1)):
            before = previous[places[0]]
            if in_blocks and before >= 0 and x[places[0]] >= written[before]:
                x[places] -= written[before]
            runs.append(_Run(key, count, places))
    return sorted(runs, key=lambda run: run.places[0])


def _group(keys: Iterable[Key]) -> tuple[dict[Key, Rows], Rows]:
    """Return the rows of each key, and the row of the same device before each; -1 for the first."""
    groups: dict[Key, list[int]] = {}
    last: dict[str, int] = {}
    previous = []
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
        previous.append(last.get(key[0], -1))
        last[key[0]] = place
    return {key: np.array(places) for key, places in groups.items()}, np.array(previous)


def numbered(cycle: str, number: int) -> str:
    """Return the name of a repeated cycle: as it is, then with 1, 2 and so on."""
    if not number:
        return cycle
    return f"{cycle}/{number}" if cycle else str(number + 1)


def curves_of(table: TidyTable, share: float) -> tuple[list[tuple[Curve, Sense]], list[str]]:
    """Return the curves of a tidy table with their senses, and notes on missing values.

    Each column of R_AH gives a curve of each run.

    Parameters
    ----------
    table : TidyTable
        The readings.
    share : float
        Share of a curve's values that may be missing.

    Raises
    ------
    UserError
        If a curve lacks too many values, is too short, or does not change.
    """
    file = table.columns.file
    notes = []
    found = []
    missing = []
    for run, place in itertools.product(table.runs, table.resistance):
        curve = _curve(table, run, place)
        lost = table.row[run.places[np.isnan(table.resistance[place][run.places])]]
        count = run.places.size
        if lost.size == count and len(table.runs) > 1:
            notes.append(f"{file.path}: {curve.name} has no values and is left out")
            continue
        if lost.size > share * count:
            raise file.fail(
                file.rows[lost[0]][0],
                f"{curve.name} lacks {lost.size} of {count} values, more than `missing` "
                f"{share:g} of a curve; measure it again, or raise `missing`",
            )
        check_length(file, curve.measured())
        found.append((curve, run.key[2]))
        missing += lost.tolist()
    curves = [curve for curve, _ in found]
    _check_switching(table.columns, curves)
    if any(curve.scatter is not None for curve in curves) and not _are_cycles_named(table):
        notes.append(
            f"{file.path}: rows of one pulse that follow one another are taken as reads of one "
            "state, whose scatter is the meter's; number cycles in a column if not"
        )
    if missing:
        notes.append(
            f"{file.path}: {len(missing):,} of {table.x.size * len(table.resistance):,} values are "
            f"missing or out of the meter's range, the first in line {file.rows[min(missing)][0]}; "
            "they are left out"
        )
    return found, list(dict.fromkeys(notes))


def _curve(table: TidyTable, run: _Run, place: int) -> Curve:
    """Return the curve of a run and a column of R_AH: a point for each state."""
    columns = table.columns
    file = columns.file
    rows = table.row[run.places]
    line = file.rows[rows[0]][0]
    temperature = table.temperature[run.places]
    kelvin = round(float(np.median(temperature)), 6)
    device, cycle, _ = run.key
    if len(table.resistance) > 1:
        cycle = f"{cycle} {file.columns[place].name}".strip()
    if columns.kind != "time":
        cycle = numbered(cycle, run.repeat)
    curve = Curve(
        device,
        cycle,
        None,
        table.x[run.places],
        table.resistance[place][run.places],
        line=line,
        rows=rows,
        temperature=kelvin,
        path=str(file.path),
    )
    if np.ptp(temperature) > 2 * STEADY * kelvin:
        raise file.fail(line, f"{curve.name}: the temperature is not steady")
    # Consecutive rows of one pulse number are reads of one state.
    starts = np.flatnonzero(np.diff(curve.x, prepend=np.nan) != 0)
    if columns.kind != "pulse" or starts.size == curve.x.size:
        return curve
    return _average(curve, starts)


def _average(curve: Curve, starts: Rows) -> Curve:
    """Return a curve of the mean of each state's reads, with their scatter."""
    state = np.repeat(np.arange(starts.size), np.diff(starts, append=curve.x.size))
    present = np.isfinite(curve.resistance)
    count = np.bincount(state, present).astype(np.int64)
    total = np.bincount(state, np.where(present, curve.resistance, 0.0))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    square = np.bincount(state, np.where(present, curve.resistance - mean[state], 0.0) ** 2)
    scatter = np.array([square, np.maximum(count - 1, 0)], np.float64)
    return replace(curve.at(starts), resistance=mean, scatter=scatter)


def _check_switching(columns: CurveColumns, curves: list[Curve]) -> None:
    """Raise a `UserError` for a neuron's curve that does not change, or if no pulse curve does.

    A device that does not switch is told from the others; without others it is the wrong column.
    """
    still = [curve for curve in curves if not np.ptp(curve.measured().resistance)]
    all_pulsed = columns.kind == "pulse" and len(still) == len(curves)
    if still and (all_pulsed or columns.kind == "current"):
        raise columns.file.fail(
            still[0].line, f"{still[0].name}: R_AH does not change; is it the right column?"
        )


def _are_cycles_named(table: TidyTable) -> bool:
    """Return True if a column, or pulses that are counted anew, divide cycles."""
    by_column = "read" in table.columns.places or "cycle" in table.columns.places
    return by_column or any(run.repeat for run in table.runs)
