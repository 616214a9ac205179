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

from allspin.host.fit.columns import Columns, Curve, Measurement, ReadOptions
from allspin.host.fit.pulses import Part, PulseCurves, follow_on, part_of
from allspin.host.fit.runs import Gaps, check_length, choose, gather
from allspin.host.fit.settings import (
    Setting,
    check_agreement,
    check_steady,
    check_used,
    choose_rows,
    settings_by_table,
    settings_of,
    together,
)
from allspin.host.fit.tables import read_csv
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
    electrical: dict[str, float]
    settings: list[Setting]


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
            parts = [part_of(run, None, kept) for run, kept in zip(runs, there, strict=True)]
            curves = choose(file.path, [part.curve() for part in parts], options.branch, x_unit)
        else:
            pulses = PulseCurves(file, options.turn)
            parts = pulses.parts(runs, there)
            curves = follow_on([part.curve() for part in parts])
            self.notes += pulses.notes
        self.notes += check_steady(file, columns, options, _by_polarity(parts))
        self._note_blocks()
        electrical, differ = settings_of(file, columns, parts)
        self.notes += differ
        settings = settings_by_table(file, columns, options, parts)
        return _File(curves, unit, x_unit, file.data, self.notes, used, electrical, settings)

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


def _by_polarity(parts: Iterable[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        name = "the neuron's curves" if part.polarity is None else part.polarity.name.lower()
        found.setdefault(name, []).append(part)
    return found


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
    electrical: list[dict[str, float]] = []
    settings: list[Setting] = []
    names = [path.name for path in paths]
    for path, own in zip(paths, _devices(paths), strict=True):
        file = _Reader(path, own, options).read()
        curves += file.curves
        notes += file.notes
        used |= file.conditions
        electrical.append(file.electrical)
        settings += file.settings
        units.setdefault(file.unit, path)
        if file.curves[0].polarity is None:
            current_units.setdefault(file.x_unit, path)
        name = path.name if names.count(path.name) == 1 else str(path)
        digests[name] = hashlib.sha256(file.data).hexdigest()
    check_used(options.conditions(), used)
    notes += check_agreement(settings)
    for what, seen in (("R_AH", units), ("current", current_units)):
        if len(seen) > 1:
            some, other, *_ = seen.values()
            first, second, *_ = (unit or "no unit" for unit in seen)
            raise UserError(
                f"{other} gives {what} in {second}, but {some} in {first}; give all files the "
                "same unit"
            )
    unit, current_unit = next(iter(units)), next(iter(current_units), "A")
    figures, differ = together(electrical)
    if options.read_current is not None:
        figures["read_current"] = abs(options.read_current)
    return Measurement(
        curves,
        unit=UNITS.get(unit, unit),
        current_unit=UNITS.get(current_unit, current_unit),
        digests=digests,
        notes=notes + differ,
        given=_given(options),
        electrical=figures,
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
