"""Learning that pages watch: its frames, and how it waits, ends and begins again."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from allspin.host.learn import learning as learning_module
from allspin.host.learn.devices import CrossbarDevices
from allspin.host.learn.result import Learnt
from allspin.host.live import learning as watched
from allspin.host.live.learning import Learning
from allspin.host.train.training_options import AUTO
from tests.host.live.conftest import Page, learn_parameters, open_page
from tests.processes import PATIENCE

LONG = 2000
"""Epochs that outlast a test."""


@pytest.fixture
def learnt(learn) -> Callable[..., Learnt]:
    """Return the result of `allspin.learn` for the same images."""

    def train(learning: Learning, **options) -> Learnt:
        return learning_module.learn(learning._dataset, learn_parameters(**options))

    return train


def wait(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(learning: Learning) -> bool:
    return learning.frame[0]["images"] == learning.frame[0]["of"]


def next_frame(page: Page, **values) -> tuple[dict, bytes]:
    """Return the first frame with some values, and drop others."""
    while True:
        page.say(kind="ready")
        said, content = page.until("frame")
        if values.items() <= said.items():
            return said, content


def words(learnt: Learnt, low: float, high: float) -> bytes:
    """Return the read-out of its cells, from -127 to 127 over the range of the device."""
    read = (learnt.cells["R_AH"] - low) / (high - low)
    return np.clip(np.rint(254 * read - 127), -127, 127).astype(np.int8).tobytes()


@pytest.mark.parametrize(
    "options",
    [{}, {"update": "sign", "hidden": (9, 6), "seed": 7}, {"rate": AUTO, "epochs": 1}],
)
def test_the_last_frame_is_that_of_a_training_with_the_same_options(learn, learnt, serve, options):
    learning = learn(**options)
    synapse = learning.wanted.synapse
    one = learnt(learning, **options)
    with open_page(serve(learning.choices, learning), "learning", "frame") as page:
        assert (page.hello["images"], page.hello["pulses"]) == (0, 0)
        assert page.hello["curve"] == []
        said, content = next_frame(page, images=page.hello["of"])
    assert content == words(one, synapse.low, synapse.high)
    assert [tuple(mark) for mark in said["curve"]] == one.curve
    assert (said["pulses"], said["most"]) == (one.facts["pulses"], one.pulse_counts.max())
    assert sum(said["bars"]) == one.pulse_counts.size == len(content)
    assert said["bars"][0] == np.count_nonzero(one.pulse_counts < said["width"])
    # Digits are drawn at the same network.
    chosen = learning.choices.networks[learning.choices.first]
    for layer, own in zip(chosen.layers, one.network.layers, strict=True):
        assert np.array_equal(layer.words, own.words)


def test_a_learning_waits_on_request_or_without_a_page(learn, serve):
    learning = learn(epochs=LONG)
    client = serve(learning.choices, learning)

    def state() -> tuple[int, int]:
        """Return images and pulses."""
        return learning.frame[0]["images"], int(learning._network.pulse_counts.sum())

    def stands() -> bool:
        """Return True if the state does not change for a while."""
        before = state()
        time.sleep(0.2)
        return state() == before

    assert stands()
    assert state() == (0, 0)
    with open_page(client, "learning", "frame") as page:
        wait(lambda: learning.frame[0]["images"])
        page.say(kind="pause")
        said, _ = next_frame(page, paused=True)
        # The frame that tells the pause is the last one: no image was learnt after it.
        assert state() == (said["images"], said["pulses"])
        assert stands()
        page.say(kind="go")
        next_frame(page, paused=False)
        wait(lambda: learning.frame[0]["images"] > said["images"])
    wait(stands)
    images, _ = state()
    # The next page sees the same learning go on, and so does another one beside it.
    with open_page(client, "learning", "frame") as page:
        assert page.hello["images"] == images
        with open_page(client, "learning", "frame"):
            pass
        wait(lambda: learning.frame[0]["images"] > images)


def test_a_page_that_takes_no_frame_gets_no_other_and_delays_no_learning(learn, serve):
    learning = learn()
    with open_page(serve(learning.choices, learning), "learning", "frame") as page:
        wait(lambda: ended(learning))
        time.sleep(3 * watched.LOOK)
        page.say(kind="ready")
        said, _ = page.until("frame")
        assert said["images"] == said["of"]


def test_another_seed_begins_anew_under_way_and_at_the_end(learn, learnt, serve):
    learning = learn(epochs=LONG)
    low, high = learning.wanted.synapse.low, learning.wanted.synapse.high
    with open_page(serve(learning.choices, learning), "learning", "frame") as page:
        wait(lambda: learning.frame[0]["images"])
        page.say(kind="pause")
        page.say(kind="again", seed=5)
        said, _ = next_frame(page, seed=5)
        assert (said["images"], said["pulses"], said["curve"]) == (0, 0, [])
    learning = learn(epochs=1)
    with open_page(serve(learning.choices, learning), "learning", "frame") as page:
        for seed in (5, 0):
            page.say(kind="again", seed=seed)
            _, content = next_frame(page, seed=seed, images=400)
            assert content == words(learnt(learning, epochs=1, seed=seed), low, high)


def test_a_training_that_fails_says_so(learn, serve, monkeypatch):
    learning = learn(epochs=LONG)

    def fail(*_, **__):
        raise ValueError("a device is broken")

    with open_page(serve(learning.choices, learning), "learning", "frame") as page:
        assert not page.hello["fault"]
        monkeypatch.setattr(CrossbarDevices, "pulse", fail)
        next_frame(page, fault="ValueError('a device is broken')")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"kind": "show", "serial": 1}, "kind must be one of"),
        ({"kind": "again"}, "seed must be an integer"),
        ({"kind": "again", "seed": 2**32}, "from 0 to 4294967295"),
    ],
)
def test_a_wrong_message_of_a_page_is_told_and_the_learning_goes_on(learn, serve, said, words):
    learning = learn()
    with open_page(serve(learning.choices, learning), "learning", "frame") as page:
        page.say(**said)
        assert words in page.until("problem")[0]["text"]
        assert next_frame(page, images=page.hello["of"])[0]["seed"] == 0
