"""Fits of all that was measured, and how its variation is read."""

import math
from dataclasses import dataclass

from allspin.host.study.fit.base import lent_cycles, lent_devices
from allspin.host.study.fit.model.goodness import Goodness, judge
from allspin.host.study.fit.model.meter import MeterNoise, meter_noise
from allspin.host.study.fit.model.neuron import NeuronFit, fit_neuron
from allspin.host.study.fit.model.response import ResponseFit, fit_response
from allspin.host.study.fit.model.spread import (
    CycleSpread,
    DeviceSpread,
    cycle_spread,
    device_spread,
)
from allspin.host.study.fit.options import FitOptions
from allspin.host.study.fit.reading.curve import Measurement
from allspin.sim.device.device import Device
from allspin.sim.device.synapse.response import Polarity
from allspin.sim.errors import UserError


@dataclass(frozen=True, eq=False)
class PolarityResult:
    """One polarity: fit, variation, and how well the model describes it."""

    fit: ResponseFit
    cycles: CycleSpread
    devices: DeviceSpread
    goodness: Goodness


@dataclass(frozen=True, eq=False)
class FitResult:
    """All that came of the data.

    Attributes
    ----------
    polarities : dict of Polarity to PolarityResult
        Those that were measured.
    neuron : NeuronFit or None
        The neuron, if its curves were given.
    occasion, reading : str
        Readings of C2C and D2D that are taken; empty where there are none.
    unit, current_unit : str
        Units of the data.
    base : Device or None
        What stands in for what was not measured.
    meter : MeterNoise or None
        Noise of the meter that pulse curves were read with, where it can be told.
    """

    polarities: dict[Polarity, PolarityResult]
    neuron: NeuronFit | None
    occasion: str
    reading: str
    unit: str
    current_unit: str
    base: Device | None = None
    meter: MeterNoise | None = None

    def complaints(self, neuron_only: bool = False) -> list[str]:
        """What the models do not describe, with numbers; a line each."""
        parts = [
            (polarity.name.lower(), part.goodness)
            for polarity, part in self.polarities.items()
            if not neuron_only
        ]
        if self.neuron is not None:
            parts.append(("the neuron", self.neuron.goodness))
        return [f"{name}: {goodness}" for name, goodness in parts if not goodness.described]


def judge_polarity(fit: ResponseFit, meter: MeterNoise | None = None) -> PolarityResult:
    """Variation of a fitted polarity, without the meter's noise, and whether the model will do."""
    cycles = cycle_spread(fit, None if meter is None else meter.point)
    kept = math.exp(-1 / fit.nonlinearity.value) if cycles.occasion == "pulse" else 0.0
    models = [
        own.at(device.pulses / fit.pulses)
        for device, own in zip(fit.devices, fit.fits, strict=True)
    ]
    goodness = judge(fit.devices, models, kept)
    return PolarityResult(fit, cycles, device_spread(fit, cycles), goodness)


def _occasion(result: dict[Polarity, PolarityResult], asked: str | None, base: str | None) -> str:
    """The reading of C2C: as asked for, as the base has it, or what the data say."""
    found = {part.cycles.occasion for part in result.values()}
    return asked or base or ("pulse" if found == {"pulse"} else "write")


def _reading(result: dict[Polarity, PolarityResult], asked: str | None, base: str | None) -> str:
    """The reading of D2D, as that of C2C; empty where there is one device only."""
    spreads = [part.devices for part in result.values() if part.devices.readings]
    if not spreads:
        return base or ""
    names = spreads[0].explained
    return (
        asked
        or base
        or max(names, key=lambda name: sum(spread.explained[name] for spread in spreads))
    )


def _lent_readings(
    base: Device, polarity: Polarity, options: FitOptions
) -> tuple[str | None, str | None]:
    """Readings that a polarity of the base has, where it varies; the measured one takes them.

    Raises
    ------
    UserError
        If others are asked for.
    """
    found: list[str | None] = []
    for what, lent, asked, option in (
        ("C2C", lent_cycles, options.occasion, "--c2c-occasion"),
        ("D2D", lent_devices, options.reading, "--d2d-reading"),
    ):
        value, reading = lent(base, polarity)
        if value and asked not in (None, reading):
            raise UserError(
                f"the {what} of {base.name} is read as {reading}, and {polarity.name.lower()} is "
                f"that of {base.name}; take {option} {reading}, or another --base"
            )
        found.append(reading if value else None)
    return found[0], found[1]


def fit_all(measurement: Measurement, options: FitOptions, base: Device | None = None) -> FitResult:
    """Fit whatever was measured.

    Parameters
    ----------
    measurement : Measurement
        The curves.
    options : FitOptions
        What was asked for.
    base : Device, optional
        What stands in for what was not measured.

    Raises
    ------
    UserError
        If only one polarity was measured and nothing stands in for the other, or a fit makes
        no sense.
    """
    present = [polarity for polarity in Polarity if measurement.of(polarity)]
    lent: tuple[str | None, str | None] = None, None
    if len(present) == 1:
        missing = next(polarity for polarity in Polarity if polarity not in present)
        if base is None:
            raise UserError(
                f"there are only curves of {present[0].name.lower()}; give those of "
                f"{missing.name.lower()} too, or a device whose {missing.name.lower()} stands in, "
                "such as --base paper"
            )
        if not options.table:
            lent = _lent_readings(base, missing, options)
    fits = {polarity: fit_response(measurement.of(polarity), polarity) for polarity in present}
    for polarity, fit in fits.items():
        if fit.span.value <= 0:
            raise UserError(
                f"R_AH does not {'fall' if polarity else 'rise'} with pulses of "
                f"{polarity.name.lower()}; is it the right column?"
            )
    pulses = [curve for curve in measurement.curves if curve.polarity is not None]
    meter = meter_noise(pulses, list(fits.values()), options.meter)
    polarities = {polarity: judge_polarity(fit, meter) for polarity, fit in fits.items()}
    occasion = reading = ""
    if polarities:
        occasion = _occasion(polarities, options.occasion, lent[0])
        reading = _reading(polarities, options.reading, lent[1])
    curves = options.select(measurement)
    neuron = fit_neuron(curves) if curves else None
    return FitResult(
        polarities,
        neuron,
        occasion,
        reading,
        measurement.unit,
        measurement.current_unit,
        base,
        meter,
    )
