"""The golden model as a machine."""

import numpy as np
import numpy.typing as npt

from allspin.host.link.machines.machine import Machine, Maker
from allspin.host.link.payloads.answers import Answers
from allspin.host.link.wire.session import NO_PROGRESS, Progress
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import Programming

BATCH = 1000
"""Images between two calls of the progress callback."""


class GoldenMachine(Machine):
    """A machine that the golden model computes: any network fits, and any chip.

    Attributes
    ----------
    name : str
        What messages call it.
    model : GoldenModel or None
        Of what it was programmed with last.
    """

    name = "the golden model"

    def __init__(self) -> None:
        self.model: GoldenModel | None = None

    def close(self) -> None:
        """Do nothing."""

    def program(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Take a network."""
        self.model = GoldenModel(network)

    def stream(
        self, images: npt.NDArray[np.uint8], progress: Progress = NO_PROGRESS, first: int = 0
    ) -> Answers:
        """Run images; see `allspin.host.link.machines.machine.Machine.stream`."""
        if self.model is None:
            raise UserError(f"{self.name} has no network yet; program it first")
        logits = np.empty((len(images), self.model.network.classes), dtype=np.int64)
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            logits[part] = self.model.logits(images[part], first + start)
            progress(min(start + BATCH, len(images)))
        return Answers(logits, np.argmax(logits, axis=1))

    def chip_maker(
        self, network: Network, made_of: Device, programming: Programming | None
    ) -> Maker:
        """What makes chips on it; only what changes from use to use is left to be made."""
        return _GoldenMaker(self, network)


class _GoldenMaker:
    """Gives a golden machine the words of a chip and its noise at each use."""

    where = ""

    def __init__(self, machine: GoldenMachine, network: Network) -> None:
        self._machine = machine
        self._network = network

    def make(self, chip: Chip, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Turn the machine into a chip."""
        self._machine.model = GoldenModel(network, noise=chip.noise(self._network))
