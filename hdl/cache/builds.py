"""Builds, each made once and whole, and checked whenever it is opened."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from allspin.hdl.cache.folder import FIX, digest, kept_folder, only_builder
from allspin.hdl.cache.size import BUILDS, SEAL, find_flaw, remove, seal, shrink_cache, sync
from allspin.sim.errors import refused
from allspin.sim.files import write_atomically

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
            build(work)
            with _cannot_write(folder):
                work.chmod(0o755)
                seal(work)
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
