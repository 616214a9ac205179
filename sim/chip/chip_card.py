"""What a notebook shows of a chip: some of its cells and neurons beside the mean device."""

from typing import TYPE_CHECKING

import numpy as np

from allspin.sim.chip.generator import Purpose, cell_normals, column_normals
from allspin.sim.chip.words import D2D, UNIT
from allspin.sim.device.device_card import NEURON_AXES, POINTS, pulse_axes, pulse_counts
from allspin.sim.drawing import Line, card, lines_svg
from allspin.sim.synapse.response import Polarity

if TYPE_CHECKING:
    from allspin.sim.chip.chip import Chip

DRAWN = 12
"""How many cells and neurons are drawn: the first ones of the first layer."""


def _pulse_chart(chip: "Chip") -> str:
    device, lines = chip.device, []
    for polarity in Polarity:
        pulses, style = pulse_counts(device, polarity), int(polarity)
        deviates = cell_normals(chip.seed, 0, D2D[polarity], (DRAWN, 1))[:, 0] * UNIT
        mean = device.synapse.curve(polarity, pulses)
        lines.append(Line(f"{polarity.name.lower()}, mean", pulses, mean.tolist(), style))
        for deviate in deviates:
            own = device.synapse.curve(polarity, pulses, deviate)
            lines.append(Line("", pulses, own.tolist(), style, faint=True))
    title = f"R_AH over pulses of {DRAWN} cells of the chip, and of the mean device"
    return lines_svg(title, lines, *pulse_axes(device))


def _neuron_chart(chip: "Chip") -> str:
    device, current = chip.device, np.linspace(0, 1, POINTS)
    gains, thresholds = (
        column_normals(chip.seed, 0, purpose, DRAWN) * UNIT
        for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
    )
    mean = device.neuron.response(current)
    lines = [Line("neuron, mean", current.tolist(), mean.tolist())]
    for gain, threshold in zip(gains, thresholds, strict=True):
        own = device.neuron_variation.respond(device.neuron, current, gain, threshold)
        lines.append(Line("", current.tolist(), own.tolist(), faint=True))
    title = f"Output over input current of {DRAWN} neurons of the chip, and of the mean one"
    return lines_svg(title, lines, *NEURON_AXES)


def chip_card(chip: "Chip") -> str:
    """The card of a chip, as HTML."""
    device = chip.device
    facts = [
        ("seed", chip.seed),
        ("device", device.name),
        ("drawn", f"the first {DRAWN} cells and neurons of the first layer, without C2C"),
        *(("varies" if not place else "", line) for place, line in enumerate(device.readings())),
    ]
    return card(
        f"Chip {chip.seed} of {device.name}", facts, _pulse_chart(chip), _neuron_chart(chip)
    )
