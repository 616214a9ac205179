"""What several tests of training need."""

from collections.abc import Callable
from pathlib import Path

import pytest

from allspin.host.data.datasets import Dataset, load_dataset


@pytest.fixture
def dataset(idx_folder: Callable[..., Path]) -> Dataset:
    """A small set of five classes that can be learnt."""
    return load_dataset(idx_folder(classes=5, train=1200, test=200, shape=(10, 12)))
