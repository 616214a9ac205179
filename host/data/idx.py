"""IDX files: the format in which MNIST and the data sets after its pattern are handed out.

The format is LeCun's: two zero bytes, a type, the number of dimensions, each dimension as
a big-endian 32-bit number, then the values, last dimension fastest.

What a header announces is known, and can be refused, before any of it is read; nothing is
unpacked or read beyond it.
"""

import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from allspin.host.data.files import Closing
from allspin.host.data.packed import MAGIC, MOST_PACKED, Gunzip
from allspin.sim.errors import UserError
from allspin.sim.files import open_file

UNSIGNED_BYTE = 0x08
"""IDX type of unsigned bytes, the only one that images and labels come in."""
OTHER_TYPES = {
    0x09: "signed bytes",
    0x0B: "16-bit integers",
    0x0C: "32-bit integers",
    0x0D: "32-bit floats",
    0x0E: "64-bit floats",
}
MAX_RANK = 32
"""Most dimensions that every NumPy takes."""
MAX_VALUES = 1 << 30
"""Values of a file; the largest set of MNIST's pattern, EMNIST ByClass, has 547,178,688."""
LARGE = 1 << 27
"""Values of a gzip file from which on it is unpacked twice: first only to see that it is whole."""
PIECE = 1 << 20
"""Bytes that are unpacked at a time then."""
MAX_BYTES = MAX_VALUES + (1 << 20)
"""Bytes of a file; gzip adds some bytes to each 32 KiB of what it cannot make smaller."""

Shape = tuple[int, ...]
Result = TypeVar("Result")


class _Source(Protocol):
    """What an IDX file is read from."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill a buffer; fewer bytes than it has come at the end only."""
        ...


def _read(source: _Source, size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: source.readinto(memoryview(buffer))])


def _read_shape(source: _Source) -> Shape:
    """What the header announces."""
    start = _read(source, 4)
    if len(start) < 4 or start[:2] != b"\0\0" or not 1 <= start[3] <= MAX_RANK:
        raise ValueError(
            f"is not an IDX file (it starts with {start.hex(' ') or 'nothing'}, "
            "not with 00 00 08 and the number of dimensions); "
            "give the original file"
        )
    kind, rank = start[2], start[3]
    if kind != UNSIGNED_BYTE:
        raise ValueError(
            f"holds {OTHER_TYPES.get(kind, 'values of an unknown type')} (IDX type 0x{kind:02x}); "
            "give one with unsigned bytes (0x08)"
        )
    sizes = _read(source, 4 * rank)
    if len(sizes) < 4 * rank:
        raise ValueError(
            f"is truncated: its header needs {4 + 4 * rank} bytes, it has {4 + len(sizes)}; "
            "fetch or copy it again"
        )
    return tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, 4 * rank, 4))


def header(shape: Shape) -> bytes:
    """The header of an IDX file of unsigned bytes."""
    sizes = (size.to_bytes(4, "big") for size in shape)
    return bytes([0, 0, UNSIGNED_BYTE, len(shape)]) + b"".join(sizes)


class IdxFile(Closing):
    """An open IDX file of unsigned bytes, gzip or plain; a context manager that closes it.

    Parameters
    ----------
    path : Path
        The file; whether it is gzip is seen by its content.

    Attributes
    ----------
    path : Path
        The file.
    shape : tuple of int
        What its header announces: at most `MAX_VALUES` values, and at least one.

    Raises
    ------
    UserError
        If the file cannot be read, or its header is not that of such a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file, self._size = open_file(path, "data set", MAX_BYTES)
        try:
            packed = self._file.read(len(MAGIC)) == MAGIC
            self._file.seek(0)
            self._source: _Source = Gunzip(self._file) if packed else self._file
            self.shape = self._said(lambda: _read_shape(self._source))
            self._said(self._check)
        except BaseException:
            self.close()
            raise

    def _said(self, read: Callable[[], Result]) -> Result:
        """What a part of the file gives, or an error that names the file."""
        try:
            return read()
        except ValueError as error:
            raise UserError(f"{self.path} {error}") from error
        except (EOFError, zlib.error) as error:
            raise UserError(
                f"{self.path} is a damaged or truncated gzip file; fetch or copy it again"
            ) from error
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror or error}") from error

    @property
    def title(self) -> str:
        """What messages call it."""
        return str(self.path)

    @property
    def short(self) -> str:
        """The same within its folder."""
        return self.path.name

    @property
    def _announced(self) -> str:
        return f"its header announces {' x '.join(map(str, self.shape))} values"

    def _check(self) -> None:
        """Raise for a header that cannot be right, or announces too much."""
        expected = math.prod(self.shape)
        if expected == 0:
            # NumPy cannot hold every empty shape (0 x 4294967295 x 4294967295 overflows).
            raise ValueError(f"is empty: {self._announced}; give one that holds something")
        start = len(header(self.shape))
        found = self._size - start
        if isinstance(self._source, Gunzip):
            found = (self._source.size - start) % 2**32
            if found != expected % 2**32 or expected > MOST_PACKED * self._size:
                raise ValueError(
                    f"is damaged or truncated: {self._announced}, but the end of the gzip file "
                    f"tells of {found}; fetch or copy it again"
                )
        elif found != expected:
            what = "is truncated" if found < expected else "has trailing bytes"
            raise ValueError(f"{what}: {self._announced}, it has {found}; fetch or copy it again")
        if expected > MAX_VALUES:
            raise ValueError(
                f"is too large: {self._announced}, at most {MAX_VALUES:,} are read; give a part"
            )

    def _rewind(self) -> None:
        """Back to the file's first value."""
        self._file.seek(0)
        self._source = Gunzip(self._file) if isinstance(self._source, Gunzip) else self._file
        _read_shape(self._source)

    def _check_whole(self) -> None:
        """Raise unless the rest of the file is the values that its header announces."""
        piece = memoryview(bytearray(PIECE))
        found, expected = 0, math.prod(self.shape)
        while found <= expected and (part := self._source.readinto(piece)):
            found += part
        if found != expected:
            raise self._damaged("more" if found > expected else found)
        self._rewind()

    def _damaged(self, found: object) -> ValueError:
        return ValueError(f"is damaged: {self._announced}, it has {found}; fetch or copy it again")

    def check_large(self) -> None:
        """Refuse a large gzip file that is damaged, without the memory of its values.

        That shows at its end only. Smaller files are left to `read`.

        Raises
        ------
        UserError
            If the file has not as many values as its header announces, or is damaged.
        """
        if isinstance(self._source, Gunzip) and math.prod(self.shape) > LARGE:
            self._said(self._check_whole)

    def _read_values(self) -> npt.NDArray[np.uint8]:
        values = np.empty(math.prod(self.shape), np.uint8)
        found = self._source.readinto(values.data)
        if found != values.size or _read(self._source, 1):
            raise self._damaged("more" if found == values.size else found)
        values.setflags(write=False)
        return values.reshape(self.shape)

    def read(self) -> npt.NDArray[np.uint8]:
        """The values, once.

        Returns
        -------
        ndarray of uint8
            Read-only, of the shape that the header announces.

        Raises
        ------
        UserError
            If the file has not as many values as its header announces, or is damaged.
        """
        return self._said(self._read_values)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
