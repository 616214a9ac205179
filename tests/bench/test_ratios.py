"""Programs side by side: in processes of their own, in turn, and the rows of their runs."""

import contextlib
import dataclasses
import itertools
import os

import pytest

from allspin.sim.errors import UserError
from tests.bench import peers as module
from tests.bench.peers import GOLDEN, PLAIN, Peer, Program, Timed, apart, ratios, run

COUNT = 300
OURS = Program(GOLDEN, "paper-10", "paper", COUNT)


def unused(*_):
    pytest.fail("it runs here")


def test_a_program_runs_in_another_process():
    with apart() as there:
        for noisy in (False, True):
            program = dataclasses.replace(OURS, noisy=noisy)
            took, accuracy = there(program)
            assert (type(took), accuracy) == (Timed, run(program)[1])


def dies(program):
    os._exit(1)


def test_a_process_that_ends_is_told(monkeypatch):
    monkeypatch.setattr(module, "run", dies)
    with apart() as there, pytest.raises(UserError, match="the process of golden model ended"):
        there(OURS)


@pytest.fixture
def told(monkeypatch):
    """Notes which process is asked for what, and answers with times of its own."""
    asked, started = [], itertools.count()

    @contextlib.contextmanager
    def stand_in():
        process = next(started)

        def there(program):
            times = asked.count((process, program))
            asked.append((process, program))
            # The first does not count: with it the median would not be 3.
            processor = (0.001, 5, 3, 1)[times] * (1, 2, 10)[process]
            return Timed(7 + processor, processor), process / 10 + times / 100

        yield there

    monkeypatch.setattr(module, "apart", stand_in)
    peers = (Peer("slow", "numpy", unused, 50), Peer("none", "no_such_simulator", unused, 7))
    monkeypatch.setattr(module, "PEERS", peers)
    return asked


def test_programs_run_in_turn_each_in_its_own_process(told):
    said = []
    ratios(OURS, 3, said.append)
    names = [GOLDEN, PLAIN, "slow"]
    assert [(number, one.name, one.noisy) for number, one in told] == [
        (number, name, noisy)
        for noisy in (False, True)
        for _ in range(4)
        for number, name in enumerate(names)
    ]
    counts = {(one.name, one.noisy): one.images for _, one in told}
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
