"""Latency over a UART: the rate that is simulated does not matter, and the bits are the frames'."""

import numpy as np
import pytest
from cobs import cobs

from allspin.host.link.image_requests import encode_pixels
from allspin.host.link.uart_options import UartOptions
from allspin.host.run import latency as module
from allspin.host.run.latency import latency
from allspin.sim.network.random_network import random_network
from allspin.sim.network.tiling import Tiles, with_steps

NETWORK = random_network((24, 12, 6), 1)


@pytest.fixture
def data(idx_folder):
    return idx_folder(shape=(1, 24), classes=6, train=12, test=30)


@pytest.mark.long
def test_the_simulated_rate_does_not_matter(data, monkeypatch):
    found = [latency(NETWORK, images=5, data=data)]
    monkeypatch.setattr(module, "SIMULATED", UartOptions(1_000_000, frequency=20_000_000))
    found.append(latency(NETWORK, images=5, data=data))
    one, other = found
    np.testing.assert_array_equal(one.engine, other.engine)
    np.testing.assert_array_equal(one.bits, other.bits)
    # But for the clock that the middle of a bit falls into.
    np.testing.assert_allclose(one.turnaround, other.turnaround, atol=3)
    # The whole request arrives before the engine begins; the answer begins after the last logit.
    assert np.all(one.turnaround > one.engine)


@pytest.mark.long
def test_tiles_cost_a_latency_and_no_image_more_than_another(data):
    """With bits enough for every sum the neurons answer alike; only the converters are passed."""
    plain = latency(NETWORK, images=5, data=data)
    network = with_steps(NETWORK, Tiles(8, 24), (0,) * len(NETWORK.layers))
    tiled = latency(network, images=5, data=data)
    (more,) = set(tiled.engine - plain.engine)
    assert 0 < more <= 3 * len(NETWORK.layers)
    np.testing.assert_array_equal(tiled.turnaround - plain.turnaround, more)


@pytest.mark.long
def test_bits_are_those_of_the_frames(data):
    found = latency(NETWORK, images=5, data=data)
    images = module.load_test_set(data, [NETWORK], 5)[0][:5]
    answer = len(cobs.encode(bytes([1]) * (4 + 6 * 2 + 2 + 4))) + 1
    for bits, body in zip(found.bits, encode_pixels(images, 4), strict=True):
        asked = len(cobs.encode(bytes([1]) * 3 + body + bytes([1]) * 4)) + 1
        assert bits == 10 * (1 + asked + answer) - 1
    seconds = found.over_link(10, 1000)
    np.testing.assert_allclose(seconds, found.bits / 10 + found.turnaround / 1000)
