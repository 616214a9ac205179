"""How much the cache holds, and what goes where that is too much."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allspin.hdl.cache.folder import cache_folder, nobody_else
from allspin.sim.errors import UserError
from allspin.sim.files import read_text

# The seal of a folder: the digest of each file in it, by which damage is found later.

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


BUILDS = "builds"
"""Folder of what `allspin.hdl.cache.builds.build_once` made."""
LIMIT_VARIABLE = "ALLSPIN_CACHE_LIMIT"
"""Environment variable with the bytes that the cache may hold, or a number with K, M, G or T
(thousands of one another)."""
DEFAULT_LIMIT = "10G"
_NOTES = re.compile(r"[^.].*\.json")
OWN = {
    "notes": _NOTES,
    "built": _NOTES,
    "cycles": _NOTES,
    "": re.compile(
        r"fault-[0-9a-f]{12}\.txt|failed-[\w-]+\.log|([a-z]+-)?[0-9a-f]{32}(\.design|\.lock)?"
    ),
}
"""What else is the cache's own, by the names that it has in each folder; ``cycles`` and names of
32 digits are of earlier versions."""
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMGT]?)B?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class CacheSize:
    """What the cache holds.

    Attributes
    ----------
    folder : Path
        Where it is.
    builds : int
        How many builds there are.
    size, limit : int
        Bytes of all its files, and how many these may be.
    """

    folder: Path
    builds: int
    size: int
    limit: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "folder": str(self.folder)}


def size_limit() -> int:
    """Bytes that the cache may hold.

    Raises
    ------
    UserError
        If ALLSPIN_CACHE_LIMIT is no size.
    """
    text = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UserError(
            f"{LIMIT_VARIABLE} must be a number of bytes, or a number with K, M, G or T such as "
            f"{DEFAULT_LIMIT}, not {text!r}"
        )
    return int(float(match[1]) * 1000 ** ("KMGT".find(match[2].upper()) + 1 if match[2] else 0))


def measure_cache() -> CacheSize:
    """What the cache holds now.

    Raises
    ------
    UserError
        If there is no cache folder, or ALLSPIN_CACHE_LIMIT is no size.
    """
    folder = cache_folder()
    return CacheSize(folder, len(_builds(folder / BUILDS)), _size(folder), size_limit())


def shrink_cache() -> None:
    """Remove what the cache keeps until it is within its limit.

    That goes first that was used longest ago (of notes: written): builds, notes, logs and
    tracebacks, and what earlier versions kept elsewhere in the folder. What a process uses stays,
    and so do the tools' own files and whatever is not the cache's. What builds that were killed
    have left goes in any case.
    """
    limit = size_limit()
    folder = cache_folder()
    builds = folder / BUILDS
    for left_over in builds.glob(".*"):
        name = left_over.name[1:].rpartition(".")[0]
        with nobody_else(builds / f"{name}.lock") as alone:
            if alone:
                shutil.rmtree(left_over, ignore_errors=True)
    size = _size(folder)
    for _, path, lock in sorted(_all_kept(folder)):
        if size <= limit:
            return
        with nobody_else(lock) as alone:
            if alone:
                size -= _size(path)
                remove(path)


def _all_kept(folder: Path) -> Iterator[tuple[float, Path, Path]]:
    """All that may go: when it was used last, and the file whose lock tells that it is in use."""
    for path in _builds(folder / BUILDS):
        yield _changed(path / SEAL), path, path / SEAL
    for place, names in OWN.items():
        for path in _listed(folder / place):
            if names.fullmatch(path.name) and not path.is_symlink():
                lock = path.with_name(f"{path.name}.lock") if path.is_dir() else path
                yield _changed(path), path, lock


def _builds(folder: Path) -> list[Path]:
    """The finished builds in a folder."""
    return [path for path in _listed(folder) if path.is_dir() and not path.name.startswith(".")]


def _listed(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from folder.iterdir()


def _changed(path: Path) -> float:
    """When a file was changed last; 0 where it is not there."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    """Bytes of a file or of all files in a folder; other processes may be removing some."""
    total = 0
    if not folder.is_dir():
        with contextlib.suppress(OSError):
            total = folder.lstat().st_size
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def remove(build: Path) -> None:
    """Take a build away in one step, so that nobody finds a part of it, or a file."""
    with contextlib.suppress(OSError):
        if not build.is_dir():
            build.unlink()
            return
        gone = Path(tempfile.mkdtemp(prefix=f".{build.name}.", dir=build.parent))
        build.rename(gone / "old")
        shutil.rmtree(gone, ignore_errors=True)
