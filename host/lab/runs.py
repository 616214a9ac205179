"""Files of measured curves: rows to runs of one cycle, and runs to curves.

By convention a file with a column ``pulse`` holds pulse curves of a synapse, one without it and
with ``current`` curves of a neuron, and one over ``time`` decays. ``cycle`` and ``device`` tell
runs apart, or pulses that are counted anew; several columns of R_AH are as many cycles. A file
without ``device`` is one device, named as the file, or as many as its blocks name.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.lab.columns import FileColumns, ReadOptions, choose_rows
from allspin.host.lab.curves import Curve, Measurement
from allspin.host.lab.facts import own_names
from allspin.host.lab.polarities import Run, Way, pulse_curves, ways_of
from allspin.host.lab.quantities import base_of, number
from allspin.host.lab.roles import plain
from allspin.host.lab.settings import Setting, check_agreement, figures, settings_of
from allspin.host.lab.tables import CsvFile, read_csv
from allspin.host.lab.turns import LEAST_POINTS, check_length, choose_branches, numbered
from allspin.host.lab.varying import STEADY, check_steady
from allspin.sim.device.retention import MAX_AGE, MAX_TEMPERATURE, MIN_TEMPERATURE
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import MAX_PULSES, Array

ZERO, ROOM = 273.15, 300.0
"""Kelvin of 0 degrees Celsius, and where nothing is said of the temperature."""
# Rows to runs.


def _temperatures(file: CsvFile, columns: FileColumns, chosen: list[int]) -> Array:
    """Each row's temperature in kelvin, by its column, or by what is said of its table."""
    place = columns.place("temperature")
    kelvin = np.array([said_temperature(file, file.rows[row][0]) or ROOM for row in chosen])
    if place is not None:
        kelvin = file.values(place, chosen) + ZERO * (base_of(file.columns[place].unit) == "C")
    for row, value in zip(chosen, kelvin, strict=True):
        if not MIN_TEMPERATURE <= value <= MAX_TEMPERATURE:
            raise file.fail(file.rows[row][0], f"temperature is {value:g} K; give 1 to 2000 K")
    return kelvin


def said_temperature(file: CsvFile, line: int) -> float | None:
    """The temperature in kelvin that is said of the table in which a line is."""
    said = [(base_of(unit), number(value) or 0.0) for _, unit, value in file.facts(line)]
    return next((at + ZERO * (base == "C") for base, at in said if base in ("K", "C")), None)


def gather(
    file: CsvFile, columns: FileColumns, chosen: list[int], own: tuple[str, str], share: float
) -> tuple[list[Run], list[str]]:
    """The runs of a file's rows, and what is said of missing values.

    A run ends where the pulse number falls, and where pulses of another polarity follow.

    Parameters
    ----------
    file : CsvFile
        The table.
    columns : FileColumns
        What its columns are.
    chosen : list of int
        The rows that are taken.
    own : (str, str)
        The device and the cycle, where no column names them.
    share : float
        Of a run's values, those that may be missing.

    Raises
    ------
    UserError
        If a cell is none of what its column is, or a run lacks too many values, is too short, or
        does not change.
    """
    kind, most = columns.kind, MAX_AGE if columns.kind == "time" else MAX_PULSES
    x = file.values(columns.x, chosen) * columns.x_factor
    odd = np.flatnonzero((x < 0) | (x > most)) if kind != "current" else ()
    for n in odd:
        raise file.fail(file.rows[chosen[n]][0], f"{kind} is {x[n]:g}; give 0 to {most:,g}")
    heat = _temperatures(file, columns, chosen) if kind == "time" else np.zeros(len(chosen))
    names = (_names(file, columns, chosen, what, own) for what in ("device", "cycle"))
    keys = zip(*names, ways_of(file, columns, chosen), strict=True)
    lacking, taken = np.isnan(x), np.array(chosen)
    parts = _parts(kind, x, heat, keys)
    found: list[tuple[int, int, Run]] = []
    missing: list[int] = []
    notes = []
    for order, (place, factor) in enumerate(columns.resistances.items()):
        value = np.where(lacking, np.nan, file.values(place, chosen) * factor)
        column = f" {file.columns[place].name}" if len(columns.resistances) > 1 else ""
        for (device, cycle, way), count, part in parts:
            rows = taken[part]
            line, kelvin = file.rows[rows[0]][0], round(float(np.median(heat[part])), 6)
            name = numbered(f"{cycle}{column}".strip(), count * (kind != "time"))
            curve = Curve(
                *(device, name, None, x[part], value[part], None),
                *(line, rows, kelvin, str(file.path)),
            )
            if np.ptp(heat[part]) > 2 * STEADY * kelvin:
                raise file.fail(line, f"{curve.name}: the temperature is not steady")
            lost = rows[np.isnan(value[part])].tolist()
            if len(lost) == rows.size and len(parts) > 1:
                notes.append(f"{file.path}: {curve.name} has no values and is left out")
                continue
            if len(lost) > share * rows.size:
                raise file.fail(
                    file.rows[lost[0]][0],
                    f"{curve.name} lacks {len(lost)} of {rows.size} values, more than --missing "
                    f"{share:g} of a curve; measure it again, or raise --missing",
                )
            curve = _of_states(curve) if kind == "pulse" else curve
            check_length(file, curve.measured())
            found.append((int(rows[0]), order, (curve, way)))
            missing += lost
    still = [run for _, _, (run, _) in found if not np.ptp(run.measured().resistance)]
    # A film that does not switch is told from the others; where there are none, it is the column.
    if still and (kind == "current" or (kind == "pulse" and len(still) == len(found))):
        raise file.fail(
            still[0].line, f"{still[0].name}: R_AH does not change; is it the right column?"
        )
    reads = any(run.scatter is not None for *_, (run, _) in found)
    if reads and not ({"read", "cycle"} & columns.places.keys() or any(n for _, n, _ in parts)):
        notes.append(
            f"{file.path}: rows of one pulse that follow one another are taken as reads of one "
            "state, whose scatter is the meter's; number cycles in a column if not"
        )
    if missing:
        notes.append(
            f"{file.path}: {len(missing):,} of "
            f"{sum(part.size for *_, part in parts) * len(columns.resistances):,} values are "
            "missing or out of the meter's range, the first in line "
            f"{file.rows[min(missing)][0]}; they are left out"
        )
    return [run for _, _, run in sorted(found, key=lambda one: one[:2])], list(dict.fromkeys(notes))


def _names(
    file: CsvFile, columns: FileColumns, chosen: list[int], what: str, own: tuple[str, str]
) -> list[str]:
    """Each row's device or cycle: by its column, by a line before its table, or by the file."""
    place = columns.place(what)
    if place is not None:
        return file.cells(place, chosen)
    if what == "cycle":
        return [own[1]] * len(chosen)
    # The one name of a sample may be that of a wafer; each file is then a device.
    names = [one.device * (len(file.blocks) > 1 or one.sure) or own[0] for one in file.blocks]
    return [names[file.block_of(file.rows[row][0])] for row in chosen]


Key = tuple[str, str, Way]
"""Device, cycle and polarity of a row."""


def _parts(
    kind: str, x: Array, heat: Array, keys: Iterable[Key]
) -> list[tuple[Key, int, npt.NDArray[np.intp]]]:
    """Places of each run's rows, and how many of its key came before.

    Where x is missing it is that of the row before; pulses that are counted on from the run before
    are counted from their own start.
    """
    groups: dict[Key, list[int]] = {}
    last: dict[str, int] = {}
    before = []  # the row before each of its device
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
        before.append(last.get(key[0], -1))
        last[key[0]] = place
    written, ahead, found = x.copy(), np.array(before), []
    for key, places in groups.items():
        own, others = np.array(places), ahead[places]
        known = np.maximum.accumulate(np.where(np.isnan(x[own]), 0, np.arange(own.size)))
        x[own] = np.nan_to_num(x[own[known]])
        gaps = others[1:] != own[:-1]
        # Rows of all runs in turn are no runs that end.
        apart = kind == "pulse" and np.count_nonzero(gaps) < own.size / LEAST_POINTS
        anew = (gaps & apart) | ((np.diff(x[own]) < 0) & (kind != "current"))
        anew |= np.abs(np.diff(heat[own])) > STEADY * heat[own[1:]]
        for count, part in enumerate(np.split(own, np.flatnonzero(anew) + 1)):
            start = written[before[part[0]]] if apart and before[part[0]] >= 0 else math.nan
            x[part] -= start if x[part[0]] >= start else 0.0
            found.append((key, count, part))
    return found


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
    square = np.bincount(state, np.where(there, curve.resistance - mean[state], 0.0) ** 2)
    return replace(
        curve.at(starts),
        resistance=mean,
        scatter=np.array([square, np.maximum(count - 1, 0)], np.float64),
    )


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
    options.columns.check(paths)
    every: list[tuple[FileColumns, list[Curve], set[str]]] = []
    notes: list[str] = []
    settings: list[Setting] = []
    for path, own in zip(paths, own_names(paths), strict=True):
        file = read_csv(path)
        columns = FileColumns(file, options, decay)
        chosen, used = choose_rows(file, columns, conditions)
        runs, lost = gather(file, columns, chosen, own, options.missing)
        read, guessed = [run.measured() for run, _ in runs], list[str]()
        if columns.kind == "pulse":
            read, guessed = pulse_curves(file, runs, options.turn)
        notes += file.notes + lost + guessed + check_steady(file, columns, ignored, read)
        settings += [] if decay else settings_of(file, columns, read)
        notes += _unnamed(file, columns, decay)
        if columns.kind == "current":
            read = choose_branches(path, read, options.branch, columns.x_unit)
        every.append((columns, read, used))
    for condition in conditions:
        if not any(plain(condition.column) in used for *_, used in every):
            raise UserError(
                f"no file has a column {condition.column}; mend --where {condition.text}"
            )
    apart = check_agreement(one for one in settings if plain(one.column or "") not in ignored)
    electrical, differ = figures(settings)
    if options.read_current is not None:
        electrical["read_current"] = abs(options.read_current)
    given = {
        "where": list(options.where),
        "ignored_columns": list(options.ignored),
        "branch": options.branch,
        "turn": options.turn and float(options.turn),
    }
    units = {columns.file.path: columns.unit for columns, *_ in every}
    currents = {one.file.path: one.x_unit for one, *_ in every if one.kind == "current"}
    return Measurement(
        [curve for _, read, _ in every for curve in read],
        unit=_one_unit("R_AH", units),
        current_unit=_one_unit("current", currents) if currents else "A",
        digests=digests(paths, [columns.file.data for columns, *_ in every]),
        notes=notes + differ + apart,
        given={key: value for key, value in given.items() if value},
        electrical=electrical,
    )


def _unnamed(file: CsvFile, columns: FileColumns, decay: bool) -> list[str]:
    """What is said of several tables that name no device, or of decays that name no temperature."""
    named = "device" in columns.places or any(block.device for block in file.blocks)
    cold = "temperature" not in columns.places and not said_temperature(file, file.rows[0][0])
    return [f"{file.path} names no temperature and is taken as at {ROOM:g} K"] * (
        decay and cold
    ) + [
        f"{file.path}: {len(file.blocks)} tables one after another name no device and are taken "
        "as cycles of one; give a line such as 'device: A' before each header if not"
    ] * (len(file.blocks) > 1 and not (named or decay))


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
