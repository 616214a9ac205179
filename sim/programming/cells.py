"""What programming leaves in the cells of a layer, cell by cell, and R_AH in the device's unit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.cells.words import rounded_words
from allspin.sim.chip.fixed_point import WORD_BITS, Integers, Words, word_units
from allspin.sim.device.synapse.response import Array
from allspin.sim.device.synapse.synapse import Synapse
from allspin.sim.network.levels import full_scale
from allspin.sim.programming.trains import level_targets


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of a programmed layer; every array is of shape (rows, columns).

    Attributes
    ----------
    held : ndarray of int64
        R_AH that each holds less the reference of its row, in units of ``2**-21`` words, neither
        rounded nor clamped.
    polarity : ndarray of int8
        `Polarity` of the last train, the one that stands.
    pulses : ndarray of int64
        Pulses of the last train.
    widths : ndarray of float64
        How wide these are together, in pulses of nominal width.
    all_pulses, saturations : ndarray of int64
        Pulses of all trains, and times that the film was saturated.
    tries : ndarray of int64, or None
        Times that the cell was written, and read after it; None where nothing is read.
    converged : ndarray of bool, or None
        Whether the cell was read within the band; None where nothing is read.
    reference : ndarray of int64, or None
        By how much the reference cell of its row holds more than it should, in units of
        ``2**-21`` words; None where there is no reference column that varies.
    """

    held: Integers
    polarity: npt.NDArray[np.int8]
    pulses: npt.NDArray[np.int64]
    widths: Array
    all_pulses: npt.NDArray[np.int64]
    saturations: npt.NDArray[np.int64]
    tries: npt.NDArray[np.int64] | None = None
    converged: npt.NDArray[np.bool_] | None = None
    reference: Integers | None = None

    def resistance(self, synapse: Synapse, levels: npt.NDArray[np.int16]) -> Array:
        """R_AH of each cell alone, in the synapse's unit.

        Parameters
        ----------
        synapse : Synapse
            What was programmed.
        levels : ndarray of int16, shape (states,)
            The layer's levels.
        """
        alone = self.held if self.reference is None else self.held + self.reference
        return _resistance(alone, synapse, levels)

    def reference_resistance(self, synapse: Synapse, levels: npt.NDArray[np.int16]) -> Array | None:
        """R_AH of the reference cell of each cell's row; None where these do not vary.

        Parameters
        ----------
        synapse, levels
            As of `resistance`.
        """
        return None if self.reference is None else _resistance(self.reference, synapse, levels)


def _resistance(held: Integers, synapse: Synapse, levels: npt.NDArray[np.int16]) -> Array:
    """R_AH, in the synapse's unit, of what is held in units of ``2**-21`` words."""
    _, scale = level_targets(synapse, levels)
    return synapse.low + (held / 2**WORD_BITS - float(levels[0])) / scale


@dataclass(frozen=True, eq=False)
class MeasuredWords:
    """R_AH words of measured cells.

    Attributes
    ----------
    words : ndarray of int8, shape (rows, columns)
        The words.
    saturated : ndarray of bool, shape (rows, columns)
        Cells whose R_AH is beyond the words' range.
    held : ndarray of int64, shape (rows, columns)
        What the words are rounded of, in units of ``2**-21`` words.
    """

    words: Words
    saturated: npt.NDArray[np.bool_]
    held: Integers


def measured_words(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    resistance: Array,
    rah_bits: int,
    *,
    reference: npt.ArrayLike = np.nan,
    opened: float | None = None,
) -> MeasuredWords:
    """The R_AH words that measured cells are: the inverse of `Cells.resistance`.

    Parameters
    ----------
    synapse : Synapse
        Whose range the outermost levels stand for.
    levels : ndarray of int16, shape (states,)
        The layer's levels.
    resistance : ndarray of float64, shape (rows, columns)
        R_AH in the synapse's unit; NaN for a cell that is not known. Such a cell is taken for
        open.
    rah_bits : int
        Width of a word.
    reference : array_like of float64, as (rows, columns) or (rows, 1)
        R_AH of the reference cells, which is subtracted; NaN where it is as it should be: that of
        word 0.
    opened : float or None
        R_AH of an open cell (`Device.open_cell`); None for one that adds nothing: word 0.

    Raises
    ------
    ValueError
        If the last level is not above the first.
    """
    if int(levels[-1]) <= int(levels[0]):
        raise ValueError("the last level must be above the first")
    _, scale = level_targets(synapse, levels)
    if opened is not None:
        resistance = np.where(np.isnan(resistance), opened, resistance)
    exact = np.nan_to_num((resistance - synapse.low) * scale + float(levels[0]), nan=0.0)
    errors = (np.asarray(reference) - synapse.low) * scale + float(levels[0])
    held = word_units(exact) - word_units(np.nan_to_num(errors, nan=0.0))
    return MeasuredWords(rounded_words(held, rah_bits), saturates(held, rah_bits), held)


def saturates(held: Integers, rah_bits: int) -> npt.NDArray[np.bool_]:
    """Which cells hold more, either way, than a word says.

    Parameters
    ----------
    held : ndarray of int64
        In units of ``2**-21`` words.
    rah_bits : int
        Width of a word.
    """
    half = (2 * full_scale(rah_bits) + 1) << WORD_BITS - 1
    return (held >= half) | (held < -half)
