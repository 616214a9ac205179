"""How long works took, by a clock that they set themselves."""

import pytest

from allspin.host.study.bench import timing
from allspin.host.study.bench.timing import timed


class Clock:
    """Stands in for `time`: seconds that works say that they take."""

    def __init__(self):
        self.now = 0.0

    def work(self, *seconds):
        """Work that takes each of some times in turn, and returns which turn it was."""
        turns = iter(enumerate(seconds))

        def take():
            turn, took = next(turns)
            self.now += took
            return turn, self.now

        return take

    def perf_counter(self):
        return 2 * self.now

    def process_time(self):
        return self.now


@pytest.mark.parametrize(
    ("seconds", "took", "turn"), [((5, 1, 3), 3, 2), ((4, 2), 2, 1), ((7,), 7, 0)]
)
def test_the_median_counts_and_of_two_the_faster(seconds, took, turn, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    found, (last, _) = timed(clock.work(*seconds), len(seconds))
    assert found.to_dict() == {"wall": 2 * took, "processor": took}
    assert last == turn
