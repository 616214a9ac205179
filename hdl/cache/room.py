"""How much the cache holds, and what goes where that is too much."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hdl.cache.folder import cache_folder
from hdl.cache.lock import nobody_else
from hdl.cache.seal import SEAL
from sim.errors import UserError

BUILDS = "builds"
"""Folder of what `hdl.cache.builds.build_once` made."""
LIMIT_VARIABLE = "ALLSPIN_CACHE_LIMIT"
"""Environment variable with the bytes that the cache may hold, or a number with K, M, G or T
(thousands of one another)."""
DEFAULT_LIMIT = "10G"
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMGT]?)B?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Room:
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


def measure_room() -> Room:
    """What the cache holds now.

    Raises
    ------
    UserError
        If there is no cache folder, or ALLSPIN_CACHE_LIMIT is no size.
    """
    folder = cache_folder()
    return Room(folder, len(_builds(folder / BUILDS)), _size(folder), size_limit())


def make_room() -> None:
    """Remove builds until the cache is within its limit.

    Those go first that were used longest ago; those that a process uses stay, and so do the notes
    of what was built for boards. What builds that were killed have left goes in any case.
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
    for build in sorted(_builds(builds), key=_last_use):
        if size <= limit:
            return
        with nobody_else(build / SEAL) as alone:
            if alone:
                size -= _size(build)
                _remove(build)


def _builds(folder: Path) -> list[Path]:
    """The finished builds in a folder."""
    return [path for path in _listed(folder) if path.is_dir() and not path.name.startswith(".")]


def _listed(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from folder.iterdir()


def _last_use(build: Path) -> float:
    with contextlib.suppress(OSError):
        return (build / SEAL).stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    """Bytes of all files in a folder; other processes may be removing some."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _remove(build: Path) -> None:
    """Take a build away in one step, so that nobody finds a part of it."""
    with contextlib.suppress(OSError):
        gone = Path(tempfile.mkdtemp(prefix=f".{build.name}.", dir=build.parent))
        build.rename(gone / "old")
        shutil.rmtree(gone, ignore_errors=True)
