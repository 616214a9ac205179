"""What runs a network, whatever it is made of."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.files import Closing
from allspin.host.link.answers import Answers, Counters
from allspin.host.link.line import Undone
from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.resident import ResidentImages
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import Programming

T = TypeVar("T")
ATTEMPTS = 8
"""How often a machine is programmed before the line to it counts as too bad."""


def programmed_anew(work: Callable[[], T], warn: Callable[[str], None]) -> T:
    """What comes of work on a machine, done again where the machine may have been changed.

    Parameters
    ----------
    work : callable
        All from programming the machine to its last answer.
    warn : callable
        Told each time that it is done again, in a line that says why.

    Raises
    ------
    Undone
        If it is the same each time.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except Undone as error:
            warn(f"{error}".replace("run this again", "it is programmed again"))
    return work()


class Maker(Protocol):
    """Turns a machine into chips of one network and one kind of device, one after another."""

    @property
    def where(self) -> str:
        """Where the chips' R_AH words are made; empty where there is nothing to say."""
        ...

    def make(self, chip: Chip, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Turn the machine into a chip, and clear its counters.

        Parameters
        ----------
        chip : Chip
            Of this maker's kind of device.
        network : Network
            The programmed chip, as `allspin.sim.programming.programming.chip_network` makes it.
        progress : callable
            Called with how much has been sent.

        Raises
        ------
        UserError
            If the machine cannot be such a chip, or fails.
        """


class Machine(Closing):
    """What a network is programmed into, and images are streamed through.

    A machine has a name, takes a network and answers images. All else is asked for: a machine
    that has no clock, no lanes, no counters, no line, no memory or no chips leaves what this
    class says of them as it is.

    Attributes
    ----------
    name : str
        What messages call it.
    reads_words : bool
        Whether `read_words` can read the R_AH words back that it works with.
    description : str
        What it is built as, for people; empty where there is nothing to say.
    frequency : int or None
        Hz of its clock, simulated or not; None if it has none or does not tell.
    """

    name: str
    reads_words: bool = False
    description: str = ""
    frequency: int | None = None

    @abstractmethod
    def program(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Take a network, and clear the counters.

        Parameters
        ----------
        network : Network
            It must fit the machine.
        progress : callable
            Called with how much has been sent.

        Raises
        ------
        UserError
            If the network does not fit, or the machine fails.
        """

    @abstractmethod
    def stream(
        self, images: npt.NDArray[np.uint8], progress: Progress = NO_PROGRESS, first: int = 0
    ) -> Answers:
        """Run images.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        progress : callable
            Called with the number of images answered.
        first : int
            Number of the first image, where neurons have noise at each use.

        Raises
        ------
        UserError
            If the machine has no network or fails.
        ValueError
            If the images have not as many pixels as the first layer has rows.
        """

    def check(self, network: Network) -> None:
        """Raise a `UserError` unless the machine can run such a network."""

    def held(self, network: Network) -> Network:
        """A network that fits as it lies in the machine, whose sizes may be larger."""
        return network

    def reopen(self) -> None:
        """Begin again with a machine that was reset; it is to be programmed then."""

    @property
    def profile(self) -> HardwareProfile | None:
        """The most lanes of its layers and the rows that it drives in a clock, or None."""
        return None

    @property
    def resent(self) -> int:
        """Requests that had to be sent again so far."""
        return 0

    @property
    def damaged(self) -> int:
        """Frames that came damaged so far, here or there."""
        return 0

    def counters(self) -> Counters | None:
        """Read all counters; None if it counts nothing."""
        return None

    def clear_counters(self) -> None:
        """Set all counters, if it has any, to zero."""

    def read_words(self, layer: int) -> npt.NDArray[np.int8]:
        """Read the R_AH words of a crossbar back.

        Returns
        -------
        ndarray of int8, shape (rows, columns)

        Raises
        ------
        UserError
            If it does not give them away.
        """
        raise UserError(f"{self.name} does not let its R_AH words be read")

    def chip_maker(
        self, network: Network, made_of: Device, programming: Programming | None
    ) -> Maker:
        """What makes chips on it.

        Parameters
        ----------
        network : Network
            States and levels.
        made_of : Device
            What the chips are made of.
        programming : Programming or None
            How they are programmed; None where each comes with its words.

        Raises
        ------
        UserError
            If it is always the ideal chip, or the network does not fit.
        """
        raise UserError(f"{self.name} makes no chips: run without a chip, or on another machine")

    def resident_images(self) -> ResidentImages:
        """The images that it keeps.

        Raises
        ------
        UserError
            If it keeps none.
        """
        raise UserError(f"{self.name} keeps no images: let them be streamed")


# The golden model as a machine.

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
        """Run images; see `allspin.host.machines.machine.Machine.stream`."""
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
