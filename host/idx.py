"""IDX files: the format in which MNIST and the data sets after its pattern are handed out.

The format is LeCun's: two zero bytes, a type, the number of dimensions, each dimension as
a big-endian 32-bit number, then the values, last dimension fastest.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.errors import UserError

UNSIGNED_BYTE = 0x08
"""IDX type of unsigned bytes, the only one that images and labels come in."""
OTHER_TYPES = {
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
GZIP_MAGIC = b"\x1f\x8b"
MAX_RANK = 32
"""Most dimensions that every NumPy takes."""


def unpack(path: Path) -> bytes:
    """Content of a file, decompressed if it is gzip (whatever its name says).

    Raises
    ------
    UserError
        If the file cannot be read, or is gzip and damaged.
    """
    try:
        content = path.read_bytes()
        if not content.startswith(GZIP_MAGIC):
            return content
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f"{path} is a damaged or truncated gzip file; fetch or copy it again"
        ) from error
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror or error}; check its name and permissions"
        ) from error


def parse_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """The array that the content of an IDX file describes.

    Parameters
    ----------
    content : bytes
        A whole file, unpacked.

    Returns
    -------
    ndarray of uint8
        Read-only, of the shape that the header gives.

    Raises
    ------
    ValueError
        If the content is not IDX, not of unsigned bytes, or has not as many bytes as its
        header says; the message says what it is instead.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or not 1 <= content[3] <= MAX_RANK:
        raise ValueError(
            f"is not an IDX file (it starts with {content[:4].hex(' ') or 'nothing'}, "
            "not with 00 00 08 and the number of dimensions); "
            "give the original file"
        )
    kind, rank = content[2], content[3]
    if kind != UNSIGNED_BYTE:
        raise ValueError(
            f"holds {OTHER_TYPES.get(kind, 'values of an unknown type')} (IDX type 0x{kind:02x}); "
            "give one with unsigned bytes (0x08)"
        )
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError(
            f"is truncated: its header needs {start} bytes, it has {len(content)}; "
            "fetch or copy it again"
        )
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    expected, found = math.prod(shape), len(content) - start
    if found != expected:
        what = "is truncated" if found < expected else "has trailing bytes"
        raise ValueError(
            f"{what}: its header announces {' x '.join(map(str, shape))} values, "
            f"it has {found}; fetch or copy it again"
        )
    if expected == 0:
        # NumPy cannot hold every empty shape (0 x 4294967295 x 4294967295 overflows).
        raise ValueError(
            f"is empty ({' x '.join(map(str, shape))} values); give one that holds something"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzip or plain.

    Parameters
    ----------
    path : Path
        The file; whether it is gzip is seen by its content.

    Returns
    -------
    ndarray of uint8
        Read-only, of the shape that the file's header gives.

    Raises
    ------
    UserError
        If the file cannot be read, or is not a whole IDX file of unsigned bytes.
    """
    content = unpack(path)
    try:
        return parse_idx(content)
    except ValueError as error:
        raise UserError(f"{path} {error}") from error
