"""Duration of work, in wall time and in processor time."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timed:
    """Time that work took.

    Parameters
    ----------
    wall, processor : float
        Seconds that passed, and that processors worked: on a machine that does other things
        too, the second is that of the work itself.
    """

    wall: float
    processor: float


def timed(work: Callable[[], Result], repeats: int = 1) -> tuple[Timed, Result]:
    """Do work some times, and return the median time, and the last result.

    Parameters
    ----------
    work : callable
        Function to call in this process.
    repeats : int
        Number of calls, 1 or more.
    """
    runs: list[tuple[Timed, Result]] = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        took = Timed(time.perf_counter() - wall, time.process_time() - processor)
        runs.append((took, result))
    return median([took for took, _ in runs]), runs[-1][1]


def median(runs: Sequence[Timed]) -> Timed:
    """Wall's and processor's, each for itself; of an even number the faster in the middle."""
    return Timed(
        statistics.median_low(took.wall for took in runs),
        statistics.median_low(took.processor for took in runs),
    )
