"""The device that fits or tables make together, with what stands in for what was not measured."""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from allspin.host.data.catalogue import open_device
from allspin.host.draw.style import BLUE, SOFT, add_grid, name_text, new_figure, styled
from allspin.host.fit.columns import Measurement
from allspin.host.fit.options import (
    FitOptions,
    keys_of,
    lent_cycles,
    lent_devices,
    lent_response,
    lent_rest,
    lent_table,
    with_reference,
    with_rest,
)
from allspin.host.fit.response import CONFIDENCE, DeviceCurves, pair_response
from allspin.host.fit.result import FitResult, PolarityResult, report
from allspin.sim.device.device import Device, NeuronVariation
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.network.formats import MAX_STATES
from allspin.sim.synapse.pulse_changes import MAX_BYTES
from allspin.sim.synapse.response import Array, Polarity, PulseResponse, Response
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation, SotSynapse, Synapse
from allspin.sim.synapse.table_synapse import (
    TableResponse,
    TableSynapse,
    load_lookup_table,
    load_lookup_tables,
)

# CrossSim's lookup tables as a device, without any fit.

LOOKUP_STATES = 100
"""States of a synapse of lookup tables, if no number is asked for."""


@dataclass(frozen=True, eq=False)
class LookupDevice:
    """What lookup tables make.

    Attributes
    ----------
    device : Device
        The device.
    synapse : TableSynapse
        Its synapse.
    ways : dict of Polarity to list of ndarray
        Conductance along the pulses of each device.
    """

    device: Device
    synapse: TableSynapse
    ways: dict[Polarity, list[Array]]

    @property
    def pulses(self) -> list[int]:
        """Pulses of potentiation and depression."""
        return [self.synapse.response(polarity).resistance.size - 1 for polarity in Polarity]

    @styled
    def picture(self) -> Figure:
        """Each device's curve, and the mean with C2C of a write and D2D about it."""
        figure = new_figure(9.2, 3.8, f"{name_text(self.device.name)}: lookup tables")
        for axes, polarity in zip(figure.subplots(1, 2, squeeze=False)[0], Polarity, strict=True):
            response = self.synapse.response(polarity)
            pulses = np.arange(response.resistance.size)
            for way in self.ways[polarity]:
                axes.plot(way, color=SOFT, linewidth=0.8)
            spread = np.hypot(response.cycle, response.device)
            axes.fill_between(
                pulses,
                response.resistance - spread,
                response.resistance + spread,
                color=BLUE,
                alpha=0.2,
                linewidth=0,
                label="C2C of a write" + (" and D2D" if len(self.ways[polarity]) > 1 else ""),
            )
            axes.plot(pulses, response.resistance, color=BLUE, label="mean")
            axes.set_title(polarity.name.capitalize(), fontsize=9)
            axes.set_xlabel("pulses")
            axes.set_ylabel("conductance (S)")
            axes.legend(fontsize=7)
            add_grid(axes)
        return figure

    def to_dict(self, path: Path, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it."""
        return {
            "device": str(path),
            "kind": "table",
            "pulses": self.pulses,
            "devices": len(self.ways[Polarity.POTENTIATION]),
            "pictures": [str(one) for one in pictures],
        }


def take_lookup_tables(
    files: Sequence[Path],
    options: FitOptions,
    base: str | None = None,
    at: str | OperatingPoint | None = None,
) -> LookupDevice:
    """A device of CrossSim's lookup tables, without any fit.

    Parameters
    ----------
    files : sequence of Path
        A rising and a falling one of each device, in any order.
    options : FitOptions
        The device's name and states.
    base : str, optional
        A device file, or the name of one that ships: all but its synapse stands in.
    at : str or OperatingPoint, optional
        Where the base is taken; its file's own point.

    Raises
    ------
    UserError
        If a file is missing or no such table, they do not go together, or more is asked for than
        a name, states and a reference.
    """
    taken = FitOptions(
        options.name, states=options.states, table=options.table, reference=options.reference
    )
    if options != taken:
        raise UserError(
            f"{files[0]} is a lookup table, which is taken as it is; leave out what says how "
            "curves are fitted"
        )
    synapse = load_lookup_tables(files, options.states or LOOKUP_STATES)
    ways: dict[Polarity, list[Array]] = {polarity: [] for polarity in Polarity}
    for path in files:
        polarity, response = load_lookup_table(path)
        ways[polarity].append(response.resistance)
    names = [path.name for path in files]
    source: dict[str, Any] = {
        "method": "lookup tables of CrossSim",
        "sha256": {
            path.name if names.count(path.name) == 1 else str(path): hashlib.sha256(
                read_file(path, "lookup table", MAX_BYTES)
            ).hexdigest()
            for path in files
        },
    }
    device = Device(name=options.name, synapse=synapse, unit="siemens")
    if base is None:
        several = len(files) > 2
        source["not_measured"] = [
            *([] if several else ["D2D of the synapse"]),
            "the neuron and its variation",
        ]
    else:
        stand_in = open_device(base, at)
        device = with_rest(device, stand_in)
        source |= {"base": stand_in.name, "from_base": lent_rest(stand_in, neuron=True)}
    device = with_reference(dataclasses.replace(device, source=source), options)
    return LookupDevice(device, synapse, ways)


def _at_most_one(value: float, name: str) -> float:
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


def _fitted(
    result: FitResult, part: PolarityResult, name: str, span: float
) -> tuple[Response, float, float]:
    """Response, C2C and D2D of a polarity that was fitted."""
    fit = part.fit
    response = PulseResponse(fit.nonlinearity.value, fit.pulses, fit.low.value, fit.high.value)
    # A polarity's own range may be less than the device's.
    part_of = fit.span.value / span
    c2c = _at_most_one(part.cycles.of(result.occasion).value * part_of, f"C2C of {name}")
    spread = 0.0
    if part.devices.readings:
        spread = part.devices.readings[result.reading].value
        if result.reading == "range":
            spread *= part_of
    return response, c2c, _at_most_one(spread, f"D2D of {name}")


def _model_synapse(result: FitResult, states: int) -> SotSynapse:
    low, high = _range(result)
    found: list[tuple[Response, float, float]] = []
    for polarity in Polarity:
        part = result.polarities.get(polarity)
        if part is not None:
            found.append(_fitted(result, part, polarity.name.lower(), high - low))
            continue
        assert result.base is not None
        found.append(
            (
                lent_response(result.base, polarity, low, high),
                lent_cycles(result.base, polarity)[0],
                lent_devices(result.base, polarity)[0],
            )
        )
    responses, c2c, d2d = zip(*found, strict=True)
    return SotSynapse(
        *responses,
        states=states,
        c2c=CycleVariation(*c2c, reading="range", occasion=result.occasion),
        d2d=DeviceVariation(*d2d, reading=result.reading or "range"),
    )


def measured_response(
    devices: list[DeviceCurves], pulses: int, meter: float = 0.0
) -> TableResponse:
    """The table of one polarity: mean, deviation over cycles and between devices.

    Parameters
    ----------
    devices : list of DeviceCurves
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
        mean = np.interp(grid, x, y)
        before = grid < x[0]
        mean[before] = y[0] + (grid[before] - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
        means.append(mean)
        noises.append(np.interp(grid, x, 1 / device.weights))
        repeated = device.weights > 1
        if repeated.any():
            variance = np.nanvar(device.resistance[:, repeated], axis=0, ddof=1)
            variances.append(np.interp(grid, x[repeated], variance))
    table = np.array(means)
    cycle = np.sqrt(np.mean(variances, axis=0)) if variances else np.zeros(grid.size)
    device_spread = np.zeros(grid.size)
    if len(table) > 1:
        noise = cycle**2 * np.mean(noises, axis=0)
        device_spread = np.sqrt(np.maximum(table.var(axis=0, ddof=1) - noise, 0.0))
    own = np.sqrt(np.maximum(cycle**2 - meter**2, 0.0))
    return TableResponse(table.mean(axis=0), own, device_spread)


def _table_synapse(result: FitResult, options: FitOptions, states: int) -> TableSynapse:
    low, high = _range(result)
    means = [device.mean for part in result.polarities.values() for device in part.fit.devices]
    ends = min(float(mean.min()) for mean in means), max(float(mean.max()) for mean in means)
    meter = result.meter.point.value if result.meter is not None else 0.0
    # Deviations after each number of pulses are measured, unless those of a pulse are asked for.
    pairs = options.occasion == "pulse"
    tables = []
    for polarity in Polarity:
        part = result.polarities.get(polarity)
        if part is not None and pairs:
            tables.append(pair_response(part.fit.devices, part.fit.pulses, meter, ends))
        elif part is not None:
            tables.append(measured_response(part.fit.devices, part.fit.pulses, meter))
        else:
            assert result.base is not None
            tables.append(lent_table(result.base, polarity, low, high))
    try:
        return TableSynapse(*tables, states=states, bounded=pairs)
    except ValueError as error:
        raise UserError(f"the measured table is no device: {error}") from error


def _synapse(result: FitResult, options: FitOptions, base: Device | None) -> Synapse:
    if not result.polarities:
        if base is None:
            raise UserError(
                "only a neuron was measured; give pulse curves too, or a device whose synapse "
                "stands in, such as --base paper"
            )
        return base.synapse
    pulses = max(part.fit.pulses for part in result.polarities.values())
    states = options.states or min(max(pulses, 2), MAX_STATES)
    try:
        if options.table:
            return _table_synapse(result, options, states)
        return _model_synapse(result, states)
    except (ValueError, TypeError) as error:
        raise UserError(f"the fitted synapse cannot be used: {error}") from error


def _neuron_variation(result: FitResult) -> NeuronVariation:
    fit = result.neuron
    assert fit is not None
    return NeuronVariation(
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


def _lent(result: FitResult, base: Device, synapse: Synapse) -> list[str]:
    """Every value that comes from the base, by its key in a device file."""
    keys: list[str] = []
    if not result.polarities:
        keys += keys_of(base.synapse.record(), "synapse")
    record = synapse.record()
    for polarity in Polarity:
        if result.polarities and polarity not in result.polarities:
            name = polarity.name.lower()
            own = keys_of(record[name], f"synapse.{name}")
            keys += [key for key in own if not key.endswith(("R_min", "R_max"))]
            keys += [f"synapse.{kind}.{name}" for kind in ("c2c", "d2d") if kind in record]
    return keys + lent_rest(base, neuron=result.neuron is None)


def _unknown(result: FitResult) -> list[str]:
    """What was not measured and has no base."""
    names = []
    if any(part.cycles.basis == "points" for part in result.polarities.values()):
        names.append("C2C of the synapse, apart from scatter about the fit")
    if any(not part.devices.readings for part in result.polarities.values()):
        names.append("D2D of the synapse")
    if result.neuron is None:
        names.append("the neuron and its variation")
    elif result.neuron.gain is None:
        names.append("D2D of the neuron")
    return names


def make_device(
    result: FitResult, measurement: Measurement, options: FitOptions, base: Device | None = None
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
    base : Device, optional
        What stands in for what was not measured; without it that is left out.

    Returns
    -------
    Device

    Raises
    ------
    UserError
        If a value is outside what a device can have, or there is no synapse.
    """
    synapse = _synapse(result, options, base)
    source: dict[str, Any] = {
        "method": "measured table" if options.table else "least squares",
        "confidence": CONFIDENCE,
        "sha256": measurement.digests,
        "current_unit": result.current_unit,
        **measurement.given,
    }
    device = Device(
        name=options.name,
        synapse=synapse,
        unit=result.unit if result.polarities or base is None else base.unit,
    )
    if base is not None:
        measured = {f"synapse.electrical.{key}" for key in measurement.electrical}
        lent = [key for key in _lent(result, base, synapse) if key not in measured]
        source |= {"base": base.name, "from_base": lent}
        device = with_rest(device, base)
    else:
        source["not_measured"] = _unknown(result)
    if result.neuron is not None:
        device = dataclasses.replace(
            device, neuron=result.neuron.neuron, neuron_variation=_neuron_variation(result)
        )
    if result.meter is not None:
        low, high = _range(result)
        noise = _at_most_one(result.meter.deviation.value / (high - low), "noise of the meter")
        wrong = dataclasses.replace(device.imperfections, read_noise=noise)
        device = dataclasses.replace(device, imperfections=wrong)
    if measurement.electrical:
        electrical = dataclasses.replace(device.electrical, **measurement.electrical)
        device = dataclasses.replace(device, electrical=electrical)
    device = with_reference(device, options)
    return dataclasses.replace(device, source=source | {"fit": report(result)})
