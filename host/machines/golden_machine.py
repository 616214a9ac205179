"""The golden model as a machine."""

import numpy as np
import numpy.typing as npt

from allspin.host.link.answers import Answers
from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.machine import Machine
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip

BATCH = 1000
"""Images between two calls of the progress callback."""


class GoldenMachine(Machine):
    """A machine that the golden model computes: any network fits, and any chip.

    Attributes
    ----------
    name : str
        Name of the machine in messages.
    model : GoldenModel or None
        Golden model of the network or chip that was loaded last.
    """

    name = "the golden model"

    def __init__(self, model: GoldenModel | None = None) -> None:
        self.model = model

    def close(self) -> None:
        """Keep the model: it needs no closing."""

    def load_network(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Load a network."""
        self.model = GoldenModel(network)

    def load_chip(self, chip: ProgrammedChip, progress: Progress = NO_PROGRESS) -> None:
        """Load a chip."""
        self.model = chip.golden()

    def stream(
        self, images: npt.NDArray[np.uint8], progress: Progress = NO_PROGRESS, first: int = 0
    ) -> Answers:
        """Run images; see `allspin.host.machines.machine.Machine.stream`."""
        if self.model is None:
            raise UserError(f"{self.name} has no network yet; load one first")
        logits = np.empty((len(images), self.model.network.classes), dtype=np.int64)
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            logits[part] = self.model.logits(images[part], first + start)
            progress(min(start + BATCH, len(images)))
        return Answers(logits, np.argmax(logits, axis=1))
