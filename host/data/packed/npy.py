"""The header of an array in NumPy's own format: type, order and shape, read as plain text.

The format is NumPy's (``numpy.lib.format``): magic, version, the header's length, and a Python
dictionary as text. Nothing of it is evaluated; an array of objects, which is pickle, is refused.
"""

import math
import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np

MAGIC = b"\x93NUMPY"
LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
"""Bytes of the header's length in each version of the format."""
MAX_HEADER = 4096
"""Bytes of a header; that of a plain array has 118."""
MAX_RANK = 32
"""Most dimensions that every NumPy takes."""

_VALUE = r"'[!&-\[\]-~]*'|True|False|\([0-9, ]*\)|\[[ -\\^-~]*\]"
_ITEM = rf"'(descr|fortran_order|shape)' *+: *+({_VALUE}) *+"
_HEADER = re.compile(rf" *+\{{ *+(?:{_ITEM}, *+)*+(?:{_ITEM})?\}} *+\n?")
_SIDE = "(?:0|[1-9][0-9]{0,17})"
"""Without zeros before it, as NumPy wants a number."""
_PLAIN = re.compile(r"[<>|=]?([biufcOU?])(\d*)")


class Source(Protocol):
    """What an array is read from."""

    def read(self, size: int, /) -> bytes:
        """As many bytes; fewer at the end only."""
        ...


@dataclass(frozen=True)
class NpyHeader:
    """What an array's header announces.

    Attributes
    ----------
    dtype : dtype
        Of a value: booleans, integers, floats, complex numbers or words, of either byte order.
    fortran : bool
        Whether the first dimension is the fastest.
    shape : tuple of int
        Its shape; its values may be none.
    size : int
        Bytes of the header itself.
    """

    dtype: np.dtype
    fortran: bool
    shape: tuple[int, ...]
    size: int

    @property
    def values(self) -> int:
        """How many values the array has."""
        return math.prod(self.shape)


def _dtype(text: str, words: bool) -> np.dtype:
    match = _PLAIN.fullmatch(text.strip("'")) if text.startswith("'") else None
    if match is None or (match[1] == "U" and not words):
        raise ValueError(f"has values of the type {text[:40]}; give plain numbers")
    if match[1] == "O":
        raise ValueError(
            "holds Python objects, which only pickle could read; give an array of plain numbers"
        )
    try:
        return np.dtype(text.strip("'"))
    except TypeError:
        raise ValueError(f"has values of the type {text[:40]}; give plain numbers") from None


def read_header(source: Source, *, words: bool = False) -> NpyHeader:
    """Read an array's header.

    Parameters
    ----------
    source : file
        At the array's first byte; it is left at the first value.
    words : bool
        Whether the array may hold words.

    Raises
    ------
    ValueError
        If this is no such header; the message goes on where it is called by its name.
    """
    start = source.read(len(MAGIC) + 2)
    if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 2:
        raise ValueError(f"is no array of NumPy: it starts with {start.hex(' ') or 'nothing'}")
    version, minor = start[-2:]
    width = LENGTH_BYTES.get(version)
    if width is None or minor:
        named = f"{version}.{minor}" if minor else version
        raise ValueError(f"is of version {named} of NumPy's format; 1 to 3 are read")
    length = int.from_bytes(source.read(width), "little")
    if length > MAX_HEADER:
        raise ValueError(f"has a header of {length:,} bytes; give an array of plain numbers")
    text = source.read(length).decode("latin-1")
    items = dict(re.findall(_ITEM, text))
    if len(text) < length or not _HEADER.fullmatch(text) or len(items) < 3:
        raise ValueError("has a damaged header; save it again")
    numbers = items["shape"].strip("() ").rstrip(", ")
    if items["fortran_order"] not in ("True", "False") or not re.fullmatch(
        rf"(?:{_SIDE}(?: *, *{_SIDE})*)?", numbers
    ):
        raise ValueError("has a damaged header; save it again")
    shape = tuple(int(number) for number in numbers.split(",")) if numbers else ()
    if len(shape) > MAX_RANK:
        raise ValueError(f"has {len(shape)} dimensions")
    size = len(MAGIC) + 2 + width + length
    return NpyHeader(_dtype(items["descr"], words), items["fortran_order"] == "True", shape, size)
