"""A table of a user's file, read key by key so that none goes unread."""

import dataclasses
import errno
import json
import math
import os
import re
import stat
import tempfile
import tomllib
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from allspin.sim.errors import UserError

# Files that a user names: only regular ones are read, and none beyond its kind's limit.
#
# A pipe that nobody writes to, a device without an end and a file that is far larger than its
# kind ever is are refused before anything of them is read.

OTHERS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What else than a regular file may be at a path."""


def _check(about: os.stat_result, path: Path, kind: str, limit: int) -> None:
    """Raise unless this is a regular file of at most `limit` bytes."""
    if not stat.S_ISREG(about.st_mode):
        other = OTHERS.get(stat.S_IFMT(about.st_mode), "something else")
        raise UserError(f"cannot read {kind} {path}: it is {other}, not a regular file")
    if about.st_size > limit:
        raise UserError(
            f"{path} is too large for a {kind}: it has {about.st_size:,} bytes, at most "
            f"{limit:,} are read"
        )


def open_file(path: Path, kind: str, limit: int) -> tuple[BufferedReader, int]:
    """Open a file that a user named.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        What it should hold, as messages call it.
    limit : int
        The most bytes that a file of this kind has.

    Returns
    -------
    file : BufferedReader
        At its first byte.
    size : int
        Bytes that it has.

    Raises
    ------
    UserError
        If there is no such file, it is no regular one, or it is too large.
    """
    try:
        # Before it is opened: opening alone can do something to a device.
        _check(path.stat(), path, kind, limit)
        # What has come into the file's place since then must not hang here.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
        file = os.fdopen(handle, "rb")
        try:
            about = os.fstat(handle)
            _check(about, path, kind, limit)
        except BaseException:
            file.close()
            raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(
            f"cannot read {kind} {path}: {why}; check its name and permissions"
        ) from error
    return file, about.st_size


def read_file(path: Path, kind: str, limit: int) -> bytes:
    """Content of a file that a user named; parameters and errors as of `open_file`."""
    file, size = open_file(path, kind, limit)
    with file:
        try:
            content = file.read(size + 1)
        except OSError as error:
            raise UserError(f"cannot read {kind} {path}: {error.strerror or error}") from error
    if len(content) != size:
        raise UserError(f"{path} changed while it was read; try again")
    return content


def read_text(path: Path, kind: str, limit: int) -> str:
    """Content of a text file that a user named; as `open_file`, and it must be UTF-8."""
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
    temporary = None
    try:
        target = Path(path).resolve()
        if target.is_symlink():  # links in a circle, which some Pythons leave as they are
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(data)
            return
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".allspin-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(f"cannot write {path}: {why}") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


# JSON and TOML that others wrote: plain values, no deeper and no larger than any use has.
#
# Both are refused with a `ValueError` of one line, whatever is wrong with them.

MAX_DEPTH = 16
"""Tables and arrays within one another; files of allspin have six."""
MAX_JSON = 8 << 20
"""Bytes of a JSON text: Python's values take up to thirty times as much."""
MAX_TOML = 4 << 20
"""Bytes of a TOML text."""
MAX_TOML_VALUES = 1 << 17
"""Lines of a TOML text, and values in its lists: `tomllib` takes some 10 us for each."""
MAX_TOML_DIGITS = 1 << 16
"""Of one number in a TOML text: `tomllib` takes more than a hundred bytes for each."""
INTEGERS = range(-(1 << 63), 1 << 64)
"""Integers of either signedness in 64 bits, which TOML promises and no file here exceeds."""
MAX_DIGITS = 20
"""Of such an integer, or of one digit less and its sign."""

_TOML_SKIPPED = re.compile(
    r'"""(?:[^"\\]|\\.?|"(?!""))*+(?:"""|\Z)|'
    r"'''(?:[^']|'(?!''))*+(?:'''|\Z)|"
    r'"(?:[^"\\\n]|\\.)*+"?|'
    r"'[^'\n]*+'?|"
    r"#[^\n]*+",
    re.DOTALL,
)
"""Strings, closed or not, and comments."""
_TOML_DOTTED = re.compile(rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{MAX_DEPTH}}}")
_TOML_NUMBER = re.compile(rf"(?<!\w)\d\w{{{MAX_TOML_DIGITS}}}")
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, closed or not."""
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
_TOO_LONG = "it has an integer of more than 64 bits"


def _plain_check(value: Any, depth: int = 0) -> None:
    """Raise unless a value and all within it are what a file can mean."""
    if depth > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, dict):
        for key, each in value.items():
            _plain_check(key, depth)
            _plain_check(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _plain_check(each, depth + 1)
    elif isinstance(value, str) and "\0" in value:
        raise ValueError("it has a text with a NUL character")
    elif isinstance(value, int) and value not in INTEGERS:
        raise ValueError(_TOO_LONG)


def _check_brackets(bare: str) -> None:
    """Raise if the brackets of a text without its strings go too deep.

    Parsers go as deep as a text does, until the stack is full: how deep that is, each Python has
    its own mind about.
    """
    codes = np.frombuffer(bare.encode("ascii", "replace"), np.uint8)
    opened = (codes == ord("[")) | (codes == ord("{"))
    closed = (codes == ord("]")) | (codes == ord("}"))
    if np.any(np.cumsum(opened.astype(np.int8) - closed, dtype=np.int32) > MAX_DEPTH):
        raise ValueError(_TOO_DEEP)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"it has {name}, which is no number")


def _float(text: str) -> float:
    """A number; infinite only where the text says so, as TOML's may."""
    value = float(text)
    if math.isinf(value) and not text.endswith("inf"):
        raise ValueError(f"it has a number that is too large, {text[:20]}")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(_TOO_LONG)
    return int(text)


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text.

    Raises
    ------
    ValueError
        If it is longer than `MAX_JSON`, no JSON in UTF-8, deeper than `MAX_DEPTH`, or has an
        integer outside `INTEGERS`, an infinite number, NaN or a NUL.
    """
    if len(text) > MAX_JSON:
        raise ValueError(f"it has {len(text):,} bytes of JSON, at most {MAX_JSON:,} are read")
    try:
        if isinstance(text, bytes):
            text = text.decode()
        _check_brackets(_JSON_STRING.sub("s", text))
        value = json.loads(
            text, parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant
        )
        _plain_check(value)
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    return value


def _check_toml(text: str) -> None:
    """Raise for what would take `tomllib` long, or much memory.

    It keeps a path for each dot of a key, so the dots of one key cost their square.
    """
    if len(text) > MAX_TOML:
        raise ValueError(f"it has {len(text):,} characters, at most {MAX_TOML:,} are read")
    bare = _TOML_SKIPPED.sub("s", text)
    if max(bare.count("\n"), bare.count(","), bare.count(".")) > MAX_TOML_VALUES:
        raise ValueError(f"it has more than {MAX_TOML_VALUES:,} values")
    if _TOML_NUMBER.search(bare):
        raise ValueError(f"it has a number of more than {MAX_TOML_DIGITS:,} digits")
    if _TOML_DOTTED.search(bare):
        raise ValueError(_TOO_DEEP)
    _check_brackets(bare)


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises
    ------
    ValueError
        If it is longer than `MAX_TOML` or has more than `MAX_TOML_VALUES` values, is no TOML,
        deeper than `MAX_DEPTH`, or has an integer outside `INTEGERS` or a NUL.
    """
    _check_toml(text)
    try:
        value = tomllib.loads(text, parse_float=_float)
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        # Python converts no more than some thousand digits.
        raise ValueError(_TOO_LONG if "digits" in str(error) else str(error)) from None
    _plain_check(value)
    return value


Part = TypeVar("Part")


class Table:
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
        if not isinstance(content, dict):
            raise ValueError(f"[{name}] must be a table")
        self.name = name
        self.content: dict[str, Any] = dict(content)

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key; without a default it must be there."""
        if key not in self.content and default is None:
            raise ValueError(f"[{self.name}] lacks {key}" if self.name else f"it lacks {key}")
        return self.content.pop(key, default)

    def table(self, key: str, needed: bool = False) -> "Table":
        """A table within; an empty one if it may be missing and is."""
        name = f"{self.name}.{key}" if self.name else key
        return Table(name, self.take(key, None if needed else {}))

    def make(self, kind: type[Part], keys: dict[str, str] | None = None) -> Part:
        """A dataclass of all that is left."""
        fields = {field.name: field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
        keys = keys or fields
        arguments = {}
        for key in list(self.content):
            if key not in keys:
                raise ValueError(f"[{self.name}] has no key {key}; it takes {', '.join(keys)}")
            arguments[keys[key]] = self.content.pop(key)
        try:
            return kind(**arguments)
        except TypeError as error:
            missing = [key for key, of in keys.items() if of not in arguments]
            if missing and "missing" in str(error):
                raise ValueError(f"[{self.name}] lacks {', '.join(missing)}") from None
            raise ValueError(f"[{self.name}]: {error}") from error
        except ValueError as error:
            raise ValueError(f"[{self.name}]: {error}") from error

    def finish(self) -> None:
        """Raise for the first key that nothing took."""
        for key in self.content:
            raise ValueError(f"[{self.name}] has no key {key}" if self.name else f"no key {key}")
