"""Data sets in NumPy's archives: the arrays that a folder of IDX files holds."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numpy.lib import format as npy

from allspin.host.data.datasets import load_dataset, load_test_set
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.random_network import random_network
from tests.host.data.conftest import a_network, refusal

IdxFolder = Callable[..., Path]
Archive = Callable[..., Path]


@pytest.fixture
def archive(idx_folder: IdxFolder, tmp_path: Path) -> Archive:
    """Write a small set as `np.savez` does, with some arrays changed or left out."""
    data = load_dataset(idx_folder("source"))

    def write(packed: bool = False, **changes: npt.ArrayLike | None) -> Path:
        content = {
            "x_train": data.train_images,
            "y_train": data.train_labels,
            "x_test": data.test_images,
            "y_test": data.test_labels,
            **changes,
        }
        path = tmp_path / "set.npz"
        kept = {name: np.asarray(each) for name, each in content.items() if each is not None}
        save: Any = np.savez_compressed if packed else np.savez
        save(path, **kept)
        return path

    return write


@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_is_the_set_that_a_folder_holds(
    archive: Archive, tmp_path: Path, packed: bool
) -> None:
    folder = load_dataset(tmp_path / "source")
    found = load_dataset(archive(packed, notes=np.array(["not", "read"], object)))
    assert (found.digest, found.name, found.classes) == (folder.digest, "set.npz", 47)
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        assert np.array_equal(getattr(found, name), getattr(folder, name)), name
    images, labels = load_test_set(archive(packed, x_train=None, y_train=None))
    assert np.array_equal(images, folder.test_images)
    assert np.array_equal(labels, folder.test_labels)


def test_lists_of_values_have_no_shape(archive: Archive, tmp_path: Path) -> None:
    images = load_dataset(tmp_path / "source").test_images
    lists = images.reshape(len(images), -1)
    assert load_test_set(archive(x_test=lists))[0].shape == (94, 1, 480)
    for path in (archive(x_test=lists), archive()):
        load_test_set(path, [a_network((20, 24)), a_network((1, 480))])
    assert "takes images of 24 x 20 pixels" in refusal(
        lambda path: load_test_set(path, a_network((24, 20))), archive()
    )


def test_images_may_have_channels(archive: Archive) -> None:
    images = np.random.default_rng(1).integers(0, 256, (94, 5, 4, 3), dtype=np.uint8)
    kind = Convolution((5, 4, 3), (2, 2))
    network = random_network((60, 2, 47), 1, kinds=[kind], image_shape=(5, 4, 3))
    found = load_test_set(archive(x_test=images), network)[0]
    assert np.array_equal(found, images)
    assert "images of 5 x 4 x 3 pixels, but the data set's are 5 x 4;" in refusal(
        lambda path: load_test_set(path, network), archive(x_test=images[..., :1])
    )
    # Lists of values fit a network of as many rows; pictures of another order do not.
    lists = load_test_set(archive(x_test=images.reshape(94, -1)), network)[0]
    model = GoldenModel(network)
    assert np.array_equal(model.logits(lists), model.logits(images))
    flat = random_network(
        (60, 2, 47), 1, kinds=[Convolution((1, 20, 3), (1, 2))], image_shape=(1, 20, 3)
    )
    assert "images of 1 x 20 x 3 pixels, but" in refusal(
        lambda path: load_test_set(path, flat),
        archive(x_test=images.reshape(94, 20, 1, 3)[:, :, 0]),
    )


@pytest.mark.parametrize("kind", ["u1", "<f4", ">f8", "<f2"])
@pytest.mark.parametrize("of_labels", ["u1", "<i2", ">u8"])
def test_grey_levels_and_labels_of_any_type(archive: Archive, kind: str, of_labels: str) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(2, 8, 16)
    images = np.asfortranarray(grey if kind == "u1" else grey / 255).astype(kind)
    found, labels = load_test_set(archive(x_test=images, y_test=np.array([3, 255], of_labels)))
    assert np.array_equal(found, grey)
    assert labels.tolist() == [3, 255]


def test_floats_of_more_images_than_are_converted_at_a_time(archive: Archive) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (5000, 3, 2), dtype=np.uint8)
    path = archive(x_test=grey / np.float32(255), y_test=np.arange(5000) % 47)
    assert np.array_equal(load_test_set(path)[0], grey)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("y_test", np.zeros(93, int), "y_test has 93 labels, but"),
        ("x_test", np.zeros((94, 24, 20), np.uint8), "x_test has images of 24 x 20 pixels, but"),
        ("y_test", np.full(94, 47), "has the label 47, but"),
        ("y_test", None, "lacks y_test: it has x_train, y_train, x_test; save it with np.savez"),
        ("x_test", np.zeros((2, 3, 8, 8), np.uint8), "last: x_test.transpose(0, 2, 3, 1)"),
        ("x_test", np.zeros((2, 3, 3, 3, 3), np.uint8), "give (images, height, width)"),
        ("x_test", np.zeros(2, np.uint8), "width, channels) or (images, values)"),
        ("x_test", np.zeros((2, 9), np.int64), "values of int64; give grey levels as uint8"),
        ("x_test", np.zeros((2, 9), bool), "values of bool; give grey levels"),
        ("x_test", np.full((2, 9), 255.0), "has the value 255; floats are from 0 to 1: divide"),
        ("x_test", np.full((2, 9), -0.5), "has the value -0.5;"),
        ("x_test", np.full((2, 9), np.nan), "has the value nan;"),
        ("x_test", np.zeros((2, 9), complex), "values of complex128"),
        ("x_test", np.zeros((2, 9), "U3"), "values of str96; give grey levels"),
        ("x_test", np.array([["a", 1]], object), "Object arrays cannot be loaded"),
        ("x_test", np.zeros((2, 0), np.uint8), "x_test is empty"),
        ("y_test", [0.0, 1.0], "labels are whole numbers: y_test.astype('uint8')"),
        ("y_test", np.eye(2, dtype=int), "or y_test.argmax(axis=1)"),
        ("y_test", [[0], [1]], "class: y_test.ravel()"),
        ("y_test", [0, 256], "has the label 256; give 0 to 255"),
        ("y_test", [-1, 0], "has the label -1; give 0 to 255"),
    ],
)
def test_a_fault_of_a_data_set_is_said_in_words(
    archive: Archive, name: str, values: npt.ArrayLike | None, words: str
) -> None:
    path = archive(**{name: values})
    text = refusal(load_dataset, path)
    assert words in text
    assert str(path) in text


@pytest.mark.parametrize(
    ("shape", "dtype", "said"),
    [
        ((1 << 17, 28, 28), np.int64, "has values of int64"),
        ((1 << 21, 1 << 10), np.uint8, "x_train"),
        ((1 << 29, 1, 1, 1), np.float32, "x_train"),
        ((1 << 15, 1, 1, 1, 1 << 15), np.uint8, "has the shape"),
    ],
)
def test_the_header_of_an_array_is_refused_before_its_values_are_read(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, shape: Any, dtype: Any, said: str
) -> None:
    path = archive(packed=True, x_train=None)
    with zipfile.ZipFile(path, "a") as file, file.open("x_train.npy", "w") as member:
        header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(member, header)
    monkeypatch.setattr(npy, "read_array", lambda *_, **__: pytest.fail("it was read"))
    assert said in refusal(load_dataset, path)
