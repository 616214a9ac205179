"""Horizontal bars, one value or a few parts each."""

from collections.abc import Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.charts.svg import (
    LINE,
    STYLES,
    Draw,
    box,
    label,
    legend,
    line,
    text_width,
    wrapped,
)
from allspin.sim.drawing.scale import Scale, linear_ticks, tick_text

HEIGHT = 18
GAP = 10


@dataclass(frozen=True)
class Bar:
    """A bar.

    Parameters
    ----------
    label : str
        What it is.
    parts : sequence of float
        Lengths of its parts, none negative.
    figure : str
        What it comes to, with its unit.
    """

    label: str
    parts: Sequence[float]
    figure: str


def bars_chart(
    bars: Sequence[Bar],
    axis: str,
    *,
    end: float | None = None,
    parts: Sequence[str] = (),
) -> Draw:
    """Draw bars, labels at the left where they are short, else above.

    Parameters
    ----------
    bars : sequence of Bar
        At least one.
    axis : str
        What the axis is, with its unit.
    end : float, optional
        Where it ends; at the longest bar by default.
    parts : sequence of str
        What the parts of the bars are.
    """
    top_value = end if end is not None else max(sum(bar.parts) for bar in bars) or 1.0
    longest = max(text_width(bar.label) for bar in bars)

    def draw(width: int) -> tuple[float, h.Node]:
        drawn: list[h.Node] = []
        y = 0.0
        if parts:

            def sample(number: int):
                return lambda x, y: box(x, y - 6, 26, 12, f"bar s{number % STYLES}")

            y, drawn = legend([(name, sample(n)) for n, name in enumerate(parts)], width, 0)
        beside = longest < 0.35 * width
        left = longest + 10 if beside else 0.0
        figures = max(text_width(bar.figure) for bar in bars) + 14
        scale = Scale(0, top_value, left, width - figures)
        top = y
        marks: list[h.Node] = []
        for bar in bars:
            if beside:
                marks.append(label(left - 8, y + 13, bar.label, "", "end"))
            else:
                for text in wrapped(bar.label, width):
                    marks.append(label(0, y + 12, text))
                    y += LINE
            x = left
            for number, part in enumerate(bar.parts):
                length = scale(part) - left
                marks.append(box(x, y + 1, length, HEIGHT - 2, f"bar s{number % STYLES}"))
                x += length
            marks.append(label(x + 6, y + 14, bar.figure, "figure-text"))
            y += HEIGHT + GAP
        for tick in linear_ticks(0, top_value, 8 if width > 500 else 5):
            drawn.append(line(scale(tick), top, scale(tick), y, "grid"))
            drawn.append(label(scale(tick), y + 16, tick_text(tick), "tick", "middle"))
        drawn.append(line(left, top, left, y, "axis-line"))
        for text in wrapped(axis, width):
            marks.append(label(width, y + 34, text, "axis", "end"))
            y += LINE
        return y + 26, [drawn, marks]

    return draw
