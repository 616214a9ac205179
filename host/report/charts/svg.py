"""What all charts are made of: an SVG with title and description, text, marks, a legend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.report.markup import spelled
from allspin.host.report.table import Table, numbers
from allspin.sim.drawing.scale import tick_text

WIDE = 720
NARROW = 348
"""Widths in pixels that each chart is drawn in; the page shows the one that fits it."""
GLYPH = 6.6
"""Mean width of a glyph of 12 pixels, on the safe side."""
BOLD = 8.2
"""The same in bold."""
LINE = 16
"""Height of a line of text."""
STYLES = 6
"""Kinds of lines and marks that stay apart without colour."""
R_AH = 'R<tspan class="sub" dy="3">AH</tspan><tspan dy="-3">\N{ZERO WIDTH SPACE}</tspan>'
"""Its index lowered, and what follows on the line again."""

Draw = Callable[[int], tuple[float, h.Node]]
"""Draws in a width; returns the height and what was drawn."""


@dataclass(frozen=True)
class Chart:
    """A chart.

    Parameters
    ----------
    name : str
        Its id in the page: letters, digits and hyphens.
    title : str
        What is to be seen.
    description : str
        The same in words, for who does not see it.
    draw : Draw
        Draws it.
    """

    name: str
    title: str
    description: str
    draw: Draw


def _svg(chart: Chart, width: int, kind: str) -> h.Element:
    height, content = chart.draw(width)
    name = f"{chart.name}-{kind}"
    return h.svg(
        class_=f"chart {kind}",
        viewBox=f"0 0 {width} {round(height)}",
        width=width,
        height=round(height),
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )[
        h.title(id=f"{name}-title")[chart.title],
        h.desc(id=f"{name}-desc")[chart.description],
        content,
    ]


def figure(chart: Chart, tables: Sequence[Table], note: str | None = None) -> h.Element:
    """A chart with its title above it, a note and its numbers below it."""
    return h.figure(id=chart.name)[
        h.figcaption[spelled(chart.title)],
        _svg(chart, WIDE, "wide"),
        _svg(chart, NARROW, "narrow"),
        note and h.p(class_="note")[spelled(note)],
        numbers(*tables),
    ]


def place(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")


def label(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> h.Element:
    """Text; `y` is its baseline, `anchor` is ``start``, ``middle`` or ``end``."""
    anchor_ = None if anchor == "start" else anchor
    return h.text(x=place(x), y=place(y), class_=kind or None, text_anchor=anchor_)[
        spelled(content, R_AH)
    ]


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> h.Element:
    """A straight line."""
    return h.line(x1=place(x1), y1=place(y1), x2=place(x2), y2=place(y2), class_=kind)


def box(x: float, y: float, width: float, height: float, kind: str, **more: str) -> h.Element:
    """A rectangle."""
    return h.rect(
        x=place(x),
        y=place(y),
        width=place(max(width, 0)),
        height=place(height),
        class_=kind,
        **more,
    )


def path(points: Sequence[tuple[float, float]], kind: str, closed: bool = False) -> h.Element:
    """A line through points."""
    drawn = "M" + "L".join(f"{place(x)} {place(y)}" for x, y in points) + ("Z" if closed else "")
    return h.path(d=drawn, class_=kind)


def mark(style: int, x: float, y: float, size: float = 3.6) -> h.Element:
    """A mark of a style: circle, square, triangle, diamond, cross, bar."""
    kind = f"mark s{style % STYLES}"
    shape = style % STYLES
    if shape == 0:
        return h.circle(cx=place(x), cy=place(y), r=place(size), class_=kind)
    if shape == 1:
        return box(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size, kind)
    if shape == 2:
        return path(
            [
                (x, y - 1.2 * size),
                (x + 1.1 * size, y + 0.9 * size),
                (x - 1.1 * size, y + 0.9 * size),
            ],
            kind,
            closed=True,
        )
    if shape == 3:
        d = 1.25 * size
        return path([(x, y - d), (x + d, y), (x, y + d), (x - d, y)], kind, closed=True)
    if shape == 4:
        d = 0.9 * size
        return h.path(
            d=f"M{place(x - d)} {place(y - d)}L{place(x + d)} {place(y + d)}"
            f"M{place(x - d)} {place(y + d)}L{place(x + d)} {place(y - d)}",
            class_=f"cross {kind}",
        )
    return line(x, y - 1.3 * size, x, y + 1.3 * size, f"cross {kind}")


def text_width(content: str) -> float:
    """Width of a text, roughly and on the safe side."""
    return GLYPH * len(content)


def edge_anchor(x: float, content: str, width: float) -> str:
    """Where a text at a place is held so that it stays within a width."""
    half = text_width(content) / 2
    return "start" if x < half else "end" if x > width - half else "middle"


def tick_label(x: float, y: float, tick: float, width: float) -> h.Element:
    """A tick's number below an axis, held so that it stays within a width."""
    text = tick_text(tick)
    return label(x, y, text, "tick", edge_anchor(x, text, width))


def wrapped(content: str, width: float, glyph: float = GLYPH) -> list[str]:
    """A text in lines of at most a width; a word that is longer is cut."""
    most = max(4, int(width / glyph))
    lines = [""]
    for word in content.split():
        while len(word) > most:
            lines.append(word[:most])
            word = word[most:]
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return [one for one in lines if one]


def legend(
    entries: Sequence[tuple[str, Callable[[float, float], h.Node]]], width: float, y: float
) -> tuple[float, list[h.Node]]:
    """A legend's lines of entries, each a sample 26 pixels wide and a text.

    Returns
    -------
    float
        Where it ends.
    list of Node
        What was drawn.
    """
    drawn: list[h.Node] = []
    x = 0.0
    for name, sample in entries:
        needed = 34 + text_width(name)
        if x and x + needed > width:
            x, y = 0.0, y + LINE + 2
        drawn.append(sample(x, y + 8))
        drawn.append(label(x + 32, y + 12, shortened(name, width - 34)))
        x += needed + 14
    return y + LINE + 4, drawn


def shortened(content: str, width: float) -> str:
    """A text that fits a width, cut with an ellipsis where it must be."""
    most = max(2, int(width / GLYPH))
    return content if len(content) <= most else content[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
