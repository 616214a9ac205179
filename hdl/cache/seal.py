"""Seal of a build's folder: the digest of each file, which later reveals damage."""

import hashlib
import os
from pathlib import Path

from allspin.hdl.cache.folder import OTHERS, system
from allspin.sim.errors import UserError
from allspin.sim.files import read_text

SEAL = "seal.sha256"
"""File of the digests: a line with their count, then lines as ``sha256sum`` writes them."""

MAX_SEAL = 1 << 24
"""Largest seal in bytes; a build has some hundred files at most."""


def seal(folder: Path) -> None:
    """Write the seal of a folder, and flush the whole folder to the disk.

    Parameters
    ----------
    folder : Path
        No file in it may change afterwards.
    """
    (folder / SEAL).write_text("\n".join(_seal_lines(folder)) + "\n")
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink() and (path.is_file() or path.is_dir()):
            sync(path)


def sync(path: Path) -> None:
    """Flush a file's content, or a folder's list of files, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def find_flaw(folder: Path, program: str | None = None) -> str | None:
    """Check a sealed folder, and describe its first flaw in a few words; None if it is intact.

    Parameters
    ----------
    folder : Path
        Folder that `seal` has sealed.
    program : str, optional
        File in it that must be executable.
    """
    try:
        expected = read_text(folder / SEAL, "seal", MAX_SEAL).splitlines()
        present = _seal_lines(folder)
    except (OSError, UserError):
        return "its digests cannot be read"
    if differ := {*expected} ^ {*present}:
        name = max(line.partition("  ")[2] for line in differ)
        return f"{name or SEAL} is not as it was built"
    if program is not None and not os.access(folder / program, os.X_OK):
        return f"{program} cannot be run"
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        is_open = not path.is_symlink() and status.st_mode & OTHERS
        if status.st_uid != system.getuid() or is_open:
            return f"{path.name} is another user's, or open to one"
    return None


def _seal_lines(folder: Path) -> list[str]:
    """Lines of a seal: SHA-256 of each file, and of the target of each link."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            value = hashlib.sha256(os.readlink(path).encode())
        elif path.is_file() and path != folder / SEAL:
            with path.open("rb") as file:
                value = hashlib.file_digest(file, "sha256")
        else:
            continue
        lines.append(f"{value.hexdigest()}  {path.relative_to(folder).as_posix()}")
    return [f"{len(lines)} files", *lines]
