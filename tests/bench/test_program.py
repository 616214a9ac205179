"""A program's runs: what each kind classifies."""

import dataclasses

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming
from tests.bench import peers as module
from tests.bench.peers import GOLDEN, PLAIN, USE, WRITE, FloatForward, Peer, Program, run

COUNT = 300
OURS = Program(GOLDEN, "paper-10", "paper", COUNT)
NETWORK = open_network(OURS.network)
IMAGES, LABELS = load_test_set(None)
IMAGES = IMAGES[:COUNT]


def test_a_run_is_timed_and_scored():
    took, accuracy = run(OURS)
    assert accuracy == np.mean(GoldenModel(NETWORK).classify(IMAGES) == LABELS[:COUNT])
    assert took.processor > 0


def test_the_golden_model_is_the_network_or_a_chip_of_the_device():
    model = GoldenModel(NETWORK)
    assert np.array_equal(OURS.opened()(IMAGES), model.classify(IMAGES))
    chip = Chip(open_device(OURS.device), 0)
    noisy = chip.golden(NETWORK, program_chip(chip, NETWORK, Programming()).words)
    answers = dataclasses.replace(OURS, noisy=True).opened()(IMAGES)
    assert np.array_equal(answers, noisy.classify(IMAGES))
    assert not np.array_equal(answers, model.classify(IMAGES))


@pytest.mark.parametrize(("noisy", "noise"), [(False, (0, 0)), (True, (WRITE, USE))])
def test_plain_numpy_has_the_peers_noise(noisy, noise):
    answers = dataclasses.replace(OURS, name=PLAIN, noisy=noisy).opened()(IMAGES)
    assert np.array_equal(answers, FloatForward(NETWORK, *noise).classify(IMAGES))


@pytest.mark.parametrize("noisy", [False, True])
def test_a_peer_is_made_of_the_float_network_noisy_or_not(noisy, monkeypatch):
    made = []

    def make(network, asked):
        made.append((type(network), asked))
        return lambda images: np.full(len(images), 7)

    def wrong(*_):
        pytest.fail("another peer")

    peers = (Peer("one", "numpy", wrong, 1), Peer("two", "numpy", make, 1))
    monkeypatch.setattr(module, "PEERS", peers)
    answers = dataclasses.replace(OURS, name="two", noisy=noisy).opened()(IMAGES)
    assert answers.tolist() == [7] * COUNT
    assert made == [(FloatForward, noisy)]


def test_the_second_run_counts_on_one_thread(monkeypatch):
    threads, timed = [], []

    def make(network, noisy):
        threads.append({pool["num_threads"] for pool in threadpool_info()})
        return lambda images: np.zeros(len(images), int)

    def spy(work):
        timed.append(len(threads))
        return found(work)

    found = module.timed
    monkeypatch.setattr(module, "timed", spy)
    monkeypatch.setattr(module, "PEERS", (Peer("it", "numpy", make, 1),))
    run(dataclasses.replace(OURS, name="it"))
    assert timed == [1]  # one run was before
    assert threads == [{1}, {1}]
