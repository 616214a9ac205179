"""Programs side by side: in processes of their own, in turn, and the rows of their runs."""

import contextlib
import dataclasses
import itertools
import os

import pytest
from threadpoolctl import threadpool_info

from allspin.host.data.datasets import load_test_set
from allspin.sim.errors import UserError
from tests.bench import ratios as module
from tests.bench.peers import GOLDEN, PLAIN, Peer
from tests.bench.ratios import Program, Run, apart, ratios, run
from tests.bench.timing import Timed

COUNT = 300
OURS = Program(GOLDEN, "paper-10", "paper", COUNT, 100)


def unused(*_):
    pytest.fail("it runs here")


@pytest.mark.parametrize("name", [GOLDEN, PLAIN])
def test_a_program_runs_in_another_process(name):
    with apart() as there:
        for noisy in (False, True):
            program = dataclasses.replace(OURS, name=name, noisy=noisy)
            found = there(program)
            assert found.accuracy > 0.9
            assert found.accuracy == run(program).accuracy


def test_a_batch_is_told_its_first_image(monkeypatch):
    def opened(self):
        return lambda: lambda images, first: labels[first : first + len(images)]

    _, labels = load_test_set(None)
    monkeypatch.setattr(Program, "opened", opened)
    assert run(OURS).accuracy == 1


def threads(program):
    return max(each["num_threads"] for each in threadpool_info())


def dies(program):
    os._exit(1)


def test_a_process_has_one_thread(monkeypatch):
    monkeypatch.setattr(module, "run", threads)
    with apart() as there:
        assert there(OURS) == 1


def test_a_process_that_ends_is_told(monkeypatch):
    monkeypatch.setattr(module, "run", dies)
    with apart() as there, pytest.raises(UserError, match="the process of golden model ended"):
        there(OURS)


@pytest.fixture
def told(monkeypatch):
    """Stand-in for processes: it notes each request, and answers with times of its own."""
    asked, started = [], itertools.count()

    @contextlib.contextmanager
    def stand_in():
        process = next(started)

        def there(program):
            times = asked.count((process, program))
            asked.append((process, program))
            # The first does not count: with it the median would not be 3. The larger batch is
            # faster, but not the last one's.
            faster = program.batch if process < 2 else 1
            processor = (0.001, 5, 3, 1)[times] * (1, 2, 10)[process] / faster
            made = Timed(0, 7 * processor)
            return Run(made, Timed(7 + processor, processor), 0.9 + (0, 2, 4)[process] / 1000)

        yield there

    monkeypatch.setattr(module, "apart", stand_in)
    peers = (
        Peer(PLAIN, "numpy", unused),
        Peer("other", "scipy", unused),
        Peer("none", "no-such-simulator", unused),
    )
    monkeypatch.setattr(module, "PEERS", peers)
    monkeypatch.setattr(module, "BATCHES", (1, 10, 1000))
    return asked


def test_programs_run_in_turn_each_in_its_own_process(told):
    said = []
    ratios(OURS, 3, said.append)
    names = [GOLDEN, PLAIN, "other"]
    assert [(number, one.name, one.batch, one.noisy) for number, one in told] == [
        (number, name, batch, noisy)
        for noisy in (False, True)
        for _ in range(4)
        for batch in (1, 10)
        for number, name in enumerate(names)
    ]
    assert {one.images for _, one in told} == {COUNT}
    rounds = ["each once", "run 1 of 3", "run 2 of 3", "run 3 of 3"]
    assert said == [f"{kind}, {each}" for kind in ("ideal", "noisy") for each in rounds]


def test_the_median_by_the_processors_time_and_no_ratio_of_other_accuracies(told):
    rows = ratios(OURS, 3, lambda _: None)
    names = (GOLDEN, PLAIN, "other", "none")
    assert [(row["what"], row["noisy"]) for row in rows] == [
        (name, noisy) for noisy in (False, True) for name in names
    ]
    for each in (rows[:4], rows[4:]):
        rates = [row.get("by_batch") for row in each]
        assert rates == [{"1": 100, "10": 1000}, {"1": 50, "10": 500}, {"1": 10, "10": 10}, None]
        assert [row["images_per_second"] for row in each] == [1000, 500, 10, None]
        # The other's accuracy is 0.4 points away.
        assert [row["golden_is_times_as_fast"] for row in each] == [1, 2, None, None]
        assert [row.get("accuracy") for row in each] == [
            *(pytest.approx(share) for share in (0.9, 0.902, 0.904)),
            None,
        ]
