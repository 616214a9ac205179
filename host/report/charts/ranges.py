"""How far a figure goes as each of several parameters goes through its range: a tornado."""

from collections.abc import Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.charts.svg import (
    LINE,
    Draw,
    box,
    label,
    line,
    shortened,
    tick_label,
    wrapped,
)
from allspin.sim.drawing.scale import Scale, log_ticks, padded

HEIGHT = 22


@dataclass(frozen=True)
class Range:
    """A bar.

    Parameters
    ----------
    label : str
        The parameter, with its unit.
    ends : tuple of float
        The figure at the parameter's lowest and highest value, above 0.
    texts : tuple of str
        These values.
    """

    label: str
    ends: tuple[float, float]
    texts: tuple[str, str]


def ranges_chart(
    ranges: Sequence[Range], axis: str, guides: Sequence[tuple[float, str, str]]
) -> Draw:
    """Draw ranges on a logarithmic axis, each below its label.

    Parameters
    ----------
    ranges : sequence of Range
        At least one.
    axis : str
        What the axis is.
    guides : sequence of (float, str, str)
        Lines across all, with what they are and their kind: ``guide`` or ``mean``.
    """
    values = [end for one in ranges for end in one.ends] + [value for value, *_ in guides]
    low, high = padded(values, log=True, share=0.1)

    def draw(width: int) -> tuple[float, h.Node]:
        scale = Scale(low, high, 30, width - 30, log=True)
        back: list[h.Node] = []
        front: list[h.Node] = []
        top = LINE * len(guides) + 4
        y = float(top)
        bars: list[float] = []
        for one in ranges:
            for text in wrapped(one.label, width):
                front.append(label(0, y + 12, text, "halo"))
                y += LINE
            bars.append(y)
            first, last = sorted(map(scale, one.ends))
            front.append(box(first, y + 2, max(last - first, 1), HEIGHT - 8, "bar s0 open"))
            for end, text in zip(one.ends, one.texts, strict=True):
                outer = scale(end) == last
                front.append(
                    label(
                        scale(end) + (5 if outer else -5),
                        y + 13,
                        text,
                        "small halo",
                        "start" if outer else "end",
                    )
                )
            y += HEIGHT + 8
        for number, (value, name, kind) in enumerate(guides):
            x = scale(value)
            # Beside the bars only, so that no line goes through a label.
            back += [line(x, bar - 2, x, bar + HEIGHT - 2, kind) for bar in bars]
            late = x > width / 2
            front.append(
                label(
                    x + (-5 if late else 5),
                    11 + LINE * number,
                    shortened(name, width),
                    "small halo",
                    "end" if late else "start",
                )
            )
        for tick in log_ticks(low, high, 9 if width > 500 else 5):
            back.append(line(scale(tick), top, scale(tick), y, "grid"))
            front.append(tick_label(scale(tick), y + 16, tick, width))
        front.append(line(0, y, width, y, "axis-line"))
        front.append(label(width, y + 34, shortened(axis, width), "axis", "end"))
        return y + 40, [back, front]

    return draw
