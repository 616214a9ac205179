"""The device that a fit makes, with what a base device lends where nothing was measured.

A polarity is lent as shares of the range, and the range is the measured one: both polarities are
of one film.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allspin.host.fit.response import CONFIDENCE, DeviceCurves
from allspin.host.fit.result import FitResult
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.levels import MAX_STATES
from allspin.sim.network.neuron import neuron_to_dict
from allspin.sim.synapse.lookup_table import mean_device
from allspin.sim.synapse.pulse_chain import after
from allspin.sim.synapse.pulse_changes import LEAST_PAIRS, Changes
from allspin.sim.synapse.response import Polarity, PulseResponse, Response
from allspin.sim.synapse.sot_synapse import SotSynapse, paper_model
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse


def make_device(result: FitResult) -> Device:
    """Put the device together.

    Parameters
    ----------
    result : FitResult
        Of the curves.

    Returns
    -------
    Device

    Raises
    ------
    UserError
        If a value is outside what a device can have, or there is no synapse.
    """
    measurement, base, neuron = result.measurement, result.base, result.neuron
    source: dict[str, Any] = {
        "method": "measured table" if result.options.table else "least squares",
        "confidence": CONFIDENCE,
        "sha256": measurement.digests,
        "current_unit": measurement.current_unit,
        **measurement.given,
    }
    device = Device(
        name=result.options.name,
        synapse=_synapse(result),
        unit=result.unit if result.polarities or base is None else base.unit,
    )
    if base is not None:
        measured = {f"synapse.electrical.{key}" for key in measurement.electrical}
        lent = _lent_synapse(result, device.synapse) + lent_rest(base, neuron is None)
        source |= {"base": base.name, "from_base": [key for key in lent if key not in measured]}
        device = with_rest(device, base)
    else:
        parts = list(result.polarities.values())
        lacking = {
            "C2C of the synapse, apart from scatter about the fit": any(
                part.cycles.basis == "points" for part in parts
            ),
            "D2D of the synapse": any(not part.readings for part in parts),
            "the neuron and its variation": neuron is None,
            "D2D of the neuron": neuron is not None and neuron.gain is None,
        }
        source["not_measured"] = [what for what, lacks in lacking.items() if lacks]
    changes: dict[str, Any] = {
        "electrical": dataclasses.replace(device.electrical, **measurement.electrical)
    }
    if result.meter is not None:
        low, high = _range(result)
        changes["imperfections"] = dataclasses.replace(
            device.imperfections,
            read_noise=_share(result.meter.deviation.value / (high - low), "noise of the meter"),
        )
    if neuron is not None:
        gain, threshold = neuron.gain, neuron.threshold_spread
        changes |= {
            "neuron": neuron.neuron,
            "neuron_variation": NeuronVariation(
                gain=_share(gain.value if gain else 0.0, "D2D of the neuron's slope"),
                threshold=_share(
                    threshold.value if threshold else 0.0, "D2D of the neuron's threshold"
                ),
                use=_share(neuron.use.value, "C2C of the neuron"),
                gain_reading="slope",
                threshold_reading="range",
                use_reading="output",
            ),
        }
    source["fit"] = result.report()
    if result.outliers:
        source["outliers"] = list(map(str, result.outliers))
    device = with_reference(dataclasses.replace(device, **changes), result.options.reference)
    return dataclasses.replace(device, source=source)


def _share(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise UserError(
            f"the {name} comes out as {value:.3g}, which no device file takes; are the units and "
            "columns right?"
        )
    return value


def _range(result: FitResult) -> tuple[float, float]:
    """R_AH from the lowest to the highest that was fitted."""
    fits = [part.fit for part in result.polarities.values()]
    return min(fit.low.value for fit in fits), max(fit.high.value for fit in fits)


# The synapse: a model, or the measured table.


def _synapse(result: FitResult) -> Synapse:
    if not result.polarities:
        if result.base is None:
            raise UserError(
                "only a neuron was measured; give pulse curves too, or a device whose synapse "
                "stands in, such as --base paper"
            )
        return result.base.synapse
    most = max(2, *(part.fit.pulses for part in result.polarities.values()))
    try:
        return (_table_synapse if result.options.table else _model_synapse)(
            result, result.options.states or min(most, MAX_STATES)
        )
    except (ValueError, TypeError) as error:
        raise UserError(f"the fitted synapse cannot be used: {error}") from error


def _model_synapse(result: FitResult, states: int) -> SotSynapse:
    low, high = _range(result)
    found: list[tuple[Response, float, float]] = []
    for polarity in Polarity:
        part, name = result.polarities.get(polarity), polarity.name.lower()
        if part is None:
            assert result.base is not None
            (c2c, _), (d2d, _) = lent_spreads(result.base, polarity)
            model: Any = _lending(result.base, polarity).response(polarity)
            found.append((dataclasses.replace(model, low=low, high=high), c2c, d2d))
            continue
        fit = part.fit
        response = PulseResponse(fit.nonlinearity.value, fit.pulses, fit.low.value, fit.high.value)
        # A polarity's own range may be less than the device's.
        share = fit.span.value / (high - low)
        c2c = _share(part.cycles.of(result.occasion).value * share, f"C2C of {name}")
        d2d = part.readings[result.reading].value if part.readings else 0.0
        d2d *= share if result.reading == "range" else 1.0
        found.append((response, c2c, _share(d2d, f"D2D of {name}")))
    responses, c2cs, d2ds = zip(*found, strict=True)
    return SotSynapse(
        *responses,
        states=states,
        c2c=CycleVariation(*c2cs, reading="range", occasion=result.occasion),
        d2d=DeviceVariation(
            *d2ds, reading=result.reading or "range", correlation=result.correlation
        ),
    )


def _table_synapse(result: FitResult, states: int) -> TableSynapse:
    devices = (device for part in result.polarities.values() for device in part.fit.devices)
    means = np.concatenate([device.mean for device in devices])
    ends = float(means.min()), float(means.max())
    meter = result.meter.point.value if result.meter is not None else 0.0
    # Deviations after each number of pulses are measured, unless those of a pulse are asked for.
    pairs, tables = result.options.occasion == "pulse", []
    for polarity in Polarity:
        part = result.polarities.get(polarity)
        if part is None:
            assert result.base is not None
            tables.append(_lent_table(result.base, polarity, *_range(result)))
        elif pairs:
            tables.append(pair_response(part.fit.devices, part.fit.pulses, meter, ends))
        else:
            tables.append(measured_response(part.fit.devices, part.fit.pulses, meter))
    return TableSynapse(*tables, states=states, bounded=pairs, correlation=result.correlation)


def measured_response(
    devices: Sequence[DeviceCurves], pulses: int, meter: float = 0.0
) -> TableResponse:
    """The table of one polarity: mean, deviation over cycles and between devices.

    Parameters
    ----------
    devices : sequence of DeviceCurves
        The data; numbers of pulses between those that were measured are interpolated, and
        those before the first are on the straight line through the first two. Cycles are
        compared at the pulses that two of them have, and deviations between are interpolated.
    pulses : int
        The table's last pulse.
    meter : float
        Deviation of a point by the meter's noise, which is none over cycles.
    """
    grid = np.arange(pulses + 1, dtype=np.float64)
    means, variances, noises = [], [], []
    for device in devices:
        x, y = device.pulses, device.mean
        line = y[0] + (grid - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
        means.append(np.where(grid < x[0], line, np.interp(grid, x, y)))
        noises.append(np.interp(grid, x, 1 / device.weights))
        again = device.weights > 1
        if again.any():
            variances.append(
                np.interp(grid, x[again], np.nanvar(device.resistance[:, again], axis=0, ddof=1))
            )
    table = np.array(means)
    cycle = np.sqrt(np.mean(variances, axis=0)) if variances else np.zeros(grid.size)
    between = np.zeros(grid.size)
    if len(table) > 1:
        between = table.var(axis=0, ddof=1) - cycle**2 * np.mean(noises, axis=0)
    own, between = (np.sqrt(np.maximum(one, 0.0)) for one in (cycle**2 - meter**2, between))
    return TableResponse(table.mean(axis=0), own, between)


def pair_response(
    devices: Sequence[DeviceCurves], pulses: int, meter: float, ends: tuple[float, float]
) -> TableResponse:
    """The table of one polarity that the changes by single pulses lead to.

    Cycles that were measured tell the deviation after each number of pulses themselves. Where
    there are few, or they do not begin where a write does, pairs of R_AH before and after a pulse
    tell more.

    Parameters
    ----------
    devices : sequence of DeviceCurves
        The data.
    pulses : int
        The table's last pulse.
    meter : float
        Deviation of a point by the meter's noise.
    ends : (float, float)
        The lowest and the highest R_AH of a film.

    Raises
    ------
    UserError
        If a device has too few pairs.
    """
    found = []
    for device in devices:
        pairs = np.stack([device.resistance[:, :-1], device.resistance[:, 1:]])
        there = np.isfinite(pairs).all(axis=0) & (np.diff(device.pulses) == 1)
        before, behind = pairs[:, there]
        if before.size < LEAST_PAIRS:
            raise UserError(
                f"device {device.device} has {before.size} pairs of R_AH before and after a pulse, "
                f"and --c2c-occasion pulse of a table needs {LEAST_PAIRS}; take write"
            )
        changes = Changes.of_pairs(before, behind, ends, meter)
        way, spread = after(changes, float(np.clip(device.mean[0], *ends)), np.arange(pulses + 1))
        found.append(TableResponse(way, spread, np.zeros(way.size)))
    return mean_device(found)


def with_reference(device: Device, reference: str) -> Device:
    """A device of a conductance, with the reference column that it needs.

    A column is written as the cells are. The cells of a centred one are held in the middle of the
    range, and deviate as the polarity that deviates less there.
    """
    if device.unit != "siemens" or reference == "ideal":
        return device
    synapse = device.synapse
    middle = (synapse.low + synapse.high) / 2
    laws = [
        synapse.written(polarity, synapse.pulses_to(polarity, middle)).law for polarity in Polarity
    ]
    least = min(float(np.hypot(law.cycle, law.device)) for law in laws)
    column: dict[str, Any] = (
        {"reference": min(least / synapse.span, 1.0)}
        if reference == "centred"
        else {"reference_column": "written"}
    )
    wrong = dataclasses.replace(device.imperfections, **column)
    return dataclasses.replace(device, imperfections=wrong)


# What a base lends: one polarity, or all but the synapse.


def _lending(base: Device, polarity: Polarity) -> SotSynapse:
    model = paper_model(base.synapse)
    if model is None:
        raise UserError(
            f"the synapse of {base.name} is a table and lends no model of "
            f"{polarity.name.lower()}; take --table, or another --base"
        )
    return model


def lent_spreads(base: Device, polarity: Polarity) -> tuple[tuple[float, str], tuple[float, str]]:
    """C2C of the base's polarity as a share of the range, and its occasion; D2D and its reading.

    Raises
    ------
    UserError
        If the base has no model of the paper's kind, or its C2C is no share of the range.
    """
    synapse = _lending(base, polarity)
    c2c, d2d, steps = synapse.c2c, synapse.d2d, synapse.states - 1
    if c2c.reading == "increment":
        raise UserError(
            f"the C2C of {base.name} is a share of each change, and the measured one of the "
            "range; take another --base"
        )
    by_step = d2d.reading == "step"
    return (
        (c2c[polarity] / (steps if c2c.reading == "step" else 1), c2c.occasion),
        (d2d[polarity] / (steps if by_step else 1), "range" if by_step else d2d.reading),
    )


def _lent_table(base: Device, polarity: Polarity, low: float, high: float) -> TableResponse:
    """What pulses of a polarity do to the base, on another range: mean and deviations."""
    synapse, scale = base.synapse, (high - low) / base.synapse.span
    pulses = synapse.pulses_to(polarity, synapse.low if polarity else synapse.high)
    law = synapse.written(polarity, np.arange(round(float(pulses)) + 1)).law
    return TableResponse(
        low + (law.mean - synapse.low) * scale, law.cycle * scale, np.abs(law.device) * scale
    )


def with_rest(device: Device, base: Device) -> Device:
    """A device with all but the synapse of the base."""
    return dataclasses.replace(
        device,
        neuron=base.neuron,
        neuron_variation=base.neuron_variation,
        imperfections=base.imperfections,
        electrical=base.electrical,
        neuron_electrical=base.neuron_electrical,
    )


def _lent_synapse(result: FitResult, synapse: Synapse) -> list[str]:
    """Every value of the synapse that comes from the base, by its key in a device file."""
    record = synapse.record()
    if not result.polarities:
        return _keys_of(record, "synapse")
    lacking = [one.name.lower() for one in Polarity if one not in result.polarities]
    keys = _keys_of({name: record[name] for name in lacking}, "synapse")
    variation = {kind: dict.fromkeys(lacking, 0) for kind in ("c2c", "d2d") if kind in record}
    keys = [key for key in keys if not key.endswith(("R_min", "R_max"))]
    return keys + _keys_of(variation, "synapse")


def lent_rest(base: Device, neuron: bool) -> list[str]:
    """Keys of a device file that `with_rest` takes from the base, the neuron's or without them."""
    wrong = dataclasses.asdict(base.imperfections).items()
    own = neuron_to_dict(base.neuron), dataclasses.asdict(base.neuron_variation)
    parts = {
        "synapse.electrical": dataclasses.asdict(base.electrical),
        **(dict(zip(("neuron", "neuron.variation"), own, strict=True)) if neuron else {}),
        "neuron.electrical": dataclasses.asdict(base.neuron_electrical),
        "imperfections": {key: value for key, value in wrong if value not in (0, "either")},
    }
    return [key for name, part in parts.items() for key in _keys_of(part, name)]


def _keys_of(part: Any, name: str) -> list[str]:
    """Every key of a part of a device file that has a value, with the tables that it is in."""
    if not isinstance(part, Mapping):
        return [] if part is None else [name]
    return [key for one, value in part.items() for key in _keys_of(value, f"{name}.{one}")]
