"""Chart of the hidden neurons: the device's response, and the steps of the machine's table."""

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from allspin.host.draw.style import (
    BLUE,
    R_AH,
    SOFT,
    VERMILION,
    add_grid,
    new_figure,
    styled,
)
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network


def full_scale(device: Device | None) -> tuple[str, str]:
    """Return the full-scale current and R_AH of a neuron, if they were measured.

    Parameters
    ----------
    device : Device or None
        Device of `allspin fit`, whose curves in ampere and ohm state both.

    Returns
    -------
    current, resistance : str
        Texts such as ``0.35 uA`` and ``1.2 ohm``; empty if unknown.
    """
    if device is None or device.unit != "ohm":
        return "", ""
    try:
        neuron = device.source["fit"]["neuron"]
        current = float(neuron["full_current"])
        resistance = float(neuron["full_resistance"])
    except (KeyError, TypeError, ValueError):
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
        Device of the neurons: axes have the units that its file has.
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
            label=f"table: {size} \N{MULTIPLICATION SIGN} {network.hidden_bits} bits",
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
        if knees.threshold <= 1:
            place = knees.threshold * (size - 1)
            axes.axvline(place, color=SOFT, linestyle=":", linewidth=1)
            _annotate(axes, "switching starts", (place, 0.5 * top), 4, "left")
        if knees.end <= 1:
            place = knees.end * (size - 1)
            axes.axvline(place, color=SOFT, linestyle=":", linewidth=1)
            _annotate(axes, "saturated", (place, 0.25 * top), -4, "right")
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


def _annotate(
    axes: Axes, text: str, place: tuple[float, float], away: float, side: Literal["left", "right"]
) -> None:
    """Write a text beside a place, `away` points from it."""
    axes.annotate(text, place, xytext=(away, 0), textcoords="offset points", ha=side, fontsize=8)


@styled
def neuron_curve(network: Network, device: Device | None = None) -> Figure:
    """Draw the hidden neurons' response with the steps of their table.

    Parameters
    ----------
    network : Network
        A network with a hidden layer.
    device : Device, optional
        Device of the neurons.
    """
    name = network.neuron.title or network.neuron.name
    figure = new_figure(7, 4.2, f"The {name} neuron, and what the machine keeps of it")
    draw_curve(figure.subplots(), network, device)
    return figure
