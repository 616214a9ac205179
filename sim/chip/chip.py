"""One chip: a device and the seed of all of its draws, and the R_AH of cells that are not ideal.

All arithmetic is in integers. Normal values z are those of `allspin.sim.chip.generator`; R_AH is in
units of ``2**-21`` words, as `allspin.sim.chip.words` writes it::

    word = rest + ((word - rest) kept) >> 16           decay, by thermal activation
    word = word - (word loss) >> 16                    loss: drift, in units of 2**-16
    word = word + z_hall hall - z_reference reference

A stuck cell has another word instead, from which the reference is subtracted if the cell is a
conductance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals, draw_bits
from allspin.sim.chip.retained import retained
from allspin.sim.chip.words import (
    SHARE_BITS,
    SPREAD_BITS,
    WORD_BITS,
    Integers,
    rounded,
    share_units,
    turned,
    word_units,
)
from allspin.sim.device.device import Device
from allspin.sim.errors import check_range
from allspin.sim.network.layer import Layer
from allspin.sim.parameters import Shown


@dataclass(frozen=True, eq=False)
class Chip(Shown):
    """One draw of a device's variation.

    Parameters
    ----------
    device : Device
        Device that the chip is made of; its file or the name of one that ships will do.
    seed : int
        Number of the chip, 0 to 2**32 - 1.

    Raises
    ------
    ValueError, TypeError
        If the seed is outside its range or no integer.
    """

    device: Device
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", Device.named(self.device))
        object.__setattr__(self, "seed", check_range("chip seed", self.seed, 0, 2**32 - 1))

    def deviations(
        self, number: int, purpose: Purpose, shape: tuple[int, int], spread: int, bits: int
    ) -> Integers:
        """Draw a normal value for each cell, times a spread.

        Parameters
        ----------
        number : int
            Layer.
        purpose : Purpose
            Purpose of the draws.
        shape : tuple of int
            Rows and columns.
        spread : int
            One standard deviation, in some unit; 0 draws nothing.
        bits : int
            Fraction bits that are dropped of the 13 that a normal value has.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
        """
        if not spread:
            return np.zeros(shape, np.int64)
        return rounded(cell_normals(self.seed, number, purpose, shape) * np.int64(spread), bits)

    def open_cell(self, levels: npt.NDArray[np.int16]) -> int | None:
        """Compute the word of an open cell where cells are conductances.

        Parameters
        ----------
        levels : ndarray of int16, shape (states,)
            The layer's levels; the outermost stand for the ends of the synapse's range.

        Returns
        -------
        int or None
            Word of a conductance of 0, below the lowest level, in units of ``2**-21`` words. None
            for a Hall bar, whose word is then 0.
        """
        if self.device.open_cell is None:
            return None
        synapse = self.device.synapse
        low = float(levels[0])
        high = float(levels[-1])
        word = low + (self.device.open_cell - synapse.low) * (high - low) / synapse.span
        return int(word_units(np.array(word)))

    def stuck(
        self, number: int, shape: tuple[int, int], ends: tuple[int, int], opened: int | None
    ) -> tuple[npt.NDArray[np.bool_], Integers]:
        """Draw the stuck cells of a layer, and their words.

        Parameters
        ----------
        number : int
            Layer.
        shape : tuple of int
            Rows and columns.
        ends : (int, int)
            Words of the lowest and the highest R_AH. Between them each word has an equal chance.
        opened : int or None
            Word of an open cell, from `open_cell`.

        Returns
        -------
        ndarray of bool and ndarray of int64, each (rows, columns)
            True for a stuck cell; and the word of each cell if it is stuck, in units of ``2**-21``
            words.
        """
        wrong = self.device.imperfections
        low, high = ends
        rows = np.arange(shape[0])[:, None]
        columns = np.arange(shape[1])
        bits = draw_bits(self.seed, number, Purpose.STUCK, rows, columns)
        cells = bits < round(wrong.stuck * 2**32)
        if wrong.stuck_at == "open":
            return cells, np.full(shape, opened or 0, np.int64)
        if wrong.stuck_at == "low":
            return cells, np.full(shape, low << WORD_BITS, np.int64)
        if wrong.stuck_at == "high":
            return cells, np.full(shape, high << WORD_BITS, np.int64)
        bits = draw_bits(self.seed, number, Purpose.STUCK_END, rows, columns)
        if wrong.stuck_at == "between":
            words = low + (bits.astype(np.int64) * (high - low + 1) >> 32)
        else:
            words = np.where(bits >= 2**31, high, low).astype(np.int64)
        return cells, words << WORD_BITS

    def held(
        self,
        number: int,
        levels: npt.NDArray[np.int16],
        written: Integers,
        ends: tuple[int, int] | None = None,
        reference: Integers | int = 0,
    ) -> Integers:
        """Compute R_AH of a layer's cells after decay, drift, offsets and stuck cells.

        Parameters
        ----------
        number : int
            Layer.
        levels : ndarray of int16, shape (states,)
            Its levels; the outermost stand for the ends of the synapse's range.
        written : ndarray of int64, shape (rows, columns)
            R_AH of each cell as it was written, in units of ``2**-21`` words.
        ends : (int, int), optional
            Words of the lowest and the highest R_AH that writes aim at (the outermost levels).
        reference : ndarray of int64, shape (rows, 1), optional
            Errors that writing left in the reference cells, as of `reference_errors`.

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            R_AH of each cell less the reference of its row, in the same units, neither rounded nor
            clamped.
        """
        ends = ends or (int(levels[0]), int(levels[-1]))
        wrong = self.device.imperfections
        shape = written.shape[0], written.shape[1]
        words = self._drifted(number, self._decayed(number, written, ends))
        hall_spread = round(wrong.hall_offset * (ends[1] - ends[0]) * 2**SPREAD_BITS)
        words = words + self.deviations(number, Purpose.HALL_OFFSET, shape, hall_spread, 0)
        errors = self.reference_errors(number, shape[0], ends, reference)
        words -= errors
        if wrong.stuck:
            opened = self.open_cell(levels)
            cells, stuck_words = self.stuck(number, shape, ends, opened)
            if opened is not None:
                stuck_words = stuck_words - errors
            words[cells] = stuck_words[cells]
        return words

    def _decayed(self, number: int, words: Integers, ends: tuple[int, int]) -> Integers:
        """R_AH after thermal activation; see `allspin.sim.chip.retained`."""
        wrong = self.device.imperfections
        if wrong.retention is None or not wrong.decays:
            return words
        shape = words.shape[0], words.shape[1]
        normals = cell_normals(self.seed, number, Purpose.RETENTION, shape)
        return retained(words, ends, wrong.retention, wrong.age, normals)

    def _drifted(self, number: int, words: Integers) -> Integers:
        """R_AH after logarithmic drift; a cell's draw is that of its retention."""
        wrong = self.device.imperfections
        if not wrong.drifts:
            return words
        shape = words.shape[0], words.shape[1]
        spread = share_units(wrong.drift_spread * wrong.decades)
        loss = share_units(wrong.drift * wrong.decades) + self.deviations(
            number, Purpose.RETENTION, shape, spread, FRACTION_BITS
        )
        return words - (words * np.clip(loss, 0, 2**SHARE_BITS) >> SHARE_BITS)

    def reference_errors(
        self, number: int, rows: int, ends: tuple[int, int], written: Integers | int = 0
    ) -> Integers:
        """Draw the errors of the reference cell of each row.

        Parameters
        ----------
        number : int
            Layer.
        rows : int
            Its rows.
        ends : (int, int)
            Words of the ends of the range.
        written : ndarray of int64, shape (rows, 1), optional
            Errors that writing left in them, in units of ``2**-21`` words
            (`allspin.sim.programming.reference_column`); 0 in a centred column.

        Returns
        -------
        ndarray of int64, shape (rows, 1)
            Excess of each reference cell over the middle, in units of ``2**-21`` words.
        """
        spread = round(self.device.imperfections.reference * (ends[1] - ends[0]) * 2**SPREAD_BITS)
        return self.deviations(number, Purpose.REFERENCE, (rows, 1), spread, 0) + written

    def through_gains(self, layer: Layer, number: int, held: Integers) -> Integers:
        """Multiply R_AH of a layer's cells by the gains of its tiles' amplifiers and ADCs.

        ``word + (word gain + 2^12) >> 13``: words get their gain before they are rounded, since an
        error of a thousandth moves no rounded word, but the words that variation spreads over more
        than one whole number are right in the mean.

        Parameters
        ----------
        layer : Layer
            Layer of the network that the chip runs.
        number : int
            Its number.
        held : ndarray of int64, shape (rows, columns)
            R_AH in units of ``2**-21`` words (`WORD_BITS`).

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            `held` itself where the layer has no tiles, or their gains have no errors.
        """
        adc = layer.adc
        if adc is None:
            return held
        shape = adc.tiles(layer.rows), layer.columns
        adc_gain = share_units(self.device.adc.gain)
        amplifier_gain = share_units(self.device.imperfections.amplifier_gain)
        gains = self.deviations(number, Purpose.ADC_GAIN, shape, adc_gain, SHARE_BITS)
        gains += self.deviations(number, Purpose.AMPLIFIER_GAIN, shape, amplifier_gain, SHARE_BITS)
        if not np.any(gains):
            return held
        return turned(held, np.repeat(gains, adc.rows, axis=0)[: layer.rows])
