"""Picture styles: files, size and layout of pictures.

Without Matplotlib, so that the command line, which lists the styles, starts fast.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from allspin.sim.errors import UserError, check_number, check_one_of, not_one_of, refused
from allspin.sim.files import read_text
from allspin.sim.plain_values import parse_toml

FORMATS = {"png": "Software", "svg": "Date", "pdf": "CreationDate"}
"""Kinds of files, each with the metadata to leave out, so that equal pictures make equal files."""
MILLIMETRES = 25.4
"""Millimetres of an inch."""
COLUMN = 3.5
PAGE = 7.16
"""Inches: width of one column and of two columns of an IEEE journal."""
WIDTHS = (20.0, 1000.0)
"""Range of a picture's width in millimetres."""
POINTS = (4.0, 24.0)
"""Range of the size of text in points."""
MAX_BYTES = 1 << 16
"""Most bytes of a style file."""


@dataclass(frozen=True)
class PictureStyle:
    """Files, size and layout of pictures.

    Parameters
    ----------
    formats : sequence of str
        Kinds of files, keys of `FORMATS`; by default PNG and SVG, for a journal PDF and SVG.
    journal : bool
        True for pictures of a journal: without titles, with lettered panels, and with a caption
        for LaTeX in a file beside each.
    width : float, optional
        Width for print in millimetres, 20 to 1000; heights follow.
    points : float, optional
        Size of the text for print, 4 to 24 points; by default 7, for a journal 8.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range.
    """

    formats: tuple[str, ...] = ()
    journal: bool = False
    width: float | None = None
    points: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.formats, str):
            raise TypeError("`formats` must be a list of kinds of files, such as png and svg")
        object.__setattr__(self, "formats", tuple(self.formats))
        for kind in self.formats:
            check_one_of("formats", kind, FORMATS)
        if not isinstance(self.journal, bool):
            raise TypeError("`journal` must be true or false")
        if self.width is not None:
            check_number("width", self.width, *WIDTHS)
        if self.points is not None:
            check_number("points", self.points, *POINTS)

    @classmethod
    def open(cls, style: "str | Path | PictureStyle") -> "PictureStyle":
        """Return a style by its name, or read one from a TOML file.

        Parameters
        ----------
        style : str, Path or PictureStyle
            A name of `STYLES`; or a file with the parameters of `PictureStyle`, and with ``base``,
            the style that it changes (``screen``).

        Raises
        ------
        UserError
            If the style is unknown, or the file cannot be read or holds anything else.
        """
        if isinstance(style, PictureStyle):
            return style
        if isinstance(style, str) and style in STYLES:
            return STYLES[style]
        if Path(style).suffix != ".toml":
            advice = "or name a file that ends with .toml"
            raise UserError(f"{not_one_of('--style', str(style), STYLES)}; {advice}")
        text = read_text(Path(style), "picture style", MAX_BYTES)
        with refused(f"{style} is no picture style: ", kinds=(ValueError, TypeError)):
            settings = parse_toml(text)
            base = settings.pop("base", "screen")
            check_one_of("base", base, STYLES)
            known = [field.name for field in dataclasses.fields(cls)]
            for name in settings:
                check_one_of("a setting", name, ["base", *known])
            return dataclasses.replace(STYLES[base], **settings)

    @property
    def files(self) -> tuple[str, ...]:
        """Kinds of files that a picture becomes."""
        if self.formats:
            return self.formats
        return ("pdf", "svg") if self.journal else ("png", "svg")

    @property
    def for_print(self) -> bool:
        """True if pictures are laid out for print."""
        return self.journal or self.width is not None or self.points is not None

    def inches(self, drawn: float) -> float:
        """Return the width in print of a picture that is `drawn` inches wide on a screen."""
        if self.width is not None:
            return self.width / MILLIMETRES
        if self.journal:
            return COLUMN if drawn <= PAGE else PAGE
        return drawn

    def with_formats(self, formats: Iterable[str]) -> "PictureStyle":
        """Return the same style with further formats."""
        return dataclasses.replace(self, formats=tuple(dict.fromkeys((*formats, *self.files))))


SCREEN = PictureStyle()
JOURNAL = PictureStyle(journal=True)
STYLES = {
    "screen": SCREEN,
    "paper": JOURNAL,
    "paper-1": PictureStyle(journal=True, width=COLUMN * MILLIMETRES),
    "paper-2": PictureStyle(journal=True, width=PAGE * MILLIMETRES),
}
"""Styles by name; ``paper`` is one or two columns wide, as the picture needs."""
