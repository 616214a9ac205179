"""Parameters of several commands: type, help, and the names that complete them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.options import DEVICE, HIDDEN, NETWORK, names_or_files
from allspin.host.show.progress import Steps as Display
from allspin.sim.systems import MissingPackage, naming_extras


def board_names() -> Iterable[str]:
    """Return the names of the boards; without Amaranth the list is empty."""
    try:
        with naming_extras():
            from allspin.boards.catalogue import find_boards  # an extra's
    except MissingPackage:
        return ()
    return find_boards()


NetworkName = Annotated[str, NETWORK]
"""Network file, or the name of a shipped network."""
NetworkNames = Annotated[list[str], NETWORK]
BOARD = Parameter(metavar="BOARD[:PROFILE]", completer=lambda _: list(board_names()))
DeviceName = Annotated[str, DEVICE]
"""Device file, or the name of a shipped device."""
DataFile = Annotated[
    Path | None,
    Parameter(
        metavar="DATA",
        help="Folder of IDX files, or .npz with x_train, y_train, x_test, y_test (MNIST, which "
        "ships)",
    ),
]
ImageCount = Annotated[int | None, Parameter(metavar="N", help="First N test images (all)")]
Style = Annotated[
    str | None,
    Parameter(
        metavar="NAME|FILE",
        completer=names_or_files("draw.picture_style", "STYLES"),
        help="Look of pictures: screen, paper, paper-1 or paper-2 (for a journal, one or two "
        "columns wide), or a TOML file with base, formats, width and points (screen)",
    ),
]
RecipeFile = Annotated[
    Path | None,
    Parameter(
        metavar="TOML",
        help="TOML file of the options below, with underscores, and of the further keys; an "
        "option that is given here wins",
    ),
]
Json = Annotated[bool, Parameter(help="Print the result as one JSON object")]
Steps = Annotated[Display, HIDDEN]
