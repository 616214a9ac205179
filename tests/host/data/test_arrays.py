"""NumPy's archives: round trips, damage, and files that are refused."""

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.host.data.arrays import npz_bytes, read_idx, read_npz
from allspin.sim.errors import UserError
from tests.host.data.conftest import damaged, refusal


def read_labels(path: Path) -> object:
    return read_npz(path, "data set", 1000, ["y"])


@pytest.mark.parametrize("read", [read_idx, read_labels])
def test_only_regular_files(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert "not a regular file" in refusal(read, path)
    assert "check its name" in refusal(read, tmp_path / "absent")


ARRAYS = {
    "layer": np.arange(5, dtype=np.int32),
    "R_AH": np.array([1.5, np.nan, -np.inf, 0, 1e-300]),
    "converged": np.array([True, False, True, True, False]),
    "polarity": np.array(["potentiation", "depression"] * 2 + [""]),
    "file": np.array("a parameter of numpy.savez"),
    "wide": np.asfortranarray(np.arange(6, dtype=">u2").reshape(2, 3)),
}


def test_numpy_reads_a_written_archive() -> None:
    content = npz_bytes(ARRAYS)
    assert content == npz_bytes(ARRAYS)
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        assert set(found) == set(ARRAYS)
        for name, array in ARRAYS.items():
            assert found[name].dtype == array.dtype
            assert np.array_equal(found[name], array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_that_numpy_writes_is_read(tmp_path: Path, save: Any) -> None:
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
def test_an_archive_that_lies_is_one_line(
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
