"""Dots along an axis, one strip for each of several things."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import htpy as h

from allspin.host.draw.timeline import Span, runs
from allspin.host.report.tables import Table, numbers, spelled
from allspin.sim.drawing import Axis, Scale, linear_ticks, log_ticks, padded, tick_text

# What all charts are made of: an SVG with title and description, text, marks, a legend.

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


# Horizontal bars, one value or a few parts each.

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


# How far a figure goes as each of several parameters goes through its range: a tornado.

HEIGHT_OF_RANGES = 22


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
            front.append(
                box(first, y + 2, max(last - first, 1), HEIGHT_OF_RANGES - 8, "bar s0 open")
            )
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
            y += HEIGHT_OF_RANGES + 8
        for number, (value, name, kind) in enumerate(guides):
            x = scale(value)
            # Beside the bars only, so that no line goes through a label.
            back += [line(x, bar - 2, x, bar + HEIGHT_OF_RANGES - 2, kind) for bar in bars]
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


# Which image each stage of the engine works on, over the clocks.

HEIGHT_OF_STAGES = 30
GAP_OF_STAGES = 12


@dataclass(frozen=True)
class Stage:
    """A stage.

    Parameters
    ----------
    label : str
        What it is, and what it takes.
    spans : sequence of Span
        When it worked on which image.
    """

    label: str
    spans: Sequence[Span]


def stages_chart(stages: Sequence[Stage]) -> Draw:
    """Draw stages, each below its label; images alternate between two looks.

    Parameters
    ----------
    stages : sequence of Stage
        At least one, and one of them with a span.
    """
    start = min(span.first for stage in stages for span in stage.spans)
    end = max(span.last for stage in stages for span in stage.spans) + 1

    def draw(width: int) -> tuple[float, h.Node]:
        scale = Scale(0, end - start, 0, width - 4)
        back: list[h.Node] = []
        front: list[h.Node] = []
        y = 4.0
        for stage in stages:
            front.append(label(0, y + 12, stage.label, "strong"))
            y += LINE + 3
            for span in stage.spans:
                odd = span.image % 2
                x, past = scale(span.first - start), scale(span.last + 1 - start)
                back.append(box(x, y, past - x, HEIGHT_OF_STAGES, f"held s{odd}"))
                for first, length in _joined(span, scale):
                    front.append(
                        box(
                            scale(first - start),
                            y,
                            scale(length),
                            HEIGHT_OF_STAGES * 0.5,
                            f"busy s{odd}",
                        )
                    )
                name = f"image {span.image}"
                if past - x < GLYPH * len(name):
                    name = f"{span.image}"
                if past - x >= GLYPH * len(name):
                    front.append(
                        label((x + past) / 2, y + HEIGHT_OF_STAGES - 3, name, "small", "middle")
                    )
                else:
                    front.append(label(past + 2, y + HEIGHT_OF_STAGES - 3, name, "small"))
            y += HEIGHT_OF_STAGES + GAP_OF_STAGES
        for tick in linear_ticks(0, end - start, 9 if width > 500 else 5):
            back.insert(0, line(scale(tick), 4, scale(tick), y, "grid"))
            front.append(tick_label(scale(tick), y + 16, tick, width))
        front.append(line(0, y, width, y, "axis-line"))
        front.append(label(width, y + 34, "clock", "axis", "end"))
        return y + 40, [back, front]

    return draw


def _joined(span: Span, scale: Scale) -> list[tuple[int, int]]:
    """Runs of busy clocks; those less than half a pixel apart are drawn as one."""
    joined: list[tuple[int, int]] = []
    for first, length in runs(span.busy):
        if joined and scale(first) - scale(sum(joined[-1])) < 0.5:
            joined[-1] = (joined[-1][0], first + length - joined[-1][0])
        else:
            joined.append((first, length))
    return joined


RADIUS = 3.4
HEIGHT_OF_STRIPS = 34
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
    middle = y + HEIGHT_OF_STRIPS / 2
    drawn += [line(0, middle, width, middle, "rail"), *_dots(strip, scale, middle, style)]
    if strip.mean is not None:
        x = scale(strip.mean)
        drawn.append(line(x, middle - 13, x, middle + 13, "mean"))
    return y + HEIGHT_OF_STRIPS + 8, drawn


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
            drawn += [line(x, plot - HEIGHT_OF_STRIPS, x, plot, "guide") for plot in plots]
        for tick in axis.ticks(ends, 9 if width > 500 else 5):
            x = scale(tick)
            drawn.append(line(x, top + 4, x, bottom, "grid"))
            drawn.append(line(x, bottom, x, bottom + 4, "axis-line"))
            body.append(tick_label(x, bottom + 18, tick, width))
        drawn.append(line(0, bottom, width, bottom, "axis-line"))
        body.append(label(width, bottom + 36, shortened(axis.label, width), "axis", "end"))
        return bottom + 42, [drawn, body]

    return draw
