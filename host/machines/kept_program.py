"""Program of a machine, kept as a list of memories in place of sending it."""

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
        Identity of the machine.

    Attributes
    ----------
    kept : list of Memory
        Space and lines of each memory, in the order of the writes.
    """

    def __init__(self, name: str, identity: Identity) -> None:
        self.name = name
        self.identity = identity
        self.kept: list[Memory] = []
        # No frame is sent, so no frame is lost or repeated.
        self.session: Any = SimpleNamespace(
            line=SimpleNamespace(repeated=0, forget_lost=lambda: None)
        )

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Keep whole memories."""
        self.kept += memories

    def clear_counters(self) -> None:
        """Do nothing: a kept program has no counters."""
