"""The program of a machine as a list of memories, in place of sending it."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from allspin.host.link.identity import Identity
from allspin.host.link.memories import (
    Memory,
)
from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.chip_memories import ChipMemories


class KeptProgram(ChipMemories):
    """Memories that are kept as a network or a chip is loaded.

    Parameters
    ----------
    name : str
        Name of the machine in messages.
    identity : Identity
        The machine's.

    Attributes
    ----------
    kept : list of Memory
        Each memory's space and lines, in the order in which they are written.
    """

    def __init__(self, name: str, identity: Identity) -> None:
        self.name = name
        self.identity = identity
        self.kept: list[Memory] = []
        # Frames are not sent, so that none gets lost.
        self.session: Any = SimpleNamespace(
            line=SimpleNamespace(repeated=0, forget_lost=lambda: None)
        )

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Keep whole memories."""
        self.kept += memories

    def clear_counters(self) -> None:
        """Do nothing: there are no counters."""
