"""A small data set, and a network that was trained for it elsewhere."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.datasets import Dataset, load_dataset


@dataclass(frozen=True)
class Elsewhere:
    """A network that another program made.

    Parameters
    ----------
    path : Path
        Its npz file.
    data : Path
        Folder of the data set.
    dataset : Dataset
        The data set.
    accuracy : float
        Share of the test images that it classifies rightly.
    """

    path: Path
    data: Path
    dataset: Dataset
    accuracy: float


@pytest.fixture
def elsewhere(idx_folder, tmp_path) -> Elsewhere:
    """Random hidden neurons, and a readout of least squares."""
    data = idx_folder(classes=4, train=700, test=200, shape=(6, 7))
    dataset = load_dataset(data)
    rng = np.random.default_rng(0)
    w0 = rng.normal(size=(42, 24)).astype(np.float32) / 4
    b0 = rng.uniform(-0.5, 0.5, 24).astype(np.float32)

    def hidden(images):
        levels = images.reshape(len(images), -1) / 255
        return np.hstack([np.maximum(levels @ w0 + b0, 0), np.ones((len(images), 1))])

    right = np.eye(4)[dataset.train_labels]
    readout = np.linalg.lstsq(hidden(dataset.train_images), right, rcond=None)[0]
    classes = (hidden(dataset.test_images) @ readout).argmax(axis=1)
    path = tmp_path / "elsewhere.npz"
    np.savez(path, W0=w0, b0=b0, W1=readout[:-1], b1=readout[-1])
    return Elsewhere(path, data, dataset, float(np.mean(classes == dataset.test_labels)))
