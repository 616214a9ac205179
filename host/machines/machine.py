"""What runs a network, whatever it is made of."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.closing import Closing
from allspin.host.link.answers import Answers, Counters
from allspin.host.link.line import Undone
from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.resident import ResidentImages
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip

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


class Machine(Closing):
    """What a network is programmed into, and images are streamed through.

    A machine has a name, takes a network and answers images. All else is asked for: a machine
    that has no clock, no lanes, no counters, no line, no memory or no chips leaves what this
    class says of them as it is.

    Attributes
    ----------
    name : str
        What messages call it.
    words_from : str
        Origin of the R_AH words that were loaded last; empty if it is known.
    reads_words : bool
        Whether `read_words` can read the R_AH words back that it works with.
    description : str
        What it is built as, for people; empty where there is nothing to say.
    frequency : int or None
        Hz of its clock, simulated or not; None if it has none or does not tell.
    """

    name: str
    words_from: str = ""
    reads_words: bool = False
    description: str = ""
    frequency: int | None = None

    def load(self, loaded: Network | ProgrammedChip, progress: Progress = NO_PROGRESS) -> None:
        """Load a network, or a chip of one, and clear the counters.

        Parameters
        ----------
        loaded : Network or ProgrammedChip
            It must fit the machine.
        progress : callable
            Called with how much has been sent.

        Raises
        ------
        UserError
            If the network does not fit, the machine cannot be such a chip, or it fails.
        """
        if isinstance(loaded, ProgrammedChip):
            self.load_chip(loaded, progress)
        else:
            self.load_network(loaded, progress)

    @abstractmethod
    def load_network(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Load a network; see `load`."""

    def load_chip(self, chip: ProgrammedChip, progress: Progress = NO_PROGRESS) -> None:
        """Load a chip; see `load`. A machine is always the ideal chip unless it has this method."""
        raise UserError(f"{self.name} makes no chips: run without a chip, or on another machine")

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

    @property
    def fitted_network(self) -> Network | None:
        """Network that runs, in the sizes of the machine; None if they are the network's own."""
        return None

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

    def score_chips(
        self,
        chips: Iterable[ProgrammedChip],
        images: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.integer],
        progress: Progress = NO_PROGRESS,
    ) -> Iterator[int]:
        """Load several chips and show all images to each of them.

        A machine may show a batch of images to all chips in turn; else one chip follows another.

        Parameters
        ----------
        chips : iterable of ProgrammedChip
            Chips of one network, device and scheme.
        images : ndarray of uint8, shape (images, height, width)
            Grey levels, 0 to 255.
        labels : ndarray of int, shape (images,)
            Their classes.
        progress : callable
            Called with the number of images shown so far, to all chips that are shown them
            together.

        Yields
        ------
        int
            Images that the chip classified correctly, chip by chip.

        Raises
        ------
        UserError
            If the machine cannot be such a chip, or fails.
        """
        for chip in chips:
            self.load(chip)
            classes = self.stream(images).classes
            yield int(np.count_nonzero(classes == labels))

    def resident_images(self) -> ResidentImages:
        """The images that it keeps.

        Raises
        ------
        UserError
            If it keeps none.
        """
        raise UserError(f"{self.name} keeps no images: let them be streamed")
