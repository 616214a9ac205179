"""Dots along an axis, one strip for each of several things."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.charts.svg import (
    BOLD,
    LINE,
    Draw,
    label,
    legend,
    line,
    mark,
    shortened,
    tick_label,
    wrapped,
)
from allspin.sim.drawing.scale import Axis, Scale

RADIUS = 3.4
HEIGHT = 34
"""Of a strip's plot, in pixels."""


@dataclass(frozen=True)
class Strip:
    """A strip.

    Parameters
    ----------
    label : str
        What it is.
    values : sequence of float
        A dot each.
    figure : str
        What it comes to, with its unit.
    mean : float, optional
        Drawn as a bar across the strip.
    """

    label: str
    values: Sequence[float]
    figure: str
    mean: float | None = None


def _stacked(places: Sequence[float], most: int) -> list[float]:
    """Offsets that keep dots which share a place apart, above and below the middle in turn."""
    taken: dict[int, int] = {}
    offsets = []
    for where in places:
        column = round(where / (2 * RADIUS))
        count = taken.get(column, 0)
        taken[column] = count + 1
        step = min(count, most)
        offsets.append(((step + 1) // 2) * (1 if step % 2 else -1) * 1.3 * RADIUS)
    return offsets


def _sample(style: int) -> Callable[[float, float], h.Node]:
    return lambda x, y: mark(style, x + 13, y, RADIUS)


def _names(guides: Sequence[tuple[float, str]], scale: Scale, width: int) -> Iterator[h.Node]:
    for number, (value, name) in enumerate(guides):
        late = scale(value) > width / 2
        yield label(
            scale(value) + (4 if late else -4),
            12 + LINE * number,
            name,
            "small",
            "end" if late else "start",
        )


def _dots(strip: Strip, scale: Scale, middle: float, style: int | None) -> Iterator[h.Node]:
    """A strip's dots: stacked and of one style, or each of its own and joined by a line."""
    places = [scale(value) for value in strip.values]
    if style is not None:
        for x, offset in zip(places, _stacked(places, 7), strict=True):
            yield mark(style, x, middle + offset, RADIUS)
        return
    if len(places) > 1:
        yield line(min(places), middle, max(places), middle, "between")
    for number, x in enumerate(places):
        yield mark(number, x, middle, RADIUS)


def _strip(
    strip: Strip, scale: Scale, y: float, width: int, style: int | None
) -> tuple[float, list[h.Node]]:
    """Where a strip ends, and what is drawn of it: label and figure, rail, dots, mean."""
    drawn: list[h.Node] = []
    room = width - (8 * len(strip.figure) + 8)
    for number, text in enumerate(wrapped(strip.label, room, BOLD)):
        drawn.append(label(0, y + 13, text, "strong halo"))
        if number == 0:
            drawn.append(label(width, y + 13, strip.figure, "figure-text halo", "end"))
        y += LINE
    middle = y + HEIGHT / 2
    drawn += [line(0, middle, width, middle, "rail"), *_dots(strip, scale, middle, style)]
    if strip.mean is not None:
        x = scale(strip.mean)
        drawn.append(line(x, middle - 13, x, middle + 13, "mean"))
    return y + HEIGHT + 8, drawn


def strips_chart(
    strips: Sequence[Strip],
    axis: Axis,
    *,
    guides: Sequence[tuple[float, str]] = (),
    first_style: int = 0,
    marks: Sequence[str] = (),
) -> Draw:
    """Draw strips, each below its label.

    Parameters
    ----------
    strips : sequence of Strip
        At least one, and one of them with a value.
    axis : Axis
        The axis that they share.
    guides : sequence of (float, str)
        Lines across all strips, with what they are.
    first_style : int
        Look of the first strip's dots; the next follow.
    marks : sequence of str
        What each value of a strip is; then the values have looks, and not the strips.
    """
    values = [value for strip in strips for value in strip.values]
    ends = axis.around([*values, *(value for value, _ in guides)], 0.05)

    def draw(width: int) -> tuple[float, h.Node]:
        scale = Scale(*ends, 8, width - 8, axis.log)
        top, drawn = LINE * len(guides), list(_names(guides, scale, width))
        if marks:
            top, drawn = legend([(name, _sample(n)) for n, name in enumerate(marks)], width, 0)
        bottom = top + 4
        body: list[h.Node] = []
        plots: list[float] = []
        for number, strip in enumerate(strips):
            style = None if marks else first_style + number
            bottom, nodes = _strip(strip, scale, bottom, width, style)
            body += nodes
            plots.append(bottom - 8)
        # Beside the dots only, so that no line goes through a label.
        for value, _ in guides:
            x = scale(value)
            drawn += [line(x, plot - HEIGHT, x, plot, "guide") for plot in plots]
        for tick in axis.ticks(ends, 9 if width > 500 else 5):
            x = scale(tick)
            drawn.append(line(x, top + 4, x, bottom, "grid"))
            drawn.append(line(x, bottom, x, bottom + 4, "axis-line"))
            body.append(tick_label(x, bottom + 18, tick, width))
        drawn.append(line(0, bottom, width, bottom, "axis-line"))
        body.append(label(width, bottom + 36, shortened(axis.label, width), "axis", "end"))
        return bottom + 42, [drawn, body]

    return draw
