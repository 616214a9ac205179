"""The MNIST that ships, against published figures."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.datasets import MNIST, load_dataset, load_test_set
from tests.host.data.conftest import refusal


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
