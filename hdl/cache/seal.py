"""The seal of a folder: the digest of each file in it, by which damage is found later."""

import hashlib
import os
from pathlib import Path

from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_text

SEAL = "seal.sha256"
"""Name of the file with the digests: a line that counts them, then as ``sha256sum`` writes them."""

MAX_SEAL = 1 << 24
"""Bytes of it; a build has some hundred files at most."""


def seal(folder: Path) -> None:
    """Write the seal of a folder, and have all of the folder on the disk before it returns.

    Parameters
    ----------
    folder : Path
        Nothing in it may change afterwards.
    """
    digests = _digests(folder)
    lines = [f"{len(digests)} files", *(f"{digests[name]}  {name}" for name in sorted(digests))]
    (folder / SEAL).write_text("".join(f"{line}\n" for line in lines))
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink() and (path.is_file() or path.is_dir()):
            sync(path)


def sync(path: Path) -> None:
    """Have a file's content, or which files a folder has, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def find_flaw(folder: Path, program: str | None = None) -> str | None:
    """What is wrong with a sealed folder, in a few words; None where nothing is.

    Parameters
    ----------
    folder : Path
        What `seal` has sealed.
    program : str, optional
        Name of a file in it that must be one that can be run.
    """
    try:
        head, *lines = read_text(folder / SEAL, "seal", MAX_SEAL).splitlines()
        sealed = {name: value for value, _, name in (line.partition("  ") for line in lines)}
        found = _digests(folder)
    except (OSError, ValueError, UserError):
        return "its digests cannot be read"
    if head != f"{len(sealed)} files" or len(lines) != len(sealed):
        return "its digests are damaged"
    for name in sorted(sealed.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in sealed:
            return f"{name} does not belong there"
        if sealed[name] != found[name]:
            return f"{name} is damaged"
    if program is not None and not os.access(folder / program, os.X_OK):
        return f"{program} cannot be run"
    return None


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder, and of where each link leads."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = hashlib.sha256(os.readlink(path).encode()).hexdigest()
        elif path.is_file() and name != SEAL:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
