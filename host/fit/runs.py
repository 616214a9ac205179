"""Files of measured curves: rows to runs of one cycle, and runs to curves.

By convention a file with a column ``pulse`` holds pulse curves of a synapse, one without it and
with ``current`` curves of a neuron, and one over ``time`` decays. ``cycle`` and ``device`` tell
runs apart, or pulses that are counted anew; several columns of R_AH are as many cycles. A file
without ``device`` is one device, named as the file, or as many as its blocks name.

The polarity is in a column, or told by the sign of the pulses' current, or else by whether R_AH
rises or falls; a run that goes there and back is cut where it turns.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from allspin.host.fit.columns import FileColumns, ReadOptions, choose_rows, filled, plain
from allspin.host.fit.curves import Curve, Measurement, trend
from allspin.host.fit.settings import Setting, check_agreement, check_steady, figures, settings_of
from allspin.host.fit.tables import CsvFile, read_csv
from allspin.host.fit.turns import (
    LEAST_POINTS,
    choose_branches,
    cut,
    find_turns,
    given_turn,
    numbered,
)
from allspin.sim.device.retention import MAX_AGE, MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import MAX_PULSES, Array, Polarity

POLARITIES = {
    Polarity.POTENTIATION: ("potentiation", "p", "ltp", "up", "+", "+1", "1", "positive", "set"),
    Polarity.DEPRESSION: ("depression", "d", "ltd", "down", "-", "-1", "negative", "reset"),
}
CELSIUS = ("c", "degc", "°c", "celsius")
ROOM = 300.0
"""Kelvin, where nothing is said of the temperature."""
ALIKE = 0.02
"""Relative scatter of a temperature that is read back, within which it is one."""

Way = Polarity | int | None
"""A run's polarity, or else the sign of its pulses' current, if either is known."""


Run = tuple[Curve, Way]
"""Points of one cycle, in the order in which they came, of no polarity yet; R_AH is NaN where it
is missing. And what the file says of the polarity."""

# Rows to runs.


def _ways(file: CsvFile, columns: FileColumns, chosen: list[int]) -> Sequence[Way]:
    """What is known of each row's polarity: by its column, or by currents of both signs."""
    if columns.kind == "pulse" and "polarity" in columns.places:
        known = {word: polarity for polarity, words in POLARITIES.items() for word in words}
        cells = file.cells(columns.places["polarity"], chosen)
        for row, cell in zip(chosen, cells, strict=True):
            if cell.lower() not in known:
                line = file.rows[row][0]
                raise file.fail(line, f"polarity is {cell!r}; give potentiation or depression")
        return [known[cell.lower()] for cell in cells]
    if columns.kind == "pulse" and "current" in columns.places:
        place = columns.places["current"]
        currents = file.values(place, chosen)[filled(file.cells(place, chosen))]
        signs = np.sign(np.nan_to_num(currents)).astype(int).tolist()
        if {1, -1} <= set(signs):
            return signs
    return [None] * len(chosen)


def _temperatures(file: CsvFile, columns: FileColumns, chosen: list[int]) -> Array:
    """Each row's temperature in kelvin."""
    if "temperature" not in columns.places:
        return np.full(len(chosen), ROOM)
    place = columns.places["temperature"]
    name, unit = file.columns[place]
    if unit.lower() not in ("", "k", "kelvin", *CELSIUS):
        raise UserError(f"{file.path}: column {name} is in {unit}; give it in K or °C")
    kelvin = file.values(place, chosen) + (273.15 if unit.lower() in CELSIUS else 0.0)
    for row, value in zip(chosen, kelvin, strict=True):
        if not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:
            raise file.fail(file.rows[row][0], f"temperature is {value:g} K; give 1 to 2000 K")
    return kelvin


def gather(
    file: CsvFile, columns: FileColumns, chosen: list[int], own: str, share: float
) -> tuple[list[Run], list[str]]:
    """The runs of a file's rows, and what is said of missing values.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : FileColumns
        What its columns are.
    chosen : list of int
        The rows that are taken.
    own : str
        The device, where the file names none.
    share : float
        Of a run's values, those that may be missing.

    Raises
    ------
    UserError
        If a cell is none of what its column is, or a run lacks too many values, is too short, or
        does not change.
    """
    kind, most = columns.kind, MAX_AGE if columns.kind == "time" else MAX_PULSES
    every_x = file.values(columns.x, chosen) * columns.x_factor
    for row, x in zip(chosen, every_x, strict=True):
        if kind != "current" and not (0 <= x <= most or math.isnan(x)):
            raise file.fail(file.rows[row][0], f"{kind} is {x:g}; give 0 to {most:,g}")
    ways = _ways(file, columns, chosen)
    kelvin = _temperatures(file, columns, chosen) if kind == "time" else np.zeros(len(chosen))
    groups: dict[tuple[str, str, Way], list[int]] = {}
    for number, row in enumerate(chosen):
        line, cells = file.rows[row]
        device, cycle = (
            cells[columns.places[one]] if one in columns.places else ""
            for one in ("device", "cycle")
        )
        if "device" not in columns.places:
            # One name alone may be that of a wafer; each file is then a device.
            block = file.blocks[file.block_of(line)]
            device = (len(file.blocks) > 1 and block.device) or own
        groups.setdefault((device, cycle, ways[number]), []).append(number)
    found: list[tuple[int, int, Run]] = []
    missing: list[int] = []
    total = 0
    for order, (place, factor) in enumerate(columns.resistances.items()):
        every_value = file.values(place, chosen) * factor
        column = f" {file.columns[place].name}" if len(columns.resistances) > 1 else ""
        counts: dict[tuple[str, str, Way], int] = {}
        for (device, cycle, way), numbers in groups.items():
            x, value, heat = every_x[numbers], every_value[numbers], kelvin[numbers]
            # Where a point is missing altogether, it counts as a value that is.
            known = np.maximum.accumulate(np.where(np.isnan(x), 0, np.arange(x.size)))
            value = np.where(np.isnan(x), np.nan, value)
            x = np.nan_to_num(x[known])
            anew = (np.diff(x) < 0) & (kind != "current")
            anew |= np.abs(np.diff(heat)) > ALIKE * heat[1:]
            for part in np.split(np.arange(x.size), np.flatnonzero(anew) + 1):
                rows = np.array(chosen)[np.array(numbers)[part]]
                count = counts[device, cycle, way] = counts.get((device, cycle, way), -1) + 1
                line = file.rows[rows[0]][0]
                name = numbered(f"{cycle}{column}".strip(), count * (kind != "time"))
                curve = Curve(device, name, None, x[part], value[part], None, line, rows)
                if kind == "pulse":
                    curve = _of_states(curve)
                if kind == "time":
                    temperature = round(float(np.median(heat[part])), 6)
                    if np.ptp(heat[part]) > 2 * ALIKE * temperature:
                        raise file.fail(line, f"{curve.name}: the temperature is not steady")
                    curve = replace(curve, temperature=temperature)
                lost = rows[np.isnan(value[part])].tolist()
                _check_run(file, curve, len(rows), lost, share)
                found.append((int(rows[0]), order, (curve, way)))
                missing += lost
                total += len(rows)
    notes = []
    if missing:
        notes.append(
            f"{file.path}: {len(missing):,} of {total:,} values are missing or out of the meter's "
            f"range, the first in line {file.rows[min(missing)][0]}; they are left out"
        )
    return [run for _, _, run in sorted(found, key=lambda one: one[:2])], notes


def _check_run(file: CsvFile, run: Curve, values: int, lost: list[int], share: float) -> None:
    """Refuse a run that lacks too many values, is too short, or does not change."""
    if len(lost) > share * values:
        raise file.fail(
            file.rows[lost[0]][0],
            f"{run.name} lacks {len(lost)} of {values} values, more than --missing {share:g} "
            "of a curve; measure it again, or raise --missing",
        )
    measured = run.measured()
    _check_length(file, measured)
    if not run.temperature and not np.ptp(measured.resistance):
        raise file.fail(run.line, f"{run.name}: R_AH does not change; is it the right column?")


def _of_states(curve: Curve) -> Curve:
    """A curve of one point for each pulse number; the same number again is another read."""
    starts = np.flatnonzero(np.diff(curve.x, prepend=-1.0))
    if starts.size == curve.x.size:
        return curve
    state = np.repeat(np.arange(starts.size), np.diff(starts, append=curve.x.size))
    there = np.isfinite(curve.resistance)
    count = np.bincount(state, there).astype(np.int64)
    total = np.bincount(state, np.where(there, curve.resistance, 0.0))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    square = np.where(there, curve.resistance - mean[state], 0.0) ** 2
    scatter = np.array([np.bincount(state, square), np.maximum(count - 1, 0)], np.float64)
    x, rows = curve.x[starts], curve.rows[starts]
    return replace(curve, x=x, resistance=mean, scatter=scatter, rows=rows)


def _check_length(file: CsvFile, curve: Curve) -> None:
    count = curve.x.size
    if count < LEAST_POINTS:
        raise file.fail(
            curve.line,
            f"{curve.name} has {count} point{'s' * (count != 1)}; a curve needs at least "
            f"{LEAST_POINTS}",
        )


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
    notes: dict[str, None] = {}
    if any(way is not None for _, way in runs):
        curves = _told(file, runs)
    else:
        curves = []
        every = [run for run, _ in runs]
        turns = (
            find_turns(every) if turn is None else [given_turn(file, run, turn) for run in every]
        )
        for run, place in zip(every, turns, strict=True):
            for part in cut(file, run, place):
                _check_length(file, part)
                way = Polarity(int(trend(part.resistance) <= 0))
                curves.append(replace(part, polarity=way))
            if turn is None and place is not None:
                notes[
                    f"{file.path} names no polarity: curves are cut where R_AH turns (--turn for "
                    f"elsewhere), at pulse {run.x[place]:g}"
                ] = None
    # Pulses counted on from the other polarity's are counted from their own start.
    ends: dict[tuple[str, str], float] = {}
    for number, curve in enumerate(curves):
        before = ends.get((curve.device, curve.cycle), math.inf)
        ends[curve.device, curve.cycle] = float(curve.x[-1])
        if curve.x[0] > before:
            curves[number] = replace(curve, x=curve.x - before)
    return curves, list(notes)


def _told(file: CsvFile, runs: Sequence[Run]) -> list[Curve]:
    """Curves of the polarities of a column, or by the sign of the current.

    The sign with which R_AH rises is potentiation.
    """
    curves = [run.measured() for run, _ in runs]
    trends = [trend(curve.resistance) for curve in curves]
    ways = [way for _, way in runs]
    if not isinstance(ways[0], Polarity):
        pairs = list(zip(ways, trends, strict=True))
        up, down = (float(np.median([rise for way, rise in pairs if way == s])) for s in (1, -1))
        if up * down >= 0:
            raise UserError(
                f"{file.path}: R_AH {'rises' if up > 0 else 'falls'} with pulse currents of either "
                "sign; name the polarity in a column"
            )
        ways = [Polarity(int((way == 1) is not (up > 0))) for way in ways]
    told = []
    for way, rise, curve in zip(ways, trends, curves, strict=True):
        polarity = Polarity(way or 0)
        if abs(rise) > 0.3 and (rise > 0) is bool(polarity):  # pulses are numbered backwards
            raise file.fail(
                curve.line,
                f"R_AH {'rises' if rise > 0 else 'falls'} with pulses of "
                f"{polarity.name.lower()}; number pulses in the order in which they were given",
            )
        told.append(replace(curve, polarity=polarity))
    return told


# Whole files.


def read_measurement(
    paths: Sequence[Path], options: ReadOptions | None = None, decay: bool = False
) -> Measurement:
    """Read all curves of some files.

    Parameters
    ----------
    paths : sequence of Path
        CSV files.
    options : ReadOptions, optional
        How they are read; as is usual.
    decay : bool
        Whether they hold decays.

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
    conditions, ignored = options.conditions(), set(map(plain, options.ignored))
    datas: list[bytes] = []
    curves: list[Curve] = []
    notes: list[str] = []
    settings: list[Setting] = []
    units: dict[Path, str] = {}
    currents: dict[Path, str] = {}
    found: set[str] = set()
    for path, own in zip(paths, device_names(paths), strict=True):
        file = read_csv(path)
        columns = FileColumns(file, options, decay)
        chosen, used = choose_rows(file, columns, conditions)
        runs, lost = gather(file, columns, chosen, own, options.missing)
        notes += file.notes + lost
        read = [run.measured() for run, _ in runs]
        if columns.kind == "pulse":
            read, guessed = pulse_curves(file, runs, options.turn)
            notes += guessed
        notes += check_steady(file, columns, ignored, read)
        if not decay:
            notes += _unnamed(file, columns)
            settings += settings_of(file, columns, read)
        elif "temperature" not in columns.places:
            notes.append(f"{path} names no temperature and is taken as at {ROOM:g} K")
        if columns.kind == "current":
            read = choose_branches(path, read, options.branch, columns.x_unit)
            currents[path] = columns.x_unit
        found |= used
        curves += read
        datas.append(file.data)
        units[path] = columns.unit
    for condition in conditions:
        if plain(condition.column) not in found:
            raise UserError(
                f"no file has a column {condition.column}; mend --where {condition.text}"
            )
    check_agreement(one for one in settings if plain(one.column or "") not in ignored)
    electrical, differ = figures(settings)
    if options.read_current is not None:
        electrical["read_current"] = abs(options.read_current)
    given = {
        "where": list(options.where),
        "ignored_columns": list(options.ignored),
        "branch": options.branch,
        "turn": options.turn and float(options.turn),
    }
    return Measurement(
        curves,
        unit=_one_unit("R_AH", units),
        current_unit=_one_unit("current", currents) if currents else "A",
        digests=digests(paths, datas),
        notes=notes + differ,
        given={key: value for key, value in given.items() if value},
        electrical=electrical,
    )


def _unnamed(file: CsvFile, columns: FileColumns) -> list[str]:
    """What is said of several tables that name no device."""
    named = "device" in columns.places or any(block.device for block in file.blocks)
    if named or len(file.blocks) == 1:
        return []
    return [
        f"{file.path}: {len(file.blocks)} tables one after another name no device and are taken "
        "as cycles of one; give a line such as 'device: A' before each header if not"
    ]


def _one_unit(what: str, files: dict[Path, str]) -> str:
    """The unit of all files, as a device calls it."""
    some, first = next(iter(files.items()))
    for path, unit in files.items():
        if unit != first:
            raise UserError(
                f"{path} gives {what} in {unit or 'no unit'}, but {some} in {first or 'no unit'}; "
                "give all files the same unit"
            )
    return {"": "arbitrary", "S": "siemens"}.get(first, first)


def digests(paths: Sequence[Path], datas: Iterable[bytes]) -> dict[str, str]:
    """SHA-256 of each file, by its name, with its folder where names alone are equal."""
    names = [path.name for path in paths]
    return {
        path.name if names.count(path.name) == 1 else str(path): hashlib.sha256(data).hexdigest()
        for path, data in zip(paths, datas, strict=True)
    }


def device_names(paths: Sequence[Path]) -> list[str]:
    """Devices as files are called, with their folders where names alone are equal."""
    names = [path.name.removesuffix(".gz") for path in paths]
    stems = [name.rpartition(".")[0] or name for name in names]
    return [
        str(path) if stems.count(stem) > 1 else stem
        for path, stem in zip(paths, stems, strict=True)
    ]
