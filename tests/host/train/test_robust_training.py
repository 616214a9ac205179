"""Training for chips, whole: what it changes, and what it may look at."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.train.feed import split
from allspin.host.train.parameters import TrainingParameters, TrainingTarget
from allspin.host.train.robust import FIRST_JUDGE
from allspin.host.train.robustness import ALL, Robustness
from allspin.host.train.train import train
from allspin.sim.chip.chip import Chip
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")
PLAIN = TrainingParameters(hidden=(16,), epochs=12, target=TrainingTarget(PAPER))
ROBUST = dataclasses.replace(PLAIN, robust=Robustness(teacher=40))


@pytest.fixture
def dataset(idx_folder: Callable[..., Path]) -> Dataset:
    return load_dataset(idx_folder(classes=8, train=1200, test=400, shape=(10, 12)))


@pytest.fixture(autouse=True)
def few_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allspin.host.train.robust.CHIPS", 4)


def over_chips(network: Network, dataset: Dataset) -> float:
    """Mean accuracy over chips 0 to 19, open loop, with all that varies."""
    shares = []
    for seed in range(20):
        chip = Chip(PAPER, seed)
        words = program_chip(chip, network, Programming()).words
        classes = chip.golden(network, words).classify(dataset.test_images)
        shares.append(np.mean(classes == dataset.test_labels))
    return float(np.mean(shares))


def test_chips_of_a_robust_network_classify_better(dataset: Dataset) -> None:
    plain, robust = (train(dataset, each).network for each in (PLAIN, ROBUST))
    assert 1 - over_chips(robust, dataset) < 0.6 * (1 - over_chips(plain, dataset))


def test_chips_of_a_network_that_was_trained_through_tiles_classify_better(
    dataset: Dataset,
) -> None:
    """Than those of one that was cut when it was trained."""
    tiles = Tiles(16, 3)
    tiled = train(dataset, dataclasses.replace(ROBUST, tiles=tiles)).network
    kept = split(len(dataset.train_images))[1]
    chosen = dataset.train_images[kept], dataset.train_labels[kept]
    later = cut(train(dataset, ROBUST).network, tiles, *chosen)
    assert tiles_of(tiled) == tiles_of(later) == [tiles] * 2
    assert 1 - over_chips(tiled, dataset) < 0.7 * (1 - over_chips(later, dataset))


def test_chips_judge_on_images_that_were_not_learnt_from(dataset: Dataset) -> None:
    trained = train(dataset, dataclasses.replace(ROBUST, epochs=2))
    kept = split(len(dataset.train_images))[1]
    network = trained.network
    judged = trained.chips[0]
    assert judged.title == "open-loop"
    chip = Chip(PAPER, FIRST_JUDGE + 2)
    classes = chip.golden(network, program_chip(chip, network, Programming()).words).classify(
        dataset.train_images[kept]
    )
    assert judged.accuracies[2] == np.mean(classes == dataset.train_labels[kept])
    assert network.provenance["validation_chips"][0]["worst"] == round(judged.worst, 6)


def test_phases_are_in_the_curve_and_every_batch_is_counted(dataset: Dataset) -> None:
    seen = []
    parameters = dataclasses.replace(ROBUST, epochs=10)
    curve = train(dataset, parameters, seen.append).network.provenance["curve"]
    assert [(each["phase"], each["epoch"]) for each in curve[:4]] == [
        ("teacher", 1),
        ("teacher", 2),
        ("float", 1),
        ("quantised", 1),
    ]
    assert [each.step for each in seen] == list(range(1, seen[-1].steps + 1))


@pytest.mark.parametrize(
    "changes", [{"verified": 0.0}, {"verified": 1.0}, {"taught": 0.0}, {"temperature": 5.0}]
)
def test_each_option_changes_what_is_learnt(dataset: Dataset, changes: dict) -> None:
    short = dataclasses.replace(ROBUST, epochs=2)
    other = dataclasses.replace(short, robust=Robustness(teacher=40, **changes))
    one, another = (train(dataset, each).network for each in (short, other))
    assert not np.array_equal(one.layers[0].states, another.layers[0].states)
    written = another.provenance["options"]["robust"]
    assert Robustness.parse(written) == other.robust


def test_the_seed_decides_to_the_last_byte(dataset: Dataset) -> None:
    short = dataclasses.replace(ROBUST, epochs=1)
    one, again = (network_to_bytes(train(dataset, short).network) for _ in range(2))
    assert one == again


def test_test_images_play_no_part(dataset: Dataset) -> None:
    short = dataclasses.replace(ROBUST, epochs=1)
    other = dataclasses.replace(dataset, test_images=255 - dataset.test_images)
    one, another = (network_to_bytes(train(each, short).network) for each in (dataset, other))
    assert one == another


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verified": 1.5}, "verified must be a number from 0 to 1, not 1.5"),
        ({"taught": -1}, "taught must be a number from 0 to 1, not -1"),
        ({"temperature": 0}, "temperature must be a number from 0.1 to 100, not 0"),
        ({"teacher": 0}, "teacher must be from 1 to 65535, not 0"),
    ],
)
def test_values_outside_their_range_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Robustness(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "tought=1",
            "robust has no option 'tought'; it has verified, taught, temperature",
        ),
        ("taught", "robust takes options such as taught=0, not 'taught'"),
        ("teacher=3.5", "robust takes options such as taught=0, not 'teacher=3.5'"),
        ("", "robust has no option ''"),
        ("verified=7", "verified must be a number from 0 to 1, not 7.0"),
    ],
)
def test_texts_that_say_nothing_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Robustness.parse(text)


def test_a_text_says_what_differs() -> None:
    assert Robustness.parse("usual") == Robustness()
    assert Robustness().text == "usual"
    other = Robustness(0.25, teacher=30)
    assert other.text == "verified=0.25,teacher=30"
    assert Robustness.parse(other.text) == other
    assert Robustness.parse(ALL) == Robustness()


def test_there_is_no_robustness_without_a_device() -> None:
    with pytest.raises(ValueError, match="robust training needs the device whose chips"):
        TrainingParameters(robust=Robustness())
