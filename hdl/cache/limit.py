"""Size of the cache, and its limit: the entries that were used longest ago make room."""

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allspin.hdl.cache.folder import BUILDS, cache_folder
from allspin.hdl.cache.seal import SEAL
from allspin.sim.errors import UserError

LIMIT_VARIABLE = "ALLSPIN_CACHE_LIMIT"
"""Environment variable with the largest size: bytes, or a number with K, M, G or T (powers of
1000)."""
DEFAULT_LIMIT = "10G"
OWN = ("notes/*.json", "built/*.json", "failed-*.log")
"""Files besides builds that belong to the cache and may be removed."""
KEPT = 3600.0
"""Seconds for which a used entry stays, however large the cache is."""
KILLED = 86400.0
"""Age in seconds from which an unfinished build must be one of a killed process."""
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMGT]?)B?", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True)
class CacheSize:
    """Contents of the cache.

    Attributes
    ----------
    folder : Path
        The cache folder.
    builds : int
        Number of builds.
    size, limit : int
        Bytes of all files, and the largest number of bytes.
    """

    folder: Path
    builds: int
    size: int
    limit: int

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as plain values."""
        return {**asdict(self), "folder": str(self.folder)}


def size_limit() -> int:
    """Return the largest size of the cache in bytes.

    Raises
    ------
    UserError
        If ALLSPIN_CACHE_LIMIT is not a size.
    """
    text = os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UserError(
            f"{LIMIT_VARIABLE} must be a number of bytes, or a number with K, M, G or T such as "
            f"{DEFAULT_LIMIT}, not {text!r}"
        )
    return int(float(match[1]) * 1000 ** _POWERS[match[2].upper()])


def measure_cache() -> CacheSize:
    """Measure the cache.

    Raises
    ------
    UserError
        If there is no cache folder, or ALLSPIN_CACHE_LIMIT is not a size.
    """
    folder = cache_folder()
    return CacheSize(folder, len(_builds(folder)), _size(folder), size_limit())


def shrink_cache() -> None:
    """Remove entries of the cache, longest unused first, until it is within its limit.

    Entries are builds, notes, logs and manifests; a note counts as used when it was written.
    Entries that were used within `KEPT` seconds stay, and so do the tools' own files and any file
    that is not the cache's. Remains of killed builds are removed in any case.
    """
    limit = size_limit()
    folder = cache_folder()
    now = time.time()
    for left_over in (folder / BUILDS).glob(".*"):
        if _modified(left_over) < now - KILLED:
            shutil.rmtree(left_over, ignore_errors=True)
    entries = [(_modified(path / SEAL), path) for path in _builds(folder)]
    entries += [(_modified(path), path) for names in OWN for path in folder.glob(names)]
    size = _size(folder)
    for used, path in sorted(entries):
        if size <= limit or used > now - KEPT:
            return
        size -= _size(path)
        remove(path)


def _builds(folder: Path) -> list[Path]:
    """Folders of the finished builds."""
    return [path for path in (folder / BUILDS).glob("[!.]*") if path.is_dir()]


def _modified(path: Path) -> float:
    """Time of a file's last change; 0 if it does not exist."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    """Bytes of a file, or of all files in a folder; other processes may remove some meanwhile."""
    total = 0
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            status = path.lstat()
            total += 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return total


def remove(path: Path) -> None:
    """Remove a file, or a whole build in one step, so that no process finds part of it."""
    with contextlib.suppress(OSError):
        if path.is_dir():
            gone = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            path.rename(gone / "old")
            shutil.rmtree(gone, ignore_errors=True)
        else:
            path.unlink()
