"""What is known of files before the work: that its outcome can be written; and what is closed."""

import os
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from allspin.sim.errors import UserError, refused

# What is closed at the end of a ``with``.


class Closing(ABC):
    """Something that holds a file, a process or a stream until it is closed."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def check_writable(path: Path, regular: bool = False) -> None:
    """Raise unless a file can be written.

    Parameters
    ----------
    path : Path
        The file; it need not exist, its folder must.
    regular : bool
        Whether it must be a file that keeps what is written: one that is read again, or that
        others are put beside.

    Raises
    ------
    UserError
        If `path` is a folder, or a device or pipe where it must be a file, or no file can be
        made beside it.
    """
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; give a file")
    if regular and path.exists() and not path.is_file():
        raise UserError(f"cannot write {path}: it is a device or a pipe; give a file")
    with refused(f"cannot write {path}: ", kinds=OSError):
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()


def check_apart(path: Path, *read: Path | None) -> None:
    """Raise where a file that is to be written is one that is read.

    Parameters
    ----------
    path : Path
        The file to write, of the parameter `output`.
    *read : Path or None
        What is read.

    Raises
    ------
    UserError
        If it is one of them.
    """
    written = os.path.realpath(path)
    if any(each is not None and os.path.realpath(each) == written for each in read):
        raise UserError(
            f"`output` {path} is read, and would be lost when it is written; give another name"
        )


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, unless it is there; files can then be written into it.

    Parameters
    ----------
    path : Path
        The folder.

    Raises
    ------
    UserError
        If it cannot be made, or takes no file.
    """
    with refused(f"cannot write into the folder {path}: ", kinds=OSError):
        path.mkdir(parents=True, exist_ok=True)
        tempfile.NamedTemporaryFile(dir=path).close()
