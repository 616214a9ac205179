"""Files of pictures: PNG, SVG and PDF, captions in LaTeX, and SVG elements of a page."""

import io
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from markupsafe import escape
from matplotlib.figure import Figure

from allspin.host.draw.caption import take_caption
from allspin.host.draw.picture_style import FORMATS, SCREEN, PictureStyle
from allspin.host.draw.print_size import has_room, set_for_print
from allspin.host.draw.style import (
    BLUE,
    DOTS_PER_INCH,
    GREEN,
    GROUND,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    SOFT,
    VERMILION,
    style_context,
)
from allspin.host.show.display import Display
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically

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
"""Colours in a page: the page's own, or one that contrasts with white and with black."""
FINE = re.compile(r"(\.\d\d)\d+")
"""Digits beyond the second decimal, which a page's picture does not need."""
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
PRINT_DOTS = 300
"""Dots per inch of a PNG for print."""


def _as_in_page(tag: re.Match[str]) -> str:
    """Replace the colours and fonts in a tag of an SVG by the page's."""
    text = FINE.sub(r"\1", tag[0])
    for colour, ink in INKS.items():
        text = text.replace(colour.lower(), ink)
    return text.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")


def svg_of(figure: Figure, title: str, style: PictureStyle | None = None) -> str:
    """Return a figure as an SVG element in the page's colours, which suits light and dark pages.

    Parameters
    ----------
    figure : Figure
        The picture; for a style its size and texts are changed.
    title : str
        Description for readers who do not see it, unique within the page.
    style : PictureStyle, optional
        Size of the picture and of its text.
    """
    content = io.BytesIO()
    # Identifiers of elements derive from the salt: they must differ between a page's pictures.
    with style_context(**{"svg.fonttype": "none", "svg.hashsalt": title}):
        warnings.simplefilter("ignore")  # in a page, text without room is cut
        if style is not None:
            set_for_print(figure, style)
        figure.savefig(content, format="svg", metadata=NO_METADATA, transparent=True)
    svg = content.getvalue().decode()
    svg = re.sub(r'(?<=<g) id="[^"]*"', "", svg[svg.index("<svg") :])
    svg = re.sub(r"<[^>]*>", _as_in_page, svg)
    attributes = f'class="chart" role="img" aria-label="{escape(title)}"'
    return svg.replace("<svg", f'<svg {attributes} style="max-width:100%;height:auto"', 1)


def save_picture(
    figure: Figure, folder: Path, name: str, style: PictureStyle = SCREEN
) -> list[Path]:
    """Write a figure as files, each whole or not at all; for a journal with its caption.

    Parameters
    ----------
    figure : Figure
        The picture; for print it is changed.
    folder : Path
        An existing folder.
    name : str
        Name of the files without suffix; a caption's suffix is ``.tex``.
    style : PictureStyle
        Kinds of files, and their size.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If a file cannot be written, or the text has no room.
    """
    try:
        contents = _file_contents(figure, style)
    except UserWarning as warning:
        raise UserError(
            f"the picture {name} has no room for its text: take a style with a larger `width` or "
            "smaller `points`, such as paper-2"
        ) from warning
    paths = []
    for suffix, content in contents.items():
        path = folder / f"{name}.{suffix}"
        write_atomically(path, content)
        paths.append(path)
    return paths


def _file_contents(figure: Figure, style: PictureStyle) -> dict[str, bytes]:
    """Return the contents of a picture's files by suffix; raise `UserWarning` without room."""
    contents = {}
    with style_context(**{"svg.fonttype": "none"} if style.journal else {}):
        caption = take_caption(figure) if style.journal else ""
        if style.for_print:
            set_for_print(figure, style)
            if not has_room(figure):
                raise UserWarning
        dots = PRINT_DOTS if style.for_print else DOTS_PER_INCH
        for kind in style.files:
            content = io.BytesIO()
            figure.savefig(content, format=kind, metadata={FORMATS[kind]: None}, dpi=dots)
            contents[kind] = content.getvalue()
    if caption:
        contents["tex"] = f"\\caption{{{caption}}}\n".encode()
    return contents


def save_pictures(
    pictures: Mapping[str, Callable[[], Figure]],
    folder: Path,
    progress: Display,
    style: PictureStyle = SCREEN,
) -> None:
    """Draw pictures, and save each by its name, as one step of a display."""
    progress.start("drawing pictures")
    for number, (name, draw) in enumerate(pictures.items()):
        progress.advance(number, len(pictures), name)
        save_picture(draw(), folder, name, style)
    progress.finish(f"{len(pictures)} in {folder}")
