"""A device's curves: R_AH over pulses, the neuron's output over current, and those of a chip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from allspin.hdl.parameters.engine_parameters import EVENT, LAST_EVENT, LAST_SUM, SUM
from allspin.host.draw.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    R_AH,
    SKY,
    SOFT,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.show.say import shortened
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.chip.words import UNIT, device_deviates
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


def pulses_and_spread(device: Device, polarity: Polarity) -> tuple[npt.NDArray[np.float64], ...]:
    """Whole pulses, the mean R_AH after each, and its deviation from write to write (C2C)."""
    across = device.synapse.pulses_across(polarity)
    pulses = np.unique(np.rint(np.linspace(0, across, min(across + 1, POINTS))))
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


IMAGE_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
"""Colours of images, each its own as long as they last; their numbers stand beside them."""


@dataclass(frozen=True)
class Span:
    """When a stage worked on an image.

    Attributes
    ----------
    image : int
        The image, counted from the first in the trace.
    first, last : int
        Clocks of the first and of the last thing it took.
    busy : ndarray of int
        All clocks in which it took something.
    """

    image: int
    first: int
    last: int
    busy: npt.NDArray[np.int64]


def stage_spans(
    activity: npt.NDArray[np.integer], layer: int, taken: int, last: int, positions: int = 1
) -> list[Span]:
    """When a stage worked on each image.

    Parameters
    ----------
    activity : ndarray of int, shape (clocks,)
        The engine's activity word in each clock, from before the first image on.
    layer : int
        Layer of the stage.
    taken, last : int
        Bits of the stage: something is taken, and it is a position's last.
    positions : int
        How often an image uses the layer's crossbar.

    Returns
    -------
    list of Span
        Image by image; the last one may be cut off by the trace's end.
    """
    bits = activity >> (4 * layer)
    busy = np.flatnonzero(bits >> taken & 1)
    ends = np.flatnonzero(bits >> last & 1)[positions - 1 :: positions]
    spans = []
    for image, part in enumerate(np.split(busy, np.searchsorted(busy, ends, side="right"))):
        if part.size:
            spans.append(Span(image, int(part[0]), int(part[-1]), part))
    return spans


def traced_stages(
    activity: npt.NDArray[np.integer], positions: Sequence[int], images: int
) -> list[tuple[str, list[Span]]]:
    """What each stage is called, and when it worked on the first so many images.

    `positions` are those of each layer.
    """
    stages = []
    for layer, number in enumerate(positions):
        rows = stage_spans(activity, layer, EVENT, LAST_EVENT, number)
        sums = stage_spans(activity, layer, SUM, LAST_SUM, number)
        name = "readout: logits" if layer == len(positions) - 1 else f"neurons {layer}: column sums"
        stages.append((f"crossbar {layer}: rows driven", rows[:images]))
        stages.append((name, sums[:images]))
    return stages


def runs(clocks: npt.NDArray[np.int64], gap: int = 1) -> list[tuple[int, int]]:
    """Start and length of each run of clocks that are at most so many apart."""
    parts = np.split(clocks, np.flatnonzero(np.diff(clocks) > gap) + 1)
    return [(int(part[0]), int(part[-1] - part[0]) + 1) for part in parts if part.size]


def _draw_span(axes: Axes, place: int, span: Span, start: int, end: int) -> None:
    """Draw a stage's work on an image, with the image's number inside it or beside it."""
    colour = IMAGE_COLOURS[span.image % len(IMAGE_COLOURS)]
    width = span.last - span.first + 1
    for taken, height, alpha in (
        ([(span.first, width)], 0.72, 0.18),
        # What is closer than could be seen is one run.
        (runs(span.busy, max(1, (end - start) // 2000)), 0.5, None),
    ):
        axes.broken_barh(
            [(first - start, length) for first, length in taken],
            (place - 0.36, height),
            facecolor=colour,
            alpha=alpha,
            linewidth=0,
        )
    inside = width > 0.02 * (end - start)
    text = f"image {span.image}" if width > 0.07 * (end - start) else f"{span.image}"
    axes.text(
        (span.first + span.last + 1) / 2 - start if inside else span.last + 1 - start,
        place + 0.245,
        text if inside else f" {span.image}",
        ha="center" if inside else "left",
        va="center",
        fontsize=7,
    )


@styled
def timeline(
    activity: npt.NDArray[np.integer], positions: Sequence[int], images: int = 6
) -> Figure:
    """Draw which image each stage works on, over the clocks.

    Parameters
    ----------
    activity : ndarray of int, shape (clocks,)
        The engine's activity word in each clock, from before the first image on.
    positions : sequence of int
        How often an image uses each layer's crossbar.
    images : int
        Images to draw.
    """
    stages = traced_stages(activity, positions, images)
    drawn = [spans for _, spans in stages]
    start = min((spans[0].first for spans in drawn if spans), default=0)
    end = max((spans[-1].last for spans in drawn if spans), default=1)
    complete = len(drawn[-1])
    figure = new_figure(
        10,
        0.75 * len(stages) + 1.2,
        f"The engine's stages overlap: {complete} images in {end - start + 1:,} clocks",
    )
    axes = figure.subplots()
    for place, spans in enumerate(drawn):
        for span in spans:
            _draw_span(axes, place, span, start, end)
    for span in drawn[0]:
        axes.axvline(span.first - start, color=SOFT, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_yticks(range(len(stages)), [name.replace(": ", "\n") for name, _ in stages])
    across = (0, 1.015 * (end - start + 1))
    axes.set(ylim=(len(stages) - 0.5, -0.5), xlim=across, xlabel="clock")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.legend(
        handles=[
            Patch(color=SOFT, label="something is taken"),
            Patch(color=SOFT, alpha=0.25, label="from an image's first to its last"),
            Line2D([], [], color=SOFT, linestyle=":", label="an image's first row is driven"),
        ],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=3,
        fontsize=8,
        borderaxespad=0.2,
    )
    return figure
