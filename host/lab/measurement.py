"""Measurement: all curves of some files, with their settings and notes."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from allspin.host.lab.column_map import CurveColumns, plain
from allspin.host.lab.curves import Curve, Measurement
from allspin.host.lab.facts import own_names
from allspin.host.lab.loops import choose_branches
from allspin.host.lab.polarities import pulse_curves
from allspin.host.lab.reading import ReadOptions
from allspin.host.lab.settings import Setting, check_agreement, figures, settings_of
from allspin.host.lab.tables import read_csv
from allspin.host.lab.tidy import ROOM, choose_rows, curves_of, stated_temperature, tidy
from allspin.host.lab.varying import check_steady
from allspin.sim.errors import UserError

UNITS = {"": "arbitrary", "S": "siemens"}
"""Names that a device has for base units, where they differ."""


def read_measurement(
    paths: Sequence[Path], options: ReadOptions | None = None, decay: bool = False
) -> Measurement:
    """Read all curves of some files.

    Parameters
    ----------
    paths : sequence of Path
        CSV files.
    options : ReadOptions, optional
        Options of reading; the defaults.
    decay : bool
        True if the files hold decays.

    Raises
    ------
    UserError
        If a file cannot be read or understood; the message is one line that names file, line
        and fix.
    """
    options = options or ReadOptions()
    options.columns.check(paths)
    ignored = set(map(plain, options.columns.ignore))
    files = []
    applied: set[str] = set()
    curves: list[Curve] = []
    notes: list[str] = []
    settings: list[Setting] = []
    for path, own in zip(paths, own_names(paths), strict=True):
        columns = CurveColumns(read_csv(path), options, decay)
        rows, used = choose_rows(columns, options.conditions())
        read, remarks = _read_curves(columns, rows, own, options)
        notes += columns.file.notes + remarks + check_steady(columns, ignored, read)
        if not decay:
            settings += settings_of(columns, read)
        notes += _missing_names(columns)
        if columns.kind == "current":
            read = choose_branches(path, read, options.branch)
        files.append(columns)
        curves += read
        applied |= used
    for condition in options.conditions():
        if plain(condition.column) not in applied:
            raise UserError(
                f"no file has a column {condition.column}; mend `where` {condition.text}"
            )
    apart = check_agreement(one for one in settings if plain(one.column or "") not in ignored)
    electrical, differ = figures(settings)
    if options.read_current is not None:
        electrical["read_current"] = abs(options.read_current)
    return Measurement(
        curves,
        _one_unit("R_AH", {one.file.path: one.unit for one in files}),
        _current_unit(files),
        digests(paths, [one.file.data for one in files]),
        notes + differ + apart,
        _given(options),
        electrical,
    )


def _read_curves(
    columns: CurveColumns, rows: list[int], own: tuple[str, str], options: ReadOptions
) -> tuple[list[Curve], list[str]]:
    """Return the curves of a file's rows, and notes."""
    runs, notes = curves_of(tidy(columns, rows, own), options.missing)
    if columns.kind != "pulse":
        return [run.measured() for run, _ in runs], notes
    curves, guesses = pulse_curves(columns.file, runs, options.turn)
    return curves, notes + guesses


def _given(options: ReadOptions) -> dict[str, object]:
    """Return the options that a device file records."""
    given = {
        "where": list(options.where),
        "ignored_columns": list(options.columns.ignore),
        "branch": options.branch,
        "turn": options.turn and float(options.turn),
    }
    return {key: value for key, value in given.items() if value}


def _missing_names(columns: CurveColumns) -> list[str]:
    """Return notes on tables that name no device, or on decays that name no temperature."""
    file = columns.file
    if columns.kind == "time":
        stated = "temperature" in columns.places or stated_temperature(file, file.rows[0][0])
        if stated:
            return []
        return [f"{file.path} names no temperature and is taken as at {ROOM:g} K"]
    named = "device" in columns.places or any(block.device for block in file.blocks)
    if named or len(file.blocks) < 2:
        return []
    return [
        f"{file.path}: {len(file.blocks)} tables one after another name no device and are taken "
        "as cycles of one; give a line such as 'device: A' before each header if not"
    ]


def _current_unit(files: Iterable[CurveColumns]) -> str:
    units = {one.file.path: one.x_unit for one in files if one.kind == "current"}
    return _one_unit("current", units) if units else "A"


def _one_unit(quantity: str, files: dict[Path, str]) -> str:
    """Return the common unit of all files, as a device calls it."""
    some, first = next(iter(files.items()))
    for path, unit in files.items():
        if unit != first:
            raise UserError(
                f"{path} gives {quantity} in {unit or 'no unit'}, but {some} in "
                f"{first or 'no unit'}; give all files the same unit"
            )
    return UNITS.get(first, first)


def digests(paths: Sequence[Path], datas: Iterable[bytes]) -> dict[str, str]:
    """Return SHA-256 of each file by its name, with its folder where names alone are equal."""
    names = [path.name for path in paths]
    return {
        path.name if names.count(path.name) == 1 else str(path): hashlib.sha256(data).hexdigest()
        for path, data in zip(paths, datas, strict=True)
    }
