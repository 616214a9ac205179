import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.data.datasets import MNIST, load_dataset, load_test_set
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Layer
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_network import random_network
from tests.host.data.conftest import refusal

IdxBytes = Callable[[npt.ArrayLike], bytes]
IdxFolder = Callable[..., Path]
Archive = Callable[..., Path]

PARTS = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"]


# MNIST: figures that are published everywhere.


def test_mnist_is_mnist() -> None:
    mnist = load_dataset()
    assert mnist.train_images.shape == (60000, 28, 28)
    assert mnist.test_images.shape == (10000, 28, 28)
    assert mnist.image_shape == (28, 28)
    assert (mnist.classes, mnist.name) == (10, "mnist")
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.train_labels).tolist() == counts
    assert np.bincount(mnist.test_labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert mnist.train_images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert mnist.train_images.std() / 255 == pytest.approx(0.3081, abs=5e-5)


@pytest.mark.parametrize("part", ["train-labels-idx1", "t10k-images-idx3"])
def test_a_changed_pixel_in_the_mnist_that_ships_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    folder = tmp_path / "mnist"
    shutil.copytree(MNIST, folder)
    path = folder / f"{part}-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(content, compresslevel=1))
    monkeypatch.setattr("allspin.host.data.datasets.MNIST", folder)
    text = refusal(load_dataset, None)
    assert "is not the MNIST that ships" in text
    assert path.name in text
    if "t10k" in part:
        refusal(load_test_set, None)
    assert load_dataset(folder).name == "mnist"  # as a folder of one's own it is fine


# Other data sets, in every naming.


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{half}-{kind}-idx{rank}-ubyte", "folder"),
        ("{half}-{kind}.idx{rank}-ubyte", "folder"),
        ("{other}-{kind}-idx{rank}-ubyte", "folder"),
        ("emnist-balanced-{other}-{kind}-idx{rank}-ubyte", "emnist-balanced"),
        ("emnist-letters-{other}-{kind}.idx{rank}-ubyte", "emnist-letters"),
    ],
)
def test_names_that_data_sets_have(
    idx_folder: IdxFolder, pattern: str, name: str, compressed: bool
) -> None:
    folder = idx_folder("folder", pattern=pattern, compressed=compressed)
    found = load_dataset(folder)
    assert found.name == name
    assert found.classes == 47
    assert found.train_images.shape == (470, 20, 24)
    assert found.test_images.shape == (94, 20, 24)
    assert np.bincount(found.train_labels).tolist() == [10] * 47
    assert found.digest == load_dataset(idx_folder("same")).digest
    assert found.digest != load_dataset(idx_folder("other", seed=5, first=1)).digest


def test_test_set_needs_no_training_files(idx_folder: IdxFolder) -> None:
    folder = idx_folder()
    for path in folder.glob("train-*"):
        path.unlink()
    assert load_test_set(folder)[0].shape == (94, 20, 24)
    assert "lacks the train images: a set has train-images-idx3-ubyte" in refusal(
        load_dataset, folder
    )


def test_a_plain_file_goes_before_its_gzip_and_other_files_are_left_alone(
    idx_folder: IdxFolder, idx_bytes: IdxBytes
) -> None:
    folder = idx_folder()
    labels = np.full(94, 46, np.uint8)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    assert load_dataset(folder).test_labels.tolist() == [46] * 94
    (folder / "README.txt").write_text("from the web")
    (folder / "train-images-idx3-ubyte.gz.part").write_bytes(b"")
    (folder / "emnist-byclass-mapping.txt").write_text("0 48")
    assert load_dataset(folder).classes == 47


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", "No such file"),
        ("file", "file is no data set: give a folder of IDX files, or"),
        ("empty", "(no IDX files); give one with train-images-idx3-ubyte"),
    ],
)
def test_folder_missing_empty_or_a_file(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    assert words in refusal(load_dataset, tmp_path / name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("emnist-t10k-labels-idx1-ubyte.gz", "holds 2 data sets (emnist, one without a name)"),
        ("test-labels.idx1-ubyte.gz", "both t10k-labels-idx1-ubyte.gz and test-labels.idx1-ubyte"),
    ],
)
def test_two_files_for_one_thing(idx_folder: IdxFolder, name: str, words: str) -> None:
    folder = idx_folder()
    shutil.copy(folder / "t10k-labels-idx1-ubyte.gz", folder / name)
    assert words in refusal(load_dataset, folder)


@pytest.mark.parametrize(
    ("part", "values", "words"),
    [
        (
            "t10k-labels-idx1",
            np.zeros(93),
            "t10k-images-idx3-ubyte has 94 images",
        ),
        ("train-labels-idx1", np.ones(471), "train-images-idx3-ubyte has 470 images"),
        ("train-labels-idx1", np.zeros((470, 20, 24)), "has 3 dimensions; labels have 1"),
        ("train-labels-idx1", np.zeros(470), "no label but 0; give a set of at least two classes"),
        (
            "t10k-labels-idx1",
            np.full(94, 47),
            "has the label 47, but the training labels end at 46",
        ),
        ("t10k-images-idx3", np.zeros((94, 24, 20)), "has images of 24 x 20 pixels, but those of"),
        ("t10k-images-idx3", np.zeros((0, 20, 24)), "is empty"),
        ("train-images-idx3", np.zeros((1, 256, 256)), "give images of at most 65535 pixels"),
    ],
)
def test_what_does_not_belong_together(
    idx_folder: IdxFolder,
    idx_bytes: IdxBytes,
    part: str,
    values: npt.NDArray[np.float64],
    words: str,
) -> None:
    path = idx_folder(compressed=False) / f"{part}-ubyte"
    path.write_bytes(idx_bytes(values.astype(np.uint8)))
    text = refusal(load_dataset, path.parent)
    assert words in text
    assert str(path) in text


# A network and a data set that do not belong together.


def a_network(shape: tuple[int, int], classes: int = 47) -> Network:
    states = np.zeros((shape[0] * shape[1], classes), np.uint8)
    layer = Layer(states=states, levels=uniform_levels(2))
    return Network(layers=(layer,), neuron=ReluNeuron(), image_shape=shape)


@pytest.mark.parametrize(
    ("shape", "classes", "images", "words"),
    [
        ((20, 23), 47, None, "takes images of 20 x 23 pixels"),
        ((20, 24), 46, None, "has the label 46"),
        ((20, 24), 47, 95, "`images` must be from 1 to 94, not 95"),
        ((20, 24), 47, 0, "`images` must be from 1 to 94, not 0"),
    ],
)
def test_a_network_that_cannot_take_it(
    idx_folder: IdxFolder,
    shape: tuple[int, int],
    classes: int,
    images: int | None,
    words: str,
) -> None:
    network = a_network(shape, classes)
    assert words in refusal(lambda folder: load_test_set(folder, [network], images), idx_folder())


def test_labels_beyond_the_images_that_are_shown_do_not_count(idx_folder: IdxFolder) -> None:
    folder = idx_folder()
    shown = int(np.argmax(load_test_set(folder)[1] == 46))
    assert len(load_test_set(folder, [a_network((20, 24), 46)], shown)[0]) == 94


# The same in NumPy's archive: whatever NumPy writes is the set that the folder holds.


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
def test_what_a_data_set_has_not_is_said_in_words(
    archive: Archive, name: str, values: npt.ArrayLike | None, words: str
) -> None:
    path = archive(**{name: values})
    text = refusal(load_dataset, path)
    assert words in text
    assert str(path) in text
