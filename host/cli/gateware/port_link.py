"""A symbolic link to a port, which is there as long as the port is."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from allspin.sim.errors import UserError

TERMINALS = "/dev/pts/"


def _left_over(link: Path) -> bool:
    """Whether a link is one that was left here and leads to a terminal that is gone."""
    return link.is_symlink() and os.readlink(link).startswith(TERMINALS) and not link.exists()


def check_link(link: Path) -> None:
    """Raise unless a link to a port can be made.

    Raises
    ------
    UserError
        If something else is there, or there is no such folder.
    """
    if os.path.lexists(link) and not _left_over(link):
        raise UserError(f"cannot make the link {link}: something else is there")
    if not link.parent.is_dir():
        raise UserError(f"cannot make the link {link}: there is no folder {link.parent}")


@contextlib.contextmanager
def linked(link: Path | None, path: str) -> Iterator[None]:
    """Have a link lead to a port, until the end.

    Parameters
    ----------
    link : Path or None
        None for no link.
    path : str
        The port's.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    if link is None:
        yield
        return
    if _left_over(link):
        link.unlink()
    try:
        link.symlink_to(path)
    except OSError as error:
        raise UserError(f"cannot make the link {link}: {error.strerror}") from error
    try:
        yield
    finally:
        if link.is_symlink() and os.readlink(link) == path:
            link.unlink()
