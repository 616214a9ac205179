"""Synapses of one crossbar under pulses: where each device is, and how it was drawn."""

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS, NUMBER_BITS, Purpose, cell_normals, normals
from allspin.sim.device.synapse.response import Array, Polarity
from allspin.sim.device.synapse.synapse import Synapse

UNIT = 2.0**-FRACTION_BITS
"""A standard deviation in a normal value of `allspin.sim.chip.generator`."""

D2D = {
    Polarity.POTENTIATION: Purpose.D2D_POTENTIATION,
    Polarity.DEPRESSION: Purpose.D2D_DEPRESSION,
}
"""What a cell's D2D deviation of a polarity is drawn as."""


class SynapseArray:
    """A crossbar of synapses in real numbers, to be pulsed and read.

    All chance is of the chip's seed: cell by cell the same whatever else is pulsed.

    Parameters
    ----------
    synapse : Synapse
        What the cells are.
    seed : int
        The chip, 0 to 2**32 - 1.
    layer : int
        Layer of the network, 0 to 14.
    shape : tuple of int
        Rows and columns.
    bounded : bool
        Whether cycle-to-cycle deviations end at the range's ends, as a film that is
        saturated has no more to give; else they go beyond.

    Attributes
    ----------
    resistance : ndarray of float64, shape (rows, columns)
        R_AH that each film holds, in the synapse's unit; at first the lowest.
    polarity : ndarray of int8, shape (rows, columns)
        Polarity of each cell's last pulse; at first depression, which led there.
    writes : ndarray of int64, shape (rows, columns)
        Cycle-to-cycle deviations drawn so far: calls of `pulse` that reached the cell.
    deviates : tuple of two ndarray of float64
        Each device's own deviation of either polarity, in standard deviations.
    """

    def __init__(
        self,
        synapse: Synapse,
        seed: int,
        layer: int,
        shape: tuple[int, int],
        bounded: bool = True,
    ) -> None:
        self.synapse, self.seed, self.layer = synapse, seed, layer
        self.bounded = bounded
        self.resistance = np.full(shape, synapse.low)
        self.polarity = np.full(shape, Polarity.DEPRESSION, np.int8)
        self.writes = np.zeros(shape, np.int64)
        self._lines = np.broadcast_arrays(np.arange(shape[0])[:, None], np.arange(shape[1]))
        self.deviates = tuple(
            cell_normals(seed, layer, D2D[polarity], shape) * UNIT for polarity in Polarity
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.resistance.shape
        return rows, columns

    def saturate(self, polarity: Polarity, where: npt.ArrayLike = True) -> None:
        """Switch films whole: to where pulses of the *other* polarity start.

        Parameters
        ----------
        polarity : Polarity
            Potentiation leads to the highest R_AH.
        where : array_like of bool
            Which cells.
        """
        end = self.synapse.low if polarity else self.synapse.high
        np.copyto(self.resistance, end, where=np.asarray(where, bool))
        np.copyto(self.polarity, np.int8(polarity), where=np.asarray(where, bool))

    def pulse(
        self,
        polarity: Polarity,
        pulses: npt.ArrayLike = 1.0,
        where: npt.ArrayLike = True,
    ) -> None:
        """Give pulses; cycle-to-cycle deviation of each call is one draw a cell.

        Parameters
        ----------
        polarity : Polarity
            Of all the pulses.
        pulses : array_like of float
            How many (see `Synapse.advance`); cells with 0 are left alone.
        where : array_like of bool
            Which cells.

        Raises
        ------
        ValueError
            If a cell is written more than 65536 times: the generator has no more draws for it.
        """
        chosen = np.broadcast_to(np.asarray(where, bool) & (np.asarray(pulses) > 0), self.shape)
        # A view of the whole array is cheaper than a list of all its cells.
        place = ... if chosen.all() else np.nonzero(chosen)
        r = self.resistance[place]
        n = np.broadcast_to(pulses, self.shape)[place]
        after = self.synapse.advance(polarity, r, n, self.deviates[polarity][place])
        deviation = self.synapse.cycle_deviation(polarity, r, n)
        if np.any(deviation):
            writes = self.writes[place]
            if writes.max() >= 2**NUMBER_BITS:
                raise ValueError(f"a cell has {2**NUMBER_BITS} writes; take another seed")
            row, column = (line[place] for line in self._lines)
            after += (deviation * UNIT) * normals(
                self.seed, self.layer, Purpose.WRITE, row, column, writes
            )
            if self.bounded:
                np.clip(after, self.synapse.low, self.synapse.high, out=after)
        self.resistance[place] = after
        self.polarity[place] = polarity
        self.writes[place] += 1

    def read(self) -> Array:
        """R_AH as it is read, with each device's own deviation, shape (rows, columns)."""
        return np.where(
            self.polarity == Polarity.DEPRESSION,
            *(
                self.synapse.read(polarity, self.resistance, self.deviates[polarity])
                for polarity in (Polarity.DEPRESSION, Polarity.POTENTIATION)
            ),
        )
