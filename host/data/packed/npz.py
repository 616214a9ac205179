"""NumPy archives that a user names: numbers and words, within limits and without pickle.

NumPy's own reader makes room for what an array's head promises, however much that is.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.packed.npy import read_header
from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_file

MAGIC = b"PK"
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
