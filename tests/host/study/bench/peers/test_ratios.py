"""Programs side by side: what each classifies, and which rows come of their runs."""

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.study.bench.peers import ratios as module
from allspin.host.study.bench.peers.ratios import GOLDEN, PLAIN, Program, ratios, run
from allspin.host.study.bench.peers.simulators import Peer
from allspin.sim.chip.chip import Chip
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

COUNT = 300
NETWORK, DEVICE = "paper-10", "paper"
IMAGES, LABELS = load_test_set(None)


@pytest.mark.parametrize("noisy", [False, True])
def test_a_run_is_of_the_golden_model(noisy):
    network = open_network(NETWORK)
    model = GoldenModel(network)
    if noisy:
        chip = Chip(open_device(DEVICE), 0)
        model = chip.golden(network, program_chip(chip, network, Programming()).words)
    took, accuracy = run(Program(GOLDEN, NETWORK, DEVICE, COUNT, noisy))
    assert accuracy == np.mean(model.classify(IMAGES[:COUNT]) == LABELS[:COUNT])
    assert took.processor > 0


def test_rows_of_all_programs_each_in_a_process_of_its_own(monkeypatch):
    absent = Peer("none", "no_such_simulator", lambda *_: pytest.fail("it is not there"), 7)
    monkeypatch.setattr(module, "PEERS", (absent,))
    said = []
    rows = ratios(Program(GOLDEN, NETWORK, DEVICE, COUNT), 1, said.append)
    assert [(row["what"], row["noisy"]) for row in rows] == [
        (name, noisy) for noisy in (False, True) for name in (GOLDEN, PLAIN, "none")
    ]
    assert [row["images_per_second"] is None for row in rows] == [False, False, True] * 2
    for ideal, plain, _ in (rows[:3], rows[3:]):
        assert ideal["golden_is_times_as_fast"] == 1
        times = ideal["images_per_second"] / plain["images_per_second"]
        assert plain["golden_is_times_as_fast"] == pytest.approx(times)
    assert said == [
        "ideal, each once",
        "ideal, run 1 of 1",
        "noisy, each once",
        "noisy, run 1 of 1",
    ]


def test_a_slow_peer_has_fewer_images_in_noisy_runs(monkeypatch):
    told = []

    class Process:
        """Runs nothing, and says by the program's name how long it took."""

        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, _, program):
            told.append(program)
            took = {GOLDEN: 2.0, PLAIN: 1.0, "slow": 10.0}[program.name]
            return Done((module.Timed(took, took), 0.5))

    class Done:
        def __init__(self, result):
            self.result = lambda: result

    monkeypatch.setattr(module, "ProcessPoolExecutor", Process)
    monkeypatch.setattr(
        module, "PEERS", (Peer("slow", "numpy", lambda *_: pytest.fail("it runs"), 50),)
    )
    rows = ratios(Program(GOLDEN, NETWORK, DEVICE, COUNT), 2, lambda _: None)
    assert {(one.name, one.noisy): one.images for one in told} == {
        (name, noisy): 50 if noisy and name == "slow" else COUNT
        for name in (GOLDEN, PLAIN, "slow")
        for noisy in (False, True)
    }
    assert len(told) == 2 * 3 * 3
    assert [row["golden_is_times_as_fast"] for row in rows] == [1, 0.5, 5, 1, 0.5, 30]
