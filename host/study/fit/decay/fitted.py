"""From files of decays to a device that ages: retention added to one that is known."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allspin.host.data.catalogue import open_device
from allspin.host.study.fit.decay.model import DecayFit, fit_decays
from allspin.host.study.fit.decay.reading import Decays, read_decays
from allspin.host.study.fit.model.response import CONFIDENCE, Interval
from allspin.host.study.fit.reading.options import ReadOptions
from allspin.sim.device.device import Device
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError, refused
from allspin.sim.point.operating_point import OperatingPoint

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

    attempt_time: float | None = None
    equilibrium: float = 0.0
    keep_outliers: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        attempt = 1e-9 if self.attempt_time is None else self.attempt_time
        Retention(0.0, attempt, equilibrium=self.equilibrium)


@dataclass(frozen=True, eq=False)
class FittedDecay:
    """What came of decays.

    Attributes
    ----------
    decays : Decays
        The data.
    fit : DecayFit
        Values and intervals.
    base : Device
        What the retention is added to.
    options : DecayOptions
        What was asked for.
    """

    decays: Decays
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
        source = self.base.source | {
            "retention": {
                "method": "least squares",
                "confidence": CONFIDENCE,
                "sha256": self.decays.digests,
                **self.report(),
            }
        }
        return dataclasses.replace(self.base, name=self.name, imperfections=wrong, source=source)

    def report(self) -> dict[str, Any]:
        """Values with their intervals, as plain data; what was not measured is not there."""
        fit = self.fit
        found: dict[str, Any] = {
            "barriers": [
                {"start": start, **_plain(one)}
                for start, one in zip(fit.starts, fit.barriers, strict=True)
            ]
        }
        for name in ("within", "between", "attempt_time"):
            one: Interval | None = getattr(fit, name)
            if one is not None:
                found[name] = _plain(one)
        if fit.attempt_time is None:
            found["attempt_time_assumed"] = fit.used_attempt
        return found | {
            "one_barrier_p_value": fit.p_value,
            "temperatures": sorted({curve.temperature for curve in self.decays.curves}),
            "curves": len(self.decays.curves),
            "outliers": self.outliers(),
        }

    def outliers(self) -> list[str]:
        """Points that were set aside, in words."""
        found = []
        for number, place in self.fit.aside:
            curve = self.decays.curves[number]
            found.append(f"{curve.name}, {curve.time[place]:.4g} s")
        return found

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


def _plain(one: Interval) -> dict[str, float]:
    return {"value": float(one.value), "low": float(one.low), "high": float(one.high)}


def fit_decay(
    files: Sequence[str | Path],
    device: str | Path | Device,
    options: DecayOptions | None = None,
    reading: ReadOptions | None = None,
    at: str | OperatingPoint | None = None,
    noted: Callable[[str], None] = lambda note: None,
) -> FittedDecay:
    """Fit decays, R_AH against time since it was written, by thermal activation.

    Parameters
    ----------
    files : sequence of str or Path
        CSV files; see ``docs/formats.md``.
    device : str, Path or Device
        What the retention is added to: a device, its file, or the name of one that ships.
    options : DecayOptions, optional
        How the decays are fitted.
    reading : ReadOptions, optional
        How the files are read.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA``; its own point.
    noted : callable, optional
        Told what is odd about the files.

    Returns
    -------
    FittedDecay

    Raises
    ------
    UserError
        If a file cannot be read or understood, its unit is not the device's, or nothing decays.
    """
    base, options = open_device(device, at), options or DecayOptions()
    decays = read_decays([Path(file) for file in files], reading)
    for note in decays.notes:
        noted(note)
    if decays.unit not in ("arbitrary", base.unit):
        raise UserError(
            f"the decays are in {decays.unit} and R_AH of {base.name} in {base.unit}; give them in "
            "one unit, or the decays without a unit in that of the device"
        )
    ends = base.synapse.low, base.synapse.high
    found = fit_decays(
        decays.curves, ends, options.equilibrium, options.attempt_time, options.keep_outliers
    )
    return FittedDecay(decays, found, base, options)
