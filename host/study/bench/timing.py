"""How long work takes, by the wall's clock and by the processor's."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timed:
    """Time that work took.

    Parameters
    ----------
    wall, processor : float
        Seconds that passed, and that processors worked: on a machine that does other things
        too, the second is what the work itself takes.
    """

    wall: float
    processor: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def timed(work: Callable[[], Result], repeats: int = 1) -> tuple[Timed, Result]:
    """Do work some times, and return the median's time, and the last result.

    Parameters
    ----------
    work : callable
        What to do, in this process.
    repeats : int
        How often, 1 or more.
    """
    (found,) = timed_in_turn([work], repeats)
    return found


def timed_in_turn(
    works: Sequence[Callable[[], Result]],
    repeats: int,
    before: Callable[[int], object] | None = None,
) -> list[tuple[Timed, Result]]:
    """Do works in turn, some rounds, so that other load on the machine slows them alike.

    Parameters
    ----------
    works : sequence of callable
        What to do, in this process.
    repeats : int
        How many rounds, 1 or more.
    before : callable, optional
        Called with the number of each round, from 1, before it.

    Returns
    -------
    list of (Timed, result)
        For each work the median of its rounds by the processor's time, of an even number the
        faster of the two in the middle; and its last result.
    """
    runs: list[list[tuple[Timed, Result]]] = [[] for _ in works]
    for number in range(1, repeats + 1):
        if before is not None:
            before(number)
        for work, found in zip(works, runs, strict=True):
            wall, processor = time.perf_counter(), time.process_time()
            result = work()
            took = Timed(time.perf_counter() - wall, time.process_time() - processor)
            found.append((took, result))

    middle = (repeats - 1) // 2
    return [
        (sorted((took for took, _ in found), key=lambda took: took.processor)[middle], found[-1][1])
        for found in runs
    ]
