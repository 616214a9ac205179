"""Dots along an axis, one strip for each of several things."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.charts.scale import Scale, linear_ticks, log_ticks, padded, tick_text
from allspin.host.report.charts.svg import (
    BOLD,
    LINE,
    Draw,
    edge_anchor,
    label,
    legend,
    line,
    mark,
    shortened,
    wrapped,
)

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


def strips_chart(
    strips: Sequence[Strip],
    axis: str,
    *,
    log: bool = False,
    ends: tuple[float, float] | None = None,
    guides: Sequence[tuple[float, str]] = (),
    first_style: int = 0,
    marks: Sequence[str] = (),
) -> Draw:
    """Draw strips, each below its label.

    Parameters
    ----------
    strips : sequence of Strip
        At least one, and one of them with a value.
    axis : str
        What the axis is, with its unit.
    log : bool
        Whether it is logarithmic.
    ends : tuple of float, optional
        Where it starts and ends; around the values by default.
    guides : sequence of (float, str)
        Lines across all strips, with what they are.
    first_style : int
        Look of the first strip's dots; the next follow.
    marks : sequence of str
        What each value of a strip is; then the values have looks, and not the strips.
    """
    values = [value for strip in strips for value in strip.values]
    low, high = ends or padded([*values, *(value for value, _ in guides)], log, 0.05)

    def draw(width: int) -> tuple[float, h.Node]:
        drawn: list[h.Node] = []
        scale = Scale(low, high, 8, width - 8, log)
        y = 0.0
        top = LINE * len(guides)
        for number, (value, name) in enumerate(guides):
            late = scale(value) > width / 2
            drawn.append(
                label(
                    scale(value) + (4 if late else -4),
                    12 + LINE * number,
                    name,
                    "small",
                    "end" if late else "start",
                )
            )
        if marks:
            top, drawn = legend([(name, _sample(n)) for n, name in enumerate(marks)], width, 0)
        y = top + 4
        body: list[h.Node] = []
        for number, strip in enumerate(strips):
            figure_room = 8 * len(strip.figure) + 8
            for place, text in enumerate(wrapped(strip.label, width - figure_room, BOLD)):
                body.append(label(0, y + 13, text, "strong halo"))
                if place == 0:
                    body.append(label(width, y + 13, strip.figure, "figure-text halo", "end"))
                y += LINE
            middle = y + HEIGHT / 2
            body.append(line(0, middle, width, middle, "rail"))
            offsets = _stacked([scale(value) for value in strip.values], 7)
            if marks and len(strip.values) > 1:
                ends = scale(min(strip.values)), scale(max(strip.values))
                body.append(line(ends[0], middle, ends[1], middle, "between"))
            for place, (value, offset) in enumerate(zip(strip.values, offsets, strict=True)):
                style = place if marks else first_style + number
                body.append(mark(style, scale(value), middle + offset * (not marks), RADIUS))
            if strip.mean is not None:
                x = scale(strip.mean)
                body.append(line(x, middle - 13, x, middle + 13, "mean"))
            y += HEIGHT + 8
        bottom = y
        for value, _ in guides:
            drawn.append(line(scale(value), top + 2, scale(value), bottom, "guide"))
        find = log_ticks if log else linear_ticks
        for tick in find(low, high, 9 if width > 500 else 5):
            drawn.append(line(scale(tick), top + 4, scale(tick), bottom, "grid"))
            drawn.append(line(scale(tick), bottom, scale(tick), bottom + 4, "axis-line"))
            anchor = edge_anchor(scale(tick), tick_text(tick), width)
            body.append(label(scale(tick), bottom + 18, tick_text(tick), "tick", anchor))
        drawn.append(line(0, bottom, width, bottom, "axis-line"))
        body.append(label(width, bottom + 36, shortened(axis, width), "axis", "end"))
        return bottom + 42, [drawn, body]

    return draw
