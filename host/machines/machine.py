"""Machine: the common interface of everything that runs a network."""

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
"""Times that a machine is programmed before the line to it counts as too bad."""


def programmed_anew(work: Callable[[], T], warn: Callable[[str], None]) -> T:
    """Do work on a machine, again each time that the machine may have been changed meanwhile.

    Parameters
    ----------
    work : callable
        All steps from programming the machine to its last answer.
    warn : callable
        Called before each repetition with its reason, one line.

    Returns
    -------
    T
        Result of the work.

    Raises
    ------
    Undone
        If all attempts fail.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except Undone as error:
            warn(f"{error}".replace("run this again", "it is programmed again"))
    return work()


class Machine(Closing):
    """Machine that a network is loaded into, and images are streamed through.

    Every machine has a name, loads a network and answers images. Clock, lanes, counters, link,
    memory of images and chips are optional: the defaults of this class stand for a machine
    without them.

    Attributes
    ----------
    name : str
        Name of the machine in messages.
    words_from : str
        Origin of the R_AH words that were loaded last; empty if only one origin is possible.
    reads_words : bool
        True if `read_words` can read back the R_AH words that the machine computes with.
    description : str
        Structure of the machine, for people; may be empty.
    frequency : int or None
        Clock frequency in Hz, simulated or real; None if unknown or without a clock.
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
            Network or chip that fits the machine.
        progress : callable
            Called with the number of frames answered.

        Raises
        ------
        UserError
            If the network does not fit, or the machine cannot emulate the chip, or fails.
        """
        if isinstance(loaded, ProgrammedChip):
            self.load_chip(loaded, progress)
        else:
            self.load_network(loaded, progress)

    @abstractmethod
    def load_network(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Load a network; see `load`."""

    def load_chip(self, chip: ProgrammedChip, progress: Progress = NO_PROGRESS) -> None:
        """Load a chip; see `load`. A machine that does not override this is always ideal."""
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
            Number of the first image, which names its noise if neurons have noise at each use.

        Raises
        ------
        UserError
            If the machine has no network or fails.
        ValueError
            If the number of pixels is not the first layer's number of rows.
        """

    def check(self, network: Network) -> None:
        """Raise a `UserError` unless the machine can run a network."""

    def fitted(self, network: Network) -> Network:
        """Pad a network to the machine's sizes; return it unchanged if any size fits."""
        return network

    @property
    def fitted_network(self) -> Network | None:
        """Network that is loaded, in the machine's sizes; None if these are the network's own."""
        return None

    def reopen(self) -> None:
        """Connect again to a machine that was reset; it must be loaded again."""

    @property
    def profile(self) -> HardwareProfile | None:
        """Most lanes of a layer, and rows per clock; None for a machine without lanes."""
        return None

    @property
    def resent(self) -> int:
        """Number of requests sent again so far."""
        return 0

    @property
    def damaged(self) -> int:
        """Number of damaged frames so far, received by host or machine."""
        return 0

    def counters(self) -> Counters | None:
        """Read all counters; return None for a machine without counters."""
        return None

    def clear_counters(self) -> None:
        """Set all counters to zero, if the machine has counters."""

    def read_words(self, layer: int) -> npt.NDArray[np.int8]:
        """Read back the R_AH words of a crossbar.

        Returns
        -------
        ndarray of int8, shape (rows, columns)

        Raises
        ------
        UserError
            If the words cannot be read.
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

        A machine may show a batch of images to all chips in turn, or all images to each chip in
        turn.

        Parameters
        ----------
        chips : iterable of ProgrammedChip
            Chips of one network, device and scheme.
        images : ndarray of uint8, shape (images, height, width)
            Grey levels, 0 to 255.
        labels : ndarray of int, shape (images,)
            Classes of the images.
        progress : callable
            Called with the number of images shown so far, if chips are shown a batch in turn.

        Yields
        ------
        int
            Images that were classified correctly, for each chip.

        Raises
        ------
        UserError
            If the machine cannot emulate a chip, or fails.
        """
        for chip in chips:
            self.load(chip)
            classes = self.stream(images).classes
            yield int(np.count_nonzero(classes == labels))

    def resident_images(self) -> ResidentImages:
        """Return the memory of images.

        Raises
        ------
        UserError
            If the machine has no memory of images.
        """
        raise UserError(f"{self.name} keeps no images: let them be streamed")
