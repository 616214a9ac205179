"""Memory of processes during a soak, and the growth of each."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

MAX_GROWTH = 8 << 20
"""Bytes that a process may have more in the second half of its samples than in the first."""

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_memory(pid: int) -> int:
    """Return the bytes of a process that are in memory; 0 if it has ended."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


class Memory:
    """Samples of the memory of processes.

    Caches, buffers and pools of the allocator fill once, in the first half of the samples. A leak
    grows in the second half too.
    """

    def __init__(self) -> None:
        self._samples: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, sample: Mapping[str, int]) -> None:
        """Take one sample.

        Parameters
        ----------
        sample : mapping of str to int
            Bytes of each process, by the process's name.
        """
        for name, count in sample.items():
            self._samples[name].append(count)

    def growth(self) -> dict[str, int]:
        """Return by how many bytes the second half's most exceeds the first half's, at least 0."""
        found = {}
        for name, counts in self._samples.items():
            half = len(counts) // 2
            first, second = counts[:half], counts[half:]
            found[name] = max(0, max(second) - max(first, default=max(second)))
        return found

    def excess(self) -> list[str]:
        """Return a line for each process that has grown by more than `MAX_GROWTH`."""
        return [
            f"the memory of the {name} grew by {growth / 1e6:.1f} MB"
            for name, growth in self.growth().items()
            if growth > MAX_GROWTH
        ]
