"""How much of each variation of a device a page may turn up or down."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from allspin.host.study.sweep.point import scaled
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import UNITS

HIGHEST = (3.0, 2.5, 2.0, 1.5, 1.0)
"""Factors that a knob may go up to, the first that the device's figures take."""
STEP = 0.05
OLDEST = 9.0
"""Decades of seconds, some thirty years."""

SCALES = {
    "c2c": "C2C of synapses",
    "d2d": "D2D of synapses",
    "neuron_d2d": "D2D of neurons",
    "neuron_c2c": "C2C of neurons",
}
"""The variations that are multiplied, in the words of the page."""
AGE = "age"


@dataclass(frozen=True)
class Knob:
    """A slider of the page.

    Attributes
    ----------
    name : str
        Of what it turns.
    title, unit : str
        What the page calls it, and what its value is of.
    high, step, value : float
        It goes from 0 to `high` by `step`, and stands at `value` at first.
    """

    name: str
    title: str
    unit: str
    high: float
    step: float
    value: float


def _takes(device: Device, name: str, factor: float) -> bool:
    try:
        turned(device, {name: factor})
    except ValueError:
        return False
    return True


def _highest(device: Device, name: str) -> float:
    return next((factor for factor in HIGHEST if _takes(device, name, factor)), 1.0)


def _varies(device: Device, name: str) -> bool:
    """Whether a variation of `SCALES` is there to be multiplied."""
    neuron = device.neuron_variation
    match name:
        case "d2d":
            return device.synapse.devices_differ
        case "neuron_d2d":
            return bool(neuron.gain or neuron.threshold)
        case "neuron_c2c":
            return bool(neuron.use)
    return True


def knobs(device: Device) -> tuple[Knob, ...]:
    """The sliders of a device: one for each variation that it has.

    Parameters
    ----------
    device : Device
        What chips are made of.
    """
    found = [
        Knob(name, title, "times the device's", _highest(device, name), STEP, 1.0)
        for name, title in SCALES.items()
        if _varies(device, name)
    ]
    wrong = device.imperfections
    for name, unit in UNITS.items():
        if value := getattr(wrong, name):
            said = f"times {value:g} {unit}"
            title = name.replace("_", " ")
            found.append(Knob(name, title, said, _highest(device, name), STEP, 1.0))
    if wrong.drift or wrong.drift_spread or wrong.retention is not None:
        found.append(Knob(AGE, "age", "decades of seconds", OLDEST, 0.25, wrong.decades))
    return tuple(found)


def turned(device: Device, values: Mapping[str, float]) -> Device:
    """A device with its variation turned up or down.

    Parameters
    ----------
    device : Device
        The device.
    values : mapping
        Values of knobs by their names; those that are missing leave it as it is.

    Raises
    ------
    ValueError
        If a figure leaves its range.
    """
    varied = scaled(device, *(values.get(name, 1.0) for name in SCALES))
    wrong = device.imperfections
    changed = {
        name: getattr(wrong, name) * factor for name, factor in values.items() if name in UNITS
    }
    if AGE in values:
        changed[AGE] = 10 ** values[AGE] - 1
    if not changed:
        return varied
    return dataclasses.replace(varied, imperfections=dataclasses.replace(wrong, **changed))
