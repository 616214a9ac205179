"""Notes: small facts that the cache keeps as JSON; a damaged note is refused."""

import json
from pathlib import Path
from typing import Any

from allspin.hdl.cache.folder import digest, kept_folder
from allspin.sim.files import write_atomically


def note_path(kind: str, *parts: str | bytes) -> Path:
    """Return the file of a note about a fact that takes time to compute.

    Parameters
    ----------
    kind : str
        Name of the fact.
    *parts : str or bytes
        Everything that the fact depends on.

    Raises
    ------
    UserError
        If the cache cannot be written.
    """
    return kept_folder("notes") / f"{kind}-{digest(*parts)}.json"


def write_note(path: Path, value: Any) -> None:
    """Write a note.

    Parameters
    ----------
    path : Path
        The note's file.
    value : object
        The fact, as JSON can hold it.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    note = {"digest": _digest(path, value), "value": value}
    write_atomically(path, json.dumps(note, indent=1).encode())


def read_note(path: Path) -> Any:
    """Read a note.

    Parameters
    ----------
    path : Path
        The note's file.

    Returns
    -------
    object
        The value that `write_note` was given.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If it is not a file that `write_note` wrote.
    """
    try:
        note = json.loads(path.read_bytes())
        value = note["value"]
        if note["digest"] == _digest(path, value):
            return value
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("it is not what was written") from error
    raise ValueError("its digest is wrong")


def _digest(path: Path, value: Any) -> str:
    """Digest of a note's value and name, so that one note does not pass for another."""
    return digest(path.name, json.dumps(value, sort_keys=True))
