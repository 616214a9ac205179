"""Builds, each made once and whole, checked whenever opened, and bounded in what they take."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allspin.hdl.cache.process import (
    FIX,
    OTHERS,
    cache_folder,
    digest,
    kept_folder,
    only_builder,
    system,
)
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_text, write_atomically

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
    (folder / SEAL).write_text("\n".join(_sealed(folder)) + "\n")
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
        lines = read_text(folder / SEAL, "seal", MAX_SEAL).splitlines()
        found = _sealed(folder)
    except (OSError, UserError):
        return "its digests cannot be read"
    if differ := {*lines} ^ {*found}:
        name = max(line.partition("  ")[2] for line in differ)
        return f"{name or SEAL} is not as it was built"
    if program is not None and not os.access(folder / program, os.X_OK):
        return f"{program} cannot be run"
    for path in (folder, *folder.rglob("*")):
        found = path.lstat()
        if found.st_uid != system.getuid() or (not path.is_symlink() and found.st_mode & OTHERS):
            return f"{path.name} is another user's, or open to one"
    return None


def _sealed(folder: Path) -> list[str]:
    """Lines of a seal: SHA-256 of each file, and of where each link leads."""
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


BUILDS = "builds"
"""Folder of what `allspin.hdl.cache.builds.build_once` made."""
LIMIT_VARIABLE = "ALLSPIN_CACHE_LIMIT"
"""Environment variable with the bytes that the cache may hold, or a number with K, M, G or T
(thousands of one another)."""
DEFAULT_LIMIT = "10G"
OWN = ("notes/*.json", "built/*.json", "failed-*.log")
"""What else is the cache's own."""
KEPT = 3600.0
"""Seconds for which what was used stays, however large the cache is."""
KILLED = 86400.0
"""Seconds after which what is not finished is of a process that was killed."""
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
    return CacheSize(folder, len(_builds(folder)), _size(folder), size_limit())


def shrink_cache() -> None:
    """Remove what the cache keeps until it is within its limit.

    That goes first that was used longest ago (of notes: written): builds, notes, logs and
    tracebacks. What was used within `KEPT` seconds stays, and so do the tools' own files and
    whatever is not the cache's. What builds that were killed have left goes in any case.
    """
    limit, folder, now = size_limit(), cache_folder(), time.time()
    for left_over in (folder / BUILDS).glob(".*"):
        if _changed(left_over) < now - KILLED:
            shutil.rmtree(left_over, ignore_errors=True)
    kept = [(_changed(path / SEAL), path) for path in _builds(folder)]
    kept += [(_changed(path), path) for names in OWN for path in folder.glob(names)]
    size = _size(folder)
    for used, path in sorted(kept):
        if size <= limit or used > now - KEPT:
            return
        size -= _size(path)
        remove(path)


def _builds(folder: Path) -> list[Path]:
    """The finished builds of a cache."""
    return [path for path in (folder / BUILDS).glob("[!.]*") if path.is_dir()]


def _changed(path: Path) -> float:
    """When a file was changed last; 0 where it is not there."""
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    """Bytes of a file or of all files in a folder; other processes may be removing some."""
    total = 0
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(OSError):
            status = path.lstat()
            total += 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return total


def remove(path: Path) -> None:
    """Take away a file, or a build in one step, so that nobody finds a part of it."""
    with contextlib.suppress(OSError):
        if path.is_dir():
            gone = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
            path.rename(gone / "old")
            shutil.rmtree(gone, ignore_errors=True)
        else:
            path.unlink()


# Notes: small facts that are kept as JSON, and never believed where they are damaged.


def note_path(kind: str, *parts: str | bytes) -> Path:
    """The file of a note about something that it took a while to find.

    Parameters
    ----------
    kind : str
        What it tells of.
    *parts : str or bytes
        All that this depends on.

    Raises
    ------
    UserError
        If the cache cannot be written.
    """
    return kept_folder("notes") / f"{kind}-{digest(*parts)}.json"


def _digest(path: Path, value: Any) -> str:
    """Of what a note says, and of its name: one note does not pass for another."""
    return digest(path.name, json.dumps(value, sort_keys=True))


def write_note(path: Path, value: Any) -> None:
    """Keep a fact.

    Parameters
    ----------
    path : Path
        The note's file.
    value : object
        What JSON can hold.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    note = {"digest": _digest(path, value), "value": value}
    write_atomically(path, json.dumps(note, indent=1).encode())


def read_note(path: Path) -> Any:
    """What a note says.

    Parameters
    ----------
    path : Path
        The note's file.

    Returns
    -------
    object
        What `write_note` was given.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    ValueError
        If it is not what `write_note` wrote.
    """
    try:
        note = json.loads(path.read_bytes())
        value = note["value"]
        if note["digest"] == _digest(path, value):
            return value
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("it is not what was written") from error
    raise ValueError("its digest is wrong")


def _wait_alone(seconds: float) -> None:
    """Say nothing while another process builds."""


def build_once(
    name: str,
    build: Callable[[Path], object],
    waiting: Callable[[float], None] = _wait_alone,
    program: str | None = None,
) -> Path:
    """The folder of a build, built now unless it is there and as it was built.

    Processes that want the same build at once wait for the first. A build that is cut
    short leaves nothing that could be taken for a build. The digests of all files are kept with
    them; where one is not right, a line on stderr says so and the build is made anew. When a
    build was made, the oldest ones that nobody uses make room for it (`shrink_cache`).

    Parameters
    ----------
    name : str
        Of the build, unique (see `digest`).
    build : callable
        Fills the empty folder that it is given. The folder is moved afterwards, so nothing
        in it may hold its path.
    waiting : callable
        Told several times a second for how many seconds another process has been building.
    program : str, optional
        Name of a file in the folder that is run: one that cannot be is damaged.

    Returns
    -------
    Path
        The finished folder; it must not be changed. It stays for an hour at least.

    Raises
    ------
    UserError
        If the cache cannot be written.
    """
    folder = kept_folder(BUILDS)
    done = folder / name
    if _is_whole(done, program):
        return done
    with only_builder(name, waiting):
        if _is_whole(done, program):
            return done
        if done.is_dir():
            print(
                f"allspin: the build {name} in the cache is made anew: {find_flaw(done, program)}",
                file=sys.stderr,
                flush=True,
            )
            remove(done)
        for left_over in folder.glob(f".{name}.*"):  # of a build that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        with _cannot_write(folder):
            work = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
        try:
            with _cannot_write(folder):
                build(work)
                seal(work)
                # Compilers obey the umask, by which others may write.
                for path in (work, *work.rglob("*")):
                    if not path.is_symlink():
                        path.chmod(path.stat().st_mode & ~OTHERS)
                work.chmod(0o755)
                work.rename(done)
                sync(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    shrink_cache()
    return done


def _cannot_write(folder: Path) -> contextlib.AbstractContextManager[None]:
    return refused(f"cannot write the cache folder {folder}: ", f"; {FIX}", OSError)


def _is_whole(done: Path, program: str | None) -> bool:
    """Whether a build is there and as it was built; it is then in use."""
    if not done.is_dir() or find_flaw(done, program) is not None:
        return False
    with contextlib.suppress(OSError):
        os.utime(done / SEAL)  # when it was used last
    return True
