"""A small chart of lines, as SVG: its ink is the text's, so it suits light and dark pages."""

import base64
import math
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

# Scales and ticks of axes.

STEPS = (1, 2, 2.5, 5, 10)
"""Round steps between ticks, times a power of ten."""

FEW_TICKS = 3
"""With fewer round ticks than this on a logarithmic axis, those of a linear one are better."""


@dataclass(frozen=True)
class Scale:
    """From values to places.

    Parameters
    ----------
    low, high : float
        Ends of the values; `low` below `high`, and above 0 where the scale is logarithmic.
    start, end : float
        Where they are, in pixels.
    log : bool
        Whether equal factors are equal distances.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Place of a value, in pixels."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


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

    def around(self, values: Sequence[float], share: float = 0.04) -> tuple[float, float]:
        """Its ends, with a share of room either side of values unless they are given."""
        return self.ends or padded(values, self.log, share)

    def ticks(self, ends: tuple[float, float], most: int) -> list[float]:
        """Its ticks between these ends."""
        return (log_ticks if self.log else linear_ticks)(*ends, most)


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`, as many as `most` allows (at least 2 steps)."""
    rough = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in STEPS if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.14g}") for number in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Powers of ten from `low` to `high`, with 3 or with 2 and 5 times them as there is room."""
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found: list[float] = []
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ticks = [
            float(f"{factor}e{power}")
            for power in range(bottom, top + 1)
            for factor in factors
            if low * (1 - 1e-9) <= factor * 10.0**power <= high * (1 + 1e-9)
        ]
        if len(ticks) <= most or not found:
            found = ticks
    if len(found) < FEW_TICKS:
        return [tick for tick in linear_ticks(low, high, most) if tick > 0]
    return found[:: max(1, -(-len(found) // most))]


def tick_text(value: float) -> str:
    """A tick's label."""
    if 1e6 <= value < 1e9:
        return f"{value / 1e6:g} M"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")


def padded(values: Sequence[float], log: bool = False, share: float = 0.04) -> tuple[float, float]:
    """Ends of an axis that holds values with some room either side."""
    low, high = min(values), max(values)
    if log:
        margin = (high / low) ** share if high > low else 2.0
        return low / margin, high * margin
    margin = (high - low) * share if high > low else abs(high) * 0.1 or 1.0
    return low - margin, high + margin


# Small images as PNG within a page.

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type by the number of samples a pixel: grey or colour, without or with alpha."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """An image as a PNG file's content; equal images give equal bytes.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width) or (height, width, samples)
        Grey levels; or 1 to 4 samples: grey, grey and alpha, RGB, RGBA.
    """
    cube = pixels.reshape(*pixels.shape[:2], -1)
    height, width, samples = cube.shape
    # Each line starts with the number of its filter: none.
    lines = np.pad(cube.reshape(height, width * samples), ((0, 0), (1, 0)))
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[samples], 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + _chunk(b"IEND", b"")
    )


def data_address(pixels: npt.NDArray[np.uint8]) -> str:
    """An image as an address that holds it whole."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


# What a notebook shows of an object: its name, pictures, and a small table.
#
# A notebook asks an object's ``_repr_html_``. Names come from files that others may have made, so
# all text is escaped here, and nothing else makes tags of it.

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What HTML may not hold: control characters, halves of surrogate pairs, noncharacters."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LONGEST = 200
"""Characters of a value that are shown."""
BOX = "display:flex;flex-wrap:wrap;gap:1em 1.5em;align-items:flex-start;margin:0.5em 0"
CELL = "text-align:left;vertical-align:top;padding:0.1em 0.8em 0.1em 0"


def shown_text(value: object) -> str:
    """A value as the HTML of a text, cut where it is long."""
    text = UNPRINTABLE.sub(REPLACEMENT, str(value))
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return escape(text)


def card(title: str, facts: Sequence[tuple[str, object]], *pictures: str) -> str:
    """An object's card.

    Parameters
    ----------
    title : str
        What it is, and what it is called.
    facts : sequence of (str, object)
        The rows of its table, name and value; those of None are left out.
    pictures : str
        HTML or SVG, as `allspin.sim.drawing` and `allspin.sim.drawing` make it.
    """
    rows = "".join(
        f'<tr><th scope="row" style="{CELL}">{shown_text(name)}</th>'
        f'<td style="{CELL}">{shown_text(value)}</td></tr>'
        for name, value in facts
        if value is not None
    )
    drawn = "".join(f"<div>{picture}</div>" for picture in pictures)
    return (
        f'<div style="{BOX}">{drawn}<table style="margin:0;border-collapse:collapse">'
        f'<caption style="text-align:left"><b>{shown_text(title)}</b></caption>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def grid(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table with a head, as HTML."""

    def line(cells: tuple[str, ...], tag: str) -> str:
        return "".join(f'<{tag} style="{CELL}">{shown_text(cell)}</{tag}>' for cell in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return (
        '<table style="margin:0;border-collapse:collapse">'
        f'<caption style="text-align:left"><b>{shown_text(title)}</b></caption>'
        f"<thead><tr>{line(header, 'th')}</tr></thead><tbody>{body}</tbody></table>"
    )


def beside(*parts: str) -> str:
    """Pictures and tables beside one another, or below where there is no room."""
    return f'<div style="{BOX}">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


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
