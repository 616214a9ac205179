"""Small data set that the tests of learning share."""

import pytest

from allspin.host.data.datasets import Dataset, load_dataset
from tests.host.conftest import write_idx_folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return a data set of five classes that can be learnt."""
    folder = tmp_path_factory.mktemp("learn") / "set"
    return load_dataset(write_idx_folder(folder, classes=5, train=1200, test=200, shape=(10, 12)))
