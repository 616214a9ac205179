"""Files that a user names: only regular ones are read, and none beyond its kind's limit.

A pipe that nobody writes to, a device without an end and a file that is far larger than its
kind ever is are refused before anything of them is read.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path

from allspin.sim.errors import UserError

OTHERS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What else than a regular file may be at a path."""


def _check(about: os.stat_result, path: Path, kind: str, limit: int) -> None:
    """Raise unless this is a regular file of at most `limit` bytes."""
    if not stat.S_ISREG(about.st_mode):
        other = OTHERS.get(stat.S_IFMT(about.st_mode), "something else")
        raise UserError(f"cannot read {kind} {path}: it is {other}, not a regular file")
    if about.st_size > limit:
        raise UserError(
            f"{path} is too large for a {kind}: it has {about.st_size:,} bytes, at most "
            f"{limit:,} are read"
        )


def open_file(path: Path, kind: str, limit: int) -> tuple[BufferedReader, int]:
    """Open a file that a user named.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it should hold, as messages call it.
    limit : int
        The most bytes that a file of this kind has.

    Returns
    -------
    file : BufferedReader
        At its first byte.
    size : int
        Bytes that it has.

    Raises
    ------
    UserError
        If there is no such file, it is no regular one, or it is too large.
    """
    try:
        # Before it is opened: opening alone can do something to a device.
        _check(path.stat(), path, kind, limit)
        # What has come into the file's place since then must not hang here.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        file = os.fdopen(handle, "rb")
        try:
            about = os.fstat(handle)
            _check(about, path, kind, limit)
        except BaseException:
            file.close()
            raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(
            f"cannot read {kind} {path}: {why}; check its name and permissions"
        ) from error
    return file, about.st_size


def read_file(path: Path, kind: str, limit: int) -> bytes:
    """Content of a file that a user named; parameters and errors as of `open_file`."""
    file, size = open_file(path, kind, limit)
    with file:
        try:
            content = file.read(size + 1)
        except OSError as error:
            raise UserError(f"cannot read {kind} {path}: {error.strerror or error}") from error
    if len(content) != size:
        raise UserError(f"{path} changed while it was read; try again")
    return content


def read_text(path: Path, kind: str, limit: int) -> str:
    """Content of a text file that a user named; as `open_file`, and it must be UTF-8."""
    try:
        return read_file(path, kind, limit).decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a {kind}: it is not text in UTF-8") from None
