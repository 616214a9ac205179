"""NumPy archives that a user names: numbers and words, within limits and without pickle.

NumPy's own reader makes room for what an array's head promises, however much that is.
"""

import io
import math
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError
from allspin.sim.files import read_file

# Gzip files, unpacked no further than they are read.
#
# Python's `gzip` reads the name in a file's head and what pads its end byte by byte, and has no
# limit on either.

MAGIC = b"\x1f\x8b"
MOST_PACKED = 1032
"""Bytes that one of a gzip file can stand for at most (zlib's manual)."""
CHUNK = 1 << 16
"""Packed bytes that are taken at a time, and a sixteenth of the unpacked ones."""
TRAILER = 4
"""Bytes at the end: the size of what is unpacked, modulo 2^32."""


class Gunzip:
    """What a gzip file holds, as far as it is read; its end is checked when that is reached.

    Parameters
    ----------
    file : BinaryIO
        The packed file. Several gzip files in a row are not taken for one.

    Attributes
    ----------
    size : int
        Bytes that it unpacks to, modulo 2^32, as the file says.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(max(file.seek(0, os.SEEK_END) - TRAILER, 0))
        self.size = int.from_bytes(file.read(TRAILER), "little")
        file.seek(0)
        self._file = file
        self._packed = b""
        self._unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)  # with a gzip file's head

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; fewer bytes than it has come at the end only.

        Raises
        ------
        EOFError
            If the file ends in the middle, or something follows.
        zlib.error
            If it is damaged.
        """
        filled = 0
        while filled < len(buffer) and not self._unpacker.eof:
            self._packed = self._packed or self._file.read(CHUNK)
            wanted = min(len(buffer) - filled, 16 * CHUNK)
            part = self._unpacker.decompress(self._packed, wanted)
            if not part and not self._packed:
                raise EOFError
            self._packed = self._unpacker.unconsumed_tail
            buffer[filled : filled + len(part)] = part
            filled += len(part)
        if self._unpacker.unused_data or (self._unpacker.eof and self._file.read(1)):
            raise EOFError
        return filled


# The header of an array in NumPy's own format: type, order and shape, read as plain text.
#
# The format is NumPy's (``numpy.lib.format``): magic, version, the header's length, and a Python
# dictionary as text. Nothing of it is evaluated; an array of objects, which is pickle, is refused.

MAGIC_OF_NPY = b"\x93NUMPY"
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
    start = source.read(len(MAGIC_OF_NPY) + 2)
    if start[: len(MAGIC_OF_NPY)] != MAGIC_OF_NPY or len(start) < len(MAGIC_OF_NPY) + 2:
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
    size = len(MAGIC_OF_NPY) + 2 + width + length
    return NpyHeader(_dtype(items["descr"], words), items["fortran_order"] == "True", shape, size)


MAGIC_OF_NPZ = b"PK"
ENTRY = b"PK\x01\x02"
"""What a member's entry in the list at the archive's end begins with."""
MAX_MEMBERS = 1000
MAX_HEAD = 10_000
"""Bytes of an array's head."""
MAX_ITEM = 256
"""Bytes of an item: a word of 64 characters."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How `numpy.savez` and `numpy.savez_compressed` pack."""


def npz_bytes(arrays: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """An archive of arrays; equal arrays give equal bytes."""
    content = io.BytesIO()
    # By name: one of them may be called as a parameter of NumPy's is.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            about = zipfile.ZipInfo(f"{name}.npy")
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, member.getvalue())
    return content.getvalue()


def npy_array(content: bytes, *, words: bool = False) -> npt.NDArray[Any]:
    """An array in NumPy's format; no room is made for what its bytes do not hold.

    Parameters
    ----------
    content : bytes
        Head and values.
    words : bool
        Whether it may hold words; it may hold booleans, integers and floats.

    Raises
    ------
    ValueError
        If it is none, holds other things (objects are pickle), or not as many as its head says.
    """
    header = read_header(io.BytesIO(content), words=words)
    dtype, values = header.dtype, content[header.size :]
    if dtype.kind not in "biufU" or not dtype.itemsize:
        raise ValueError(f"holds {dtype}, not numbers{' or words' * words}")
    if header.values * dtype.itemsize != len(values):
        raise ValueError(f"holds {len(values):,} bytes, which are not {header.shape} of {dtype}")
    return np.frombuffer(values, dtype).reshape(header.shape, order="F" if header.fortran else "C")


def read_npz(
    path: Path, kind: str, names: Iterable[str], items: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Read some arrays of an archive.

    Parameters
    ----------
    path : Path
        The archive.
    kind : str
        What it should hold, as messages call it.
    names : iterable of str
        The arrays that are wanted; others are left alone, and those that are not there left out.
    items : int
        The most items that an array may have.

    Returns
    -------
    dict of str to ndarray
        Of booleans, numbers or words, each with one dimension.

    Raises
    ------
    UserError
        If the file cannot be read, is no such archive, or larger than it can be.
    """
    limit = (MAX_HEAD + MAX_ITEM * items) * 8
    content = read_file(path, kind, limit)
    if content.count(ENTRY) > MAX_MEMBERS:
        raise UserError(f"{path} has more than {MAX_MEMBERS:,} arrays; is it a {kind}?")
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            there = set(archive.namelist())
            for name in names:
                if f"{name}.npy" in there:
                    found[name] = _array(archive, f"{name}.npy", items)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
        raise UserError(f"{path} is not a NumPy archive (.npz), or a damaged one") from None
    except (ValueError, RuntimeError) as error:  # RuntimeError: a password is wanted
        raise UserError(f"cannot use {path}: {error}") from None
    return found


def _array(archive: zipfile.ZipFile, name: str, items: int) -> npt.NDArray[np.generic]:
    """A member's array.

    Raises
    ------
    ValueError
        If it is none, or has more items or larger ones than are read.
    """
    about = archive.getinfo(name)
    if about.compress_type not in METHODS:
        raise ValueError(f"{name} is packed otherwise than NumPy does")
    if about.file_size > MAX_HEAD + MAX_ITEM * items:
        raise ValueError(f"{name} has {about.file_size:,} bytes, more than {items:,} items have")
    with archive.open(about) as member:
        content = member.read(about.file_size)
    try:
        array = npy_array(content, words=True)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error
    if array.dtype.itemsize > MAX_ITEM:
        raise ValueError(f"{name} holds {array.dtype}, items of more than {MAX_ITEM} bytes")
    if array.ndim > 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, a list has one")
    if array.size > items:
        raise ValueError(f"{name} has {array.size:,} items, at most {items:,} are read")
    return array.reshape(-1)
