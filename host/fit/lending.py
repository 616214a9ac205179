"""Values of a base device that replace missing data: one polarity, or all but the synapse.

Values of a polarity are lent as shares of the range, and scaled to the measured range, since both
polarities belong to one device.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.neuron import neuron_to_dict
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.sot_synapse import SotSynapse, paper_model
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.table_response import TableResponse


class LentSpread(NamedTuple):
    """Deviation of a polarity, and its reading or occasion."""

    value: float
    reading: str


def lent_model(base: Device, polarity: Polarity) -> SotSynapse:
    """Return the base's synapse, or raise a `UserError` if it is a table."""
    model = paper_model(base.synapse)
    if model is None:
        raise UserError(
            f"the synapse of {base.name} is a table and lends no model of "
            f"{polarity.name.lower()}; take `table`, or another `base`"
        )
    return model


def lent_spreads(base: Device, polarity: Polarity) -> tuple[LentSpread, LentSpread]:
    """Return C2C of the base's polarity as a share of the range with its occasion, and D2D.

    Raises
    ------
    UserError
        If the base has no model of the paper's kind, or its C2C is not a share of the range.
    """
    synapse = lent_model(base, polarity)
    steps = synapse.states - 1
    c2c = synapse.c2c
    if c2c.reading == "increment":
        raise UserError(
            f"the C2C of {base.name} is a share of each change, and the measured one of the "
            "range; take another `base`"
        )
    cycle = LentSpread(c2c[polarity] / (steps if c2c.reading == "step" else 1), c2c.occasion)
    d2d = synapse.d2d
    if d2d.reading == "step":
        return cycle, LentSpread(d2d[polarity] / steps, "range")
    return cycle, LentSpread(d2d[polarity], d2d.reading)


def lent_table(base: Device, polarity: Polarity, low: float, high: float) -> TableResponse:
    """Return the base's response to pulses of a polarity on another range: mean and deviations."""
    synapse = base.synapse
    scale = (high - low) / synapse.span
    start = synapse.low if polarity is Polarity.DEPRESSION else synapse.high
    pulses = synapse.pulses_to(polarity, start)
    law = synapse.written(polarity, np.arange(round(float(pulses)) + 1)).law
    return TableResponse(
        low + (law.mean - synapse.low) * scale, law.cycle * scale, np.abs(law.device) * scale
    )


def with_rest(device: Device, base: Device) -> Device:
    """Return a device with all but the synapse of the base."""
    return dataclasses.replace(
        device,
        neuron=base.neuron,
        neuron_variation=base.neuron_variation,
        imperfections=base.imperfections,
        electrical=base.electrical,
        neuron_electrical=base.neuron_electrical,
    )


def lent_synapse(polarities: Mapping[Polarity, object], synapse: Synapse) -> list[str]:
    """Return the device file's keys of every value of the synapse that the base lends.

    Parameters
    ----------
    polarities : mapping of Polarity to object
        Polarities that were measured.
    synapse : Synapse
        Synapse of the device.
    """
    record = synapse.record()
    if not polarities:
        return _keys_of(record, "synapse")
    lacking = [one.name.lower() for one in Polarity if one not in polarities]
    keys = _keys_of({name: record[name] for name in lacking}, "synapse")
    keys = [key for key in keys if not key.endswith(("R_min", "R_max"))]
    variation = {kind: dict.fromkeys(lacking, 0) for kind in ("c2c", "d2d") if kind in record}
    return keys + _keys_of(variation, "synapse")


def lent_rest(base: Device, neuron: bool) -> list[str]:
    """Return the device file's keys that `with_rest` takes from the base.

    Parameters
    ----------
    base : Device
        The base.
    neuron : bool
        True if the neuron is among them.
    """
    imperfections = dataclasses.asdict(base.imperfections)
    keys = _keys_of(dataclasses.asdict(base.electrical), "synapse.electrical")
    if neuron:
        keys += _keys_of(neuron_to_dict(base.neuron), "neuron")
        keys += _keys_of(dataclasses.asdict(base.neuron_variation), "neuron.variation")
    keys += _keys_of(dataclasses.asdict(base.neuron_electrical), "neuron.electrical")
    present = {key: value for key, value in imperfections.items() if value not in (0, "either")}
    return keys + _keys_of(present, "imperfections")


def _keys_of(part: Any, name: str) -> list[str]:
    """Return every key of a part of a device file that has a value, with its tables."""
    if not isinstance(part, Mapping):
        return [] if part is None else [name]
    return [key for one, value in part.items() for key in _keys_of(value, f"{name}.{one}")]
