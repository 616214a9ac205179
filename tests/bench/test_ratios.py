"""Programs side by side: in processes of their own, in turn, and the rows of their runs."""

import dataclasses
import os
from typing import ClassVar

import pytest

from tests.bench import peers as module
from tests.bench.peers import GOLDEN, PLAIN, Apart, Peer, Program, Timed, ratios, run

COUNT = 300
OURS = Program(GOLDEN, "paper-10", "paper", COUNT)


def unused(*_):
    pytest.fail("it runs here")


def test_a_program_runs_in_another_process_that_ends_with_its_user():
    with Apart() as apart:
        process = apart._process
        assert apart.run(OURS)[1] == run(OURS)[1]
        noisy = dataclasses.replace(OURS, noisy=True)
        took, accuracy = apart.run(noisy)
        assert (type(took), accuracy) == (Timed, run(noisy)[1])
        assert process.poll() is None
        assert os.getsid(process.pid) == process.pid  # an interrupt does not reach it
    assert process.poll() is not None


class Told:
    """Stands in for `Apart`: notes who is asked for what, and answers with times of its own."""

    asked: ClassVar[list[tuple[int, Program]]]
    started: ClassVar[int]

    def __init__(self):
        self.number = Told.started
        Told.started += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, program):
        times = len([one for one in Told.asked if one == (self.number, program)])
        Told.asked.append((self.number, program))
        # The first does not count: with it the median would not be 3.
        processor = (0.001, 5, 3, 1)[times] * (1, 2, 10)[self.number]
        return Timed(7 + processor, processor), self.number / 10 + times / 100


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(Told, "asked", [], raising=False)
    monkeypatch.setattr(Told, "started", 0, raising=False)
    monkeypatch.setattr(module, "Apart", Told)
    peers = (Peer("slow", "numpy", unused, 50), Peer("none", "no_such_simulator", unused, 7))
    monkeypatch.setattr(module, "PEERS", peers)
    return Told


def test_programs_run_in_turn_each_in_its_own_process(told):
    said = []
    ratios(OURS, 3, said.append)
    names = [GOLDEN, PLAIN, "slow"]
    assert [(number, one.name, one.noisy) for number, one in told.asked] == [
        (number, name, noisy)
        for noisy in (False, True)
        for _ in range(4)
        for number, name in enumerate(names)
    ]
    counts = {(one.name, one.noisy): one.images for _, one in told.asked}
    assert counts == {
        (name, noisy): 50 if noisy and name == "slow" else COUNT
        for name in names
        for noisy in (False, True)
    }
    rounds = ["each once", "run 1 of 3", "run 2 of 3", "run 3 of 3"]
    assert said == [f"{kind}, {each}" for kind in ("ideal", "noisy") for each in rounds]


def test_the_median_of_the_rounds_that_count_by_the_processors_time(told):
    rows = ratios(OURS, 3, lambda _: None)
    assert [(row["what"], row["noisy"]) for row in rows] == [
        (name, noisy) for noisy in (False, True) for name in (GOLDEN, PLAIN, "slow", "none")
    ]
    rates = [row["images_per_second"] for row in rows]
    assert rates == [100, 50, 10, None, 100, 50, 50 / 30, None]
    times = [row["golden_is_times_as_fast"] for row in rows]
    assert times == [1, 2, 10, None, 1, 2, 60, None]
    assert [row.get("accuracy") for row in rows[:4]] == [0.03, 0.13, 0.23, None]
