"""What a notebook shows of a chip is that chip."""

import numpy as np

from allspin.host.data.catalogue import open_device
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.words import SynapseArray
from allspin.sim.synapse.response import Polarity
from tests.sim.parsed import parsed, points


def test_cells_are_those_of_the_chip():
    device = open_device("paper")
    faint = [
        points(path)
        for path in parsed(Chip(device, 7)._repr_html_()).of("path")
        if float(path["stroke-opacity"]) < 1
    ]
    assert len(faint) == 3 * 12
    # Where their potentiation ends, by another way to the same cells; pixels count down.
    array = SynapseArray(device.synapse, 7, 0, (12, 1))
    own = array.deviates[Polarity.POTENTIATION][:, 0]
    ends = device.synapse.curve(Polarity.POTENTIATION, 100, own)
    shown = [path[-1][1] for path in faint[:12]]
    assert np.corrcoef(ends, shown)[0, 1] < -0.9999


def test_another_seed_is_another_chip():
    device = open_device("paper")
    one, other = (parsed(Chip(device, seed)._repr_html_()) for seed in (7, 8))
    assert (one.facts()["seed"], other.facts()["seed"]) == ("7", "8")
    same = [a == b for a, b in zip(one.of("path"), other.of("path"), strict=True)]
    # The mean neuron; the axis of R_AH is as long as the cells are apart.
    assert sum(same) == 1
