"""Lines over an axis."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import htpy as h

from allspin.host.report.charts import (
    LINE,
    Draw,
    box,
    label,
    legend,
    line,
    mark,
    path,
    shortened,
    text_width,
    tick_label,
)
from allspin.sim.drawing import Axis, Scale, padded, tick_text

MARKED = 30
"""A line of more points than this is marked now and then only."""


@dataclass(frozen=True)
class Series:
    """A line.

    Parameters
    ----------
    label : str
        In the legend.
    x, y : sequence of float
        Points, at least one, in the order of x.
    low, high : sequence of float, optional
        Ends of a band around it.
    step : bool
        Whether each y holds until the next x.
    marked : bool
        Whether points are marked.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    step: bool = False
    marked: bool = True


@dataclass(frozen=True)
class Guides:
    """What else is drawn to read the lines by.

    Parameters
    ----------
    vertical : sequence of (float, str)
        Lines at an x, with what they are.
    horizontal : sequence of (float, str)
        Lines at a y, with what they are.
    spans : sequence of (float, float, str)
        Parts of the x axis, every other one shaded, with what they are.
    """

    vertical: Sequence[tuple[float, str]] = ()
    horizontal: Sequence[tuple[float, str]] = ()
    spans: Sequence[tuple[float, float, str]] = field(default=())


def _points(series: Series, x: Scale, y: Scale) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for place_, value in zip(series.x, series.y, strict=True):
        if series.step and points:
            points.append((x(place_), points[-1][1]))
        points.append((x(place_), y(value)))
    return points


def _sample(style: int, series: Series) -> Callable[[float, float], h.Node]:
    return lambda x, y: [
        line(x, y, x + 26, y, f"line s{style}"),
        mark(style, x + 13, y) if series.marked else None,
    ]


def _spans(spans: Sequence[tuple[float, float, str]], x: Scale, y: Scale) -> Iterator[h.Node]:
    for number, (first, last, name) in enumerate(spans):
        width = x(last) - x(first)
        if number % 2:
            yield box(x(first), y.end, width, y.start - y.end, "span")
        middle = (x(first) + x(last)) / 2
        yield label(middle, y.end - 5, shortened(name, width), "small", "middle")


def _axes(
    x_ticks: Sequence[float], y_ticks: Sequence[float], x: Scale, y: Scale, width: int
) -> Iterator[h.Node]:
    for tick in y_ticks:
        yield line(x.start, y(tick), x.end, y(tick), "grid")
        yield label(x.start - 6, y(tick) + 4, tick_text(tick), "tick", "end")
    for tick in x_ticks:
        yield line(x(tick), y.start, x(tick), y.start + 4, "axis-line")
        yield tick_label(x(tick), y.start + 18, tick, width)
    yield line(x.start, y.start, x.end, y.start, "axis-line")


def _guides(guides: Guides, x: Scale, y: Scale) -> Iterator[h.Node]:
    for value, name in guides.horizontal:
        yield line(x.start, y(value), x.end, y(value), "guide")
        yield label(x.end, y(value) - 5, name, "small halo", "end")
    for value, name in guides.vertical:
        at = x(value)
        yield line(at, y.end, at, y.start, "guide")
        # Curves rise, mostly: there is room above at the left and below at the right.
        if at > (x.start + x.end) / 2:
            yield label(at - 5, y.start - 10, name, "small halo", "end")
        else:
            yield label(at + 5, y.end + 12, name, "small halo")


def _band(style: int, series: Series, x: Scale, y: Scale) -> h.Node:
    if series.low is None or series.high is None:
        return None
    upper = [(x(a), y(b)) for a, b in zip(series.x, series.high, strict=True)]
    lower = [(x(a), y(b)) for a, b in zip(series.x, series.low, strict=True)]
    return path(upper + lower[::-1], f"band s{style}", closed=True)


def _line(style: int, series: Series, x: Scale, y: Scale) -> Iterator[h.Node]:
    yield path(_points(series, x, y), f"line s{style}")
    if series.marked:
        count = len(series.x)
        every = -(-count // MARKED) if count > MARKED else 1
        for number in range(style * every // 3, count, every):
            yield mark(style, x(series.x[number]), y(series.y[number]), 3)


def lines_chart(
    series: Sequence[Series],
    x_axis: Axis,
    y_axis: Axis,
    guides: Guides | None = None,
    height: int = 240,
) -> Draw:
    """Draw lines.

    Parameters
    ----------
    series : sequence of Series
        At least one.
    x_axis, y_axis : Axis
        The axes.
    guides : Guides, optional
        What else is drawn.
    height : int
        Of the plot itself, in pixels, where the page is wide.
    """
    guides = guides or Guides()
    xs = [value for one in series for value in one.x]
    bands = [values for one in series for values in (one.y, one.low or (), one.high or ())]
    x_ends = x_axis.around(xs, 0.0)
    if x_ends[0] == x_ends[1]:
        x_ends = padded(xs, x_axis.log)
    y_ends = y_axis.around([*chain(*bands), *(value for value, _ in guides.horizontal)])

    def draw(width: int) -> tuple[float, h.Node]:
        entries = [(one.label, _sample(number, one)) for number, one in enumerate(series)]
        y0, drawn = legend(entries, width, 0) if len(series) > 1 else (0.0, [])
        x_ticks, y_ticks = x_axis.ticks(x_ends, 9 if width > 500 else 5), y_axis.ticks(y_ends, 6)
        left = 10 + max([text_width(tick_text(tick)) for tick in y_ticks] or [20])
        top = y0 + LINE + 8 + (LINE if guides.spans else 0)
        bottom = top + (height if width > 500 else 0.85 * height)
        x = Scale(*x_ends, left, width - 10, x_axis.log)
        y = Scale(*y_ends, bottom, top, y_axis.log)
        drawn += [
            label(0, y0 + 11, shortened(y_axis.label, width), "axis"),
            *_spans(guides.spans, x, y),
            *_axes(x_ticks, y_ticks, x, y, width),
            label(x.end, bottom + 36, shortened(x_axis.label, width), "axis", "end"),
            *_guides(guides, x, y),
            *(_band(number, one, x, y) for number, one in enumerate(series)),
            *(node for number, one in enumerate(series) for node in _line(number, one, x, y)),
        ]
        return bottom + 42, h.g(class_="plot")[drawn]

    return draw
