"""What files a picture becomes, and how large; without Matplotlib, so that options start soon."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from allspin.sim.errors import check_one_of
from allspin.sim.parameters import Parameters, listed, option

FORMATS = {"png": "Software", "svg": "Date", "pdf": "CreationDate"}
"""Kinds of files, and what is left out of each, so that equal pictures make equal files."""
MILLIMETRES = 25.4
"""Of an inch."""
PRINT_POINTS = 7.0
"""Size of the text in print."""
JOURNAL_POINTS, LEAST_POINTS = 8.0, 6.0
"""Size of the text in a journal, and of the smallest in it."""
JOURNAL_HEIGHT = 0.8
"""How high a picture is there, of what its text would need on a screen."""
COLUMN, PAGE = 3.5, 7.16
"""Inches: one column and two of an IEEE journal."""
STYLES = {"screen": None, "paper": None, "paper-1": COLUMN, "paper-2": PAGE}
"""Kinds of pictures, and how wide in inches where that does not follow from the picture."""


@dataclass(frozen=True)
class Look(Parameters):
    """What files a picture becomes, and how large.

    Parameters
    ----------
    formats : sequence of str, optional
        Of `FORMATS`: PNG and SVG, for a journal PDF and SVG.
    width : float, optional
        For print, in millimetres, 20 to 1000; its height follows.
    points : float, optional
        For print, size of the text, 4 to 24 (7 if there is a width, 8 for a journal).
    style : str
        Of `STYLES`: ``paper`` is for a journal, without titles and with a caption beside it.

    Raises
    ------
    ValueError
        If one of them is out of its range; the message begins with its name.
    """

    formats: Sequence[str] | None = field(
        default=None,
        metadata=option(
            f"pictures' files: {', '.join(FORMATS)} (png,svg; pdf,svg for a journal)",
            "KIND[,KIND]",
            flag="--format",
            type=listed,
        ),
    )
    width: float | None = field(
        default=None,
        metadata={"low": 20, "high": 1000}
        | option(
            "pictures for print, so many millimetres wide (for a screen)",
            "MM",
            flag="--print-width",
        ),
    )
    points: float | None = field(
        default=None,
        metadata={"low": 4, "high": 24}
        | option(
            f"pictures for print, with text of this size ({PRINT_POINTS:g})",
            "POINTS",
            flag="--font-size",
        ),
    )
    style: str = field(
        default="screen",
        metadata={"known": STYLES}
        | option(
            "paper: pictures for a journal, PDF and SVG without titles, one or two columns wide "
            "(paper-1, paper-2: that many), and their captions for LaTeX (screen)",
            choices=tuple(STYLES),
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.formats is not None and not self.formats:
            raise ValueError(f"formats must be some of {', '.join(FORMATS)}")
        for kind in self.formats or ():
            check_one_of("formats", kind, FORMATS)

    @property
    def files(self) -> Sequence[str]:
        """What files a picture becomes, of `FORMATS`."""
        return self.formats or ("pdf" if self.journal else "png", "svg")

    @property
    def journal(self) -> bool:
        """Whether it is for a journal."""
        return self.style != "screen"

    @property
    def printed(self) -> bool:
        """Whether it is for print."""
        return self.journal or self.width is not None or self.points is not None

    def inches(self, drawn: float) -> float:
        """Width of a picture in print that is so wide on a screen, in inches."""
        fitting = (COLUMN if drawn <= PAGE else PAGE) if self.journal else drawn
        return self.width / MILLIMETRES if self.width is not None else STYLES[self.style] or fitting

    def with_formats(self, *formats: str) -> "Look":
        """The same, with these formats too."""
        return replace(self, formats=tuple(dict.fromkeys((*formats, *self.files))))


SCREEN, JOURNAL = Look(), Look(style="paper")
