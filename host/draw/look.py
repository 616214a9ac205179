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


@dataclass(frozen=True)
class Look(Parameters):
    """What files a picture becomes, and how large.

    Parameters
    ----------
    formats : sequence of str
        Of `FORMATS`.
    width : float, optional
        For print, in millimetres, 20 to 1000; its height follows.
    points : float, optional
        For print, size of the text, 4 to 24 (7 if there is a width).

    Raises
    ------
    ValueError
        If one of them is out of its range; the message begins with its name.
    """

    formats: Sequence[str] = field(
        default=("png", "svg"),
        metadata=option(
            f"pictures' files: {', '.join(FORMATS)} (png,svg)",
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.formats:
            raise ValueError(f"formats must be some of {', '.join(FORMATS)}")
        for kind in self.formats:
            check_one_of("formats", kind, FORMATS)

    @property
    def printed(self) -> bool:
        """Whether it is for print."""
        return self.width is not None or self.points is not None

    def with_formats(self, *formats: str) -> "Look":
        """The same, with these formats too."""
        return replace(self, formats=tuple(dict.fromkeys((*formats, *self.formats))))


SCREEN = Look()
