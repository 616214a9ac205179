"""Notes: small facts that are kept as JSON, and never believed where they are damaged."""

import json
import stat
from pathlib import Path
from typing import Any

from allspin.hdl.cache.folder import digest, kept_folder
from allspin.sim.network.netfile import write_atomically

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
