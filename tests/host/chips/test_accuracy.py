"""Accuracy over chips, against the same chips one by one."""

import dataclasses
import math
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.chips.columns import CAUSES, COLUMNS, VARIATIONS, known, only
from allspin.host.chips.measured import measure
from allspin.host.chips.statistics import doubts, summary
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import SCHEMES, Programming
from allspin.sim.synapse.sot_synapse import SotSynapse
from tests.sim.chip.model import golden

PAPER = open_device("paper")


SEEDS = range(3, 5)


@pytest.fixture(scope="module")
def network() -> Network:
    return open_network("mnist-10")


@pytest.fixture(scope="module")
def images() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    pixels, labels = load_test_set(None)
    return pixels[:400], labels[:400]


def test_a_device_without_d2d_has_no_column_of_d2d() -> None:
    """Only the neuron's C2C is left, which calibration cannot mend."""
    variation = dataclasses.replace(PAPER.neuron_variation, gain=0.0, threshold=0.0)
    alone = dataclasses.replace(
        PAPER, synapse=PAPER.synapse.varied(1.0, 0.0), neuron_variation=variation
    )
    assert [column.title for column in known(COLUMNS, alone)] == [
        "open loop, known variation",
        "open loop, C2C only",
        "write-verify, C2C only",
    ]
    causes = [column.title for column in known(CAUSES, alone)]
    assert causes[:7] == [column.title for column in CAUSES[:7]]
    assert causes[7:] == ["neurons' C2C", "all known variation, open loop"]


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
def test_each_chip_is_named_by_its_seed(
    scheme: str,
    network: Network,
    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> None:
    lot = Lot(PAPER, SEEDS, Programming(scheme), True)
    shares = accuracy_over_chips(network, lot, images)
    for seed, share, made in zip(SEEDS, shares, lot.chips(network), strict=True):
        chip = Chip(PAPER, seed)
        programmed = program(network, chip.device, chip.seed, lot.programming)
        model = golden(chip, calibrate(chip, network)[0], programmed.words)
        assert share == np.mean(model.classify(images[0]) == images[1])
        assert (made.seed, made.counts) == (seed, programmed.counts)


def test_a_chip_without_variation_on_its_levels_is_the_network(
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
    made = program(network, PAPER, SEEDS[0], Programming("pulse-width"))
    assert record["pulses_per_cell"] == pytest.approx(made.counts.pulses / cells, rel=0.01)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=60))
def test_chips_needed_follow_from_students_interval(correct: list[int]) -> None:
    shares = np.array(correct) / 500
    found = summary(shares)
    assert found["standard_error"] == pytest.approx(stats.sem(shares), abs=1e-12)
    assert (found["worst"], found["best"]) == (shares.min(), shares.max())

    def half(chips: int) -> float:
        """Return half the 95 % interval of a number of chips with this deviation."""
        return stats.t(chips - 1).ppf(0.975) * float(shares.std(ddof=1)) / math.sqrt(chips)

    needed = found["chips_needed"]
    assert half(needed) <= 0.005 * (1 + 1e-9)
    assert needed == 2 or half(needed - 1) > 0.005 * (1 - 1e-9)
    lines = doubts([("these", shares), ("alike", np.array([0.5, 0.5]))])
    assert len(lines) == (half(len(shares)) > 0.005)
    assert all(f"about {needed:,} chips" in line for line in lines)


def test_a_twentieth_of_chips_is_below_the_quantile_for_any_number() -> None:
    """Exponential draws: their median-unbiased estimate is known to a few percent."""
    rng = np.random.default_rng(0)
    for chips in (20, 80):
        found = [summary(rng.exponential(size=chips))["quantile_5"] for _ in range(2000)]
        assert np.median(found) == pytest.approx(-math.log(0.95), rel=0.08)


def test_one_chip_has_no_deviation_and_long_lists_of_doubts_are_cut() -> None:
    alone = summary(np.array([0.9]))
    assert [name for name, value in alone.items() if value is None] == [
        "deviation",
        "standard_error",
        "chips_needed",
    ]
    lines = doubts((f"mean {n}", np.array([0.9])) for n in range(12))
    assert "mean 0: the mean is not known to 0.5 points (95 %)" in lines[0]
    assert (len(lines), lines[-1][:15]) == (9, "... and 4 more ")


def test_a_title_that_names_no_variation_has_all() -> None:
    for column in (*COLUMNS, *CAUSES):
        named = any(word in column.title for word in ("C2C", "D2D", "gain", "threshold", "ideal"))
        assert named != ({"c2c", "d2d", "neuron"} <= {*column.variations})
