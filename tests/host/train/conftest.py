"""Small data set that the tests of training share, and fewer chips to judge by."""

import pytest

from allspin.host.data.datasets import Dataset, load_dataset
from tests.host.conftest import write_idx_folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return a data set of five classes that can be learnt."""
    folder = tmp_path_factory.mktemp("train") / "set"
    return load_dataset(write_idx_folder(folder, classes=5, train=1200, test=200, shape=(10, 12)))


@pytest.fixture
def few_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge networks by four chips."""
    monkeypatch.setattr("allspin.host.train.training_chips.JUDGES", 4)
