"""Data sets in folders of IDX files, under every name that such files have."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.data.datasets import load_dataset, load_test_set
from tests.host.data.conftest import refusal

IdxBytes = Callable[[npt.ArrayLike], bytes]
IdxFolder = Callable[..., Path]


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
def test_files_that_do_not_belong_together_are_refused(
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
