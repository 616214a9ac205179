"""A data set in NumPy's archive: ``x_train``, ``y_train``, ``x_test``, ``y_test`` of ``np.savez``.

The archive is a zip file of arrays, stored or deflated. What it announces is checked, and can be
refused, before a value is read; values become grey levels piece by piece, so that floats take no
more memory than bytes. Nothing is evaluated and no pickle is read.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from allspin.host.data.files import Closing
from allspin.host.data.idx import LARGE, MAX_VALUES, PIECE
from allspin.host.data.packed import MOST_PACKED, read_header
from allspin.sim.errors import UserError
from allspin.sim.files import open_file

# One of a data set's four arrays, in whatever file it lies.

Part = tuple[str, str]
"""Which of the four arrays: ``train`` or ``test``, ``images`` or ``labels``."""

PARTS: tuple[Part, ...] = (
    ("train", "images"),
    ("train", "labels"),
    ("test", "images"),
    ("test", "labels"),
)
"""The four arrays, in the order in which a data set's digest takes them."""


class StoredArray(Protocol):
    """An array whose shape is known before any of its values is read.

    Attributes
    ----------
    title : str
        What messages call it.
    short : str
        The same where its folder or archive was named already.
    shape : tuple of int
        ``(images, height, width)`` of images, ``(labels,)`` of labels; none of them 0.
    """

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def short(self) -> str: ...  # noqa: D102

    shape: tuple[int, ...]

    def check_large(self) -> None:
        """Refuse a large array whose file is damaged, without the memory of its values.

        Raises
        ------
        UserError
            If it is damaged.
        """

    def read(self) -> npt.NDArray[np.uint8]:
        """The values, read-only.

        Raises
        ------
        UserError
            If the file is damaged, or a value is none that a data set has.
        """
        ...


NAMES: dict[Part, str] = {
    ("train", "images"): "x_train",
    ("train", "labels"): "y_train",
    ("test", "images"): "x_test",
    ("test", "labels"): "y_test",
}
"""Arrays of the archive."""
SUFFIX = ".npy"
"""Of their names in the zip file."""
MAX_BYTES = (1 << 32) - 2
"""Bytes of an archive; larger ones have another directory, which no set here needs."""
MAX_DIRECTORY = 1 << 18
"""Bytes of a zip file's directory: some thousand arrays."""
END = struct.Struct("<4sHHHHIIH")
"""The record at the end of a zip file: disks, entries, and the directory's size and place."""
END_MAGIC, LARGE_MAGIC = b"PK\x05\x06", b"PK\x06\x07"
LARGE_LOCATOR = 20
"""Bytes of what stands before that record where the file is larger than 4 GiB."""
ENCRYPTED = 1
SHOWN = 8
"""Names that a message lists."""
EXAMPLE = "np.savez('set.npz', x_train=..., y_train=..., x_test=..., y_test=...)"

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    UnicodeDecodeError,
    NotImplementedError,
)
"""What `zipfile` raises for archives that are not whole, or have what it cannot read."""

Result = TypeVar("Result")


def _check_directory(file: BinaryIO, size: int) -> None:
    """Raise unless a zip file's directory is as small as that of a data set is."""
    file.seek(max(0, size - END.size - LARGE_LOCATOR))
    tail = file.read()
    end = tail[-END.size :]
    if not end.startswith(END_MAGIC) or len(end) < END.size or END.unpack(end)[-1]:
        raise ValueError(
            "is no data set: give a folder of IDX files, or a whole .npz archive of np.savez"
        )
    directory = END.unpack(end)[5]
    if directory > MAX_DIRECTORY or tail.startswith(LARGE_MAGIC):
        raise ValueError(f"has a directory of more than {MAX_DIRECTORY:,} bytes")
    file.seek(0)


class NpzArray:
    """An array of an archive; grey levels or labels.

    Parameters
    ----------
    archive : NpzFile
        The archive, open.
    part : Part
        Which of the four arrays.

    Attributes
    ----------
    shape : tuple of int
        ``(images, height, width)``, ``(images, 1, values)`` of images without a shape, or
        ``(labels,)``.

    Raises
    ------
    UserError
        If there is no such array, or it is not what a data set has.
    """

    def __init__(self, archive: "NpzFile", part: Part) -> None:
        self.short, self.kind = NAMES[part], part[1]
        self.title = f"{archive.path}: {self.short}"
        self._archive = archive
        self._entry = archive.entry(self.short)
        self._header = self._said(lambda: read_header(self._source()))
        self._said(self._check)
        shape = self._header.shape
        self.shape = (shape[0], 1, shape[1]) if len(shape) == 2 else shape

    def _said(self, read: Callable[[], Result]) -> Result:
        """What a part of the archive gives, or an error that names the array."""
        return self._archive.said(read, self.title)

    def _source(self) -> zipfile.ZipExtFile:
        source = self._archive.zip.open(self._entry)
        assert isinstance(source, zipfile.ZipExtFile)
        return source

    @property
    def _announced(self) -> str:
        return f"its header announces {' x '.join(map(str, self._header.shape))} values"

    def _check(self) -> None:
        """Raise for a header that cannot be right, or is not that of a data set."""
        self._check_shape()
        self._check_type()
        header = self._header
        if header.values == 0:
            raise ValueError(f"is empty: {self._announced}; give one that holds something")
        expected = header.size + header.values * header.dtype.itemsize
        found, packed = self._entry.file_size, self._entry.compress_size
        if found != expected or expected > MOST_PACKED * (packed + 1):
            raise ValueError(
                f"is damaged: {self._announced}, {expected:,} bytes, but the archive tells of "
                f"{found:,}; save it again"
            )
        if header.values > MAX_VALUES:
            raise ValueError(
                f"is too large: {self._announced}, at most {MAX_VALUES:,} are read; give a part"
            )

    def _check_shape(self) -> None:
        shape = self._header.shape
        said = f"has the shape ({', '.join(map(str, shape))})"
        if self.kind == "labels":
            if len(shape) == 2 and shape[1] > 1:
                raise ValueError(
                    f"{said}; give the number of each image's class: {self.short}.argmax(axis=1)"
                )
            if len(shape) != 1:
                raise ValueError(f"{said}; labels have one dimension: {self.short}.ravel()")
        elif len(shape) == 4 and 1 in (shape[1], shape[3]):
            axis = 3 if shape[3] == 1 else 1
            raise ValueError(
                f"{said}; images have no axis of channels: {self.short}.squeeze({axis})"
            )
        elif len(shape) == 4:
            axis = 1 if shape[1] in (3, 4) else 3
            raise ValueError(
                f"{said}; channels are not read, images are grey: {self.short}.mean(axis={axis})"
                ".astype('uint8')"
            )
        elif len(shape) not in (2, 3):
            raise ValueError(f"{said}; give (images, height, width) or (images, values)")

    def _check_type(self) -> None:
        dtype, name = self._header.dtype, self.short
        if self.kind == "labels" and dtype.kind not in "iu":
            raise ValueError(
                f"has values of {dtype.name}; labels are whole numbers: {name}.astype('uint8')"
            )
        if self.kind == "images" and dtype != np.uint8 and dtype.kind != "f":
            raise ValueError(
                f"has values of {dtype.name}; give grey levels as uint8, 0 to 255, or as floats "
                f"from 0 to 1: {name}.astype('uint8')"
            )

    def _bytes(self, values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        """Values of a piece as grey levels or labels."""
        if values.dtype == np.uint8:
            return values.view(np.uint8)
        low, high = values.min(), values.max()
        if self.kind == "labels":
            if low < 0 or high > 255:
                raise ValueError(f"has the label {low if low < 0 else high}; give 0 to 255")
            return values.astype(np.uint8)
        if not (low >= 0 and high <= 1):  # NaN is neither
            wrong = low if not low >= 0 else high
            raise ValueError(
                f"has the value {wrong:g}; floats are from 0 to 1: divide them, or give uint8"
            )
        return np.rint(values.astype(np.float32) * np.float32(255)).astype(np.uint8)

    def _pieces(self, take: Callable[[int, npt.NDArray[np.generic]], None]) -> None:
        """Go through all values; with the last one `zipfile` has compared the checksum."""
        header = self._header
        with self._source() as source:
            if len(source.read(header.size)) < header.size:
                raise EOFError
            done = 0
            while done < header.values:
                wanted = min(PIECE, header.values - done) * header.dtype.itemsize
                piece = source.read(wanted)
                if len(piece) != wanted:
                    raise EOFError
                values = np.frombuffer(piece, header.dtype)
                take(done, values)
                done += len(values)

    def check_large(self) -> None:
        """See `allspin.host.data.npz.StoredArray.check_large`."""
        if self._header.values > LARGE:
            self._said(lambda: self._pieces(lambda _, values: None))

    def _read(self) -> npt.NDArray[np.uint8]:
        header = self._header
        flat = np.empty(header.values, np.uint8)

        def take(place: int, values: npt.NDArray[np.generic]) -> None:
            flat[place : place + len(values)] = self._bytes(values)

        self._pieces(take)
        whole = flat.reshape(header.shape[::-1]).T if header.fortran else flat
        whole = np.ascontiguousarray(whole).reshape(self.shape)
        whole.setflags(write=False)
        return whole

    def read(self) -> npt.NDArray[np.uint8]:
        """See `allspin.host.data.npz.StoredArray.read`."""
        return self._said(self._read)


class NpzFile(Closing):
    """An open archive; a context manager that closes it.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    UserError
        If it cannot be read, or is no such archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file, size = open_file(path, "data set", MAX_BYTES)
        try:
            self.said(lambda: _check_directory(self._file, size), str(path))
            self.zip = self.said(lambda: zipfile.ZipFile(self._file), str(path))
        except BaseException:
            self._file.close()
            raise

    def said(self, read: Callable[[], Result], title: str) -> Result:
        """What a part of the archive gives, or an error of one line.

        Parameters
        ----------
        read : callable
            Reads it.
        title : str
            What messages call it.
        """
        try:
            return read()
        except DAMAGED as error:
            raise UserError(f"{title} is damaged or truncated; copy or save it again") from error
        except ValueError as error:
            raise UserError(f"{title} {error}") from error
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror or error}") from error

    def entry(self, name: str) -> zipfile.ZipInfo:
        """The entry of an array.

        Raises
        ------
        UserError
            If there is none, there are several, or it is packed in another way than NumPy's.
        """
        entries = [each for each in self.zip.infolist() if each.filename == name + SUFFIX]
        if not entries:
            names = [repr(each.filename.removesuffix(SUFFIX)) for each in self.zip.infolist()]
            found = ", ".join(name[:40] for name in names[:SHOWN])
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise UserError(
                f"{self.path} lacks {name}: it has {found or 'nothing'}{more}; "
                f"save it with {EXAMPLE}"
            )
        [entry, *others] = entries
        packed = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if others or entry.flag_bits & ENCRYPTED or entry.compress_type not in packed:
            raise UserError(
                f"{self.path}: {name} is packed as np.savez never does; save it with {EXAMPLE}"
            )
        return entry

    def close(self) -> None:
        """Close the file."""
        self.zip.close()
        self._file.close()


def open_archive(
    path: Path, halves: Iterable[str], stack: ExitStack
) -> tuple[str, dict[Part, NpzArray]]:
    """Open the arrays of a data set that lies in an archive.

    Parameters
    ----------
    path : Path
        The archive.
    halves : iterable of str
        Which of ``train`` and ``test``; the others' arrays may be missing.
    stack : ExitStack
        Closes it.

    Returns
    -------
    name : str
        The archive's file name.
    arrays : dict
        An array for each part.

    Raises
    ------
    UserError
        If it cannot be read, an array is missing, or is none that a data set has.
    """
    archive = stack.enter_context(NpzFile(path))
    wanted = [part for part in PARTS if part[0] in halves]
    return path.name, {part: NpzArray(archive, part) for part in wanted}
