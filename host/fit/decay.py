"""From files of decays to a device that ages: retention added to one that is known."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.data.catalogue import open_device, several_files
from allspin.host.fit.decay_fit import DecayFit, fit_decays
from allspin.host.fit.explained import curves_table
from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.fit.response import CONFIDENCE
from allspin.host.fit.result import COLUMNS, MadeDevice, row
from allspin.host.keywords import takes
from allspin.host.lab.columns import ReadOptions
from allspin.host.lab.curves import Measurement
from allspin.host.lab.quantities import quantity
from allspin.host.lab.runs import read_measurement
from allspin.host.show.table import Number, Table
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError, refused
from allspin.sim.parameters import option

OUTSIDE = 0.02
"""Of the range, by which a decay may start beyond the device's."""


@dataclass(frozen=True)
class DecayOptions:
    """How decays are fitted.

    Parameters
    ----------
    attempt_time : float or None
        In seconds, 1e-15 to 1; None to fit it to several temperatures, else 1e-9.
    equilibrium : float
        What R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends.
    keep_outliers : bool
        Whether points far from the fit are kept.
    name : str or None
        Of the device; None for that of the one which the retention is added to.

    Raises
    ------
    ValueError
        If one of them is outside its range.
    """

    attempt_time: float | None = field(
        default=None,
        metadata=option(
            "attempt time of decays, such as 1ns (fitted to several temperatures, else 1ns)",
            "TIME",
            type=quantity("s", "--attempt-time"),
        ),
    )
    equilibrium: float = field(
        default=0.0,
        metadata=option(
            "what R_AH decays to: 0 is the middle of the range, -1 and 1 are its ends (0)", "SHARE"
        ),
    )
    keep_outliers: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        Retention(0.0, self.attempt_time or 1e-9, equilibrium=self.equilibrium)


@dataclass(frozen=True, eq=False)
class FittedDecay(MadeDevice):
    """What came of decays.

    Attributes
    ----------
    decays : Measurement
        The data.
    fit : DecayFit
        Values and intervals.
    base : Device
        What the retention is added to.
    options : DecayOptions
        What was asked for.
    """

    decays: Measurement
    fit: DecayFit
    base: Device
    options: DecayOptions

    @property
    def complaints(self) -> list[str]:
        """Curves that the model does not describe, a line each."""
        return [
            f"{curve.name}: {goodness}"
            for curve, goodness in zip(self.decays.curves, self.fit.goodness, strict=True)
            if not goodness.described
        ]

    def explained(self) -> Table:
        """Which decays were found in which lines."""
        return curves_table(self.decays.curves)

    @property
    def name(self) -> str:
        """The device's."""
        return self.options.name or self.base.name

    def retention(self) -> Retention:
        """The device's, at the lowest temperature that was measured.

        Raises
        ------
        UserError
            If a decay starts outside the device's range.
        """
        synapse, fit = self.base.synapse, self.fit
        places = [(start - synapse.low) / synapse.span for start in fit.starts]
        for place, start in zip(places, fit.starts, strict=True):
            if not -OUTSIDE <= place <= 1 + OUTSIDE:
                raise UserError(
                    f"a decay starts at {start:.4g} {self.decays.unit}, outside the range of "
                    f"{self.base.name}, {synapse.low:.4g} to {synapse.high:.4g} {self.base.unit}"
                )
        several = len(places) > 1
        with refused("the fitted retention cannot be used: "):
            return Retention(
                tuple(one.value for one in fit.barriers) if several else fit.barriers[0].value,
                fit.used_attempt,
                tuple(min(max(place, 0.0), 1.0) for place in places) if several else (),
                within=fit.within.value if fit.within else 0.0,
                between=fit.between.value if fit.between else 0.0,
                equilibrium=self.options.equilibrium,
                temperature=min(curve.temperature for curve in self.decays.curves),
            )

    def device(self) -> Device:
        """The base with this retention, and where it comes from.

        Raises
        ------
        UserError
            If a decay starts outside the device's range.
        """
        wrong = dataclasses.replace(self.base.imperfections, retention=self.retention())
        retention = {
            "method": "least squares",
            "confidence": CONFIDENCE,
            "sha256": self.decays.digests,
            **self.report(),
        }
        return dataclasses.replace(
            self.base,
            name=self.name,
            imperfections=wrong,
            source=self.base.source | {"retention": retention},
        )

    def report(self) -> dict[str, Any]:
        """Values with their intervals, as plain data; what was not measured is not there."""
        fit = self.fit
        spreads = {"within": fit.within, "between": fit.between, "attempt_time": fit.attempt_time}
        return {
            "barriers": [
                {"start": start, **one.plain()}
                for start, one in zip(fit.starts, fit.barriers, strict=True)
            ],
            **{name: one.plain() for name, one in spreads.items() if one is not None},
            **({} if fit.attempt_time else {"attempt_time_assumed": fit.used_attempt}),
            "one_barrier_p_value": fit.p_value,
            "temperatures": sorted({curve.temperature for curve in self.decays.curves}),
            "curves": len(self.decays.curves),
            "outliers": self.outliers(),
        }

    def outliers(self) -> list[str]:
        """Points that were set aside, in words."""
        return [
            f"{self.decays.curves[number].name}, {self.decays.curves[number].x[place]:.4g} s"
            for number, place in self.fit.aside
        ]

    def to_dict(self, device: Path | None, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it.

        Parameters
        ----------
        device : Path or None
            The device file, if it was written.
        pictures : sequence of Path
            The pictures.
        """
        return {
            "device": None if device is None else str(device),
            "kind": "decay",
            "described": not self.complaints,
            "pictures": [str(path) for path in pictures],
            **self.report(),
        }

    def tables(self, device: Device) -> list[Table]:
        """Values and intervals of the retention."""
        fit = self.fit
        given = None if fit.attempt_time else Number(fit.used_attempt, ".4g")
        found: list[tuple[str, Any, str]] = [
            *(
                (f"barrier from {start:.3g} {self.decays.unit}", barrier, "eV")
                for start, barrier in zip(fit.starts, fit.barriers, strict=True)
            ),
            ("deviation within a cell", fit.within, "eV"),
            ("deviation between cells", fit.between, "eV"),
            ("attempt time", fit.attempt_time, "s"),
            ("attempt time, given", given, "s"),
            ("p-value of one barrier", Number(fit.p_value, ".2g"), ""),
        ]
        return [
            Table(
                f"Retention of {device.name}: values and 95 % intervals",
                COLUMNS[1:],
                [row("", *one)[1:] for one in found if one[1] is not None],
            )
        ]

    def notes(self, _: Device) -> list[str]:
        """What the fit says in words."""
        lines = {
            "One barrier describes the decays: they are exponentials.": not self.fit.within,
            "One barrier does not describe the decays; a distribution of barriers is taken.": (
                self.fit.within
            ),
            "The attempt time was not measured, which needs several temperatures: barriers hold "
            "for it, and for temperatures near those that were measured.": (
                not self.fit.attempt_time
            ),
            "R_AH is taken to decay to the middle of the range; --equilibrium gives another.": (
                not self.options.equilibrium
            ),
            "One device was measured: the deviation between cells is not known.": (
                not self.fit.between
            ),
        }
        return [line for line, holds in lines.items() if holds]

    def plot(self) -> Any:
        """Data, fits and residuals over the logarithm of time, a colour for each temperature."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.fit.picture import fit_picture

        panel = Panel("Decays", "time since it was written (s)", log=True)
        drawn = zip(self.decays.curves, self.fit.models, self.fit.lines, strict=True)
        for curve, model, line in sorted(drawn, key=lambda one: one[0].temperature):
            at, name = curve.x > 0, f"{curve.temperature:g} K"
            values = curve.x[at], curve.resistance[np.newaxis, at], model[at]
            panel.curves.append(PanelCurve(name, *values, line, curve.device))
        panel.aside += [
            (self.decays.curves[n].x[at : at + 1], self.decays.curves[n].resistance[at : at + 1])
            for n, at in self.fit.aside
        ]
        return fit_picture(self.name, self.decays.unit, [panel])


@takes(options=DecayOptions, reading=ReadOptions)
def fit_decay(
    files: str | Path | Sequence[str | Path],
    device: str | Path | Device,
    options: DecayOptions | None = None,
    reading: ReadOptions | None = None,
    at: str | OperatingPoint | None = None,
    *,
    progress: Any = None,
    **keywords: Any,
) -> FittedDecay:
    """Fit decays, R_AH against time since it was written, by thermal activation.

    Parameters
    ----------
    files : str, Path or sequence of these
        CSV files; see ``docs/formats.md``.
    device : str, Path or Device
        What the retention is added to: a device, its file, or the name of one that ships.
    options : DecayOptions, optional
        How the decays are fitted.
    reading : ReadOptions, optional
        How the files are read.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA``; its own point.
    progress : Display or bool, optional
        Told what is odd about the files, and what was set aside (`Display.note`), by default by a
        Python warning.
    **keywords
        Of `options` and `reading`, as ``allspin fit`` has them: ``equilibrium=0``.

    Returns
    -------
    FittedDecay

    Raises
    ------
    UserError
        If a file cannot be read or understood, its unit is not the device's, or nothing decays.
    """
    base, options = open_device(device, at), options or DecayOptions()
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
        *(options.equilibrium, options.attempt_time, options.keep_outliers),
    )
    fitted = FittedDecay(decays, found, base, options)
    if outliers := fitted.outliers():
        progress.note(
            f"{len(outliers)} points are set aside as outliers, the first: {outliers[0]} "
            "(--keep-outliers keeps them)"
        )
    return fitted
