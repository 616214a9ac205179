import gzip
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from allspin.host.data.idx import IdxFile
from allspin.sim.errors import UserError

IdxBytes = Callable[[npt.ArrayLike], bytes]

# The start of MNIST's own test labels, as LeCun's page describes them.
PUBLISHED = bytes.fromhex("00000801 00000005 0702010004")


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    with IdxFile(path) as file:
        values = file.read()
        assert values.shape == file.shape
        return values


levels = st.integers(0, 9)
"""Of compression."""


@pytest.fixture(scope="module")
def some_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "file"


@given(arrays(np.uint8, array_shapes(min_dims=1, max_dims=5, max_side=4)), st.none() | levels)
def test_any_array_comes_back(
    some_path: Path, array: npt.NDArray[np.uint8], level: int | None
) -> None:
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + bytes(array.flat)
    some_path.write_bytes(content if level is None else gzip.compress(content, level))
    assert np.array_equal(read_idx(some_path), array)


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
    with pytest.raises(UserError, match=r"^cannot read data set .*; check its name"):
        read_idx(tmp_path / "absent")
    with pytest.raises(UserError, match=r"^cannot read data set .*: it is a folder, not a"):
        read_idx(tmp_path)


# What is refused costs nothing, what is accepted no more than its values.


def peak(path: Path) -> int:
    """Bytes that reading takes at most, whether it is refused or not."""
    tracemalloc.start()
    try:
        read_idx(path)
    except UserError:
        pass
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


def said(*shape: int) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)


@pytest.mark.parametrize("compressed", [False, True])
def test_values_are_held_once(tmp_path: Path, compressed: bool) -> None:
    content = said(16, 1024, 1024) + bytes(16 << 20)
    (tmp_path / "file").write_bytes(gzip.compress(content, 1) if compressed else content)
    assert read_idx(tmp_path / "file").shape == (16, 1024, 1024)
    assert peak(tmp_path / "file") < 1.25 * (16 << 20)


@pytest.mark.parametrize("shape", [(1, 28, 28), (2**16, 2**16), (2**23 + 1,)])
def test_a_gzip_bomb_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr("allspin.host.data.idx.MAX_VALUES", 1 << 23)
    packed = gzip.compress(said(*shape) + bytes(64 << 20), 1)
    path = tmp_path / "file"
    message(path, packed)
    assert peak(path) < 1 << 20
    # A trailer that lies is no better.
    size = (len(said(*shape)) + int(np.prod(shape))) % 2**32
    text = message(path, packed[:-4] + size.to_bytes(4, "little"))
    assert peak(path) < 1 << 20
    assert ("it has more" if shape[0] == 1 else "is too large") in text or "gzip" in text


def test_more_values_than_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allspin.host.data.idx.MAX_VALUES", 5)
    (tmp_path / "file").write_bytes(PUBLISHED)
    assert read_idx(tmp_path / "file").size == 5
    text = message(tmp_path / "file", said(2, 3) + b"123456")
    assert "is too large: its header announces 2 x 3 values, at most 5 are read" in text


def test_nothing_is_taken_for_a_file_that_cannot_hold_what_it_announces(tmp_path: Path) -> None:
    packed = gzip.compress(said(1 << 29))
    lying = packed[:-4] + ((1 << 29) + 8).to_bytes(4, "little")
    assert "damaged or truncated" in message(tmp_path / "file", lying)
    assert peak(tmp_path / "file") < 1 << 20


def test_gzip_files_in_a_row_are_not_one(tmp_path: Path) -> None:
    packed = gzip.compress(PUBLISHED)
    for more in (packed, b"\0" * 8, b"x", gzip.compress(b"")):
        assert "gzip" in message(tmp_path / "file", packed + more)
    # Not even where the last one tells the right size.
    head, body = gzip.compress(PUBLISHED[:9]), gzip.compress(PUBLISHED[9:])
    lying = head + body[:-4] + len(PUBLISHED).to_bytes(4, "little")
    assert "gzip" in message(tmp_path / "file", lying)


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_only_regular_files(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="not a regular file"):
        read_idx(tmp_path / name)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_any_damage_is_one_line_or_the_same_values(some_path: Path, data: st.DataObject) -> None:
    content = said(3, 2, 2) + bytes(range(12))
    packed = data.draw(st.booleans())
    whole = gzip.compress(content, mtime=0) if packed else content
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        stop = data.draw(st.integers(start, min(start + 4, len(damaged))))
        damaged[start:stop] = data.draw(st.binary(max_size=4))
    some_path.write_bytes(damaged)
    try:
        values = read_idx(some_path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        # A plain file has no checksum: whatever it now says it holds is what is read.
        assert packed <= np.array_equal(values.ravel(), range(12))
        assert values.size == np.prod(values.shape)
