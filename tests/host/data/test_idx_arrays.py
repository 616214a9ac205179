"""IDX files: round trips, damage and content that is refused."""

import gzip
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from allspin.host.data.arrays import read_idx
from allspin.sim.errors import UserError
from tests.host.data.conftest import damaged, refusal

# The start of MNIST's own test labels, as LeCun's page describes them.
PUBLISHED = bytes.fromhex("00000801 00000005 0702010004")


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
