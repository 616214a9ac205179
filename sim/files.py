"""Files of a user: one check before a file is read, JSON and TOML, tables, and the atomic write."""

import contextlib
import dataclasses
import errno
import json
import math
import os
import re
import stat
import tomllib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from allspin.sim.errors import UserError, refused


def check_file(path: Path, kind: str, limit: int) -> None:
    """Raise unless a path is a regular file of at most so many bytes.

    Parameters
    ----------
    path : Path
        The file that a user named.
    kind : str
        What it should hold, as messages call it.
    limit : int
        The most bytes that a file of this kind has.

    Raises
    ------
    UserError
        If there is no such file, it is no regular one, or it is too large.
    """
    # A NUL in the name is a ValueError.
    unreadable = f"cannot read {kind} {path}: "
    with refused(unreadable, "; check its name and permissions", (OSError, ValueError)):
        about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        other = "a folder" if stat.S_ISDIR(about.st_mode) else "a device or a pipe"
        raise UserError(f"{unreadable}it is {other}, not a regular file")
    if about.st_size > limit:
        raise UserError(
            f"{path} is too large for a {kind}: it has {about.st_size:,} bytes, at most "
            f"{limit:,} are read"
        )


def read_file(path: Path, kind: str, limit: int) -> bytes:
    """Content of a file that a user named; parameters and errors as of `check_file`."""
    check_file(path, kind, limit)
    with refused(f"cannot read {kind} {path}: ", "; check its permissions", OSError):
        return path.read_bytes()


def read_text(path: Path, kind: str, limit: int) -> str:
    """Content of a text file that a user named; as `read_file`, and it must be UTF-8."""
    try:
        return read_file(path, kind, limit).decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a {kind}: it is not text in UTF-8") from None


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write a file whole or not at all.

    A link is followed; a device or pipe, which nothing may take the place of, is simply
    written to.

    Raises
    ------
    UserError
        If the folder is missing or cannot be written, or the disk is full.
    """
    with refused(f"cannot write {path}: ", kinds=(OSError, ValueError)):
        target = Path(os.path.realpath(path))
        if target.is_symlink():  # links in a circle
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        temporary = target.parent / f".allspin-{uuid.uuid4().hex}"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


# JSON and TOML: plain values. What is wrong with a text is a `ValueError` of one line.

MAX_DEPTH = 16
"""Tables and arrays within one another; files of allspin have six."""
MAX_JSON = 8 << 20
"""Bytes of a JSON text: Python's values take up to thirty times as much."""
MAX_TOML = 4 << 20
"""Bytes of a TOML text, of which `tomllib` takes some microseconds each."""
INTEGERS = range(-(1 << 63), 1 << 64)
"""Integers of either signedness in 64 bits, which TOML promises and no file here exceeds."""
TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
DOTTED_KEY = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH + 1}}}")
"""A TOML key of too many parts; `tomllib` takes time by their square."""


def _check_values(value: Any, depth: int = 0) -> None:
    """Raise unless a value and all within it are what a file can mean."""
    if depth > MAX_DEPTH:
        raise ValueError(TOO_DEEP)
    if isinstance(value, dict):
        for key, each in value.items():
            _check_values(key, depth)
            _check_values(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check_values(each, depth + 1)
    elif isinstance(value, str) and "\0" in value:
        raise ValueError("it has a text with a NUL character")
    elif isinstance(value, int) and value not in INTEGERS:
        raise ValueError("it has an integer of more than 64 bits")


def _float(text: str) -> float:
    """A number; infinite only where the text says so, as TOML's may."""
    value = float(text)
    if math.isinf(value) and not text.endswith("inf"):
        raise ValueError(f"it has a number that is too large, {text[:20]}")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"it has {name}, which is no number")


def _plain(load: Callable[..., Any], text: str, **how: Any) -> Any:
    """The value of a text, by `json.loads` or `tomllib.loads`."""
    try:
        value = load(text, parse_float=_float, **how)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    _check_values(value)
    return value


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises
    ------
    ValueError
        If it is no JSON in UTF-8, deeper than `MAX_DEPTH`, or has an integer outside `INTEGERS`,
        an infinite number, NaN or a NUL.
    """
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    return _plain(json.loads, text, parse_constant=_refuse_constant)


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises
    ------
    ValueError
        If it is no TOML, deeper than `MAX_DEPTH`, or has an integer outside `INTEGERS` or a NUL.
    """
    if DOTTED_KEY.search(text):
        raise ValueError(TOO_DEEP)
    return _plain(tomllib.loads, text)


Part = TypeVar("Part")


class TomlTable:
    """A TOML table from which keys are taken, so that none goes unread.

    Parameters
    ----------
    name : str
        Of the table, with those that it is in; empty for the whole file.
    content : object
        What was read.

    Raises
    ------
    ValueError
        If that is no table; so do all methods if what they want is not there, or wrong.
    """

    def __init__(self, name: str, content: object) -> None:
        self.name = name
        self._label = f"[{name}]" if name else "it"
        if not isinstance(content, dict):
            raise ValueError(f"{self._label} must be a table")
        self.content: dict[str, Any] = dict(content)

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key; without a default it must be there."""
        if key not in self.content and default is None:
            raise ValueError(f"{self._label} lacks {key}")
        return self.content.pop(key, default)

    def table(self, key: str, needed: bool = False) -> "TomlTable":
        """A table within; an empty one if it may be missing and is."""
        name = f"{self.name}.{key}" if self.name else key
        return TomlTable(name, self.take(key, None if needed else {}))

    def make(self, kind: type[Part], keys: dict[str, str] | None = None) -> Part:
        """A dataclass of all that is left.

        Parameters
        ----------
        kind : type
            The dataclass.
        keys : dict of str to str, optional
            Its fields by the table's keys; by default these are the same.
        """
        fields: Any = dataclasses.fields(kind)  # type: ignore[arg-type]
        keys = keys or {field.name: field.name for field in fields}
        for key in self.content:
            if key not in keys:
                raise ValueError(f"[{self.name}] has no key {key}; it takes {', '.join(keys)}")
        arguments = {keys[key]: value for key, value in self.content.items()}
        self.content.clear()
        none = dataclasses.MISSING
        needed = {each.name for each in fields if each.default is each.default_factory is none}
        missing = [key for key, name in keys.items() if name in needed - arguments.keys()]
        if missing:
            raise ValueError(f"[{self.name}] lacks {', '.join(missing)}")
        try:
            return kind(**arguments)
        except (TypeError, ValueError) as error:
            raise ValueError(f"[{self.name}]: {error}") from error

    def finish(self) -> None:
        """Raise for the first key that nothing took."""
        for key in self.content:
            raise ValueError(f"{self._label} has no key {key}")
