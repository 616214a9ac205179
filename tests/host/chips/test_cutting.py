"""A network cut for a study: options win over the file, and it is said."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.hdl.bench.networks import random_network
from allspin.host.chips.options import ChipOptions
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import load_dataset
from allspin.host.run.run import run
from allspin.host.show.say import Silent
from allspin.host.train.feed import split
from allspin.sim.device.device import AdcVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of, with_steps

TILES = Tiles(32, 3)


class Told(Silent):
    """What is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, description: str) -> None:
        self.lines.append(description)


@pytest.fixture
def folder(idx_folder: Callable[..., Path]) -> Path:
    return idx_folder(classes=4, train=240, test=60, shape=(6, 8))


@pytest.fixture
def network() -> Network:
    made = random_network((48, 9, 4), 3)
    return Network(made.layers, made.neuron, (6, 8))


def test_validation_images_choose(folder: Path, network: Network) -> None:
    dataset = load_dataset(folder)
    _, kept = split(240)
    wanted = cut(network, TILES, dataset.train_images[kept], dataset.train_labels[kept])
    logits = GoldenModel(wanted).logits(dataset.test_images)
    told = Told()
    found = cut_network(network, TILES, folder, told)
    assert np.array_equal(GoldenModel(found).logits(dataset.test_images), logits)
    assert told.lines == ["cutting the network into tiles of 32 rows, converters of 3 bits"]
    score = run(network, data=folder, tiles=TILES)
    assert score.shown.answers is not None
    assert np.array_equal(score.shown.answers.logits, logits)


def test_options_win_over_the_file_and_it_is_said(folder: Path, network: Network) -> None:
    told = Told()
    own = with_steps(network, Tiles(16, 5), (3, 3))
    assert tiles_of(cut_network(own, TILES, folder, told)) == [TILES, TILES]
    assert told.lines[0].endswith("in place of its tiles of 16 rows, converters of 5 bits")
    assert cut_network(own, None) is own
    assert cut_network(own, Tiles(16, 5)) is own


def test_a_network_of_which_one_layer_is_cut_is_cut_anew(folder: Path, network: Network) -> None:
    first = with_steps(network, Tiles(16, 5), (3, 3)).layers[0]
    mixed = Network((first, network.layers[1]), network.neuron, (6, 8))
    assert cut_network(mixed, None) is mixed
    assert tiles_of(cut_network(mixed, TILES, folder)) == [TILES, TILES]


def test_training_images_must_be_there(folder: Path, network: Network) -> None:
    for path in folder.glob("train*"):
        path.unlink()
    with pytest.raises(UserError, match="train"):
        cut_network(network, TILES, folder)


def test_gateware_refuses_noise_of_conversions(network: Network, folder: Path) -> None:
    device = dataclasses.replace(open_device("paper"), adc=AdcVariation(noise=0.5))
    with pytest.raises(UserError, match=r"no noise of tiles' converters.*run this chip on golden"):
        run(network, "virtual", chip=ChipOptions(7, device), data=folder, tiles=TILES)
