"""Lots of chips that are made alike, and the score of each chip on a machine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.host.link.session import NO_PROGRESS, Progress
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.machine import Machine
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming

TestSet = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Images and labels, as `allspin.host.data.datasets.load_test_set` returns them."""


@dataclass(frozen=True)
class Lot(Brief):
    """Chips that are made and programmed alike.

    Parameters
    ----------
    device : Device
        Device that the chips are made of.
    seeds : sequence of int
        Seeds of the chips.
    programming : Programming
        Scheme that programs them.
    calibrated : bool
        True to calibrate the thresholds of each chip's neurons.
    """

    device: Device
    seeds: Sequence[int]
    programming: Programming = field(default_factory=Programming)
    calibrated: bool = False

    def chips(self, network: Network) -> Iterator[ProgrammedChip]:
        """Program each chip with a network."""
        for seed in self.seeds:
            yield program(network, self.device, seed, self.programming, calibrated=self.calibrated)


@dataclass(frozen=True)
class ChipScore(Brief):
    """Score of one chip.

    Attributes
    ----------
    seed : int
        Seed of the chip.
    images, correct : int
        Images shown, and images classified correctly.
    counts : Counts
        Cost of programming.
    resent, damaged : int
        Requests that were sent again and frames that came damaged meanwhile.
    """

    seed: int
    images: int
    correct: int
    counts: Counts
    resent: int = 0
    damaged: int = 0

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified correctly."""
        return self.correct / self.images


def score_chips(
    chips: Iterable[ProgrammedChip],
    test_set: TestSet,
    machine: Machine | None = None,
    progress: Progress = NO_PROGRESS,
) -> Iterator[ChipScore]:
    """Load chips into a machine, and show all images to each of them.

    Parameters
    ----------
    chips : iterable of ProgrammedChip
        Chips of one network, device and scheme.
    test_set : tuple of ndarray
        Grey levels, shape (images, height, width), and classes, shape (images,).
    machine : Machine, optional
        An open machine (the golden model).
    progress : callable
        Called with the number of images shown so far to chips that are scored together.

    Yields
    ------
    ChipScore
        In the order of the chips. If a machine shows a batch of images to several chips in turn,
        the first chip's score has the faults of the line of all.

    Raises
    ------
    UserError
        If the machine cannot be such a chip, or fails.
    """
    machine = machine or GoldenMachine()
    images, labels = test_set
    made: list[tuple[int, Counts]] = []  # by the machine, which may take several chips at a time

    def noted() -> Iterator[ProgrammedChip]:
        for chip in chips:
            made.append((chip.chip.seed, chip.counts))
            yield chip

    resent = machine.resent
    damaged = machine.damaged
    for number, correct in enumerate(machine.score_chips(noted(), images, labels, progress)):
        seed, counts = made[number]
        faults = (machine.resent - resent, machine.damaged - damaged)
        yield ChipScore(seed, len(labels), correct, counts, *faults)
        resent += faults[0]
        damaged += faults[1]


def accuracy_over_chips(network: Network, lot: Lot, test_set: TestSet) -> npt.NDArray[np.float64]:
    """Compute the accuracy of a network on each chip of a lot, by the golden model.

    Parameters
    ----------
    network : Network
        States and levels.
    lot : Lot
        The chips.
    test_set : tuple of ndarray
        Grey levels, shape (images, height, width), and classes, shape (images,).

    Returns
    -------
    ndarray of float64, shape (chips,)
        Share of the images that each chip classifies correctly.
    """
    scores = score_chips(lot.chips(network), test_set)
    return np.array([score.accuracy for score in scores])
