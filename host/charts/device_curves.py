"""Charts of a device: R_AH against pulses, and the neuron's output against its current."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from allspin.host.draw.style import (
    BLUE,
    R_AH,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.show.say import shortened
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.device_deviates import UNIT, device_deviates
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.device.device import Device
from allspin.sim.synapse.response import Polarity

POINTS = 61
"""Most points of a curve."""
DRAWN = 12
"""Cells and neurons of a chip that are drawn: the first ones of the first layer."""
COLOURS = (BLUE, VERMILION)
WIDTH, HEIGHT = 5.4, 3.2
"""Size of a picture, in inches."""


def pulses_and_spread(device: Device, polarity: Polarity) -> tuple[npt.NDArray[np.float64], ...]:
    """Return whole pulses, the mean R_AH after each, and its standard deviation by C2C."""
    across = device.synapse.pulses_across(polarity)
    pulses = np.unique(np.rint(np.linspace(0, across, min(across + 1, POINTS))))
    law = device.synapse.written(polarity, pulses).law
    return pulses, law.mean, np.where(pulses > 0, law.cycle, 0.0)


@styled
def synapse_curve(device: Device, chip: Chip | None = None) -> Figure:
    """Draw R_AH against pulses of either polarity.

    Parameters
    ----------
    device : Device
        The mean device, with a band of one standard deviation of C2C.
    chip : Chip, optional
        Some of its cells are drawn in place of the band, without C2C.
    """
    figure = new_figure(WIDTH, HEIGHT, "The synapse: R_AH against pulses".replace("R_AH", R_AH))
    axes = figure.subplots()
    for polarity, colour in zip(Polarity, COLOURS, strict=True):
        pulses, mean, cycle = pulses_and_spread(device, polarity)
        if chip is None:
            axes.fill_between(pulses, mean - cycle, mean + cycle, color=colour, alpha=0.18, lw=0)
        else:
            own = device_deviates(device.synapse, chip.seed, 0, (DRAWN, 1))[polarity][:, 0]
            cells = [device.synapse.curve(polarity, pulses, deviate) for deviate in own]
            axes.plot(pulses, np.transpose(cells), color=colour, linewidth=0.6, alpha=0.5)
        style = "--" if polarity else "-"
        axes.plot(pulses, mean, style, color=colour, linewidth=2, label=polarity.name.lower())
    unit = name_text(shortened(device.unit, 24))
    axes.set(xlabel="pulses since saturation", ylabel=f"{R_AH} ({unit})")
    axes.legend()
    add_grid(axes)
    return figure


@styled
def response_curve(device: Device, chip: Chip | None = None) -> Figure:
    """Draw the neuron's output against its input current, both as shares of full scale.

    Parameters
    ----------
    device : Device
        The mean device.
    chip : Chip, optional
        Some of its neurons are drawn too.
    """
    figure = new_figure(WIDTH, HEIGHT, "The neuron: output against input current")
    axes = figure.subplots()
    current = np.linspace(0, 1, POINTS)
    if chip is not None:
        deviates = [
            column_normals(chip.seed, 0, purpose, DRAWN) * UNIT
            for purpose in (Purpose.NEURON_GAIN, Purpose.NEURON_THRESHOLD)
        ]
        for gain, threshold in zip(*deviates, strict=True):
            own = device.neuron_variation.respond(device.neuron, current, gain, threshold)
            axes.plot(current, own, color=BLUE, linewidth=0.6, alpha=0.5)
    axes.plot(current, device.neuron.response(current), color=BLUE, linewidth=2)
    axes.set(
        ylim=(0, 1.04), xlabel="input current (of full scale)", ylabel="output (of full scale)"
    )
    add_grid(axes)
    return figure
