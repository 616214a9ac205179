"""A network in NumPy's npz: a zip file of arrays."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy.typing as npt

from allspin.host.data.foreign.description import MAX_BYTES, MAX_WEIGHTS, FloatNetwork
from allspin.host.data.foreign.tensor_layers import numbered_layers
from allspin.host.data.packed.npz import npy_array
from allspin.sim.errors import UserError
from allspin.sim.files.user_file import read_file

MAX_ARRAYS = 100
MAX_UNPACKED = 8 * MAX_WEIGHTS + (1 << 20)
"""Bytes of all arrays together once they are unpacked."""
SUFFIX = ".npy"
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    OSError,
    SyntaxError,
    TypeError,
    struct.error,
)


def _arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MAX_ARRAYS:
            raise ValueError(f"it holds {len(members):,} files; at most {MAX_ARRAYS} are taken")
        if (size := sum(member.file_size for member in members)) > MAX_UNPACKED:
            raise ValueError(f"it unpacks to {size:,} bytes; at most {MAX_UNPACKED:,} are taken")
        found = {}
        for member in members:
            if not member.filename.endswith(SUFFIX):
                raise ValueError(f"it holds {member.filename!r}, which is no array")
            name = member.filename.removesuffix(SUFFIX)
            try:
                found[name] = npy_array(archive.read(member))
            except ValueError as error:
                raise ValueError(f"{name} {error}") from error
        return found


def read_npz(path: Path) -> FloatNetwork:
    """Read a network from an npz file, as `numbered_layers` describes it.

    Raises
    ------
    UserError
        If the file is missing, damaged, too large, or holds anything else.
    """
    data = read_file(path, "npz file", MAX_BYTES)
    try:
        return numbered_layers(_arrays(data))
    except DAMAGED as error:
        raise UserError(f"{path} holds no network: {error}") from error
