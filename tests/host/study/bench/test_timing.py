"""How long works took, by a clock that they set themselves."""

from allspin.host.study.bench import timing
from allspin.host.study.bench.timing import timed, timed_in_turn


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


def test_works_are_timed_in_turn_and_the_median_counts(monkeypatch):
    clock, rounds = Clock(), []
    monkeypatch.setattr(timing, "time", clock)
    works = [clock.work(5, 1, 3), clock.work(10, 90, 30)]
    (one, last_of_one), (other, last) = timed_in_turn(works, 3, rounds.append)
    assert (one.processor, one.wall) == (3, 6)
    assert other.processor == 30
    # The last of the first work came before the last of the second, and after all else.
    assert (last_of_one, last) == ((2, 109.0), (2, 139.0))
    assert rounds == [1, 2, 3]


def test_of_two_runs_the_faster_counts(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    took, (turn, _) = timed(clock.work(4, 2), 2)
    assert took.to_dict() == {"wall": 4, "processor": 2}
    assert turn == 1
