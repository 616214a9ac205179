"""The engine's stages at work, clock by clock, image by image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

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

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
"""Colours of images, each its own as long as they last; their numbers stand beside them."""
EVENT, LAST_EVENT, SUM, LAST_SUM = range(4)
"""Bits of a layer in the engine's activity word."""


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


def stage_spans(activity: npt.NDArray[np.integer], layer: int, taken: int, last: int) -> list[Span]:
    """When a stage worked on each image.

    Parameters
    ----------
    activity : ndarray of int, shape (clocks,)
        The engine's activity word in each clock, from before the first image on.
    layer : int
        Layer of the stage.
    taken, last : int
        Bits of the stage: something is taken, and it is an image's last.

    Returns
    -------
    list of Span
        Image by image; the last one may be cut off by the trace's end.
    """
    bits = activity >> (4 * layer)
    busy = np.flatnonzero(bits >> taken & 1)
    ends = np.flatnonzero(bits >> last & 1)
    spans = []
    for image, part in enumerate(np.split(busy, np.searchsorted(busy, ends, side="right"))):
        if part.size:
            spans.append(Span(image, int(part[0]), int(part[-1]), part))
    return spans


def runs(clocks: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Start and length of each run of clocks that follow one another."""
    breaks = np.flatnonzero(np.diff(clocks) > 1) + 1
    return [(int(part[0]), len(part)) for part in np.split(clocks, breaks) if part.size]


def _draw_span(axes: Axes, place: int, span: Span, start: int, end: int) -> None:
    """Draw a stage's work on an image, with the image's number inside it or beside it."""
    colour = COLOURS[span.image % len(COLOURS)]
    width = span.last - span.first + 1
    for taken, height, alpha in (
        ([(span.first, width)], 0.72, 0.18),
        (runs(span.busy), 0.5, None),
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
def timeline(activity: npt.NDArray[np.integer], layers: int, images: int = 6) -> Figure:
    """Draw which image each stage works on, over the clocks.

    Parameters
    ----------
    activity : ndarray of int, shape (clocks,)
        The engine's activity word in each clock, from before the first image on.
    layers : int
        Layers of the engine.
    images : int
        Images to draw.
    """
    stages = []
    for layer in range(layers):
        final = layer == layers - 1
        stages.append((f"crossbar {layer}\nrows driven", layer, EVENT, LAST_EVENT))
        name = "readout\nlogits" if final else f"neurons {layer}\ncolumn sums"
        stages.append((name, layer, SUM, LAST_SUM))
    drawn = [stage_spans(activity, *stage[1:])[:images] for stage in stages]
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
    axes.set_yticks(range(len(stages)), [name for name, *_ in stages])
    axes.set_ylim(len(stages) - 0.5, -0.5)
    axes.set_xlim(0, 1.015 * (end - start + 1))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("clock")
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
