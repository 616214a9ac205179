"""Builds, each made once and whole, and checked whenever it is opened."""

import contextlib
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from allspin.hdl.cache.folder import (
    FIX,
    cache_folder,
    digest,
    kept_folder,
    only_builder,
    take_into_use,
)
from allspin.hdl.cache.size import BUILDS, SEAL, find_flaw, remove, seal, shrink_cache, sync
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically

# Notes: small facts that are kept as JSON, and never believed where they are damaged.

NOTE_BYTES = 2**20
"""More than any note has."""


FOLDER = "notes"


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
    return kept_folder(FOLDER) / f"{kind}-{digest(*parts)}.json"


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
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(NOTE_BYTES + 1)
    if len(content) > NOTE_BYTES:
        raise ValueError("it is too long")
    try:
        note = json.loads(content)
        value = note["value"]
        right = note["digest"] == _digest(path, value)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("it is not what was written") from error
    if not right:
        raise ValueError("its digest is wrong")
    return value


def _wait_alone(seconds: float) -> None:
    """Say nothing while another process builds."""


def build_once(
    name: str,
    build: Callable[[Path], None],
    waiting: Callable[[float], None] = _wait_alone,
    program: str | None = None,
) -> Path:
    """The folder of a build, built now unless it is there and as it was built.

    Processes that want the same build at once wait for the first. A build that is cut
    short leaves nothing that could be taken for a build. The digests of all files are kept with
    them; where one is not right, a line on stderr says so and the build is made anew. When a
    build was made, the oldest ones that nobody uses make room for it (`allspin.hdl.cache.size`).

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
        The finished folder; it must not be changed. It stays until this process ends.

    Raises
    ------
    UserError
        If the cache cannot be written.
    """
    folder = cache_folder() / BUILDS
    done = folder / name
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(exist_ok=True)
            if _is_whole(done, program):
                return done
            stack.enter_context(only_builder(folder / f"{name}.lock", waiting))
            if _is_whole(done, program):
                return done
            _discard(done, program)
            for left_over in folder.glob(f".{name}.*"):  # of a build that was killed
                shutil.rmtree(left_over, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
        except OSError as error:
            raise _not_written(folder, error) from error
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        build(work)
        try:
            work.chmod(0o755)
            seal(work)
            work.rename(done)
            sync(folder)
        except OSError as error:
            raise _not_written(folder, error) from error
        take_into_use(done / SEAL)
    shrink_cache()
    return done


def _is_whole(done: Path, program: str | None) -> bool:
    """Whether a build is there and can be used; it is then in use."""
    if not take_into_use(done / SEAL) or find_flaw(done, program) is not None:
        return False
    with contextlib.suppress(OSError):
        os.utime(done / SEAL)  # when it was used last
    return True


def _discard(done: Path, program: str | None) -> None:
    """Take a damaged build away, in one step, and say so."""
    if not done.is_dir():
        return
    print(
        f"allspin: the build {done.name} in the cache is made anew: {find_flaw(done, program)}",
        file=sys.stderr,
        flush=True,
    )
    remove(done)


def _not_written(folder: Path, error: OSError) -> UserError:
    return UserError(f"cannot write the cache folder {folder}: {error.strerror}; {FIX}")
