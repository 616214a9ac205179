"""Tests of the golden model as a machine."""

import numpy as np
import pytest

from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.opening import open_machine
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_images, random_network

NETWORK = random_network((30, 7, 5), 1)


def test_answers_and_progress():
    images = random_images(NETWORK, 2500, 0)
    seen = []
    with open_machine("golden", NETWORK) as device:
        device.check(NETWORK)
        device.load(NETWORK)
        device.clear_counters()
        answers = device.stream(images, seen.append)
        assert device.counters() is None
        assert device.resent == device.damaged == 0
    expected = GoldenModel(NETWORK).logits(images)
    assert (answers.logits == expected).all()
    assert (answers.classes == expected.argmax(axis=1)).all()
    assert seen == [1000, 2000, 2500]


def test_without_a_network_is_one_line():
    with pytest.raises(UserError, match="the golden model has no network yet"):
        GoldenMachine().stream(np.zeros((1, 30), dtype=np.uint8))
