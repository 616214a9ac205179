"""An image that is shown several times, with other noise each time."""

from dataclasses import replace

import numpy as np
import pytest

from allspin.host.chips.chip_options import ideal_chip
from allspin.host.run.inference import RunOptions, run
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.neuron import StochasticNeuron
from allspin.sim.network.random_network import random_network

NETWORK = replace(
    random_network((24, 12, 6), 1, neuron=StochasticNeuron(0.5, 0.3)), image_shape=(1, 24)
)
IMAGES = np.random.default_rng(0).integers(0, 256, (9000, 1, 24), np.uint8)
LABELS = np.arange(9000) % 6


def added(images: int, samples: int) -> np.ndarray:
    """Sums after each sample (images, samples, classes), image by image, by the reference."""
    made = ideal_chip(NETWORK)
    logits = [
        reference.logits(made.network, IMAGES[[n]], None, made.noise, samples * n + sample)[0]
        for n in range(images)
        for sample in range(samples)
    ]
    return np.cumsum(np.reshape(logits, (images, samples, 6)), axis=1)


def test_logits_are_added_under_numbers_of_their_own() -> None:
    score = run(NETWORK, options=RunOptions(samples=5), data=(IMAGES[:40], LABELS[:40]))
    sums = added(40, 5)
    assert score.shown.answers is not None
    assert np.array_equal(score.shown.answers.logits, sums[:, -1])
    shares = (sums.argmax(axis=2) == LABELS[:40, None]).mean(axis=0)
    assert score.to_dict()["accuracy_by_samples"] == shares.tolist()
    assert score.accuracy == shares[-1]
    # Captions are made of titles.
    title = replace(score, network="a$b").plot().get_suptitle()
    assert title.endswith(": logits of several uses added\n40 images")
    assert title.startswith(r"a\$b")


def test_numbers_go_on_from_one_stream_to_the_next() -> None:
    whole = run(NETWORK, options=RunOptions(samples=2), data=(IMAGES, LABELS)).shown.answers
    assert whole is not None
    made, n = ideal_chip(NETWORK), 8999
    both = [
        reference.logits(made.network, IMAGES[[n]], None, made.noise, 2 * n + s) for s in (0, 1)
    ]
    assert np.array_equal(whole.logits[n], (both[0] + both[1])[0])


@pytest.mark.long
def test_the_virtual_board_adds_the_same() -> None:
    options = RunOptions(check=True, samples=3)
    score = run(NETWORK, "virtual", options, data=(IMAGES[:100], LABELS[:100]))
    assert score.compared is not None
    assert (score.compared.compared, score.compared.mismatches) == (600, 0)


@pytest.mark.parametrize(
    ("network", "images", "options", "message"),
    [
        (NETWORK, 10, {"samples": 0}, "from 1 to 65536"),
        (NETWORK, 70_000, {"samples": 65_536}, "from 1 to 61356"),
        (NETWORK, 10, {"samples": 2, "resident": True}, "leave out"),
        (random_network((24, 12, 6), 1), 10, {"samples": 2}, "alike"),
    ],
)
def test_samples_that_cannot_be(network, images, options, message) -> None:
    shown = np.broadcast_to(IMAGES[0], (images, 1, 24))
    network = replace(network, image_shape=(1, 24))
    with pytest.raises(UserError, match=message):
        run(network, options=RunOptions(**options), data=(shown, np.zeros(images, int)))
