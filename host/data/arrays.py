"""Arrays in a user's files: IDX files, gzip or plain, and NumPy's archives, without pickle.

IDX is LeCun's format: two zero bytes, a type, the number of dimensions, each dimension as a
big-endian 32-bit number, then the values, last dimension fastest.
"""

import gzip
import io
import math
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file

GZIP = b"\x1f\x8b"
"""First bytes of a gzip file."""
DAMAGED_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)
"""Errors of reading a damaged gzip file."""
UNSIGNED_BYTE = 0x08
"""IDX type of unsigned bytes, the only one that images and labels come in."""
MAX_RANK = 32
"""Most dimensions that every NumPy takes."""
MAX_VALUES = 1 << 30
"""Values of an IDX file; the largest set of MNIST's pattern, EMNIST ByClass, has 547,178,688."""
MAX_BYTES = MAX_VALUES + (1 << 20)
"""Bytes of such a file; gzip adds some bytes to each 32 KiB that it cannot compress."""
SUFFIX = ".npy"
"""Suffix of the names of arrays in a zip file."""


def idx_header(shape: tuple[int, ...]) -> bytes:
    """Return the header of an IDX file of unsigned bytes."""
    sizes = (size.to_bytes(4, "big") for size in shape)
    return bytes([0, 0, UNSIGNED_BYTE, len(shape)]) + b"".join(sizes)


def _idx_values(file: BinaryIO | gzip.GzipFile) -> npt.NDArray[np.uint8]:
    """Read the values of an open IDX file."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or not 1 <= start[3] <= MAX_RANK:
        raise ValueError(
            f"is not an IDX file (it starts with {start.hex(' ') or 'nothing'}, "
            "not with 00 00 08 and the number of dimensions); "
            "give the original file"
        )
    if start[2] != UNSIGNED_BYTE:
        raise ValueError(
            f"holds values of the IDX type 0x{start[2]:02x}; give one with unsigned bytes (0x08)"
        )
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise ValueError("is truncated within its header; fetch or copy it again")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    size, announced = math.prod(shape), f"its header announces {' x '.join(map(str, shape))} values"
    if not 1 <= size <= MAX_VALUES:
        raise ValueError(f"is empty or too large: {announced}; give one of 1 to {MAX_VALUES:,}")
    content = file.read(size + 1)  # beyond the end, where gzip compares its checksum
    if len(content) != size:
        found = "more" if len(content) > size else len(content)
        raise ValueError(
            f"is damaged or truncated: {announced}, it has {found}; fetch or copy it again"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read the values of an IDX file of unsigned bytes; they are read-only.

    Parameters
    ----------
    path : Path
        The file; its content shows whether it is gzip.

    Raises
    ------
    UserError
        If the file cannot be read, is of another kind, or does not have the number of values that
        its header announces: 1 to `MAX_VALUES`.
    """
    check_file(path, "data set", MAX_BYTES)
    with refused(f"cannot read {path}: ", kinds=OSError), path.open("rb") as start:
        opened = gzip.open if start.read(len(GZIP)) == GZIP else open
        try:
            with refused(f"{path} "), opened(path, "rb") as file:
                return _idx_values(file)
        except DAMAGED_GZIP as error:
            raise UserError(
                f"{path} is a damaged or truncated gzip file; fetch or copy it again"
            ) from error


class ArrayHeader(NamedTuple):
    """Shape and type of an array that is not read yet."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


def _header(file: IO[bytes]) -> ArrayHeader:
    """Read the header of an array of NumPy's."""
    readers = {b"\1\0": npy.read_array_header_1_0, b"\2\0": npy.read_array_header_2_0}
    start = file.read(npy.MAGIC_LEN)
    read = readers.get(start[len(npy.MAGIC_PREFIX) :])
    if not start.startswith(npy.MAGIC_PREFIX) or read is None:
        raise ValueError("it is no array of NumPy's")
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded")
    return ArrayHeader(shape, dtype)


def any_header(name: str, header: ArrayHeader) -> None:
    """Accept the header of an array."""


def read_npz(
    path: Path,
    kind: str,
    limit: int,
    names: Collection[str] | None = None,
    check: Callable[[str, ArrayHeader], None] = any_header,
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of NumPy's archive.

    Parameters
    ----------
    path : Path
        The archive.
    kind : str
        Name of its content, for messages.
    limit : int
        Largest number of bytes of the file, and of the unpacked arrays.
    names : collection of str, optional
        Arrays to read, if the archive has them; others are ignored.
    check : callable
        Function of an array's name and header that raises a `UserError` unless the array is to be
        read; it is called for all arrays before any is read.

    Returns
    -------
    dict of str to ndarray
        Arrays of any type but Python objects, which would be pickle.

    Raises
    ------
    UserError
        If the file cannot be read, is not such an archive, or is too large.
    """
    check_file(path, kind, limit)
    found: dict[str, npt.NDArray[Any]] = {}
    # NumPy and zipfile raise errors of many kinds on damaged files, and Python warns.
    unreadable = f"{path} is not a NumPy archive (.npz), or a damaged one: "
    with (
        refused(unreadable, "; save it again", Exception),
        warnings.catch_warnings(action="ignore"),
        np.load(path, allow_pickle=False) as archive,
    ):
        wanted = [name for name in archive.files if names is None or name in names]
        members = archive.zip.infolist()
        stored = {each.filename.removesuffix(SUFFIX): each for each in members}
        size = sum(
            each.file_size for each in members if each.filename.removesuffix(SUFFIX) in wanted
        )
        if size > limit:
            raise UserError(
                f"{path} is too large for a {kind}: it unpacks to {size:,} bytes, at most "
                f"{limit:,} are read"
            )
        for name in wanted:
            with refused(f"{path}: {name} cannot be read: ", "; save plain numbers", Exception):
                with archive.zip.open(stored[name]) as file:
                    header = _header(file)
                check(name, header)
        for name in wanted:
            unreadable, advice = f"{path}: {name} cannot be read: ", "; save plain numbers"
            with refused(unreadable, advice, Exception):
                found[name] = array = archive[name]
                if not isinstance(array, np.ndarray):
                    raise ValueError("it is no array of NumPy's")
    return found


def npz_bytes(arrays: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """Return an archive of arrays; equal arrays give equal bytes."""
    content = io.BytesIO()
    # By name: one of them may be called as a parameter of NumPy's is.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            npy.write_array(member, np.asarray(array), allow_pickle=False)
            about = zipfile.ZipInfo(f"{name}{SUFFIX}")
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, member.getvalue())
    return content.getvalue()
