"""What a network reaches on chips of training's own, on images that it did not learn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.training.robust.law import FIRST_TRAINING_CHIP
from allspin.host.training.robust.robustness import Occasion
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip

CHIPS = 20
"""Chips that a trained network is judged by."""
FIRST_JUDGE = FIRST_TRAINING_CHIP + 1
"""The first of them: the law was counted on the one before."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What chips of an occasion reach.

    Attributes
    ----------
    occasion : Occasion
        How they are used.
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.
    """

    occasion: Occasion
    accuracies: npt.NDArray[np.float64]

    @property
    def title(self) -> str:
        """How they are used, in words."""
        return self.occasion.title

    @property
    def mean(self) -> float:
        """Mean over the chips."""
        return float(self.accuracies.mean())

    @property
    def worst(self) -> float:
        """The worst chip's."""
        return float(self.accuracies.min())

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "chips": self.occasion.title,
            "first": FIRST_JUDGE,
            "number": len(self.accuracies),
            "mean": round(self.mean, 6),
            "worst": round(self.worst, 6),
        }


def judge(
    network: Network,
    device: Device,
    occasion: Occasion,
    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> Judged:
    """Judge a network by training's chips.

    Parameters
    ----------
    network : Network
        As it was trained.
    device : Device
        What the chips are made of.
    occasion : Occasion
        How they are programmed, and whether they are calibrated.
    images : tuple of ndarray
        Grey levels, shape (images, height, width), and classes, shape (images,).
    """
    pixels, labels = images
    shares = []
    for seed in range(FIRST_JUDGE, FIRST_JUDGE + CHIPS):
        chip = Chip(device, seed)
        words = program_chip(chip, network, occasion.programming).words
        here = calibrate(chip, network).network if occasion.calibrated else network
        shares.append(float(np.mean(chip.golden(here, words).classify(pixels) == labels)))
    return Judged(occasion, np.array(shares))
