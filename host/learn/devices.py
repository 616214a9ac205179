"""Devices of a crossbar that learns: the R_AH that each stores, and how pulses change it.

The stored R_AH is continuous and follows the device's own curve or table from its present value
(`allspin.sim.synapse.synapse.Synapse.walked`). D2D deviations and stuck cells are those of the
chip. All other draws come from the training's generator, since a chip's generator numbers fewer
pulses than a cell may get.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.number_formats import Array
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.device_deviates import device_deviates
from allspin.sim.chip.words import WORD_BITS
from allspin.sim.device.device import Device
from allspin.sim.network.levels import full_scale
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import Synapse

Cells = npt.NDArray[np.intp]
"""Places of cells, counted row by row."""


class CrossbarDevices:
    """Devices of one crossbar, one a cell.

    Parameters
    ----------
    synapse : Synapse
        Mean device and variation.
    stored : ndarray of float, shape (rows, columns)
        R_AH that each device stores at first.
    chip, layer : int
        Seed of the chip and number of the crossbar, which name the chip's draws.
    rng : numpy.random.Generator
        All other draws.
    device : Device, optional
        Device file's content, for its stuck cells.

    Attributes
    ----------
    stored : ndarray of float32, shape (rows, columns)
        R_AH that each device stores.
    last : ndarray of int8, shape (rows, columns)
        Polarity of each device's last pulse; depression at first, since a write begins with a
        device that is saturated at the highest R_AH.
    resistance : ndarray of float32, shape (rows, columns)
        R_AH that is read; the array `stored` itself if devices have no D2D.
    pulse_counts : ndarray of uint32, shape (rows, columns)
        Pulses that each device got.
    widths : list of two float
        Sum of pulse widths by polarity, in pulses of nominal width.
    saturations : int
        Number of saturating pulses in training.
    """

    def __init__(
        self,
        synapse: Synapse,
        stored: npt.NDArray[Any],
        chip: int,
        layer: int,
        rng: np.random.Generator,
        device: Device | None = None,
    ) -> None:
        self.synapse = synapse
        self._rng = rng
        self._chip = chip
        self._layer = layer
        self.stored = stored.astype(np.float32)
        self.last = np.full(stored.shape, Polarity.DEPRESSION, np.int8)
        self.pulse_counts = np.zeros(stored.shape, np.uint32)
        self.widths = [0.0, 0.0]
        self.saturations = 0
        self._deviates = self.deviates(synapse) if synapse.devices_differ else None
        self._free: npt.NDArray[np.bool_] | None = None
        if device is not None and device.imperfections.stuck:
            self._hold_stuck_cells(Chip(device, chip))
        if self._deviates is None:
            self.resistance = self.stored
        else:
            self.resistance = self.read(synapse, self._deviates)

    def _hold_stuck_cells(self, chip: Chip) -> None:
        """Put the chip's stuck cells where they stay, without a D2D deviation."""
        rows, columns = self.stored.shape
        top = full_scale(8)
        open_words = chip.open_cell(np.array([-top, top], np.int16))
        stuck, words = chip.stuck(self._layer, (rows, columns), (-top, top), open_words)
        shares = (words / 2.0**WORD_BITS + top) / (2 * top)
        self.stored[stuck] = (self.synapse.low + shares * self.synapse.span)[stuck]
        self._free = ~stuck.ravel()
        if self._deviates is not None:
            for deviates in self._deviates:
                deviates[stuck] = 0

    def deviates(self, synapse: Synapse) -> tuple[Array, Array]:
        """Draw the chip's D2D deviates by polarity, as if its cells were of a given synapse."""
        rows, columns = self.stored.shape
        up, down = device_deviates(synapse, self._chip, self._layer, (rows, columns))
        return up.astype(np.float32), down.astype(np.float32)

    def read(self, synapse: Synapse, deviates: tuple[Array, Array]) -> Array:
        """Return the R_AH that is read if cells are of a synapse, with given D2D deviates."""
        potentiated = synapse.read(Polarity.POTENTIATION, self.stored, deviates[0])
        depressed = synapse.read(Polarity.DEPRESSION, self.stored, deviates[1])
        read = np.where(self.last == Polarity.DEPRESSION, depressed, potentiated)
        return read.astype(np.float32)

    def settle(self) -> None:
        """Bring the R_AH that is read up to date with the stored one."""
        if self._deviates is not None:
            self.resistance[:] = self.read(self.synapse, self._deviates)

    def pulse(
        self, polarity: Polarity, cells: Cells, pulses: npt.ArrayLike, *, one_wide_pulse: bool
    ) -> None:
        """Give pulses of one polarity.

        Parameters
        ----------
        polarity : Polarity
            Polarity of all pulses.
        cells : ndarray of int, shape (cells,)
            Places of the cells.
        pulses : array_like of float, shape (cells,)
            Pulses of nominal width for each cell.
        one_wide_pulse : bool
            True if each cell gets a single pulse of that width; False if it gets as many pulses.
        """
        n = np.asarray(pulses)
        self.pulse_counts.ravel()[cells] += np.uint32(1) if one_wide_pulse else n.astype(np.uint32)
        self.widths[polarity] += float(n.sum())
        deviates = self._deviates_of(polarity, cells)
        before: Any = self.stored.ravel()[cells]
        after = self.synapse.walked(polarity, before, n, deviates, self._rng)
        self._store(polarity, cells, after, deviates)

    def saturate(self, cells: Cells) -> None:
        """Switch devices fully, to the lowest R_AH."""
        self.saturations += cells.size
        lowest = np.full(cells.shape, self.synapse.low)
        deviates = self._deviates_of(Polarity.DEPRESSION, cells)
        self._store(Polarity.DEPRESSION, cells, lowest, deviates)

    def _deviates_of(self, polarity: Polarity, cells: Cells) -> Array | float:
        if self._deviates is None:
            return 0.0
        return self._deviates[polarity].ravel()[cells]

    def _store(
        self,
        polarity: Polarity,
        cells: Cells,
        resistance: npt.NDArray[np.float64],
        deviates: Array | float,
    ) -> None:
        """Store R_AH after pulses; stuck cells keep theirs."""
        if self._free is not None:
            resistance = np.where(self._free[cells], resistance, self.stored.ravel()[cells])
        self.stored.ravel()[cells] = resistance
        self.last.ravel()[cells] = polarity
        if self._deviates is not None:
            self.resistance.ravel()[cells] = self.synapse.read(polarity, resistance, deviates)
