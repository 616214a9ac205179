"""Fit of decays: retention from files, added to a known device."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.data.catalogue import open_device, several_files
from allspin.host.estimate.decays import DecayFit, fit_decays
from allspin.host.estimate.intervals import CONFIDENCE
from allspin.host.fit.explain import curves_table
from allspin.host.fit.options import DecayOptions
from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.fit.result import COLUMNS, MadeDevice, row
from allspin.host.lab.curves import Measurement
from allspin.host.lab.measurement import read_measurement
from allspin.host.lab.reading import ReadOptions
from allspin.host.show.progress import shows_progress
from allspin.host.show.table import Cell, Number, Table
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError, refused

OUTSIDE = 0.02
"""Share of the range by which a decay may start beyond the device's."""


@dataclass(frozen=True, eq=False)
class FittedDecay(MadeDevice):
    """Result of fitting decays.

    Attributes
    ----------
    decays : Measurement
        Measured decays.
    fit : DecayFit
        Values with their intervals.
    base : Device
        Device that the retention is added to.
    options : DecayOptions
        Options of the fit.
    """

    decays: Measurement
    fit: DecayFit
    base: Device
    options: DecayOptions
    kind = "decay"

    @property
    def complaints(self) -> list[str]:
        """Curves that the model does not describe, a line each."""
        pairs = zip(self.decays.curves, self.fit.goodness, strict=True)
        return [f"{curve.name}: {one}" for curve, one in pairs if not one.described]

    def explained(self) -> Table:
        """Return the table of decays: file and line of each."""
        return curves_table(self.decays.curves)

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.options.name or self.base.name

    def retention(self) -> Retention:
        """Return the device's retention at the lowest measured temperature.

        Raises
        ------
        UserError
            If a decay starts outside the device's range.
        """
        synapse = self.base.synapse
        fit = self.fit
        positions = []
        for start in fit.starts:
            position = (start - synapse.low) / synapse.span
            if not -OUTSIDE <= position <= 1 + OUTSIDE:
                raise UserError(
                    f"a decay starts at {start:.4g} {self.decays.unit}, outside the range of "
                    f"{self.base.name}, {synapse.low:.4g} to {synapse.high:.4g} {self.base.unit}"
                )
            positions.append(min(max(position, 0.0), 1.0))
        barriers: Any = tuple(one.value for one in fit.barriers)
        if len(positions) == 1:
            (barriers,) = barriers
            positions = []
        with refused("the fitted retention cannot be used: "):
            return Retention(
                barriers,
                fit.used_attempt,
                tuple(positions),
                within=fit.within.value if fit.within else 0.0,
                between=fit.between.value if fit.between else 0.0,
                equilibrium=self.options.equilibrium,
                temperature=min(curve.temperature for curve in self.decays.curves),
            )

    def device(self) -> Device:
        """Return the base with this retention, and the source of its values.

        Raises
        ------
        UserError
            If a decay starts outside the device's range.
        """
        imperfections = dataclasses.replace(self.base.imperfections, retention=self.retention())
        retention = {
            "method": "least squares",
            "confidence": CONFIDENCE,
            "sha256": self.decays.digests,
            **self.report(),
        }
        return dataclasses.replace(
            self.base,
            name=self.name,
            imperfections=imperfections,
            source=self.base.source | {"retention": retention},
        )

    def report(self) -> dict[str, Any]:
        """Return values with their intervals, as plain data; values not measured are left out."""
        fit = self.fit
        pairs = zip(fit.starts, fit.barriers, strict=True)
        report: dict[str, Any] = {
            "barriers": [{"start": start, **one.plain()} for start, one in pairs]
        }
        if fit.within is not None:
            report["within"] = fit.within.plain()
        if fit.between is not None:
            report["between"] = fit.between.plain()
        if fit.attempt_time is None:
            report["attempt_time_assumed"] = fit.used_attempt
        else:
            report["attempt_time"] = fit.attempt_time.plain()
        return report | {
            "one_barrier_p_value": fit.p_value,
            "temperatures": sorted({curve.temperature for curve in self.decays.curves}),
            "curves": len(self.decays.curves),
            "outliers": self.outliers(),
        }

    def outliers(self) -> list[str]:
        """Return descriptions of points that were set aside."""
        found = []
        for number, place in self.fit.aside:
            curve = self.decays.curves[number]
            found.append(f"{curve.name}, {curve.x[place]:.4g} s")
        return found

    def tables(self, device: Device) -> list[Table]:
        """Return values and intervals of the retention."""
        fit = self.fit
        rows: list[tuple[Cell, ...]] = []
        for start, barrier in zip(fit.starts, fit.barriers, strict=True):
            rows.append(row("", f"barrier from {start:.3g} {self.decays.unit}", barrier, "eV"))
        if fit.within is not None:
            rows.append(row("", "deviation within a cell", fit.within, "eV"))
        if fit.between is not None:
            rows.append(row("", "deviation between cells", fit.between, "eV"))
        if fit.attempt_time is None:
            rows.append(row("", "attempt time, given", Number(fit.used_attempt, ".4g"), "s"))
        else:
            rows.append(row("", "attempt time", fit.attempt_time, "s"))
        rows.append(row("", "p-value of one barrier", Number(fit.p_value, ".2g"), ""))
        title = f"Retention of {device.name}: values and 95 % intervals"
        return [Table(title, COLUMNS[1:], [one[1:] for one in rows])]

    def notes(self, _: Device) -> list[str]:
        """Return remarks on the model and on values that are not known."""
        notes = []
        if self.fit.within is None:
            notes.append("One barrier describes the decays: they are exponentials.")
        else:
            notes.append(
                "One barrier does not describe the decays; a distribution of barriers is taken."
            )
        if self.fit.attempt_time is None:
            notes.append(
                "The attempt time was not measured, which needs several temperatures: barriers "
                "hold for it, and for temperatures near those that were measured."
            )
        if not self.options.equilibrium:
            notes.append(
                "R_AH is taken to decay to the middle of the range; `equilibrium` gives another."
            )
        if self.fit.between is None:
            notes.append("One device was measured: the deviation between cells is not known.")
        return notes

    def plot(self) -> Any:
        """Draw data, fits and residuals over the logarithm of time, a colour for a temperature."""
        # Matplotlib takes long to load, and a fit does not need it.
        from allspin.host.fit.picture import fit_picture

        curves = self.decays.curves
        panel = Panel("Decays", "time since it was written (s)", log=True)
        for number in sorted(range(len(curves)), key=lambda n: curves[n].temperature):
            curve = curves[number]
            at = curve.x > 0
            panel.curves.append(
                PanelCurve(
                    f"{curve.temperature:g} K, {curve.device}",
                    curve.x[at],
                    curve.resistance[np.newaxis, at],
                    self.fit.models[number][at],
                    self.fit.lines[number],
                )
            )
        for number, place in self.fit.aside:
            point = curves[number].at(np.array([place]))
            panel.aside.append((point.x, point.resistance))
        return fit_picture(self.name, self.decays.unit, [panel])


@shows_progress
def fit_decay(
    files: str | Path | Sequence[str | Path],
    device: str | Path | Device,
    options: DecayOptions | None = None,
    reading: ReadOptions | None = None,
    at: str | OperatingPoint | None = None,
    *,
    progress: Any = None,
) -> FittedDecay:
    """Fit decays, R_AH against time since it was written, by thermal activation.

    Parameters
    ----------
    files : str, Path or sequence of these
        CSV files; see ``docs/formats.md``.
    device : str, Path or Device
        Device that the retention is added to, its file, or the name of a shipped device.
    options : DecayOptions, optional
        Options of the fit.
    reading : ReadOptions, optional
        Options of reading.
    at : str or OperatingPoint, optional
        Operating point of a file's device, such as ``current=9mA`` (its default).
    progress : Display or bool, optional
        Receives notes on the files, and on outliers (`Display.note`), by default as Python
        warnings.

    Raises
    ------
    UserError
        If a file cannot be read or understood, its unit is not the device's, or no curve decays.
    """
    base = open_device(device, at)
    options = options or DecayOptions()
    decays = read_measurement(several_files(files, ""), reading, decay=True)
    for note in decays.notes:
        progress.note(note)
    if decays.unit not in ("arbitrary", base.unit):
        raise UserError(
            f"the decays are in {decays.unit} and R_AH of {base.name} in {base.unit}; give them in "
            "one unit, or the decays without a unit in that of the device"
        )
    found = fit_decays(
        decays.curves,
        (base.synapse.low, base.synapse.high),
        options.equilibrium,
        options.attempt_time,
        options.keep_outliers,
    )
    fitted = FittedDecay(decays, found, base, options)
    outliers = fitted.outliers()
    if outliers:
        progress.note(
            f"{len(outliers)} points are set aside as outliers, the first: {outliers[0]} "
            "(`keep_outliers` keeps them)"
        )
    return fitted
