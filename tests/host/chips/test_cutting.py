"""Networks cut into tiles by images that no training has learnt from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.chips.cutting import cut_network
from allspin.host.data.datasets import load_dataset
from allspin.host.run.inference import run
from allspin.host.train.feed import split
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from allspin.sim.network.tiling import Tiles, cut, tiles_of, with_steps

TILES = Tiles(32, 3)


@pytest.fixture
def folder(idx_folder: Callable[..., Path]) -> Path:
    return idx_folder(classes=4, train=240, test=60, shape=(6, 8))


@pytest.fixture
def network() -> Network:
    made = random_network((48, 9, 4), 3)
    return Network(made.layers, made.neuron, (6, 8))


def test_validation_images_choose_the_steps(folder: Path, network: Network, seen: Any) -> None:
    dataset = load_dataset(folder)
    _, kept = split(240)
    wanted = cut(network, TILES, dataset.train_images[kept], dataset.train_labels[kept])
    logits = GoldenModel(wanted).logits(dataset.test_images)
    found = cut_network(network, TILES, folder, seen)
    assert np.array_equal(GoldenModel(found).logits(dataset.test_images), logits)
    assert seen.lines[0] == "cutting the network into tiles of 32 rows, converters of 3 bits"
    score = run(found, data=folder)
    assert score.shown.answers is not None
    assert np.array_equal(score.shown.answers.logits, logits)


def test_given_tiles_replace_the_file_s_and_the_display_says_so(
    folder: Path, network: Network, seen: Any
) -> None:
    own = with_steps(network, Tiles(16, 5), (3, 3))
    assert tiles_of(cut_network(own, TILES, folder, seen)) == [TILES, TILES]
    assert seen.lines[0].endswith("in place of its tiles of 16 rows, converters of 5 bits")
    assert cut_network(own, None) is own
    assert cut_network(own, Tiles(16, 5)) is own


def test_training_images_must_be_there(folder: Path, network: Network) -> None:
    for path in folder.glob("train*"):
        path.unlink()
    with pytest.raises(UserError, match="train"):
        cut_network(network, TILES, folder)
