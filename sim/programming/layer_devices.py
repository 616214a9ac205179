"""Devices of a layer as they are written and read: C2C, D2D, offsets, stuck cells, read noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.device_deviates import UNIT, device_deviates
from allspin.sim.chip.generator import Purpose, cell_normals, normals
from allspin.sim.chip.words import WORD_BITS, Integers, word_units
from allspin.sim.network.layer import Layer
from allspin.sim.programming.plans import level_targets
from allspin.sim.programming.reference_column import Reference
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.written import Normals


@dataclass(frozen=True, eq=False)
class Trains:
    """Pulse trains, one for each of some cells.

    Attributes
    ----------
    polarity : ndarray of int8
        `Polarity` of the pulses.
    pulses : ndarray of int64
        Number of pulses.
    fresh : ndarray of bool
        True if the train starts at saturation, False if it starts at the present R_AH.
    """

    polarity: npt.NDArray[np.int8]
    pulses: npt.NDArray[np.int64]
    fresh: npt.NDArray[np.bool_]


class LayerDevices:
    """Devices of one layer of a chip, as the programmer writes and reads them.

    Parameters
    ----------
    chip : Chip
        The chip, whose seed names all draws.
    number : int
        Number of the layer.
    layer : Layer
        Its size and levels.
    reference : Reference
        The layer's reference column.
    keep_stored : bool
        Keep the stored R_AH, at which a train may then start.

    Attributes
    ----------
    targets : ndarray of float64, shape (states,)
        R_AH to read at each level. If the mean reference cell is above the middle of the range,
        targets are above their levels by as much.
    reference : ndarray of int64, shape (rows, 1)
        Excess of the reference cell of each row over the middle, in units of ``2**-21`` words.
    polarity : ndarray of int8, shape (cells,)
        `Polarity` of the last train of each cell.
    """

    def __init__(
        self, chip: Chip, number: int, layer: Layer, reference: Reference, keep_stored: bool
    ) -> None:
        self._chip = chip
        self._number = number
        self._levels = layer.levels
        self._ends = int(layer.levels[0]), int(layer.levels[-1])
        self._shape = layer.rows, layer.columns
        self._synapse = chip.device.synapse
        self._drawn = [written.stored_normal() for written in self._synapse.trains]
        deviates = device_deviates(self._synapse, chip.seed, number, self._shape)
        self._deviates = [each.ravel() for each in deviates]
        levels, self._scale = level_targets(self._synapse, layer.levels)
        self._above = reference.offset * self._synapse.span
        self.targets = levels + self._above
        self.reference = chip.reference_errors(number, layer.rows, self._ends, reference.errors)
        self._offsets = self._draw_offsets(reference)
        self._stuck = self._draw_stuck()
        self._keep_stored = keep_stored
        size = layer.states.size
        self.polarity = np.zeros(size, np.int8)
        self._stored = np.zeros(size)
        self._resistance = np.zeros(size)

    def _draw_offsets(self, reference: Reference) -> Array:
        """Draw the offset of each cell's read: its Hall offset, less its row's reference."""
        span = self._synapse.span
        imperfections = self._chip.device.imperfections
        offsets: Array = np.zeros(self._shape)
        row_shape = self._shape[0], 1
        for purpose, deviation, shape in (
            (Purpose.HALL_OFFSET, imperfections.hall_offset, self._shape),
            (Purpose.REFERENCE, -imperfections.reference, row_shape),
        ):
            if deviation:
                draws = cell_normals(self._chip.seed, self._number, purpose, shape)
                offsets += (deviation * span * UNIT) * draws
        written = np.broadcast_to(reference.errors / (2**WORD_BITS * self._scale), self._shape)
        return offsets.ravel() - (written.ravel() - self._above)

    def _draw_stuck(self) -> tuple[npt.NDArray[np.bool_], Array] | None:
        """Draw stuck cells, and compute what they read; None if the device has none."""
        if not self._chip.device.imperfections.stuck:
            return None
        lowest, highest = self._ends
        opened = self._chip.open_cell(self._levels)
        stuck, exact = self._chip.stuck(self._number, self._shape, self._ends, opened)
        words = exact / 2**WORD_BITS
        held = self._synapse.low + (words - lowest) / self._scale
        held = np.where(words == highest, self._synapse.high, held)
        if opened is not None:
            held = held - self.reference / (2**WORD_BITS * self._scale)
        return stuck.ravel(), held.ravel() + self._above

    def write(self, cells: npt.NDArray[np.int64], trains: Trains, write: int) -> None:
        """Write cells.

        Parameters
        ----------
        cells : ndarray of int64
            Numbers of the cells.
        trains : Trains
            Their trains.
        write : int
            Number of the write, which names the draws of C2C.
        """
        self.polarity[cells] = trains.polarity
        rows, columns = np.unravel_index(cells, self._shape)
        draws = normals(self._chip.seed, self._number, Purpose.WRITE, rows, columns, write)
        cycle = draws * UNIT
        for polarity in Polarity:
            chosen = trains.polarity == polarity
            fresh = chosen & trains.fresh
            self._write_from_saturation(polarity, cells[fresh], trains.pulses[fresh], cycle[fresh])
            further = chosen & ~trains.fresh
            self._write_further(polarity, cells[further], trains.pulses[further], cycle[further])

    def _write_from_saturation(
        self,
        polarity: Polarity,
        cells: npt.NDArray[np.int64],
        pulses: npt.NDArray[np.int64],
        cycle: Normals,
    ) -> None:
        """Saturate cells, and apply pulses of one polarity."""
        deviates = self._deviates[polarity][cells]
        written = self._synapse.trains[polarity].at(pulses)
        resistance = written.read(self._drawn[polarity].at(pulses), cycle, deviates)
        self._resistance[cells] = resistance
        if self._keep_stored:
            mean = written.law.mean
            of_device = self._synapse.read(polarity, mean, deviates) - mean
            self._stored[cells] = resistance - of_device

    def _write_further(
        self,
        polarity: Polarity,
        cells: npt.NDArray[np.int64],
        pulses: npt.NDArray[np.int64],
        cycle: Normals,
    ) -> None:
        """Apply pulses of one polarity to cells at their present R_AH, as `Synapse.pulsed`."""
        if not cells.size:
            return
        deviates = self._deviates[polarity][cells]
        written = self._synapse.pulsed(polarity, self._stored[cells], pulses, deviates)
        stored = written.read(written.stored_normal(), cycle, np.zeros(cells.size))
        self._stored[cells] = stored
        self._resistance[cells] = self._synapse.read(polarity, stored, deviates)

    def read(self, cells: npt.NDArray[np.int64], write: int) -> Array:
        """Read cells.

        Parameters
        ----------
        cells : ndarray of int64
            Numbers of the cells.
        write : int
            Number of the write before, which names the draws of the read noise.
        """
        read = self._resistance[cells] + self._offsets[cells]
        if self._stuck is not None:
            stuck, held = self._stuck
            np.copyto(read, held[cells], where=stuck[cells])
        noise = self._chip.device.imperfections.read_noise * self._synapse.span
        if noise:
            rows, columns = np.unravel_index(cells, self._shape)
            draws = normals(self._chip.seed, self._number, Purpose.VERIFY, rows, columns, write)
            read += (noise * UNIT) * draws
        return read

    def words(self, errors: Integers | int) -> Integers:
        """Convert each cell's R_AH less its reference to units of ``2**-21`` words.

        Parameters
        ----------
        errors : ndarray of int64, shape (rows, 1), or 0
            `Reference.errors` of the layer.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
        """
        resistance = (self._resistance - self._synapse.low) * self._scale
        exact = word_units(resistance + float(self._levels[0])).reshape(self._shape)
        return self._chip.held(self._number, self._levels, exact, None, errors)
