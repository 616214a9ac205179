"""JSON and TOML that others wrote: plain values, no deeper and no larger than any use has.

Both are refused with a `ValueError` of one line, whatever is wrong with them.
"""

import json
import math
import re
import tomllib
from typing import Any

import numpy as np

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


def _check(value: Any, depth: int = 0) -> None:
    """Raise unless a value and all within it are what a file can mean."""
    if depth > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, dict):
        for key, each in value.items():
            _check(key, depth)
            _check(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
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
        _check(value)
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
    _check(value)
    return value
