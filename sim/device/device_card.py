"""What a notebook shows of a device: the synapse's and the neuron's curve, and how both vary."""

from typing import TYPE_CHECKING

import numpy as np

from allspin.sim.drawing import Axis, Line, card, lines_svg
from allspin.sim.synapse.response import Polarity

if TYPE_CHECKING:
    from allspin.sim.device.device import Device

POINTS = 61
"""Most points of a curve."""
NEURON_AXES = Axis("input current (of full scale)"), Axis("output (of full scale)", ends=(0, 1.04))


def pulse_axes(device: "Device") -> tuple[Axis, Axis]:
    """Axes of R_AH over pulses."""
    return Axis("pulses since saturation"), Axis(f"R_AH ({device.unit})")


def pulse_counts(device: "Device", polarity: Polarity) -> list[float]:
    """Whole pulses at which the curve of a polarity is drawn."""
    across = device.synapse.pulses_across(polarity)
    return np.unique(np.rint(np.linspace(0, across, min(across + 1, POINTS)))).tolist()


def _pulse_chart(device: "Device") -> str:
    lines = []
    for polarity in Polarity:
        pulses = pulse_counts(device, polarity)
        curve = device.synapse.curve(polarity, pulses)
        lines.append(Line(polarity.name.lower(), pulses, curve.tolist(), int(polarity)))
    return lines_svg("R_AH over pulses of either polarity", lines, *pulse_axes(device))


def _neuron_chart(device: "Device") -> str:
    current = np.linspace(0, 1, POINTS)
    line = Line("", current.tolist(), device.neuron.response(current).tolist())
    return lines_svg("The neuron's output over its input current", [line], *NEURON_AXES)


def device_card(device: "Device") -> str:
    """The card of a device, as HTML."""
    synapse = device.synapse
    facts = [
        ("states", synapse.states),
        ("R_AH", f"{synapse.low:.4g} to {synapse.high:.4g} ({device.unit})"),
        ("neuron", device.neuron.name),
        *(("varies" if not place else "", line) for place, line in enumerate(device.readings())),
    ]
    return card(f"Device {device.name}", facts, _pulse_chart(device), _neuron_chart(device))
