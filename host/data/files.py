"""Checks before the work that a file or folder can be written."""

import os
import tempfile
from pathlib import Path

from allspin.sim.errors import UserError, refused


def check_writable(path: Path, regular: bool = False) -> None:
    """Raise unless a file can be written.

    Parameters
    ----------
    path : Path
        The file; it need not exist, its folder must.
    regular : bool
        True if it must be a regular file: one that is read again, or that other files are put
        beside.

    Raises
    ------
    UserError
        If `path` is a folder, or a device or pipe in place of a regular file, or its folder takes
        no file.
    """
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; give a file")
    if regular and path.exists() and not path.is_file():
        raise UserError(f"cannot write {path}: it is a device or a pipe; give a file")
    with refused(f"cannot write {path}: ", kinds=OSError):
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()


def check_apart(path: Path, *read: Path | None) -> None:
    """Raise if the file to write is one that is read.

    Parameters
    ----------
    path : Path
        The file to write, of the parameter `output`.
    *read : Path or None
        Files that are read.

    Raises
    ------
    UserError
        If the file to write is one of them.
    """
    written = os.path.realpath(path)
    if any(each is not None and os.path.realpath(each) == written for each in read):
        raise UserError(
            f"`output` {path} is read, and would be lost when it is written; give another name"
        )


def make_folder(path: Path) -> None:
    """Make a folder with its parents, unless it exists, and check that it takes files.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    UserError
        If the folder cannot be made, or does not take a file.
    """
    with refused(f"cannot write into the folder {path}: ", kinds=OSError):
        path.mkdir(parents=True, exist_ok=True)
        tempfile.NamedTemporaryFile(dir=path).close()
