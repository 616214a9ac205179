"""Colours, fonts and frames of all pictures: legible in grey and to colour-blind eyes."""

import functools
import io
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, cast

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from allspin.host.draw.picture_style import FORMATS
from allspin.host.show.say import printable

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
"""Anomalous Hall resistance, as the paper prints it."""
DOTS_PER_INCH = 150
NOTEBOOK_DOTS = 100
"""Dots per inch in a notebook, where a picture is at most as wide as the page."""
LEGEND = 2.0
"""Inches for a name in a legend below panels; enough in print, too."""
PADDING = 0.06
"""Inches of free margin around a picture."""
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
    # Text stays text in a PDF.
    "pdf.fonttype": 42,
    # A fixed salt makes equal files from equal pictures.
    "svg.hashsalt": "allspin",
    "text.color": INK,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
}

Arguments = ParamSpec("Arguments")


def name_text(name: str) -> str:
    """Escape a user's name for a picture, so that Matplotlib reads no formula in it."""
    return printable(name, layout="").replace("$", r"\$")


@contextmanager
def style_context(**more: Any) -> Iterator[None]:
    """Apply this style; letters that the font lacks are drawn as boxes, without a warning."""
    # Ignore any matplotlibrc: the one in the current folder may be anyone's.
    with style.context(["default", cast(Any, RC | more)]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        warnings.filterwarnings("error", "constrained_layout not applied")
        yield


def styled(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """Decorate a function that draws a figure, so that it draws in this style."""

    @functools.wraps(draw)
    def wrapped(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with style_context():
            return draw(*args, **kwargs)

    return wrapped


def png_of(figure: Figure) -> bytes:
    """Return a figure as the content of a PNG file, for a notebook."""
    content = io.BytesIO()
    with style_context():
        figure.savefig(content, format="png", metadata={FORMATS["png"]: None}, dpi=NOTEBOOK_DOTS)
    return content.getvalue()


class Picture(Figure):
    """Figure that shows itself in a notebook."""

    def _repr_png_(self) -> bytes:
        return png_of(self)


def new_figure(width: float, height: float, title: str) -> Figure:
    """Make an empty figure of a size in inches, with a title at the left."""
    layout = ConstrainedLayoutEngine(w_pad=PADDING, h_pad=PADDING)
    figure = Picture(figsize=(width, height), layout=layout)
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def add_grid(axes: Axes) -> None:
    """Add faint horizontal lines to read values by."""
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.tick_params(length=3)


def add_legend(figure: Figure, panels: Iterable[Axes], title: str = "") -> None:
    """Add one legend of all panels below them, each label once."""
    marks: dict[str, Any] = {}
    for axes in panels:
        for mark, label in zip(*axes.get_legend_handles_labels(), strict=True):
            marks[label] = mark
    if not marks:
        return
    rows = math.ceil(len(marks) / int(figure.get_size_inches()[0] / LEGEND))
    figure.legend(
        list(marks.values()),
        list(marks),
        title=title or None,
        fontsize=8,
        loc="outside lower center",
        ncols=math.ceil(len(marks) / rows),
    )
