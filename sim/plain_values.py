"""Plain values of JSON and TOML texts that a user names; errors are a `ValueError` of one line."""

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Callable
from typing import Any, TypeVar

MAX_DEPTH = 16
"""Largest depth of nested tables and arrays; files of allspin have six levels."""
MAX_JSON = 8 << 20
"""Largest JSON text, in bytes; Python's values take up to thirty times as much memory."""
MAX_TOML = 4 << 20
"""Largest TOML text, in bytes; `tomllib` takes some microseconds for each."""
INTEGERS = range(-(1 << 63), 1 << 64)
"""Integers of 64 bits, signed or unsigned: the range that TOML guarantees."""
TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
DOTTED_KEY = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH + 1}}}")
"""A TOML key of too many parts; the time of `tomllib` rises with their square."""


def _check_values(value: Any, depth: int = 0) -> None:
    """Raise unless a value, and all values in it, are legal in a file."""
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
    """Return a number; it is infinite only if the text says so, as TOML allows."""
    value = float(text)
    if math.isinf(value) and not text.endswith("inf"):
        raise ValueError(f"it has a number that is too large, {text[:20]}")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"it has {name}, which is no number")


def _plain(load: Callable[..., Any], text: str, **how: Any) -> Any:
    """Return the value of a text, parsed by `json.loads` or `tomllib.loads`."""
    try:
        value = load(text, parse_float=_float, **how)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    _check_values(value)
    return value


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        If the text is not JSON in UTF-8, is nested deeper than `MAX_DEPTH`, or has an integer
        outside `INTEGERS`, an infinite number, NaN or a NUL.
    """
    try:
        text = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    return _plain(json.loads, text, parse_constant=_refuse_constant)


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises
    ------
    ValueError
        If the text is not TOML, is nested deeper than `MAX_DEPTH`, or has an integer outside
        `INTEGERS` or a NUL.
    """
    if DOTTED_KEY.search(text):
        raise ValueError(TOO_DEEP)
    return _plain(tomllib.loads, text)


Part = TypeVar("Part")


class TomlTable:
    """A TOML table whose keys are removed as they are read, so that unknown keys are found.

    Parameters
    ----------
    name : str
        Full name of the table; empty for the whole file.
    content : object
        Value that was read.

    Raises
    ------
    ValueError
        If the value is not a table. All methods raise it if a value is missing or wrong.
    """

    def __init__(self, name: str, content: object) -> None:
        self.name = name
        self._label = f"[{name}]" if name else "it"
        if not isinstance(content, dict):
            raise ValueError(f"{self._label} must be a table")
        self.content: dict[str, Any] = dict(content)

    def take(self, key: str, default: Any = None) -> Any:
        """Remove a key and return its value; without a default the key is required."""
        if key not in self.content and default is None:
            raise ValueError(f"{self._label} lacks {key}")
        return self.content.pop(key, default)

    def table(self, key: str, needed: bool = False) -> "TomlTable":
        """Remove a sub-table and return it; an absent optional table is empty."""
        name = f"{self.name}.{key}" if self.name else key
        return TomlTable(name, self.take(key, None if needed else {}))

    def make(self, kind: type[Part], keys: dict[str, str] | None = None) -> Part:
        """Make a dataclass from all remaining keys.

        Parameters
        ----------
        kind : type
            The dataclass.
        keys : dict of str to str, optional
            Name of the field for each key of the table; by default they are equal.
        """
        fields: Any = dataclasses.fields(kind)  # type: ignore[arg-type]
        keys = keys or {field.name: field.name for field in fields}
        for key in self.content:
            if key not in keys:
                raise ValueError(f"[{self.name}] has no key {key}; it takes {', '.join(keys)}")
        arguments = {keys[key]: value for key, value in self.content.items()}
        self.content.clear()
        required = {field.name for field in fields if _is_required(field)}
        missing = [key for key, name in keys.items() if name in required - arguments.keys()]
        if missing:
            raise ValueError(f"[{self.name}] lacks {', '.join(missing)}")
        try:
            return kind(**arguments)
        except (TypeError, ValueError) as error:
            raise ValueError(f"[{self.name}]: {error}") from error

    def finish(self) -> None:
        """Raise if a key was not read."""
        for key in self.content:
            raise ValueError(f"{self._label} has no key {key}")


def _is_required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing
