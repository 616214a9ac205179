"""Files that a user names: checks before a file is read, and atomic writes."""

import contextlib
import errno
import hashlib
import os
import platform
import re
import stat
import time
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


TEMPORARY = re.compile(r"\.allspin-(?:([0-9a-f]{8})-([0-9]{1,10})-)?[0-9a-f]{32}")
"""Name of a temporary file: its computer, its process, and a random number; or the last alone."""
YOUNG, OLD = 60.0, 86_400.0
"""Seconds before a file may be one that a killed process left, and after which it is."""
_swept: set[Path] = set()


def _computer() -> str:
    """Return a short digest of this computer's name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _lives(process: int) -> bool:
    """Return True unless a process of this computer has ended."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is another user's
        return True
    return True


def _is_left(name: str, about: os.stat_result, now: float) -> bool:
    """Return True if a file is a temporary one of this user that a killed process left."""
    match = TEMPORARY.fullmatch(name)
    if match is None or not stat.S_ISREG(about.st_mode) or about.st_uid != os.getuid():
        return False
    age = now - about.st_mtime
    ended = match[1] == _computer() and match[2] and int(match[2]) and not _lives(int(match[2]))
    return age > OLD or (bool(ended) and age > YOUNG)


def sweep_left(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder; links are not followed."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not entry.name.startswith(".allspin-"):
                    continue
                if _is_left(entry.name, entry.stat(follow_symlinks=False), time.time()):
                    os.unlink(entry.path)


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write a file completely or not at all.

    Temporary files that killed processes left in the folder are removed, once in a process.

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
        if target.parent not in _swept:
            _swept.add(target.parent)
            sweep_left(target.parent)
        name = f".allspin-{_computer()}-{os.getpid()}-{uuid.uuid4().hex}"
        temporary = target.parent / name
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()
