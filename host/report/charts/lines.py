"""Lines over an axis."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import htpy as h

from allspin.host.report.charts.scale import Scale, linear_ticks, log_ticks, padded, tick_text
from allspin.host.report.charts.svg import (
    LINE,
    Draw,
    box,
    edge_anchor,
    label,
    legend,
    line,
    mark,
    path,
    shortened,
    text_width,
)

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
class Axis:
    """An axis.

    Parameters
    ----------
    label : str
        What it is, with its unit.
    log : bool
        Whether it is logarithmic.
    ends : tuple of float, optional
        Where it starts and ends; around the values by default.
    """

    label: str
    log: bool = False
    ends: tuple[float, float] | None = None


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
    ys = [
        value
        for one in series
        for values in (one.y, one.low or (), one.high or ())
        for value in values
    ] + [value for value, _ in guides.horizontal]
    x_ends = x_axis.ends or padded(xs, x_axis.log, 0.0)
    if x_ends[0] == x_ends[1]:
        x_ends = padded(xs, x_axis.log)
    y_ends = y_axis.ends or padded(ys, y_axis.log)

    def draw(width: int) -> tuple[float, h.Node]:
        tall = height if width > 500 else 0.85 * height
        ticks = (log_ticks if y_axis.log else linear_ticks)(*y_ends, 6)
        left = 10 + max([text_width(tick_text(tick)) for tick in ticks] or [20])
        right = width - 10
        drawn: list[h.Node] = []
        y0 = 0.0
        if len(series) > 1:

            def sample(style: int, one: Series):
                def at(x: float, y: float) -> h.Node:
                    return [
                        line(x, y, x + 26, y, f"line s{style}"),
                        mark(style, x + 13, y) if one.marked else None,
                    ]

                return at

            entries = [(one.label, sample(number, one)) for number, one in enumerate(series)]
            y0, drawn = legend(entries, width, 0)
        drawn.append(label(0, y0 + 11, shortened(y_axis.label, width), "axis"))
        top = y0 + LINE + 8 + (LINE if guides.spans else 0)
        bottom = top + tall
        x = Scale(*x_ends, left, right, x_axis.log)
        y = Scale(*y_ends, bottom, top, y_axis.log)
        for number, (first, last, name) in enumerate(guides.spans):
            if number % 2 == 0:
                drawn.append(box(x(first), top, x(last) - x(first), tall, "span"))
            drawn.append(
                label(
                    (x(first) + x(last)) / 2,
                    top - 5,
                    shortened(name, x(last) - x(first)),
                    "small",
                    "middle",
                )
            )
        for tick in ticks:
            drawn.append(line(left, y(tick), right, y(tick), "grid"))
            drawn.append(label(left - 6, y(tick) + 4, tick_text(tick), "tick", "end"))
        for tick in (log_ticks if x_axis.log else linear_ticks)(*x_ends, 9 if width > 500 else 5):
            drawn.append(line(x(tick), bottom, x(tick), bottom + 4, "axis-line"))
            anchor = edge_anchor(x(tick), tick_text(tick), width)
            drawn.append(label(x(tick), bottom + 18, tick_text(tick), "tick", anchor))
        drawn.append(line(left, bottom, right, bottom, "axis-line"))
        drawn.append(label(right, bottom + 36, shortened(x_axis.label, width), "axis", "end"))
        for value, name in guides.horizontal:
            drawn.append(line(left, y(value), right, y(value), "guide"))
            drawn.append(label(right, y(value) - 5, name, "small halo", "end"))
        for value, name in guides.vertical:
            drawn.append(line(x(value), top, x(value), bottom, "guide"))
            # Curves rise, mostly: there is room above at the left and below at the right.
            late = x(value) > (left + right) / 2
            drawn.append(
                label(
                    x(value) + (-5 if late else 5),
                    bottom - 10 if late else top + 12,
                    name,
                    "small halo",
                    "end" if late else "start",
                )
            )
        for number, one in enumerate(series):
            if one.low is not None and one.high is not None:
                upper = [(x(a), y(b)) for a, b in zip(one.x, one.high, strict=True)]
                lower = [(x(a), y(b)) for a, b in zip(one.x, one.low, strict=True)]
                drawn.append(path(upper + lower[::-1], f"band s{number}", closed=True))
        for number, one in enumerate(series):
            points = _points(one, x, y)
            drawn.append(path(points, f"line s{number}"))
            if one.marked:
                every = max(1, -(-len(one.x) // (MARKED if len(one.x) > MARKED else len(one.x))))
                drawn.append(
                    [
                        mark(number, x(a), y(b), 3)
                        for a, b in list(zip(one.x, one.y, strict=True))[
                            number * every // 3 :: every
                        ]
                    ]
                )
        return bottom + 42, h.g(class_="plot")[drawn]

    return draw
