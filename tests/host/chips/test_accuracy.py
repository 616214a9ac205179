"""Accuracy over chips, against the same chips one by one."""

import dataclasses
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.chips.accuracy import (
    CAUSES,
    COLUMNS,
    VARIATIONS,
    Lot,
    accuracy_over_chips,
    known,
    measure,
    only,
)
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip, calibrate
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import SCHEMES, Programming
from allspin.sim.synapse.synapse import SotSynapse

PAPER = open_device("paper")


SEEDS = range(3, 5)


@pytest.fixture(scope="module")
def network() -> Network:
    return open_network("mnist-10")


@pytest.fixture(scope="module")
def images() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    pixels, labels = load_test_set(None)
    return pixels[:400], labels[:400]


def test_a_device_without_any_d2d_has_no_column_of_it() -> None:
    """Of the neuron only C2C is left, which no calibration mends."""
    variation = dataclasses.replace(PAPER.neuron_variation, gain=0.0, threshold=0.0)
    alone = dataclasses.replace(
        PAPER, synapse=PAPER.synapse.varied(1.0, 0.0), neuron_variation=variation
    )
    assert [column.title for column in known(COLUMNS, alone)] == ["open loop", "write-verify"]
    causes = [column.title for column in known(CAUSES, alone)]
    assert causes[:6] == [column.title for column in CAUSES[:6]]
    assert causes[6:] == ["neurons' C2C", "all known variation, open loop"]


def test_variations_are_turned_off_one_by_one() -> None:
    own, c2c, d2d = (
        cast(SotSynapse, device.synapse)
        for device in (PAPER, only(PAPER, ["c2c"]), only(PAPER, ["d2d", "neuron"]))
    )
    assert (c2c.c2c, c2c.d2d.depression) == (own.c2c, 0)
    assert (d2d.c2c.depression, d2d.d2d) == (0, own.d2d)
    assert only(PAPER, ["neuron"]).neuron_variation == PAPER.neuron_variation
    threshold = only(PAPER, ["threshold"]).neuron_variation
    assert (threshold.gain, threshold.threshold, threshold.use) == (0, 0.18, 0)
    assert only(PAPER, VARIATIONS).synapse == PAPER.synapse
    with pytest.raises(ValueError, match=r"must be one of c2c, d2d, neuron, .*not 'other'"):
        only(PAPER, ["other"])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_chip_is_the_one_that_its_seed_names(
    scheme: str,
    network: Network,
    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> None:
    lot = Lot(PAPER, SEEDS, Programming(scheme), True)
    shares = accuracy_over_chips(network, lot, images)
    for seed, share, made in zip(SEEDS, shares, lot.made(network), strict=True):
        chip = Chip(PAPER, seed)
        programmed = program_chip(chip, network, lot.programming)
        model = chip.golden(calibrate(chip, network).network, programmed.words)
        assert share == np.mean(model.classify(images[0]) == images[1])
        assert (made.seed, made.counts) == (seed, programmed.counts)


def test_without_variation_and_with_levels_that_are_met_a_chip_is_the_network(
    network: Network, images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
) -> None:
    ideal = np.mean(GoldenModel(network).classify(images[0]) == images[1])
    column = next(column for column in CAUSES if column.title == "ideal")
    result = measure("n", network, column, Lot(PAPER, SEEDS), images)
    assert result.accuracies.tolist() == [ideal, ideal]
    record = result.to_dict()
    assert (record["accuracy"], record["deviation"]) == (ideal, 0)
    assert record["programming"]["scheme"] == "pulse-width"
    cells = sum(layer.states.size for layer in network.layers)
    made = program_chip(Chip(PAPER, SEEDS[0]), network, Programming("pulse-width"))
    assert record["pulses_per_cell"] == pytest.approx(made.counts.pulses / cells, rel=0.01)
