"""Files that a user names: checks before a file is read, and atomic writes."""

import contextlib
import errno
import os
import stat
import uuid
from pathlib import Path

from allspin.sim.errors import UserError, refused


def check_file(path: Path, kind: str, limit: int) -> None:
    """Raise unless a path is a regular file of at most `limit` bytes.

    Parameters
    ----------
    path : Path
        File that a user named.
    kind : str
        Name of the kind of file in messages, such as ``device file``.
    limit : int
        Largest size of a file of this kind, in bytes.

    Raises
    ------
    UserError
        If the file is missing, too large, or not a regular file.
    """
    # A NUL in the name raises a ValueError.
    unreadable = f"cannot read {kind} {path}: "
    with refused(unreadable, "; check its name and permissions", (OSError, ValueError)):
        about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        other = "a folder" if stat.S_ISDIR(about.st_mode) else "a device or a pipe"
        raise UserError(f"{unreadable}it is {other}, not a regular file")
    if about.st_size > limit:
        raise UserError(
            f"{path} is too large for a {kind}: it has {about.st_size:,} bytes, at most "
            f"{limit:,} are read"
        )


def read_file(path: Path, kind: str, limit: int) -> bytes:
    """Return the content of a file that a user named; see `check_file`."""
    check_file(path, kind, limit)
    with refused(f"cannot read {kind} {path}: ", "; check its permissions", OSError):
        return path.read_bytes()


def read_text(path: Path, kind: str, limit: int) -> str:
    """Return the content of a UTF-8 text file that a user named; see `check_file`."""
    try:
        return read_file(path, kind, limit).decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a {kind}: it is not text in UTF-8") from None


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write a file completely or not at all.

    A link is followed. A device or a pipe cannot be replaced, so the data are written to it.

    Raises
    ------
    UserError
        If the folder is missing or read-only, or the disk is full.
    """
    with refused(f"cannot write {path}: ", kinds=(OSError, ValueError)):
        target = Path(os.path.realpath(path))
        if target.is_symlink():  # a circle of links
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        temporary = target.parent / f".allspin-{uuid.uuid4().hex}"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
