"""Crossbar of synapses in real numbers: R_AH of each device under pulses."""

import numpy as np

from allspin.sim.chip.device_deviates import UNIT, device_deviates
from allspin.sim.chip.generator import Purpose, cell_normals
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.synapse import Synapse


class SynapseArray:
    """A crossbar of synapses in real numbers, whose cells are pulsed together and read.

    All draws follow from the chip's seed.

    Parameters
    ----------
    synapse : Synapse
        Synapse of the cells.
    seed : int
        Seed of the chip, 0 to 2**32 - 1.
    layer : int
        Layer of the network, 0 to 14.
    shape : tuple of int
        Rows and columns.

    Attributes
    ----------
    resistance : ndarray of float64, shape (rows, columns)
        Stored R_AH of each device, in the synapse's unit; initially the lowest.
    polarity : Polarity
        Polarity of the last pulse; initially depression, which leads to the lowest R_AH.
    writes : int
        Number of calls of `pulse`: each cell has had as many C2C deviations.
    deviates : tuple of two ndarray of float64
        Each device's own deviation of the two polarities, in standard deviations.
    """

    def __init__(self, synapse: Synapse, seed: int, layer: int, shape: tuple[int, int]) -> None:
        self.synapse = synapse
        self.seed = seed
        self.layer = layer
        self.resistance = np.full(shape, synapse.low)
        self.polarity = Polarity.DEPRESSION
        self.writes = 0
        self.deviates = device_deviates(synapse, seed, layer, shape)

    def saturate(self, polarity: Polarity) -> None:
        """Saturate all devices: to the R_AH at which pulses of the *other* polarity start.

        Parameters
        ----------
        polarity : Polarity
            Potentiation leads to the highest R_AH.
        """
        self.resistance[:] = self.synapse.low if polarity else self.synapse.high
        self.polarity = polarity

    def pulse(self, polarity: Polarity, pulses: float = 1.0) -> None:
        """Apply pulses to all devices, with one C2C draw for each cell.

        Parameters
        ----------
        polarity : Polarity
            Polarity of all pulses.
        pulses : float
            Number of pulses; see `Synapse.advance`.

        Raises
        ------
        ValueError
            If it is the 65537th call: the generator has no more draws.
        """
        before = self.resistance
        count = np.full(before.shape, pulses)
        after = self.synapse.advance(polarity, before, count, self.deviates[polarity])
        deviation = self.synapse.cycle_deviation(polarity, before, count)
        if np.any(deviation):
            drawn = cell_normals(self.seed, self.layer, Purpose.WRITE, before.shape, self.writes)
            after += (deviation * UNIT) * drawn
            np.clip(after, self.synapse.low, self.synapse.high, out=after)
        self.resistance[:] = after
        self.polarity = polarity
        self.writes += 1

    def read(self) -> Array:
        """Return the R_AH that is read, with the D2D of each device, shape (rows, columns)."""
        return self.synapse.read(self.polarity, self.resistance, self.deviates[self.polarity])
