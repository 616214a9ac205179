"""Whether processes keep to the memory that they have."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

MAX_GROWTH = 8 << 20
"""Bytes that a process may have more in the second half of its samples than in the first."""


PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_memory(pid: int) -> int:
    """Bytes of a process that are in memory; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


class Memory:
    """Samples of the memory of processes.

    The first half is for what fills once: caches, buffers, pools of the allocator. What a leak
    loses goes on growing in the second.
    """

    def __init__(self) -> None:
        self._samples: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, sample: Mapping[str, int]) -> None:
        """Take one sample.

        Parameters
        ----------
        sample : mapping of str to int
            Bytes of each process, by what it is called.
        """
        for name, count in sample.items():
            self._samples[name].append(count)

    def growth(self) -> dict[str, int]:
        """Bytes by which the most of the second half exceeds the most of the first, 0 at least."""
        found = {}
        for name, counts in self._samples.items():
            half = len(counts) // 2
            found[name] = max(0, max(counts[half:]) - max(counts[:half])) if half else 0
        return found

    def excess(self) -> list[str]:
        """Lines about processes that have grown by more than `MAX_GROWTH`."""
        return [
            f"the memory of the {name} grew by {growth / 1e6:.1f} MB"
            for name, growth in self.growth().items()
            if growth > MAX_GROWTH
        ]
