"""A network in the place of a larger one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.data.catalogue import open_device
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.network.fitted import bearable_noise, fitted, silent_offset, tabled
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.program import program, with_words
from tests.sim.network.any_network import KINDS

PAPER = open_device("paper")


@settings(max_examples=20)
@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=5),
    st.lists(st.integers(0, 7), min_size=5, max_size=5),
    st.sampled_from(KINDS),
    st.integers(2, 6),
    st.integers(0, 2**16),
)
def test_a_fitted_network_and_its_chip_answer_as_the_network_does(topology, more, kind, bits, seed):
    widths: dict[str, Any] = {"pixel_bits": 3, "hidden_bits": 2, "current_bits": max(4, bits)}
    network = random_network(tuple(topology), seed, neuron=kind(), states=9, **widths)
    larger = tuple(own + spare for own, spare in zip(topology, more, strict=False))
    if len(network.layers) > 1 and any(
        silent_offset(network, n) is None for n in range(len(network.layers) - 1)
    ):
        return
    wide = tabled(network, 8, "sot")
    large = fitted(wide, larger)
    assert large.topology == larger
    images = random_images(network, 6, seed).reshape(6, -1)
    padded = np.pad(images, [(0, 0), (0, larger[0] - topology[0])])
    expected = GoldenModel(network).logits(images)
    answered = GoldenModel(large).logits(padded)
    classes = topology[-1]
    np.testing.assert_array_equal(answered[:, :classes], expected)
    assert (answered[:, classes:].max(1, initial=-(10**9)) <= expected.min(1)).all()
    # The same chip: each cell's word, and each use's noise.
    chip = Chip(PAPER, seed)
    words, own = (program(each, PAPER, seed).words for each in (large, network))
    for ours, theirs in zip(own, words, strict=True):
        np.testing.assert_array_equal(ours, theirs[: ours.shape[0], : ours.shape[1]])
    made = fitted(tabled(with_words(vary_columns(chip, network), own), 8, "sot"), larger)
    noise = ColumnNoise.of_chip(chip, network)
    expected = GoldenModel(vary_columns(chip, network), own, noise).logits(images, 5)
    answered = GoldenModel(made, noise=noise).logits(padded, 5)
    np.testing.assert_array_equal(answered[:, :classes], expected)


class Shifting:
    """Noise that changes every current by the same."""

    def __init__(self, by):
        self.by = by

    def on_sums(self, layer, first, sums):
        return sums

    def on_currents(self, layer, first, currents):
        return currents + self.by


@pytest.mark.parametrize("falls", [False, True])
def test_noise_that_spare_columns_bear_drives_none_of_their_rows_and_more_does(falls):
    network = random_network((6, 5, 3), 1)
    table = np.minimum(np.arange(256), 1)
    first = replace(network.layers[0], table=table[::-1] if falls else table)
    network = replace(network, layers=(first, network.layers[1]))
    assert bearable_noise(network, network.topology) is None
    most, large = bearable_noise(network, (6, 9, 3)), fitted(network, (6, 9, 3))
    assert most is not None
    images = random_images(network, 4, 1)
    for by in (most, -most, most + 1, -most - 1):
        noise: Any = Shifting(by)
        outputs = GoldenModel(large, noise=noise).trace(images)[0].outputs
        assert outputs is not None
        assert outputs[:, 5:].any() == (by == (-most - 1 if falls else most + 1))


def test_networks_that_cannot_be_fitted_are_refused():
    network = random_network((6, 5, 3), 1)
    with pytest.raises(ValueError, match="6-5-3 cannot be fitted into 6-4-3"):
        fitted(network, (6, 4, 3))
    first, last = network.layers
    assert first.table is not None
    loud = replace(network, layers=(replace(first, table=np.maximum(first.table, 1)), last))
    with pytest.raises(ValueError, match="spare columns of layer 0 would drive rows"):
        fitted(loud, (6, 6, 3))
    assert fitted(loud, (7, 5, 4)).topology == (7, 5, 4)
    plain = next(name for name, kind in NEURONS.items() if not kind.has_table)
    with pytest.raises(ValueError, match=plain):
        tabled(network, 8, plain)
