import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from host.idx import parse_idx, read_idx
from sim.errors import UserError

IdxBytes = Callable[[npt.ArrayLike], bytes]

# The start of MNIST's own test labels, as LeCun's page describes them.
PUBLISHED = bytes.fromhex("00000801 00000005 0702010004")


def test_published_header() -> None:
    assert parse_idx(PUBLISHED).tolist() == [7, 2, 1, 0, 4]


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=5, max_side=4)))
def test_any_array_comes_back(array: npt.NDArray[np.uint8]) -> None:
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + bytes(array.flat)
    assert np.array_equal(parse_idx(content), array)
    assert parse_idx(content).shape == array.shape


@pytest.mark.parametrize("compressed", [False, True])
def test_gzip_is_seen_by_content_not_by_name(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / ("labels" if compressed else "labels.gz")
    path.write_bytes(gzip.compress(PUBLISHED) if compressed else PUBLISHED)
    assert read_idx(path).tolist() == [7, 2, 1, 0, 4]


def message(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_idx(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


@pytest.mark.parametrize("length", range(len(PUBLISHED)))
def test_every_truncation_is_one_line(tmp_path: Path, length: int) -> None:
    text = message(tmp_path / "labels", PUBLISHED[:length])
    assert ("truncated" if length >= 4 else "not an IDX file") in text


def test_every_truncation_of_gzip_is_one_line(tmp_path: Path) -> None:
    packed = gzip.compress(PUBLISHED)
    for length in range(2, len(packed)):
        assert "gzip" in message(tmp_path / "labels.gz", packed[:length])


def test_a_flipped_bit_in_gzip_never_gives_other_values(tmp_path: Path) -> None:
    packed = gzip.compress(PUBLISHED, mtime=0)
    path = tmp_path / "labels.gz"
    refused = 0
    for bit in range(8 * 10, 8 * len(packed)):  # after the header, which has free fields
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert read_idx(path).tolist() == [7, 2, 1, 0, 4]
        except UserError as error:
            refused += str(path) in str(error) and "gzip" in str(error)
    assert refused >= 8 * (len(packed) - 10) - 8  # but for the last byte's padding


def test_trailing_bytes(tmp_path: Path) -> None:
    text = message(tmp_path / "labels", PUBLISHED + b"\0")
    assert "trailing bytes" in text
    assert "5 values, it has 6" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", "starts with 89 50 4e 47"),
        (b"", "starts with nothing"),
        (b"\0\0\x08\0abcd", "not an IDX file"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x", "not an IDX file"),
        (b"\0\0\x08\x03" + b"\0\0\0\0" + b"\xff" * 8, "is empty"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "truncated"),
        (b"\0\0\x77\x01\0\0\0\1a", "an unknown type"),
    ],
)
def test_foreign_content(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in message(tmp_path / "file", content)


@pytest.mark.parametrize(
    ("dtype", "name"),
    [("int8", "signed bytes"), ("int16", "16-bit"), ("int32", "32-bit"), ("float32", "floats")],
)
def test_other_types_are_named(tmp_path: Path, idx_bytes: IdxBytes, dtype: str, name: str) -> None:
    assert name in message(tmp_path / "file", idx_bytes(np.arange(3, dtype=dtype)))


def test_missing_file_and_folder_in_its_place(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(UserError, match=r"^cannot read .*; check its name"):
            read_idx(path)
