"""NumPy archives: read as NumPy reads them, and refused in a line where they lie."""

import contextlib
import io
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.data.packed import npz_bytes, read_npz
from allspin.sim.errors import UserError

ARRAYS = {
    "layer": np.arange(5, dtype=np.int32),
    "R_AH": np.array([1.5, np.nan, -np.inf, 0, 1e-300]),
    "converged": np.array([True, False, True, True, False]),
    "polarity": np.array(["potentiation", "depression"] * 2 + [""]),
    "file": np.array("a parameter of numpy.savez"),
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
    wide = np.arange(5, dtype=">u2")
    save(path, layer=ARRAYS["layer"], R_AH=ARRAYS["R_AH"], polarity=ARRAYS["polarity"], row=wide)
    found = read_npz(path, "file", ("layer", "R_AH", "row", "polarity", "absent"), 5)
    assert list(found) == ["layer", "R_AH", "row", "polarity"]
    assert np.array_equal(found["R_AH"], ARRAYS["R_AH"], equal_nan=True)
    assert found["row"].tolist() == [0, 1, 2, 3, 4]
    assert found["polarity"].tolist() == ARRAYS["polarity"].tolist()


def member(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with one member, ``x.npy``."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        file.writestr("x.npy", content)
    return archive.getvalue()


def array(shape: str, dtype: str = "'<f8'", data: bytes = bytes(40)) -> bytes:
    """An array's bytes whose head says what it likes."""
    head = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"layer,row\n0,1\n", "is not a NumPy archive (.npz), or a damaged one"),
        (npz_bytes({"x": np.zeros(5)})[:-40], "is not a NumPy archive"),
        (member(array("(5,)", "'|O'")), "x.npy holds Python objects, which only pickle could read"),
        (member(array("(1000000000000,)")), "x.npy holds 40 bytes, which are not (10000"),
        (member(array("(4,)")), "x.npy holds 40 bytes, which are not (4,) of float64"),
        (member(array("(5, 1)")), "x.npy has 2 dimensions, a list has one"),
        (member(array("(6,)", data=bytes(48))), "x.npy has 6 items, at most 5 are read"),
        (member(array("(5,)", "'<c16'", bytes(80))), "x.npy holds complex128, not numbers"),
        (
            member(array("(1,)", "'<U99'", bytes(396))),
            "x.npy holds <U99, items of more than 256",
        ),
        (member(array("(1,)", "'<U0'", b"")), "x.npy holds <U0, not numbers or words"),
        (member(array("(5,)", "__import__('os')")), "cannot use "),
        (
            member(b"\x93NUMPY\x07\x00" + bytes(60)),
            "x.npy is of version 7 of NumPy's format; 1 to 3 are read",
        ),
        (member(bytes(1 << 24)), "x.npy has 16,777,216 bytes, more than 5 items have"),
        (member(array("(5,)"), zipfile.ZIP_LZMA), "x.npy is packed otherwise than NumPy does"),
        (b"PK\x01\x02" * 1001, "has more than 1,000 arrays"),
        (bytes(1 << 20), "is too large for a file"),
    ],
)
def test_what_lies_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        read_npz(path, "file", ("x",), 5)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_archive_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(npz_bytes({"x": np.arange(5.0)}))
    for place in rng.integers(0, len(content), 3):
        content[place] ^= int(rng.integers(1, 256))
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        read_npz(path, "file", ("x",), 5)
