"""What programs a machine, kept in place of sent."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from allspin.host.chips.chip_options import MadeChip
from allspin.host.link.identity import Identity
from allspin.host.link.memories import Memories, Memory, crossbar_memories, other_memories
from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.gateware_chips import ChipMaker
from allspin.sim.network.network import Network


class Program(Memories):
    """Takes what is written to a machine, in that order.

    Parameters
    ----------
    name : str
        What messages call the machine.
    identity : Identity
        The machine's.

    Attributes
    ----------
    kept : list of Memory
        Each memory's space and lines.
    """

    def __init__(self, name: str, identity: Identity) -> None:
        self.name, self.identity = name, identity
        self.kept: list[Memory] = []
        # Nothing is sent, so that nothing gets lost.
        self.session: Any = SimpleNamespace(
            line=SimpleNamespace(repeated=0, forget_lost=lambda: None)
        )

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Keep whole memories."""
        self.kept += memories

    def clear_counters(self) -> None:
        """Nothing has been counted."""

    def program(self, network: Network, chip: MadeChip | None) -> None:
        """Keep what makes a machine run a network, or a chip.

        Raises
        ------
        UserError
            If it does not fit, or the machine has no such noise at each use.
        """
        self.check(network)
        if chip is None:
            self.write_memories(crossbar_memories(network, self.identity))
            self.write_memories(other_memories(network, self.identity))
        else:
            maker = ChipMaker(self, chip.base, chip.device, chip.programming)
            maker.make(chip.chip, chip.network)
