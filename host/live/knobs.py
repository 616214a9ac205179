"""Knobs of the page, which scale a device's variations and set its age."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from allspin.host.sweep.point import scale_variation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import UNITS

HIGHEST = (3.0, 2.5, 2.0, 1.5, 1.0)
"""Highest factors of a knob; a device gets the first that its figures allow."""
STEP = 0.05
OLDEST = 9.0
"""Highest age in decades of seconds, some thirty years."""

SCALES = {
    "c2c": "C2C of synapses",
    "d2d": "D2D of synapses",
    "neuron_d2d": "D2D of neurons",
    "neuron_c2c": "C2C of neurons",
}
"""Variations that are scaled, and their titles on the page."""
AGE = "age"


@dataclass(frozen=True)
class Knob:
    """Slider of the page.

    Attributes
    ----------
    name : str
        Name of the figure that it changes.
    title, unit : str
        Title on the page, and unit of the value.
    high, step, value : float
        Highest value, step, and value at first; the lowest value is 0.
    """

    name: str
    title: str
    unit: str
    high: float
    step: float
    value: float


def _highest(device: Device, name: str) -> float:
    """Return the highest factor of a knob."""
    for factor in HIGHEST[:-1]:
        with contextlib.suppress(ValueError):
            turned(device, {name: factor})
            return factor
    return HIGHEST[-1]


def knobs(device: Device) -> tuple[Knob, ...]:
    """Return the knobs of a device, one for each of its variations.

    Parameters
    ----------
    device : Device
        Device of the chips.
    """
    neuron, wrong = device.neuron_variation, device.imperfections
    there = {
        "c2c": True,
        "d2d": device.synapse.devices_differ,
        "neuron_d2d": neuron.gain or neuron.threshold,
        "neuron_c2c": neuron.use,
    }
    factors = [(name, SCALES[name], "times the device's") for name, has in there.items() if has]
    for name, unit in UNITS.items():
        if value := getattr(wrong, name):
            factors.append((name, name.replace("_", " "), f"times {value:g} {unit}"))
    found = [Knob(*factor, _highest(device, factor[0]), STEP, 1.0) for factor in factors]
    if wrong.drift or wrong.drift_spread or wrong.retention is not None:
        found.append(Knob(AGE, "age", "decades of seconds", OLDEST, 0.25, wrong.decades))
    return tuple(found)


def turned(device: Device, values: Mapping[str, float]) -> Device:
    """Return a device with its variations scaled, and its age set.

    Parameters
    ----------
    device : Device
        The device.
    values : mapping
        Values of knobs by their names; missing ones leave the device as it is.

    Raises
    ------
    ValueError
        If a figure leaves its range.
    """
    varied = scale_variation(device, *(values.get(name, 1.0) for name in SCALES))
    wrong = device.imperfections
    changed = {
        name: getattr(wrong, name) * factor for name, factor in values.items() if name in UNITS
    }
    if AGE in values:
        changed[AGE] = 10 ** values[AGE] - 1
    return replace(varied, imperfections=replace(wrong, **changed))
