"""How long works took, by a clock that they set themselves."""

import pytest

from tests.bench import peers as timing
from tests.bench.peers import Timed, timed


class Clock:
    """Stands in for `time`: seconds that works say that they take."""

    def __init__(self):
        self.wall = self.processor = 0.0

    def work(self, *seconds):
        """Work that takes each of some times (wall, processor), and returns which it was."""
        turns = iter(enumerate(seconds))

        def take():
            turn, (wall, processor) = next(turns)
            self.wall += wall
            self.processor += processor
            return turn

        return take

    def perf_counter(self):
        return self.wall

    def process_time(self):
        return self.processor


@pytest.mark.parametrize(
    ("seconds", "took"),
    [
        ([(9, 5), (8, 1), (20, 3)], Timed(9, 3)),
        ([(9, 4), (8, 5)], Timed(8, 4)),
        ([(7, 6)], Timed(7, 6)),
    ],
)
def test_medians_count_and_of_two_the_faster(seconds, took, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    found, last = timed(clock.work(*seconds), len(seconds))
    assert found == took
    assert last == len(seconds) - 1
    assert found.to_dict() == {"wall": took.wall, "processor": took.processor}
