"""Chart of the engine's stages over the clocks, from the traced activity."""

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
    SKY,
    SOFT,
    VERMILION,
    new_figure,
    styled,
)

IMAGE_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
"""Colours of images, in turn; the images' numbers stand beside them."""


@dataclass(frozen=True)
class Span:
    """Interval in which a stage worked on an image.

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
    """Return the intervals in which a stage worked on each image.

    Parameters
    ----------
    activity : ndarray of int, shape (clocks,)
        The engine's activity word in each clock, from before the first image on.
    layer : int
        Layer of the stage.
    taken, last : int
        Bits of the stage: it takes an item, and the item is a position's last.
    positions : int
        How often an image uses the layer's crossbar.

    Returns
    -------
    list of Span
        Image by image; the last one may be cut off by the trace's end.
    """
    bits = activity >> (4 * layer)
    busy = np.flatnonzero(bits >> taken & 1)
    ends = np.flatnonzero(bits >> last & 1)
    image_ends = ends[positions - 1 :: positions]
    parts = np.split(busy, np.searchsorted(busy, image_ends, side="right"))
    spans = []
    for image, part in enumerate(parts):
        if part.size:
            spans.append(Span(image, int(part[0]), int(part[-1]), part))
    return spans


def traced_stages(
    activity: npt.NDArray[np.integer], positions: Sequence[int], images: int
) -> list[tuple[str, list[Span]]]:
    """Return each stage's name, and its intervals of the first `images` images.

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
    """Return start and length of each run of clocks at most `gap` apart."""
    ends = np.flatnonzero(np.diff(clocks) > gap) + 1
    found = []
    for run in np.split(clocks, ends):
        if run.size:
            first = int(run[0])
            last = int(run[-1])
            found.append((first, last - first + 1))
    return found


def _draw_span(axes: Axes, place: int, span: Span, start: int, end: int) -> None:
    """Draw a stage's work on an image, with the image's number inside or beside it."""
    colour = IMAGE_COLOURS[span.image % len(IMAGE_COLOURS)]
    clocks = end - start
    width = span.last - span.first + 1
    left = span.first - start
    axes.broken_barh(
        [(left, width)], (place - 0.36, 0.72), facecolor=colour, alpha=0.18, linewidth=0
    )
    # Gaps narrower than a pixel are not drawn.
    gap = max(1, clocks // 2000)
    taken = [(first - start, length) for first, length in runs(span.busy, gap)]
    axes.broken_barh(taken, (place - 0.36, 0.5), facecolor=colour, linewidth=0)
    below = place + 0.245
    if width <= 0.02 * clocks:
        axes.text(left + width, below, f" {span.image}", ha="left", va="center", fontsize=7)
        return
    text = f"image {span.image}" if width > 0.07 * clocks else f"{span.image}"
    axes.text(left + width / 2, below, text, ha="center", va="center", fontsize=7)


@styled
def timeline(
    activity: npt.NDArray[np.integer], positions: Sequence[int], images: int = 6
) -> Figure:
    """Draw the image that each stage works on, over the clocks.

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
    clocks = end - start + 1
    title = f"The engine's stages overlap: {len(drawn[-1])} images in {clocks:,} clocks"
    figure = new_figure(10, 0.75 * len(stages) + 1.2, title)
    axes = figure.subplots()
    for place, spans in enumerate(drawn):
        for span in spans:
            _draw_span(axes, place, span, start, end)
    for span in drawn[0]:
        axes.axvline(span.first - start, color=SOFT, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_yticks(range(len(stages)), [name.replace(": ", "\n") for name, _ in stages])
    axes.set(ylim=(len(stages) - 0.5, -0.5), xlim=(0, 1.015 * clocks), xlabel="clock")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    handles = [
        Patch(color=SOFT, label="something is taken"),
        Patch(color=SOFT, alpha=0.25, label="from an image's first to its last"),
        Line2D([], [], color=SOFT, linestyle=":", label="an image's first row is driven"),
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=3,
        fontsize=8,
        borderaxespad=0.2,
    )
    return figure
