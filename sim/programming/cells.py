"""Cells of a programmed layer: R_AH, pulses and reads of each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.words import WORD_BITS, Integers
from allspin.sim.parameters import Brief
from allspin.sim.programming.plans import level_targets
from allspin.sim.synapse.response import Array
from allspin.sim.synapse.synapse import Synapse


@dataclass(frozen=True, eq=False)
class ProgrammedCells(Brief):
    """Cells of a programmed layer; every array is of shape (rows, columns).

    Attributes
    ----------
    held : ndarray of int64
        R_AH of each cell less the reference of its row, in units of ``2**-21`` words, neither
        rounded nor clamped.
    polarity : ndarray of int8
        `Polarity` of the last train, the one that stands.
    pulses : ndarray of int64
        Pulses of the last train.
    widths : ndarray of float64
        Total width of these, in pulses of nominal width.
    all_pulses, saturations : ndarray of int64
        Pulses of all trains, and saturations of the cell.
    tries : ndarray of int64, or None
        Writes of the cell, each followed by a read; None if cells are not read.
    converged : ndarray of bool, or None
        True if the cell was read within the band; None if cells are not read.
    reference : ndarray of int64, shape (rows, 1)
        Excess of the reference cell of each row over the middle, in units of ``2**-21`` words.
    """

    held: Integers
    polarity: npt.NDArray[np.int8]
    pulses: npt.NDArray[np.int64]
    widths: Array
    all_pulses: npt.NDArray[np.int64]
    saturations: npt.NDArray[np.int64]
    reference: Integers
    tries: npt.NDArray[np.int64] | None = None
    converged: npt.NDArray[np.bool_] | None = None

    def resistance(self, synapse: Synapse, levels: npt.NDArray[np.int16]) -> Array:
        """Compute R_AH of each cell alone, in the synapse's unit.

        Parameters
        ----------
        synapse : Synapse
            Synapse that was programmed.
        levels : ndarray of int16, shape (states,)
            The layer's levels.
        """
        return _resistance(self.held + self.reference, synapse, levels)

    def reference_resistance(self, synapse: Synapse, levels: npt.NDArray[np.int16]) -> Array:
        """Compute R_AH of the reference cell of each cell's row.

        Parameters
        ----------
        synapse, levels
            As of `resistance`.
        """
        return np.broadcast_to(_resistance(self.reference, synapse, levels), self.held.shape)


def _resistance(held: Integers, synapse: Synapse, levels: npt.NDArray[np.int16]) -> Array:
    """Convert R_AH in units of ``2**-21`` words to the synapse's unit."""
    _, scale = level_targets(synapse, levels)
    return synapse.low + (held / 2**WORD_BITS - float(levels[0])) / scale
