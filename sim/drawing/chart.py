"""A small chart of lines, as SVG: its ink is the text's, so it suits light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from allspin.sim.drawing.card import shown_text
from allspin.sim.drawing.scale import Axis, Scale, tick_text

WIDTH, HEIGHT = 320.0, 200.0
"""Size of a chart, in pixels."""
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 20.0, 36.0
"""Room around the plot itself."""
LINE = 14.0
"""Height of a line of the legend."""
COLOURS = ("#3f7fc1", "#c8641a", "#2e9063", "#a455a0", "#8a7a2a")
"""Apart from one another, and from white and black grounds."""
DASHES = ("", "6 3", "2 2", "8 3 2 3", "4 4")


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Parameters
    ----------
    label : str
        In the legend; an empty one is not named there.
    x, y : sequence of float
        Points, at least one, in the order of x.
    style : int
        Which of the colours and dashes; lines of one style belong together.
    faint : bool
        Whether it is one of many behind the others.
    dots : bool
        Whether it is points only, without a line between them.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: int = 0
    faint: bool = False
    dots: bool = False


def _text(x: float, y: float, content: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{shown_text(content)}</text>'


def _rule(x: float, y: float, u: float, v: float, opacity: float) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" stroke="currentColor" '
        f'stroke-opacity="{opacity}"/>'
    )


def _drawn(line: Line, x: Scale, y: Scale) -> str:
    colour = COLOURS[line.style % len(COLOURS)]
    places = [(x(a), y(b)) for a, b in zip(line.x, line.y, strict=True)]
    if line.dots:
        return "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6" fill="{colour}" fill-opacity="0.8"/>'
            for a, b in places
        )
    width, opacity = ("0.8", "0.45") if line.faint else ("1.8", "1")
    return (
        f'<path d="M{"L".join(f"{a:.1f} {b:.1f}" for a, b in places)}" fill="none" '
        f'stroke="{colour}" stroke-width="{width}" stroke-opacity="{opacity}" '
        f'stroke-dasharray="{DASHES[line.style % len(DASHES)]}"/>'
    )


def _legend(lines: Sequence[Line]) -> tuple[float, list[str]]:
    """How high the legend is, and what it is."""
    named = [line for line in lines if line.label]
    if len(named) < 2:
        return 0.0, []
    drawn = []
    for number, line in enumerate(named):
        y = number * LINE + 8
        colour = COLOURS[line.style % len(COLOURS)]
        drawn.append(
            f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + 22}" y2="{y}" stroke="{colour}" '
            f'stroke-width="2" stroke-dasharray="{DASHES[line.style % len(DASHES)]}"/>'
        )
        drawn.append(_text(LEFT + 28, y + 4, line.label))
    return len(named) * LINE + 4, drawn


def lines_svg(
    title: str, lines: Sequence[Line], x_axis: Axis, y_axis: Axis, *, counted: bool = False
) -> str:
    """Draw lines.

    Parameters
    ----------
    title : str
        What is to be seen, for who does not see it.
    lines : sequence of Line
        At least one.
    x_axis, y_axis : Axis
        The axes.
    counted : bool
        Whether x counts something, and so has ticks at whole numbers only.

    Returns
    -------
    str
        An SVG element.
    """
    x_ends = x_axis.around([value for line in lines for value in line.x], 0.02)
    y_ends = y_axis.around([value for line in lines for value in line.y])
    high, drawn = _legend(lines)
    height = HEIGHT + high
    x = Scale(*x_ends, LEFT, WIDTH - RIGHT, x_axis.log)
    y = Scale(*y_ends, height - BOTTOM, high + TOP, y_axis.log)
    for tick in y_axis.ticks(y_ends, 5):
        drawn.append(_rule(x.start, y(tick), x.end, y(tick), 0.15))
        drawn.append(_text(x.start - 5, y(tick) + 4, tick_text(tick), "end"))
    for tick in x_axis.ticks(x_ends, 5):
        if counted and not tick.is_integer():
            continue
        drawn.append(_rule(x(tick), y.start, x(tick), y.start + 4, 0.6))
        drawn.append(_text(x(tick), y.start + 16, tick_text(tick), "middle"))
    drawn.append(_rule(x.start, y.start, x.end, y.start, 0.6))
    drawn.append(_text(2, high + 11, y_axis.label))
    drawn.append(_text(x.end, height - 3, x_axis.label, "end"))
    drawn += [_drawn(line, x, y) for line in sorted(lines, key=lambda line: not line.faint)]
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" role="img" '
        f'aria-label="{shown_text(title)}" style="max-width:100%;height:auto;font:11px sans-serif" '
        f'fill="currentColor">{"".join(drawn)}</svg>'
    )
