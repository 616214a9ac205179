"""What chips reach whose cells a probe station read back, one file a chip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.study.chips.accuracy import OverChips, TestSet
from allspin.host.study.chips.cells.probed import ProbedCells
from allspin.sim.array.in_array import chip_in_array
from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network


@dataclass(frozen=True, eq=False)
class ProbedAccuracy(OverChips):
    """What a network reached on chips that were read back.

    Attributes
    ----------
    network : str
        Its name.
    cells : list of ProbedCells
        The chips.
    drawn : bool
        Whether neurons, amplifiers and V-I converters were drawn, and the neurons calibrated; else
        they are the mean ones.
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.
    """

    network: str
    cells: Sequence[ProbedCells]
    drawn: bool
    accuracies: npt.NDArray[np.float64]

    @property
    def title(self) -> str:
        """What the row is called."""
        return row_title(len(self.cells), self.drawn)

    def to_dict(self) -> dict[str, Any]:
        """As plain values; see ``docs/programming.md``."""
        return {
            "network": self.network,
            "column": self.title,
            "variations": ["neuron"] if self.drawn else [],
            "calibrated": self.drawn,
            "programming": None,
            "measured": [each.to_dict() for each in self.cells],
            "accuracy": self.mean,
            "deviation": self.deviation,
            "accuracies": self.accuracies.tolist(),
            **dict.fromkeys(("pulses_per_cell", "reads_per_cell", "unconverged")),
        }


def row_title(chips: int, drawn: bool) -> str:
    """What a row of chips that were read back is called."""
    measured = f"{chips} measured chip{'s' * (chips > 1)}"
    return f"{measured}, and the neurons' variation, calibrated" if drawn else measured


def measure_probed(
    name: str,
    network: Network,
    device: Device,
    cells: Sequence[ProbedCells],
    first: int | None,
    test_set: TestSet,
    report: Callable[[int, float], None],
) -> ProbedAccuracy:
    """Measure chips that were read back.

    Parameters
    ----------
    name : str
        What the network is called.
    network : Network
        What the chips are programmed with.
    device : Device
        What they are made of.
    cells : sequence of ProbedCells
        The chips.
    first : int or None
        Seed of the chip whose neurons the first of them has; the next follow, and the neurons are
        calibrated. None for the mean ones.
    test_set : tuple
        Images and labels.
    report : callable
        Told how many chips are done, and the last one's accuracy.

    Raises
    ------
    ValueError
        If the array has no such cells.
    """
    images, labels = test_set
    shares = []
    for number, each in enumerate(cells):
        chip = Chip(each.device(device, first is not None), (first or 0) + number)
        here = network if first is None else calibrate(chip, network).network
        array = chip_in_array(chip, here, each.on(chip, here))
        model = GoldenModel(array.network, noise=chip.noise(here))
        shares.append(float(np.mean(model.classify(images) == labels)))
        report(number + 1, shares[-1])
    return ProbedAccuracy(name, cells, first is not None, np.array(shares))
