"""Boards by name: every file here defines the `BOARDS` of a family of parts."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from allspin.boards.board import Board
from allspin.sim.errors import UserError, meant


@cache
def find_boards() -> Mapping[str, Board]:
    """Return all boards by name, in alphabetical order."""
    found: dict[str, Board] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for board in importlib.import_module(module.name).BOARDS:
            if board.name in found:
                raise ValueError(f"two boards are called {board.name}")
            found[board.name] = board
    return dict(sorted(found.items()))


def find_board(name: str) -> Board:
    """Return a board by its name.

    Raises
    ------
    UserError
        If the board is unknown.
    """
    found = find_boards()
    if name not in found:
        raise UserError(
            f"there is no board {name!r}{meant(name, found)}; there are {', '.join(found)}"
        )
    return found[name]
