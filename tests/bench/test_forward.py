"""The plain float pass is the same network, so that a comparison with it is fair."""

from statistics import NormalDist

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.bench.float_forward import USE, WRITE, FloatForward, law
from tests.bench.peers import PEERS
from tests.sim.chip.model import golden

IMAGES = load_test_set(None)[0][:2000]


@pytest.mark.parametrize("name", ["mnist-10", "mnist-100"])
def test_it_answers_as_the_golden_model_does(name):
    network = open_network(name)
    ours, plain = GoldenModel(network).classify(IMAGES), FloatForward(network).classify(IMAGES)
    assert np.mean(ours == plain) > 0.99
    logits = FloatForward(network).logits(IMAGES)
    scores = GoldenModel(network).logits(IMAGES)
    for image in range(0, 2000, 400):
        assert np.corrcoef(logits[image], scores[image])[0, 1] > 0.99
    assert logits.dtype == np.float32


def test_noise_is_drawn_and_named_by_its_seed():
    network = open_network("mnist-10")
    quiet = FloatForward(network).logits(IMAGES[:10])
    one, same, other = (
        FloatForward(network, 0.05, 0.02, seed).logits(IMAGES[:10]) for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)
    assert not np.allclose(one, quiet)
    forward = FloatForward(network, use=0.02)
    # Another use is another draw.
    assert not np.allclose(forward.logits(IMAGES[:10]), forward.logits(IMAGES[:10]))


def test_the_golden_model_draws_by_the_same_law():
    network = open_network("paper-10")
    chip = Chip(law(open_device("paper")), 0)
    words = program(network, chip.device, chip.seed, Programming()).words
    ideal, noisy = FloatForward(network), FloatForward(network, WRITE, USE)
    for layer, ours, exact, plain in zip(
        network.layers, words, ideal.matrices, noisy.matrices, strict=True
    ):
        unit = exact.max(axis=0) / layer.words.max(axis=0)
        assert np.std(ours - layer.words) == pytest.approx(np.std((plain - exact) / unit), rel=0.05)
        assert np.abs(plain / unit).max() < 127.01
    # Each use of a chip draws anew; between the ends no current is clamped.
    uses = [golden(chip, network, words).trace(IMAGES, first)[0].currents for first in (0, 5000)]
    one, other = (np.asarray(currents, float) for currents in uses)
    apart = (one - other)[(one > 30) & (one < 225)] / 255
    assert np.std(apart) / np.sqrt(2) == pytest.approx(USE, rel=0.03)


@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer.version])
def test_every_programs_noise_is_that_of_the_law(peer):
    """The larger of two currents, a deviation of their difference apart, wins by the normal law."""
    network = FloatForward(open_network("mnist-10"), use=USE)
    currents = np.diag([0.5, 0.5 + USE * 2**0.5]).astype(np.float32)
    network.matrices = [currents / np.float32(255), np.eye(2, dtype=np.float32)]
    network.products = [
        lambda values, matrix=matrix: values @ matrix for matrix in network.matrices
    ]
    network.offsets = [np.zeros(2, np.float32)] * 2
    images = np.full((40_000, 2), 255, np.uint8)
    assert np.mean(peer.make(network)(images, 0)) == pytest.approx(NormalDist().cdf(1), abs=0.01)
