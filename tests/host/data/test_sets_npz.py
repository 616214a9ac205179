"""Arrays of NumPy's archive: what NumPy writes comes back, and anything else is one line."""

import contextlib
import io
import os
import struct
import tracemalloc
import zipfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from allspin.host.data.npz import open_archive
from allspin.sim.errors import UserError

LABELS = ("test", "labels")
IMAGES = ("test", "images")


def read(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Test images and labels of an archive."""
    with ExitStack() as stack:
        _, found = open_archive(path, ("test",), stack)
        for array in found.values():
            array.check_large()
        images, labels = found[IMAGES].read(), found[LABELS].read()
        assert images.shape == found[IMAGES].shape
        assert labels.shape == found[LABELS].shape
        return images, labels


@pytest.fixture(scope="module")
def some_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("npz") / "set.npz"


def save(path: Path, images: npt.ArrayLike, labels: npt.ArrayLike = (1, 0)) -> Path:
    np.savez(path, x_test=np.asarray(images), y_test=np.asarray(labels))
    return path


def message(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


kinds = st.sampled_from(["u1", "<f4", ">f4", "<f8", ">f8", "<f2"])


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, max_side=5)),
    kinds,
    st.sampled_from(["C", "F"]),
    st.booleans(),
    st.sampled_from(["u1", "<i2", ">i4", "<i8", ">u8"]),
)
@settings(max_examples=60)
def test_whatever_numpy_writes_comes_back(
    some_path: Path, grey: npt.NDArray[np.uint8], kind: str, order, packed: bool, of_labels: str
) -> None:
    images = np.asarray(grey if kind == "u1" else grey / 255, dtype=kind, order=order)
    labels = np.arange(250, 250 + len(grey)).astype(of_labels)
    (np.savez_compressed if packed else np.savez)(some_path, x_test=images, y_test=labels)
    found, classes = read(some_path)
    assert np.array_equal(found.reshape(grey.shape), grey)
    assert found.shape == (grey.shape if grey.ndim == 3 else (len(grey), 1, grey.shape[1]))
    assert np.array_equal(classes, labels)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_each_version_of_the_format(tmp_path: Path, version: tuple[int, int]) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for name, array in (("x_test", np.eye(2, dtype=np.uint8)), ("y_test", np.arange(2))):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version)
            archive.writestr(f"{name}.npy", content.getvalue())
    assert read(tmp_path / "set.npz")[0].tolist() == [[[1, 0]], [[0, 1]]]


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (np.zeros((2, 3, 3, 3), np.uint8), [0, 1], "channels are not read, images are grey: x_te"),
        (np.zeros((2, 3, 8, 8), np.uint8), [0, 1], "x_test.mean(axis=1).astype('uint8')"),
        (np.zeros((2, 8, 8, 1), np.uint8), [0, 1], "no axis of channels: x_test.squeeze(3)"),
        (np.zeros(2, np.uint8), [0, 1], "give (images, height, width) or (images, values)"),
        (np.zeros((2, 9), np.int64), [0, 1], "values of int64; give grey levels as uint8"),
        (np.zeros((2, 9), bool), [0, 1], "values of bool; give grey levels"),
        (np.full((2, 9), 255.0), [0, 1], "has the value 255; floats are from 0 to 1: divide"),
        (np.full((2, 9), -0.5), [0, 1], "has the value -0.5;"),
        (np.full((2, 9), np.nan), [0, 1], "has the value nan;"),
        (np.zeros((2, 9), complex), [0, 1], "values of complex128"),
        (np.zeros((2, 9), "U3"), [0, 1], "values of the type '<U3'"),
        (np.zeros((2, 9), [("a", "f4")]), [0, 1], "values of the type [('a', '<f4')]"),
        (np.array([["a", 1]], object), [0, 1], "holds Python objects, which only pickle"),
        (np.zeros((2, 0), np.uint8), [0, 1], "is empty: its header announces 2 x 0 values"),
        (np.zeros((2, 9)), [0.0, 1.0], "labels are whole numbers: y_test.astype('uint8')"),
        (np.zeros((2, 9)), np.eye(2, dtype=int), "y_test.argmax(axis=1)"),
        (np.zeros((2, 9)), [[0], [1]], "labels have one dimension: y_test.ravel()"),
        (np.zeros((2, 9)), [0, 256], "has the label 256; give 0 to 255"),
        (np.zeros((2, 9)), [-1, 0], "has the label -1; give 0 to 255"),
    ],
)
def test_what_a_data_set_has_not_is_said_in_words(tmp_path, images, labels, words) -> None:
    assert words in message(save(tmp_path / "set.npz", images, labels))


PICKLE = b"cos\nmkdir\n(S'evil'\ntR."
"""By hand: what it says is done where it is read."""


class Told:
    """What pickle would run as it reads it."""

    def __reduce__(self):
        return os.mkdir, ("evil",)


def test_no_pickle_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    objects = np.array([Told(), Told()], object)
    assert "holds Python objects" in message(save(tmp_path / "set.npz", objects[:, None]))
    assert "no data set" in message(_written(tmp_path / "pickle.npz", PICKLE))
    assert not (tmp_path / "evil").exists()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def npy(header: str | bytes, values: bytes = b"") -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + values


GOOD = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2), }\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no array of NumPy: it starts with nothing"),
        (b"GIF89a..", "starts with 47 49 46 38"),
        (b"\x93NUMPY\4\0" + bytes(8), "version 4 of NumPy's format; 1 to 3 are read"),
        (b"\x93NUMPY\1\x30" + bytes(8), "version 1.48 of NumPy's format; 1 to 3 are read"),
        (b"\x93NUMPY\2\0" + b"\xff" * 8, "a header of 4,294,967,295 bytes"),
        (npy(GOOD)[:-3], "a damaged header"),
        (npy(GOOD.replace("2, 2", "2, -2"), b"1234"), "a damaged header"),
        (npy(GOOD.replace("2, 2", "2,, 2"), b"1234"), "a damaged header"),
        (npy(GOOD.replace("2, 2", "02, 2"), b"1234"), "a damaged header"),
        (npy(GOOD.replace("False", "print(1)"), b"1234"), "a damaged header"),
        (npy(GOOD.replace("'shape'", "'form'"), b"1234"), "a damaged header"),
        (npy(GOOD + "# more", b"1234"), "a damaged header"),
        (npy("(" * 4000), "a damaged header"),
        (npy("{" + "'descr': '|u1', " * 250 + "}"), "a damaged header"),
        (npy("{" + "'descr': [], " * 250 + "x"), "a damaged header"),
        (npy(GOOD.replace("|u1", "|\nu1"), b"1234"), "a damaged header"),
        (npy(GOOD.replace("|u1", "<u3"), b"1234"), "values of the type '<u3'"),
        (npy(GOOD.replace("2, 2", "2, " * 32 + "2"), b"1"), "has 33 dimensions"),
        (npy(GOOD, b"123"), "announces 2 x 2 values, 74 bytes, but the archive tells of 73"),
        (npy(GOOD, b"12345"), "is damaged: its header announces"),
        (npy(GOOD.replace("2, 2", f"{2**40}, {2**40}"), b"1234"), "is damaged: its header"),
    ],
)
def test_headers_that_lie(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_test.npy", content)
        archive.writestr("y_test.npy", npy(GOOD.replace("2, 2", "2,"), b"\0\1"))
    text = message(path)
    assert text.startswith(f"{path}: x_test ")
    assert words in text


# What is refused costs nothing, what is accepted no more than its values.


def peak(path: Path) -> int:
    """Bytes that reading takes at most, whether it is refused or not."""
    tracemalloc.start()
    try:
        with contextlib.suppress(UserError):
            read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["u1", "f8"])
@pytest.mark.parametrize("packed", [False, True])
def test_values_are_held_once_as_bytes(tmp_path: Path, kind: str, packed: bool) -> None:
    path = tmp_path / "set.npz"
    images, labels = np.zeros((64, 512, 512), kind), np.arange(64)
    (np.savez_compressed if packed else np.savez)(path, x_test=images, y_test=labels)
    read(path)
    assert peak(path) < 1.1 * images.size + (26 << 20)


def test_more_than_is_read_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "set.npz"
    np.savez_compressed(path, x_test=np.zeros((4, 4096, 1024), np.uint8), y_test=np.arange(4))
    monkeypatch.setattr("allspin.host.data.npz.MAX_VALUES", 1 << 23)
    assert "too large: its header announces 4 x 4096 x 1024 values" in message(path)
    assert peak(path) < 1 << 20


def test_a_large_array_is_taken_only_where_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "set.npz", np.arange(8, dtype=np.uint8).reshape(2, 4))
    content = path.read_bytes()
    damaged = content.replace(bytes(range(8)), bytes(range(1, 9)))
    monkeypatch.setattr("allspin.host.data.npz.LARGE", 7)
    monkeypatch.setattr("allspin.host.data.npz.NpzArray.read", lambda _: pytest.fail("read"))
    assert "x_test is damaged or truncated" in message(_written(path, damaged))


@pytest.mark.parametrize("size", [1 << 19, 0xFFFFFFFF])
def test_a_directory_without_end_is_not_read(tmp_path: Path, size: int) -> None:
    path = save(tmp_path / "set.npz", np.zeros((2, 4)))
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, len(content) - 10, size)
    assert "has a directory of more than" in message(_written(path, bytes(content)))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    content = path.read_bytes()
    assert "has a directory of" in message(_written(path, content[:-22] + locator + content[-22:]))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_numpy_s_ways_of_packing(tmp_path: Path, method: int) -> None:
    content = io.BytesIO()
    np.save(content, np.zeros((2, 4)))
    with zipfile.ZipFile(tmp_path / "set.npz", "w", method) as archive:
        archive.writestr("x_test.npy", content.getvalue())
    assert "x_test is packed as np.savez never does" in message(tmp_path / "set.npz")


def test_an_array_that_is_there_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("x_test.npy", npy(GOOD, b"1234"))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x_test.npy", npy(GOOD, b"1234"))
    assert "x_test is packed as np.savez never" in message(tmp_path / "set.npz")


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_only_regular_files(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="not a regular file"):
        read(tmp_path / name)


def test_names_are_listed_in_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for number in range(20):
            archive.writestr(f"a\n{number}" + "long" * 99, b"")
    text = message(tmp_path / "set.npz")
    assert "lacks x_test: it has 'a\\n0long" in text
    assert "and 12 more" in text
    assert len(text) < 600


@given(st.data())
@settings(max_examples=400)
def test_any_damage_is_one_line_or_the_same_values(some_path: Path, data: st.DataObject) -> None:
    values, labels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.array([2, 0, 1], np.uint8)
    save = np.savez_compressed if data.draw(st.booleans()) else np.savez
    save(some_path, x_test=values, y_test=labels)
    damaged = bytearray(some_path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        stop = data.draw(st.integers(start, min(start + 4, len(damaged))))
        damaged[start:stop] = data.draw(st.binary(max_size=4))
    some_path.write_bytes(damaged)
    try:
        images, classes = read(some_path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert str(some_path) in str(error)  # noqa: PT017
    else:
        # Each array has a checksum.
        assert np.array_equal(images, values)
        assert np.array_equal(classes, labels)


@given(st.data())
@settings(max_examples=200)
def test_any_array_in_a_whole_archive_is_one_line_or_what_it_says(
    some_path: Path, data: st.DataObject
) -> None:
    """Headers that were written to deceive: no checksum tells of them."""
    content = bytearray(npy(GOOD, b"1234"))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(start + 4, len(content))))
        content[start:stop] = data.draw(st.text("0129',()[]{} \n\0O<>iuf", max_size=4)).encode()
    with zipfile.ZipFile(some_path, "w") as archive:
        archive.writestr("x_test.npy", bytes(content))
        archive.writestr("y_test.npy", npy(GOOD.replace("2, 2", "2,"), b"\0\1"))
    try:
        images, _ = read(some_path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert np.array_equal(images.ravel(), np.load(some_path)["x_test"].ravel())
