"""Values of a base device that replace missing data."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from allspin.sim.device.device import Device
from allspin.sim.network.neuron import neuron_to_dict


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


def lent_synapse(base: Device) -> list[str]:
    """Return the device file's keys of every value of the base's synapse."""
    return _keys_of(base.synapse.record(), "synapse")


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
