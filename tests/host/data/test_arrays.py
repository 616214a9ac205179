"""IDX files and NumPy's archives: round trips, and errors in one line."""

import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from allspin.host.data.arrays import npz_bytes, read_idx, read_npz
from allspin.sim.errors import UserError
from tests.host.data.conftest import damaged, refusal

# The start of MNIST's own test labels, as LeCun's page describes them.
PUBLISHED = bytes.fromhex("00000801 00000005 0702010004")


@pytest.fixture(scope="module")
def some_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("arrays") / "file"


# IDX files.


def said(*shape: int) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)


@given(
    arrays(np.uint8, array_shapes(min_dims=1, max_dims=5, max_side=4)),
    st.none() | st.integers(0, 9),
)
def test_any_idx_file_comes_back(
    some_path: Path, array: npt.NDArray[np.uint8], level: int | None
) -> None:
    content = said(*array.shape) + bytes(array.flat)
    some_path.write_bytes(content if level is None else gzip.compress(content, level))
    assert np.array_equal(read_idx(some_path), array)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", "starts with 89 50 4e 47"),
        (b"", "starts with nothing"),
        (b"\0\0\x08\0abcd", "not an IDX file"),
        (PUBLISHED[:3], "not an IDX file"),
        (PUBLISHED[:6], "truncated"),
        (PUBLISHED[:-1], "truncated"),
        (gzip.compress(PUBLISHED, mtime=0)[:-9], "damaged or truncated gzip file"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x", "not an IDX file"),
        (said(0, 2**32 - 1, 2**32 - 1), "is empty or too large"),
        (said(2**32 - 1, 2**32 - 1), "too large: its header announces 4294967295 x"),
        (b"\0\0\x77\x01\0\0\0\1a", "values of the IDX type 0x77; give"),
        (PUBLISHED + b"\0", "announces 5 values, it has more"),
        (gzip.compress(PUBLISHED, mtime=0) * 2, "announces 5 values, it has more"),
        (gzip.compress(PUBLISHED, mtime=0) + b"x", "damaged or truncated gzip file"),
        (
            gzip.compress(said(28, 28) + bytes(64 << 20), 1, mtime=0),
            "announces 28 x 28 values, it has more",
        ),
    ],
)
def test_foreign_content(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    text = refusal(read_idx, path)
    assert expected in text
    assert str(path) in text


def read_labels(path: Path) -> object:
    return read_npz(path, "data set", 1000, ["y"])


@pytest.mark.parametrize("read", [read_idx, read_labels])
def test_only_regular_files(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert "not a regular file" in refusal(read, path)
    assert "check its name" in refusal(read, tmp_path / "absent")


@given(st.data())
def test_any_damage_is_one_line_or_the_same_values(some_path: Path, data: st.DataObject) -> None:
    content = said(3, 2, 2) + bytes(range(12))
    packed = data.draw(st.booleans())
    some_path.write_bytes(damaged(data, gzip.compress(content, mtime=0) if packed else content))
    try:
        values = read_idx(some_path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        # A plain file has no checksum: its changed content is read.
        assert packed <= np.array_equal(values.ravel(), range(12))


# NumPy's archives.

ARRAYS = {
    "layer": np.arange(5, dtype=np.int32),
    "R_AH": np.array([1.5, np.nan, -np.inf, 0, 1e-300]),
    "converged": np.array([True, False, True, True, False]),
    "polarity": np.array(["potentiation", "depression"] * 2 + [""]),
    "file": np.array("a parameter of numpy.savez"),
    "wide": np.asfortranarray(np.arange(6, dtype=">u2").reshape(2, 3)),
}


def test_numpy_reads_what_is_written() -> None:
    content = npz_bytes(ARRAYS)
    assert content == npz_bytes(ARRAYS)
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        assert set(found) == set(ARRAYS)
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype
            assert np.array_equal(found[name], array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "x.npz"
    written = {name: array for name, array in ARRAYS.items() if name != "file"}
    save(path, **written, objects=np.array(["not", "read"], object))
    found = read_npz(path, "file", 4000, (*written, "absent"))
    assert list(found) == list(written)
    for name, array in found.items():
        assert np.array_equal(array, ARRAYS[name], equal_nan=array.dtype.kind == "f")


def member(content: bytes) -> bytes:
    """An archive with one member, ``x.npy``."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
    return archive.getvalue()


def npy(shape: str, dtype: str = "'<f8'", data: bytes = bytes(40), version: int = 1) -> bytes:
    """Return an array's bytes with a header of one's choice."""
    head = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(head)) + head + data


class Told:
    """Object whose code pickle would run."""

    def __reduce__(self):
        return os.mkdir, ("evil",)


def pickled() -> bytes:
    content = io.BytesIO()
    np.savez(content, x=np.array([Told(), Told()], object))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: b"layer,row\n0,1\n", "is not a NumPy archive (.npz), or a damaged one"),
        (lambda: npz_bytes({"x": np.zeros(5)})[:-40], "is not a NumPy archive"),
        (pickled, "x cannot be read: Object arrays cannot be loaded"),
        (lambda: member(npy("(1000000000000,)")), "x cannot be read: "),
        (lambda: member(npy("(6,)")), "x cannot be read: "),
        (lambda: member(npy(f"({2**40}, {2**40})")), "x cannot be read: "),
        (lambda: member(npy("(-5, -1)")), "x cannot be read: "),
        (lambda: member(npy("(5,)", "__import__('os').mkdir('evil')")), "x cannot be read: "),
        (lambda: member(npy("(5,)", version=7)), "x cannot be read: "),
        (lambda: member(npy("(" * 2000)), "x cannot be read: "),
        (lambda: member(b"GIF89a.."), "x cannot be read: it is no array of NumPy's"),
        (lambda: member(bytes(1 << 24)), "too large for a file: it unpacks to 16,777,216 bytes"),
        (lambda: bytes(1 << 20), "is too large for a file: it has 1,048,576 bytes"),
    ],
)
def test_what_lies_is_one_line(
    tmp_path: Path, content: Callable[[], bytes], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.npz"
    path.write_bytes(content())
    assert message in refusal(lambda path: read_npz(path, "file", 20_000, ("x",)), path)
    assert not (tmp_path / "evil").exists()


@given(st.data())
def test_a_damaged_archive_is_read_as_it_was_or_refused(
    some_path: Path, data: st.DataObject
) -> None:
    some_path.write_bytes(damaged(data, npz_bytes({"x": np.arange(5.0)})))
    try:
        found = read_npz(some_path, "file", 5000)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert str(some_path) in str(error)  # noqa: PT017
    else:
        # Each array has a checksum.
        assert all(np.array_equal(array, np.arange(5.0)) for array in found.values())
