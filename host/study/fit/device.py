"""The device that fits or tables make together, with what is known of how sure they are."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from allspin.host.study.fit.model.goodness import Goodness, judge
from allspin.host.study.fit.model.neuron import NeuronFit, fit_neuron, select
from allspin.host.study.fit.model.response import (
    CONFIDENCE,
    DeviceCurves,
    Interval,
    ResponseFit,
    fit_response,
)
from allspin.host.study.fit.model.spread import (
    CycleSpread,
    DeviceSpread,
    cycle_spread,
    device_spread,
)
from allspin.host.study.fit.reading.curve import Curve, Measurement
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.response import Polarity, PulseResponse
from allspin.sim.device.synapse import SotSynapse, Synapse
from allspin.sim.device.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.device.table_device import TableResponse, TableSynapse
from allspin.sim.errors import UserError
from allspin.sim.network.levels import MAX_STATES, MIN_STATES, check_range


@dataclass(frozen=True)
class FitOptions:
    """What the user may ask for; None lets the data say.

    Parameters
    ----------
    name : str
        The device's name: a line of text.
    states : int or None
        States of the synapse, 2 to 128; None for as many as pulses, at most 128.
    occasion : str or None
        Reading of C2C: ``write`` or ``pulse``.
    reading : str or None
        Reading of D2D: one of `allspin.host.study.fit.model.spread.DEVICE_CHOICES`.
    currents : tuple of float or None
        Part of the neuron's curve, from a magnitude of at least 0 to a higher one, in mA; in the
        file's numbers if it names no unit.
    table : bool
        Whether the synapse is to be the measured table in place of the model.

    Raises
    ------
    ValueError
        If one of them makes no sense; the message begins with its name.
    """

    name: str
    states: int | None = None
    occasion: str | None = None
    reading: str | None = None
    currents: tuple[float, float] | None = None
    table: bool = False

    def __post_init__(self) -> None:
        if self.states is not None:
            check_range("states", self.states, MIN_STATES, MAX_STATES)
        if self.currents is not None and not 0 <= self.currents[0] < self.currents[1] < math.inf:
            raise ValueError("currents takes a lower and a higher magnitude, such as 2 12")
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError("name must be a word or line of text")

    def select(self, measurement: Measurement) -> list[Curve]:
        """The part of a neuron's curves that is fitted; none where there are none.

        Raises
        ------
        UserError
            If too few points are left.
        """
        curves = measurement.of(None)
        if not curves:
            return []
        currents = None
        if self.currents is not None:
            factor = 1e-3 if measurement.current_unit == "A" else 1.0
            currents = (self.currents[0] * factor, self.currents[1] * factor)
        return select(curves, currents)


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
        Both polarities, or none where no pulse curves were given.
    neuron : NeuronFit or None
        The neuron, if its curves were given.
    occasion, reading : str
        Readings of C2C and D2D that are taken; empty where there are none.
    unit, current_unit : str
        Units of the data.
    """

    polarities: dict[Polarity, PolarityResult]
    neuron: NeuronFit | None
    occasion: str
    reading: str
    unit: str
    current_unit: str

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


def _one_polarity(measurement: Measurement, polarity: Polarity) -> PolarityResult:
    fit = fit_response(measurement.of(polarity), polarity)
    cycles = cycle_spread(fit)
    kept = math.exp(-1 / fit.nonlinearity.value) if cycles.occasion == "pulse" else 0.0
    models = [
        own.at(device.pulses / fit.pulses)
        for device, own in zip(fit.devices, fit.fits, strict=True)
    ]
    goodness = judge(fit.devices, models, kept)
    return PolarityResult(fit, cycles, device_spread(fit, cycles), goodness)


def fit_all(measurement: Measurement, options: FitOptions) -> FitResult:
    """Fit whatever was measured.

    Raises
    ------
    UserError
        If only one polarity was measured, or a fit makes no sense.
    """
    polarities: dict[Polarity, PolarityResult] = {}
    present = [polarity for polarity in Polarity if measurement.of(polarity)]
    if len(present) == 1:
        missing = next(polarity for polarity in Polarity if polarity not in present)
        raise UserError(
            f"there are only curves of {present[0].name.lower()}; give those of "
            f"{missing.name.lower()} too"
        )
    for polarity in present:
        result = _one_polarity(measurement, polarity)
        if result.fit.span.value <= 0:
            raise UserError(
                f"R_AH does not {'fall' if polarity else 'rise'} with pulses of "
                f"{polarity.name.lower()}; is it the right column?"
            )
        polarities[polarity] = result
    occasion = reading = ""
    if polarities:
        found = {part.cycles.occasion for part in polarities.values()}
        occasion = options.occasion or ("pulse" if found == {"pulse"} else "write")
        spreads = [part.devices for part in polarities.values() if part.devices.readings]
        if spreads:
            names = spreads[0].explained
            reading = options.reading or max(
                names, key=lambda name: sum(spread.explained[name] for spread in spreads)
            )
    curves = options.select(measurement)
    neuron = fit_neuron(curves) if curves else None
    return FitResult(
        polarities, neuron, occasion, reading, measurement.unit, measurement.current_unit
    )


def _at_most_one(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise UserError(
            f"the {name} comes out as {value:.3g}, which no device file takes; are the units and "
            "columns right?"
        )
    return value


def _model_synapse(result: FitResult, states: int) -> SotSynapse:
    responses, c2c, d2d = [], [], []
    fits = {polarity: part.fit for polarity, part in result.polarities.items()}
    span = max(fit.high.value for fit in fits.values()) - min(
        fit.low.value for fit in fits.values()
    )
    for polarity, part in result.polarities.items():
        fit, name = part.fit, polarity.name.lower()
        responses.append(
            PulseResponse(fit.nonlinearity.value, fit.pulses, fit.low.value, fit.high.value)
        )
        # A polarity's own range may be less than the device's.
        part_of = fit.span.value / span
        c2c.append(_at_most_one(part.cycles.of(result.occasion).value * part_of, f"C2C of {name}"))
        spread = 0.0
        if part.devices.readings:
            spread = part.devices.readings[result.reading].value
            if result.reading == "range":
                spread *= part_of
        d2d.append(_at_most_one(spread, f"D2D of {name}"))
    return SotSynapse(
        *responses,
        states=states,
        c2c=CycleVariation(*c2c, reading="range", occasion=result.occasion),
        d2d=DeviceVariation(*d2d, reading=result.reading or "range"),
    )


def measured_response(devices: list[DeviceCurves], pulses: int) -> TableResponse:
    """The table of one polarity: mean, deviation over cycles and between devices.

    Parameters
    ----------
    devices : list of DeviceCurves
        The data; numbers of pulses between those that were measured are interpolated, and
        those before the first are on the straight line through the first two.
    pulses : int
        The table's last pulse.
    """
    grid = np.arange(pulses + 1, dtype=np.float64)
    means, variances, counts = [], [], []
    for device in devices:
        x, y = device.pulses, device.mean
        mean = np.interp(grid, x, y)
        before = grid < x[0]
        mean[before] = y[0] + (grid[before] - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
        means.append(mean)
        cycles = len(device.resistance)
        if cycles > 1 and np.all(device.weights > 1):
            variance = np.nanvar(device.resistance, axis=0, ddof=1)
            variances.append(np.interp(grid, x, variance))
            counts.append(cycles)
    table = np.array(means)
    cycle = np.sqrt(np.mean(variances, axis=0)) if variances else np.zeros(grid.size)
    device_spread = np.zeros(grid.size)
    if len(table) > 1:
        noise = cycle**2 / (np.mean(counts) if counts else 1.0)
        device_spread = np.sqrt(np.maximum(table.var(axis=0, ddof=1) - noise, 0.0))
    return TableResponse(table.mean(axis=0), cycle, device_spread)


def _table_synapse(result: FitResult, states: int) -> TableSynapse:
    try:
        return TableSynapse(
            *(
                measured_response(part.fit.devices, part.fit.pulses)
                for part in result.polarities.values()
            ),
            states=states,
        )
    except ValueError as error:
        raise UserError(f"the measured table is no device: {error}") from error


def _plain(one: Interval) -> dict[str, float]:
    """An interval for a TOML file."""
    return {"value": float(one.value), "low": float(one.low), "high": float(one.high)}


def _goodness(goodness: Goodness) -> dict[str, Any]:
    return {
        "described": goodness.described,
        "r_squared": float(goodness.r_squared),
        "misfit": float(goodness.misfit),
        "runs": int(goodness.runs),
        "expected_runs": float(goodness.expected_runs),
        "runs_chance": float(goodness.runs_chance),
    }


def report(result: FitResult) -> dict[str, Any]:
    """Every value with its interval, by polarity and neuron, as plain data."""
    whole: dict[str, Any] = {}
    for polarity, part in result.polarities.items():
        fit = part.fit
        whole[polarity.name.lower()] = {
            "A": _plain(fit.nonlinearity),
            "P_max": fit.pulses,
            "R_min": _plain(fit.low),
            "R_max": _plain(fit.high),
            "intervals_from": fit.basis,
            "devices": len(fit.devices),
            "cycles": sum(len(device.resistance) for device in fit.devices),
            "c2c": {
                "write": _plain(part.cycles.write),
                "pulse": _plain(part.cycles.pulse),
                "from": part.cycles.basis,
            },
            "d2d": {name: _plain(one) for name, one in part.devices.readings.items()},
            "d2d_explained": {name: float(share) for name, share in part.devices.explained.items()},
            "goodness": _goodness(part.goodness),
        }
    if result.neuron is not None:
        neuron = result.neuron
        own: dict[str, Any] = {name: _plain(one) for name, one in neuron.values.items()}
        own |= {
            "full_current": neuron.full_current,
            "full_resistance": neuron.full_resistance,
            "use": _plain(neuron.use),
            "intervals_from": neuron.basis,
            "devices": len(neuron.devices),
            "cycles": sum(len(device.resistance) for device in neuron.devices),
            "goodness": _goodness(neuron.goodness),
        }
        for name, spread in (("gain", neuron.gain), ("threshold_spread", neuron.threshold_spread)):
            if spread is not None:
                own[name] = _plain(spread)
        whole["neuron"] = own
    return whole


def make_device(
    result: FitResult, measurement: Measurement, options: FitOptions, base: Device
) -> Device:
    """Put the device together.

    Parameters
    ----------
    result : FitResult
        From `fit_all`.
    measurement : Measurement
        The data, for its digests.
    options : FitOptions
        What was asked for.
    base : Device
        What stands in for what was not measured.

    Returns
    -------
    Device

    Raises
    ------
    UserError
        If a value is outside what a device can have.
    """
    synapse: Synapse = base.synapse
    unit = base.unit
    if result.polarities:
        pulses = max(part.fit.pulses for part in result.polarities.values())
        states = options.states or min(max(pulses, 2), MAX_STATES)
        unit = result.unit
        try:
            make = _table_synapse if options.table else _model_synapse
            synapse = make(result, states)
        except (ValueError, TypeError) as error:
            raise UserError(f"the fitted synapse cannot be used: {error}") from error
    neuron, variation = base.neuron, base.neuron_variation
    if result.neuron is not None:
        fit = result.neuron
        neuron = fit.neuron
        variation = NeuronVariation(
            gain=_at_most_one(fit.gain.value if fit.gain else 0.0, "D2D of the neuron's slope"),
            threshold=_at_most_one(
                fit.threshold_spread.value if fit.threshold_spread else 0.0,
                "D2D of the neuron's threshold",
            ),
            use=_at_most_one(fit.use.value, "C2C of the neuron"),
            gain_reading="slope",
            threshold_reading="range",
            use_reading="output",
        )
    source: dict[str, Any] = {
        "method": "measured table" if options.table else "least squares",
        "confidence": CONFIDENCE,
        "sha256": measurement.digests,
        "current_unit": result.current_unit,
    }
    if not result.polarities:
        source["synapse"] = f"not measured: that of {base.name}"
    if result.neuron is None:
        source["neuron"] = f"not measured: that of {base.name}"
    return Device(
        name=options.name,
        synapse=synapse,
        neuron=neuron,
        neuron_variation=variation,
        electrical=base.electrical,
        unit=unit,
        source=source | {"fit": report(result)},
    )
