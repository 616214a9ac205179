"""The plain float pass is the same network, so that a comparison with it is fair."""

import numpy as np
import pytest

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.network.golden import GoldenModel
from tests.bench.peers import FloatForward, _through

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


def test_a_peers_products_make_the_same_network():
    network = FloatForward(open_network("mnist-10"))
    products = [lambda values, matrix=matrix: values @ matrix for matrix in network.matrices]
    assert np.mean(_through(network, products)(IMAGES) == network.classify(IMAGES)) > 0.999
