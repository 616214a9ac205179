"""The options of commands that draw pictures: kinds of files, and sizes for print."""

import argparse

from allspin.host.cli.options.names import naming_options
from allspin.host.show.pictures.style import FORMATS, PRINT_POINTS, SCREEN, Look


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what files pictures become."""
    add = parser.add_argument
    add(
        "--format",
        dest="formats",
        metavar="KIND[,KIND]",
        default=",".join(SCREEN.formats),
        help=f"pictures' files: {', '.join(FORMATS)} ({','.join(SCREEN.formats)})",
    )
    add(
        "--print-width",
        dest="width",
        metavar="MM",
        type=float,
        help="pictures for print, so many millimetres wide (for a screen)",
    )
    add(
        "--font-size",
        dest="points",
        metavar="POINTS",
        type=float,
        help=f"pictures for print, with text of this size ({PRINT_POINTS:g})",
    )


def picture_options(arguments: argparse.Namespace) -> Look:
    """How pictures are written.

    Raises
    ------
    UserError
        If there is no such kind, or a size is out of its range.
    """
    formats = [kind.strip() for kind in arguments.formats.split(",") if kind.strip()]
    with naming_options():
        return Look(tuple(dict.fromkeys(formats)), arguments.width, arguments.points)
