"""How all pictures look: light, legible in grey and to colour-blind eyes."""

import functools
import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from allspin.host.show.display import Display
from allspin.host.show.say import printable
from allspin.sim.network.netfile import write_atomically

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
R_AH = r"R$_\mathrm{AH}$"
"""The anomalous Hall resistance, as the paper prints it."""

DOTS_PER_INCH = 150
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
    "savefig.dpi": DOTS_PER_INCH,
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
def _style() -> Iterator[None]:
    """In this style, and silent of letters that its font lacks: they are drawn as boxes."""
    with mpl.rc_context(cast(Any, RC)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Let a function that draws a figure do so in this style."""

    @functools.wraps(draw)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return wrapped


def new_figure(width: float, height: float, title: str) -> Figure:
    """An empty figure of a size in inches, with a title at the left."""
    layout = ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING)
    figure = Figure(figsize=(width, height), layout=layout)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def add_grid(axes: Axes) -> None:
    """Faint horizontal lines to read values by."""
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.tick_params(length=3)


def save_picture(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and as SVG, each whole or not at all.

    Parameters
    ----------
    figure : Figure
        The picture.
    folder : Path
        Where to; it must exist.
    name : str
        The files' name without suffix.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    paths = []
    with _style():
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            content = io.BytesIO()
            figure.savefig(content, format=kind, metadata=metadata)
            paths.append(folder / f"{name}.{kind}")
            write_atomically(paths[-1], content.getvalue())
    return paths


def save_pictures(
    pictures: Mapping[str, Callable[[], Figure]], folder: Path, display: Display
) -> None:
    """Draw pictures and write each as `save_picture` does, by name, as one step of a display."""
    display.start("drawing pictures")
    for number, (name, draw) in enumerate(pictures.items()):
        display.advance(number, len(pictures), name)
        save_picture(draw(), folder, name)
    display.finish(f"{len(pictures)} in {folder}")
