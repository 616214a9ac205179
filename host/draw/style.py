"""How all pictures look: light, legible in grey and to colour-blind eyes."""

import functools
import io
import math
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, cast

import numpy as np
from markupsafe import escape
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from allspin.host.draw.caption import take_caption
from allspin.host.draw.look import (
    FORMATS,
    JOURNAL_HEIGHT,
    JOURNAL_POINTS,
    LEAST_POINTS,
    PRINT_POINTS,
    SCREEN,
    Look,
)
from allspin.host.show.display import Display
from allspin.host.show.say import printable
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
ORANGE = "#E69F00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
"""Colours that stay apart under colour blindness (Okabe and Ito, 2008)."""
INK = "#222222"
SOFT = "#8A8A8A"
PALE = "#E6E6E6"
GROUND = "#FEFEFE"
R_AH = r"R$_\mathrm{AH}$"
"""The anomalous Hall resistance, as the paper prints it."""

INKS = {
    INK: "var(--ink, currentColor)",
    SOFT: "var(--soft, #8a8a8a)",
    PALE: "var(--grid, #8a8a8a40)",
    GROUND: "var(--paper, transparent)",
    BLUE: "var(--s0, #3f7fc1)",
    VERMILION: "var(--s1, #c8641a)",
    GREEN: "var(--s2, #2e9063)",
    PURPLE: "var(--s3, #a455a0)",
    ORANGE: "var(--s4, #b58a1e)",
    SKY: "var(--s5, #4aa3d8)",
}
"""What each colour is in a page: the page's own, or one that stands out from white and black."""
FINE = re.compile(r"(\.\d\d)\d+")
"""Places of a page's picture need no more than two decimals."""
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

LETTER = 0.68
"""Width of a bold letter, as a share of the text's size."""
SLACK = 0.03
"""Inches that a text may stand out of a picture: room around letters."""
PRINT_DOTS = 300
"""Per inch, of a PNG for print."""
DOTS_PER_INCH = 150
NOTEBOOK_DOTS = 100
"""Per inch, where the picture is shown as wide as a page at most."""
LEGEND = 2.0
"""Inches for a name in a legend below panels, which has room when it is printed, too."""
PADDING = 0.06
"""Inches that stay free around what is drawn."""
RC: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": PALE,
    "legend.frameon": False,
    "legend.title_fontsize": 8,
    "savefig.dpi": DOTS_PER_INCH,
    # Text stays text.
    "pdf.fonttype": 42,
    # Equal pictures make equal files.
    "svg.hashsalt": "allspin",
    "text.color": INK,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
}

Arguments = ParamSpec("Arguments")


def name_text(name: str) -> str:
    """A name of a user's as a text of a picture: no formula, whatever it holds."""
    return printable(name, layout="").replace("$", r"\$")


@contextmanager
def _style(**more: Any) -> Iterator[None]:
    """In this style, and silent of letters that its font lacks: they are drawn as boxes."""
    # Of a matplotlibrc, which may lie in the current folder and be anybody's, nothing counts.
    with style.context(["default", cast(Any, RC | more)]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        warnings.filterwarnings("error", "constrained_layout not applied")
        yield


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Let a function that draws a figure do so in this style."""

    @functools.wraps(draw)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return wrapped


class Picture(Figure):
    """A figure that a notebook shows as it is."""

    def _repr_png_(self) -> bytes:
        return png_of(self)


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of a size in inches, with a title at the left."""
    layout = ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING)
    figure = Picture(figsize=(width, height), layout=layout)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def add_grid(axes: Axes) -> None:
    """Faint horizontal lines to read values by."""
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.tick_params(length=3)


def add_legend(figure: Figure, panels: Iterable[Axes], title: str = "") -> None:
    """One legend of all panels, in a place of its own below them; what is alike is said once."""
    labels = (axes.get_legend_handles_labels() for axes in panels)
    told = {label: mark for each in labels for mark, label in zip(*each, strict=True)}
    if told:
        rows = math.ceil(len(told) / int(figure.get_size_inches()[0] / LEGEND))
        place: Any = {"loc": "outside lower center", "ncols": math.ceil(len(told) / rows)}
        figure.legend(list(told.values()), list(told), title=title or None, fontsize=8, **place)


def _are_maps(panels: Iterable[Axes]) -> bool:
    """Whether panels have a shape of their own, and labels at their ticks."""
    return all(
        panel.get_aspect() == 1 and panel.get_xticklabels()
        for panel in panels
        if panel.get_subplotspec() is not None
    )


def _restack(figure: Figure, room: float) -> tuple[float, float]:
    """Put panels that stand side by side into fewer columns.

    Parameters
    ----------
    figure : Figure
        The picture; panels in grids of their own, or without labels at their ticks, stay.
    room : float
        Width that there is, as a share of the one that all its columns need.

    Returns
    -------
    fewer, higher : float
        Columns that were and that are, one over the other; rows that are and that were.
    """
    panels = [panel for panel in figure.axes if panel.get_subplotspec() is not None]
    shown = [panel for panel in panels if panel.axison]
    grids = {panel.get_gridspec() for panel in panels}
    if len(grids) != 1 or not all(panel.get_xticklabels() for panel in shown):
        return 1.0, 1.0
    grid = grids.pop()
    assert grid is not None
    # What is written in maps needs less room than what stands beside curves.
    wanted = grid.ncols * room
    columns = max(1, min(grid.ncols, math.ceil(wanted) if _are_maps(shown) else round(wanted)))
    alike = all(
        len(np.unique(ratios or 1)) == 1
        for ratios in (grid.get_width_ratios(), grid.get_height_ratios())
    )
    if columns == grid.ncols or not alike or len(panels) != grid.ncols * grid.nrows:
        return 1.0, 1.0
    for panel in set(panels) - set(shown):
        panel.remove()
    rows = -(-len(shown) // columns)
    places = GridSpec(rows, columns, figure=figure)
    for number, panel in enumerate(shown):
        panel.set_subplotspec(places[number // columns, number % columns])
        panel.tick_params(labelleft=True, labelbottom=True)
    return grid.ncols / columns, rows / grid.nrows


def _fold(texts: Iterable[object], title: str, letters: float) -> None:
    """Break the text that is a title into lines of so many letters."""
    for words in texts:
        if isinstance(words, Text) and title and words.get_text() == title:
            lines = (textwrap.fill(line, int(letters)) for line in title.split("\n"))
            words.set_text("\n".join(lines))


def _fold_titles(figure: Figure, text: float) -> None:
    """Break titles into lines that the figure or the panel has room for."""
    # In letters of which each is as wide as it is high.
    width = 72 * figure.get_size_inches()[0] / text / LETTER
    _fold(figure.texts, figure.get_suptitle(), width / RC["figure.titlesize"])
    for axes in figure.axes:
        if (place := axes.get_subplotspec()) is not None:
            right = place.colspan.stop / place.get_gridspec().ncols
            room = (right - axes.get_position().x0) * width
            _fold(axes.findobj(Text), axes.get_title(loc="left"), room / RC["axes.titlesize"])


def _set_for_print(figure: Figure, look: Look) -> None:
    """Change a figure's size, that of its texts, and where its panels stand."""
    figure.draw_without_rendering()  # ticks are made when they are drawn
    width, height = figure.get_size_inches()
    points, least = (JOURNAL_POINTS, LEAST_POINTS) if look.journal else (PRINT_POINTS, 0.0)
    share, text = look.inches(width) / width, (look.points or points) / RC["font.size"]
    fewer, higher = _restack(figure, share / min(text, PRINT_POINTS / RC["font.size"]))
    # As high as its lines of text need, and not higher than it was; maps keep their shape.
    panel = share * fewer
    maps = _are_maps(figure.axes)
    high = 0.0 if maps else min(1.0, text) * (JOURNAL_HEIGHT if look.journal else 1)
    figure.set_size_inches(width * share, height * higher * max(panel, high))
    texts = set(figure.findobj(Text))

    def size(words: Any) -> float:
        return max(float(words.get_fontsize()) * text, least)

    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        texts -= set(axis.findobj(Text)) - {axis.label, axis.offsetText}
        for found in axis.get_major_ticks()[:1]:
            axis.set_tick_params("major", labelsize=size(found.label1))
        for found in axis.get_minor_ticks()[:1]:
            axis.set_tick_params("minor", labelsize=size(found.label1))
    for words in texts:
        assert isinstance(words, Text)
        words.set_fontsize(size(words))
    figure.draw_without_rendering()
    _fold_titles(figure, text)
    # Where maps come to stand depends on what stands beside them, and the other way round.
    for _ in range(2 if maps else 1):
        figure.draw_without_rendering()


def _as_in_page(tag: re.Match[str]) -> str:
    """A tag of an SVG with the page's colours and fonts."""
    text = FINE.sub(r"\1", tag[0])
    for colour, ink in INKS.items():
        text = text.replace(colour.lower(), ink)
    return text.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")


def svg_of(figure: Figure, title: str, look: Look | None = None) -> str:
    """A figure as an SVG element of a page: its ink is the page's, so it suits light and dark.

    Parameters
    ----------
    figure : Figure
        The picture.
    title : str
        What is to be seen, for who does not see it; no other picture of the page has it.
    look : Look, optional
        Size of the picture and of its text, to which the figure is changed.
    """
    content = io.BytesIO()
    # Names within the element come of the salt: others than those of the page's other pictures.
    with _style(**{"svg.fonttype": "none", "svg.hashsalt": title}):
        warnings.simplefilter("ignore")  # a text that has no room is cut in a page
        if look is not None:
            _set_for_print(figure, look)
        figure.savefig(content, format="svg", metadata=NO_METADATA, transparent=True)
    svg = content.getvalue().decode()
    svg = re.sub(r'(?<=<g) id="[^"]*"', "", svg[svg.index("<svg") :])
    svg = re.sub(r"<[^>]*>", _as_in_page, svg)
    shown = f'class="chart" role="img" aria-label="{escape(title)}"'
    return svg.replace("<svg", f'<svg {shown} style="max-width:100%;height:auto"', 1)


def png_of(figure: Figure) -> bytes:
    """A figure as a PNG file's content, as a notebook shows it."""
    content = io.BytesIO()
    with _style():
        figure.savefig(content, format="png", metadata={FORMATS["png"]: None}, dpi=NOTEBOOK_DOTS)
    return content.getvalue()


def save_picture(figure: Figure, folder: Path, name: str, look: Look = SCREEN) -> list[Path]:
    """Write a figure as files, each whole or not at all; for a journal with its caption.

    Parameters
    ----------
    figure : Figure
        The picture.
    folder : Path
        Where to; it must exist.
    name : str
        The files' name without suffix; a caption's has ``.tex``.
    look : Look
        Which files, and their size; for print the figure itself is changed.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If a file cannot be written, or the text has no room.
    """
    contents = {}
    dots = PRINT_DOTS if look.printed else DOTS_PER_INCH
    try:
        with _style(**{"svg.fonttype": "none"} if look.journal else {}):
            caption = take_caption(figure) if look.journal else ""
            if look.printed:
                _set_for_print(figure, look)
                drawn, wide = figure.get_tightbbox(), figure.get_size_inches()[0]
                if drawn.x0 < -SLACK or drawn.x1 > wide + SLACK:  # a title, label or legend
                    raise UserWarning
            for kind in look.files:
                content = io.BytesIO()
                figure.savefig(content, format=kind, metadata={FORMATS[kind]: None}, dpi=dots)
                contents[folder / f"{name}.{kind}"] = content.getvalue()
            if caption:
                contents[folder / f"{name}.tex"] = f"\\caption{{{caption}}}\n".encode()
    except UserWarning as warning:
        raise UserError(
            f"the picture {name} has no room for its text: `width` must be larger, or `points` "
            f"smaller{', or `style` paper-2' if look.style in ('paper', 'paper-1') else ''}"
        ) from warning
    for path, content in contents.items():
        write_atomically(path, content)
    return list(contents)


def save_pictures(
    pictures: Mapping[str, Callable[[], Figure]],
    folder: Path,
    progress: Display,
    look: Look = SCREEN,
) -> None:
    """Draw pictures and write each as `save_picture` does, by name, as one step of a display."""
    progress.start("drawing pictures")
    for number, (name, draw) in enumerate(pictures.items()):
        progress.advance(number, len(pictures), name)
        save_picture(draw(), folder, name, look)
    progress.finish(f"{len(pictures)} in {folder}")
