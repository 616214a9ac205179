"""Device that a fit makes: its synapse as a model or a measured table, neuron, and source."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from allspin.host.estimate.intervals import CONFIDENCE, Interval
from allspin.host.estimate.neuron import NeuronFit
from allspin.host.estimate.response import DeviceCurves
from allspin.host.fit.lending import (
    lent_rest,
    lent_synapse,
    with_rest,
)
from allspin.host.fit.result import FitResult
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.levels import MAX_STATES
from allspin.sim.synapse.response import Array, Polarity, PulseResponse, Response
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse


def make_device(result: FitResult) -> Device:
    """Make the device of a fit.

    Raises
    ------
    UserError
        If a value is outside the range of a device, or the device has no synapse.
    """
    measurement = result.measurement
    base = result.base
    unit = result.unit
    if base is not None and not result.polarities:
        unit = base.unit
    device = Device(name=result.options.name, synapse=_synapse(result), unit=unit)
    source: dict[str, Any] = {
        "method": "measured table" if result.options.table else "least squares",
        "confidence": CONFIDENCE,
        "sha256": measurement.digests,
        "current_unit": measurement.current_unit,
        **measurement.given,
    }
    if base is None:
        source["not_measured"] = _not_measured(result)
    else:
        lent = [] if result.polarities else lent_synapse(base)
        lent += lent_rest(base, neuron=result.neuron is None)
        measured = {f"synapse.electrical.{key}" for key in measurement.electrical}
        source["base"] = base.name
        source["from_base"] = [key for key in lent if key not in measured]
        device = with_rest(device, base)
    electrical = dataclasses.replace(device.electrical, **measurement.electrical)
    device = dataclasses.replace(device, electrical=electrical)
    if result.meter is not None:
        low, high = result.range
        noise = _share(result.meter.deviation.value / (high - low), "noise of the meter")
        imperfections = dataclasses.replace(device.imperfections, read_noise=noise)
        device = dataclasses.replace(device, imperfections=imperfections)
    if result.neuron is not None:
        variation = _neuron_variation(result.neuron)
        neuron = result.neuron.neuron
        device = dataclasses.replace(device, neuron=neuron, neuron_variation=variation)
    source["fit"] = result.report()
    if result.outliers:
        source["outliers"] = list(map(str, result.outliers))
    device = with_reference(device, result.options.reference)
    return dataclasses.replace(device, source=source)


def _not_measured(result: FitResult) -> list[str]:
    """Return the properties of a device without a base that the data do not tell."""
    parts = list(result.polarities.values())
    lacking = []
    if any(part.cycles.basis == "points" for part in parts):
        lacking.append("C2C of the synapse, apart from scatter about the fit")
    if any(not part.devices.readings for part in parts):
        lacking.append("D2D of the synapse")
    if result.neuron is None:
        lacking.append("the neuron and its variation")
    elif result.neuron.gain is None:
        lacking.append("D2D of the neuron")
    return lacking


def _neuron_variation(neuron: NeuronFit) -> NeuronVariation:
    return NeuronVariation(
        gain=_share(_value(neuron.gain), "D2D of the neuron's slope"),
        threshold=_share(_value(neuron.threshold_spread), "D2D of the neuron's threshold"),
        use=_share(neuron.use.value, "C2C of the neuron"),
        gain_reading="slope",
        threshold_reading="range",
        use_reading="output",
    )


def _value(spread: Interval | None) -> float:
    return 0.0 if spread is None else spread.value


def _share(value: float, name: str) -> float:
    """Return a value of a device file from 0 to 1, or raise a `UserError` that names it."""
    if not 0 <= value <= 1:
        raise UserError(
            f"the {name} comes out as {value:.3g}, which no device file takes; are the units and "
            "columns right?"
        )
    return value


def _synapse(result: FitResult) -> Synapse:
    if not result.polarities:
        if result.base is None:
            raise UserError(
                "only a neuron was measured; give pulse curves too, or a device whose synapse "
                "stands in, such as `base` paper"
            )
        return result.base.synapse
    most = max(2, *(part.fit.pulses for part in result.polarities.values()))
    states = result.options.states or min(most, MAX_STATES)
    try:
        if result.options.table:
            return _table_synapse(result, states)
        return _model_synapse(result, states)
    except (ValueError, TypeError) as error:
        raise UserError(f"the fitted synapse cannot be used: {error}") from error


def _model_synapse(result: FitResult, states: int) -> SotSynapse:
    responses: list[Response] = []
    c2c = []
    d2d = []
    for polarity in Polarity:
        response, cycle, device = _measured_polarity(result, polarity)
        responses.append(response)
        c2c.append(cycle)
        d2d.append(device)
    return SotSynapse(
        *responses,
        states=states,
        c2c=CycleVariation(*c2c, reading="range", occasion=result.occasion),
        d2d=DeviceVariation(
            *d2d, reading=result.reading or "range", correlation=result.correlation
        ),
    )


def _measured_polarity(result: FitResult, polarity: Polarity) -> tuple[Response, float, float]:
    """Return response, C2C and D2D of a polarity that was measured."""
    part = result.polarities[polarity]
    fit = part.fit
    name = polarity.name.lower()
    low, high = result.range
    # A polarity's own range may be less than the device's.
    share = fit.span.value / (high - low)
    cycle = part.cycles.of(result.occasion).value * share
    device = 0.0
    if part.devices.readings:
        device = part.devices.readings[result.reading].value
        if result.reading == "range":
            device *= share
    response = PulseResponse(fit.nonlinearity.value, fit.pulses, fit.low.value, fit.high.value)
    return response, _share(cycle, f"C2C of {name}"), _share(device, f"D2D of {name}")


def _table_synapse(result: FitResult, states: int) -> TableSynapse:
    meter = result.meter.point.value if result.meter is not None else 0.0
    fits = [result.polarities[polarity].fit for polarity in Polarity]
    tables = [measured_response(fit.devices, fit.pulses, meter) for fit in fits]
    return TableSynapse(*tables, states=states, correlation=result.correlation)


def measured_response(
    devices: Sequence[DeviceCurves], pulses: int, meter: float = 0.0
) -> TableResponse:
    """Return the table of one polarity: mean, deviation over cycles and between devices.

    Parameters
    ----------
    devices : sequence of DeviceCurves
        Measured curves. The table interpolates between measured numbers of pulses, and before the
        first it extrapolates the line through the first two. The deviation over cycles is
        computed at the pulses that at least two cycles have, and interpolated between them.
    pulses : int
        Last pulse of the table.
    meter : float
        Deviation of a point by the meter's noise, which is not part of C2C.
    """
    grid = np.arange(pulses + 1, dtype=np.float64)
    means = np.array([_on_grid(device, grid) for device in devices])
    cycle = _cycle_deviation(devices, grid)
    between = np.zeros(grid.size)
    if len(devices) > 1:
        # Cycles leave a part of their variance in the mean of each device.
        parts = [np.interp(grid, device.pulses, 1 / device.weights) for device in devices]
        between = means.var(axis=0, ddof=1) - cycle**2 * np.mean(parts, axis=0)
    own = np.sqrt(np.maximum(cycle**2 - meter**2, 0.0))
    return TableResponse(means.mean(axis=0), own, np.sqrt(np.maximum(between, 0.0)))


def _on_grid(device: DeviceCurves, grid: Array) -> Array:
    """Return the mean of a device's cycles after each number of pulses."""
    x = device.pulses
    y = device.mean
    line = y[0] + (grid - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    return np.where(grid < x[0], line, np.interp(grid, x, y))


def _cycle_deviation(devices: Sequence[DeviceCurves], grid: Array) -> Array:
    """Return the deviation over cycles after each number of pulses; 0 without repeated cycles."""
    variances = []
    for device in devices:
        again = device.weights > 1
        if again.any():
            variance = np.nanvar(device.resistance[:, again], axis=0, ddof=1)
            variances.append(np.interp(grid, device.pulses[again], variance))
    return np.sqrt(np.mean(variances, axis=0)) if variances else np.zeros(grid.size)


def with_reference(device: Device, reference: str) -> Device:
    """Add the reference column that a device of a conductance needs.

    The cells of a written column are programmed like all others. The cells of a centred column are
    held in the middle of the range, with the deviation of the polarity that deviates less.
    """
    if device.unit != "siemens" or reference == "ideal":
        return device
    column: dict[str, Any] = {"reference_column": "written"}
    if reference == "centred":
        column = {"reference": _centred_deviation(device.synapse)}
    imperfections = dataclasses.replace(device.imperfections, **column)
    return dataclasses.replace(device, imperfections=imperfections)


def _centred_deviation(synapse: Synapse) -> float:
    """Return the deviation of a cell in the middle of the range, as a share of the range."""
    middle = (synapse.low + synapse.high) / 2
    deviations = []
    for polarity in Polarity:
        law = synapse.written(polarity, synapse.pulses_to(polarity, middle)).law
        deviations.append(float(np.hypot(law.cycle, law.device)))
    return min(min(deviations) / synapse.span, 1.0)
