"""A device's curves: R_AH over pulses, the neuron's output over current, and those of a chip."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allspin.host.draw.style import (
    BLUE,
    R_AH,
    SOFT,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.show.say import shortened
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, cell_normals, column_normals
from allspin.sim.chip.words import D2D, UNIT
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.synapse.response import Polarity

POINTS = 61
"""Most points of a curve."""
DRAWN = 12
"""How many cells and neurons of a chip are drawn: the first ones of the first layer."""
COLOURS = (BLUE, VERMILION)
WIDTH, HEIGHT = 5.4, 3.2
"""Of a picture, in inches."""


def pulse_counts(device: Device, polarity: Polarity) -> npt.NDArray[np.float64]:
    """Whole pulses at which the curve of a polarity is drawn."""
    across = device.synapse.pulses_across(polarity)
    return np.unique(np.rint(np.linspace(0, across, min(across + 1, POINTS))))


def pulses_and_spread(device: Device, polarity: Polarity) -> tuple[npt.NDArray[np.float64], ...]:
    """Pulses, the mean R_AH after each, and the standard deviation from write to write (C2C)."""
    pulses = pulse_counts(device, polarity)
    law = device.synapse.written(polarity, pulses).law
    return pulses, law.mean, np.where(pulses > 0, law.cycle, 0.0)


@styled
def synapse_curve(device: Device, chip: Chip | None = None) -> Figure:
    """Draw R_AH over pulses of either polarity.

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
            own = cell_normals(chip.seed, 0, D2D[polarity], (DRAWN, 1))[:, 0] * UNIT
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
    """Draw the neuron's output over its input current, both of full scale.

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


# The neuron's curve, and the steps that its table makes of it.


def full_scale(device: Device | None) -> tuple[str, str]:
    """What the largest current and the largest R_AH of a neuron are, where they were measured.

    Parameters
    ----------
    device : Device or None
        What `allspin fit` made of curves in ampere and ohm tells both.

    Returns
    -------
    current, resistance : str
        Such as ``0.35 uA`` and ``1.2 ohm``; empty where it is not known.
    """
    fitted = {} if device is None else device.source.get("fit", {})
    neuron = fitted.get("neuron", {}) if isinstance(fitted, dict) else {}
    try:
        current, resistance = float(neuron["full_current"]), float(neuron["full_resistance"])
    except (KeyError, TypeError, ValueError):
        return "", ""
    if device is None or device.unit != "ohm":
        return "", ""
    return f"{1e6 * current:.3g} \N{MICRO SIGN}A", f"{resistance:.3g} ohm"


def draw_curve(axes: Axes, network: Network, device: Device | None = None) -> None:
    """Draw response and table of a network's hidden neurons into axes.

    Parameters
    ----------
    axes : Axes
        Where to.
    network : Network
        A network with a hidden layer.
    device : Device, optional
        What it is made of: units are told where its file has them.
    """
    size = 2**network.current_bits
    top = 2**network.hidden_bits - 1
    fine = np.linspace(0, 1, 2001)
    table = network.layers[0].table
    if table is not None:
        axes.step(
            np.arange(size + 1) - 0.5,
            np.append(table, table[-1]),
            where="post",
            color=VERMILION,
            linewidth=1.2,
            label=f"table: {size} entries of {network.hidden_bits} bits",
        )
    axes.plot(
        fine * (size - 1),
        network.neuron.response(fine) * top,
        color=BLUE,
        linewidth=2.2,
        alpha=0.75,
        label="device",
    )
    knees = network.neuron.knees
    if knees is not None:
        for place, text, side in (
            (knees.threshold, "switching starts", "left"),
            (knees.end, "saturated", "right"),
        ):
            if place <= 1:
                axes.axvline(place * (size - 1), color=SOFT, linestyle=":", linewidth=1)
                axes.annotate(
                    text,
                    (place * (size - 1), 0.5 * top if side == "left" else 0.25 * top),
                    xytext=(4 if side == "left" else -4, 0),
                    textcoords="offset points",
                    ha=side,
                    fontsize=8,
                )
    xticks = [*range(0, size - 1, size // 8), size - 1]
    yticks = sorted({round(step * top / 5) for step in range(6)})
    axes.set(xlim=(0, size - 1), ylim=(0, top * 1.04), xticks=xticks, yticks=yticks)
    current, resistance = full_scale(device)
    full = f"; {size - 1} is {current}" if current else ""
    more = f";\n{top} is {resistance}" if resistance else ""
    axes.set_xlabel(f"input current (LSB{full})")
    axes.set_ylabel(f"activation: {R_AH} above reset\n(LSB{more})")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    add_grid(axes)


@styled
def neuron_curve(network: Network, device: Device | None = None) -> Figure:
    """Draw the hidden neurons' response with their table's steps over it.

    Parameters
    ----------
    network : Network
        A network with a hidden layer.
    device : Device, optional
        What it is made of.
    """
    name = network.neuron.title or network.neuron.name
    figure = new_figure(7, 4.2, f"The {name} neuron, and what the machine keeps of it")
    draw_curve(figure.subplots(), network, device)
    return figure
