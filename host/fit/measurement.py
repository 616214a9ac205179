"""Files of measured curves: columns, then rows, runs, curves and what was set.

By convention a file with a column ``pulse`` holds pulse curves of a synapse, one without it
and with ``current`` curves of a neuron. ``cycle`` and ``device`` tell curves apart; a file
without ``device`` is one device, named as the file, or as many as its blocks name.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from allspin.host.fit.columns import Columns, ReadOptions, check_used, choose_rows, plain
from allspin.host.fit.curves import Measurement
from allspin.host.fit.runs import check_runs, follow_on, gather, pulse_curves
from allspin.host.fit.settings import (
    check_agreement,
    check_steady,
    electrical_of,
    settings_by_table,
    together,
)
from allspin.host.fit.tables import read_csv
from allspin.host.fit.turns import choose_branches
from allspin.sim.errors import UserError

UNITS = {"": "arbitrary", "S": "siemens"}
"""What a device calls units that it does not call as columns do."""
A = ("A", Path())
"""The unit of currents where there are none."""


class _FileCurves:
    """What one file holds.

    Attributes
    ----------
    columns : Columns
        What is in which column.
    curves : list of Curve
        Its curves.
    unit, x_unit : str
        Of R_AH, and of pulses or currents.
    used : set of str
        Columns that conditions are about.
    notes : list of str
        What was guessed or left out.
    electrical, settings
        What it says of pulses and reads, and what was set for each of its tables.
    """

    def __init__(self, path: Path, own: str, options: ReadOptions) -> None:
        file = read_csv(path)
        self.path, self.data = path, file.data
        self.columns = columns = Columns(file, options)
        kind = "current" if columns.neuron else "pulse"
        self.x_unit, x_factor = columns.unit(columns.x, kind)
        self.unit, factors = columns.resistance_unit(options.read_current)
        chosen, self.used = choose_rows(file, columns, options)
        runs = gather(file, columns, (x_factor, factors), chosen, own)
        self.notes = file.notes + check_runs(file, runs, options.missing)
        if columns.neuron:
            curves = [run.part(None) for run in runs]
            self.curves = choose_branches(path, curves, options.branch, self.x_unit)
        else:
            curves, notes = pulse_curves(file, runs, options.turn)
            self.curves = follow_on(curves)
            self.notes += notes
        ignored = set(map(plain, options.ignored))
        self.notes += check_steady(file, columns, ignored, curves)
        named = columns.device is not None or any(block.device for block in file.blocks)
        if len(file.blocks) > 1 and not named:
            self.notes.append(
                f"{path}: {len(file.blocks)} tables one after another name no device and are taken "
                "as cycles of one; give a line such as 'device: A' before each header if not"
            )
        self.electrical = electrical_of(file, columns, curves)
        self.settings = settings_by_table(file, columns, ignored, curves)


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
    files = [
        _FileCurves(path, own, options)
        for path, own in zip(paths, device_names(paths), strict=True)
    ]
    check_used(options, {name for file in files for name in file.used})
    notes = [note for file in files for note in file.notes]
    notes += check_agreement(setting for file in files for setting in file.settings)
    neurons = [file for file in files if file.columns.neuron]
    figures, differ = together(file.electrical for file in files)
    if options.read_current is not None:
        figures["read_current"] = abs(options.read_current)
    return Measurement(
        [curve for file in files for curve in file.curves],
        unit=one_unit("R_AH", [(file.unit, file.path) for file in files]),
        current_unit=one_unit("current", [(file.x_unit, file.path) for file in neurons] or [A]),
        digests=digests(paths, [file.data for file in files]),
        notes=notes + differ,
        given=_given(options),
        electrical=figures,
    )


def one_unit(what: str, files: Sequence[tuple[str, Path]]) -> str:
    """The unit of all files, as a device calls it.

    Raises
    ------
    UserError
        If files have different ones.
    """
    first, some = files[0]
    for unit, path in files:
        if unit != first:
            raise UserError(
                f"{path} gives {what} in {unit or 'no unit'}, but {some} in {first or 'no unit'}; "
                "give all files the same unit"
            )
    return UNITS.get(first, first)


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


def _given(options: ReadOptions) -> dict[str, object]:
    """What was said about the files, for the device file."""
    given = {
        "where": [str(one) for one in options.conditions()] or None,
        "ignored_columns": list(options.ignored) or None,
        "branch": options.branch,
        "turn": None if options.turn is None else float(options.turn),
    }
    return {key: value for key, value in given.items() if value is not None}
