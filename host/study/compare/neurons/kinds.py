"""The network with each kind of neuron: its accuracy, and what its neurons did."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from allspin.host.show.display import Display
from allspin.host.study.compare.counterparts import Counterpart
from allspin.host.study.compare.neurons.cells import CellPrice, Uses, price_in_cells, record_uses
from allspin.host.study.compare.subject import Subject
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.neuron import NEURONS


@dataclass(frozen=True, eq=False)
class Kinds:
    """The network with each kind of neuron, by kind: how right it is, and what its neurons did."""

    nets: dict[str, Counterpart]
    accuracies: dict[str, float]
    uses: dict[str, Uses]
    prices: dict[str, CellPrice]  # of those that are no spin devices

    @classmethod
    def of(
        cls,
        nets: dict[str, Counterpart],
        subject: Subject,
        shown: npt.NDArray[np.uint8],
        period: float,
        display: Display,
    ) -> Self:
        """Run each network on the images, and map each CMOS neuron to cells.

        Parameters
        ----------
        nets : dict of str to Counterpart
            The network with each kind of neuron.
        subject : Subject
            Test images, and the cells.
        shown : ndarray of uint8, shape (images, height, width)
            Images whose activity is counted.
        period : float
            Of the CMOS neurons' clock, ns.
        display : Display
            Told of each kind.
        """
        accuracies, uses, prices = {}, {}, {}
        for number, (kind, counterpart) in enumerate(nets.items()):
            cells = "" if NEURONS[kind].spin else ", mapped to cells once and kept"
            display.advance(number, len(nets) + 2, f"{kind}: {counterpart.origin}{cells}")
            network = counterpart.network
            right = GoldenModel(network).classify(subject.images) == subject.labels
            accuracies[kind] = float(np.mean(right))
            uses[kind] = record_uses(network, shown)
            if not NEURONS[kind].spin:
                prices[kind] = price_in_cells(network, uses[kind], subject.library, period)
        return cls(nets, accuracies, uses, prices)
