"""Write-verify: write, read, and write again until a cell is within a band about its level.

The programmer knows the mean device's curves and how much devices differ. A cell's estimate
of its own deviate z of either polarity comes from what was read: after writes that the mean
device would have answered with m_j, each with a spread s_j and a change d_j for one standard
deviation between devices, z is estimated by the mean of its posterior (prior: normal)::

    z = sum(d_j (r_j - m_j) / s_j^2) / (1 + sum(d_j^2 / s_j^2))

The next train is, of both polarities, the one that most likely ends at the level.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.fixed_point import WORD_BITS, Integers, Words, word_units
from allspin.sim.chip.generator import Purpose, cell_normals, normals
from allspin.sim.chip.retained import Stuck, stuck_cells
from allspin.sim.chip.words import D2D, UNIT, rounded_words
from allspin.sim.network.formats import full_scale
from allspin.sim.programming.schemes import Counts, Programming
from allspin.sim.programming.trains import level_targets, penalty, ruled_out
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.synapse import Synapse

# What programming leaves in the cells of a layer, cell by cell, and R_AH in the device's unit.


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


DEVIATES = 4.0
"""Largest deviate, in standard deviations, that a train is computed for."""
DEVIATE_STEPS = 16
"""Trains are computed for every 16th of a standard deviation."""


class WriteVerify:
    """Write-verify of one layer of a chip, done at construction.

    Parameters
    ----------
    chip : Chip
        The chip.
    number : int
        Which layer.
    states : ndarray of uint8, shape (rows, columns)
        State of each cell.
    levels : ndarray of int16, shape (states,)
        R_AH word of each state.
    programming : Programming
        Polarity, tries and band.

    Attributes
    ----------
    counts : Counts
        What it took.
    """

    def __init__(
        self,
        chip: Chip,
        number: int,
        states: npt.NDArray[np.uint8],
        levels: npt.NDArray[np.int16],
        programming: Programming,
    ) -> None:
        self.chip, self.number = chip, number
        self.levels = levels
        synapse = self.synapse = chip.device.synapse
        self.laws = [written.law for written in synapse.trains]
        self.drawn = [written.drawn_film() for written in synapse.trains]
        self.targets, self.scale = level_targets(synapse, levels)
        self.allowed = ruled_out(
            programming.polarity, self.targets, (synapse.low + synapse.high) / 2
        )
        self.band = programming.band * synapse.span
        self.shape = (states.shape[0], states.shape[1])
        self.states = states.ravel()
        size = self.states.size
        self.deviates = [
            cell_normals(chip.seed, number, D2D[polarity], self.shape).ravel() * UNIT
            for polarity in Polarity
        ]
        self.fixed = self._fixed_offsets()
        wrong = chip.device.imperfections
        self.stuck = self._stuck(stuck_cells(chip.seed, number, self.shape, wrong))
        # What differs between devices, as it is read: D2D, Hall offset and reference.
        away = np.hypot(wrong.hall_offset, wrong.reference) * synapse.span
        self.spread: list[Array] = [
            np.copysign(np.hypot(law.device, away), law.device) for law in self.laws
        ]
        self.learns = [bool(np.any(spread)) for spread in self.spread]
        self.best = [self._best_trains(polarity) for polarity in Polarity]
        # Sums of the estimate above: of d (r - m) / s^2, and of d^2 / s^2.
        self.seen = [np.zeros(size), np.zeros(size)]
        self.known = [np.ones(size), np.ones(size)]
        self.resistance = np.zeros(size)
        self.polarity = np.zeros(size, np.int8)
        self.pulses, self.all_pulses, self.tries = np.zeros((3, size), np.int64)
        given = [0, 0]
        left = np.arange(size)
        for write in range(programming.tries):
            polarity, pulses = self._trains(left)
            self.polarity[left], self.pulses[left] = polarity, pulses
            self.all_pulses[left] += pulses
            self.tries[left] += 1
            read = self._write(left, polarity, pulses, write)
            for one in Polarity:
                here = polarity == one
                given[one] += int(pulses[here].sum())
                if self.learns[one]:
                    self._learn(one, left[here], pulses[here], read[here])
            good = np.abs(read - self.targets[self.states[left]]) <= self.band
            left = left[~good]
            if not left.size:
                break
        self.converged = np.ones(self.shape, bool)
        self.converged.ravel()[left] = False
        writes = int(self.tries.sum())
        self.counts = Counts(
            cells=size,
            potentiation=float(given[Polarity.POTENTIATION]),
            depression=float(given[Polarity.DEPRESSION]),
            pulses=sum(given),
            saturations=writes,
            reads=writes,
            unconverged=left.size,
        )

    def _fixed_offsets(self) -> Array:
        """What is read of each cell beside its own R_AH: Hall offset, less its row's reference."""
        chip, span = self.chip, self.synapse.span
        wrong = chip.device.imperfections
        fixed: Array = np.zeros(self.states.size)
        if wrong.hall_offset:
            draws = cell_normals(chip.seed, self.number, Purpose.HALL_OFFSET, self.shape).ravel()
            fixed += (wrong.hall_offset * span * UNIT) * draws
        if wrong.reference:
            draws = cell_normals(chip.seed, self.number, Purpose.REFERENCE, (self.shape[0], 1))
            rows_own = (wrong.reference * span * UNIT) * draws
            fixed -= np.broadcast_to(rows_own, self.shape).ravel()
        return fixed

    def _stuck(self, stuck: Stuck | None) -> tuple[npt.NDArray[np.bool_], Array] | None:
        """Which cells are stuck, and what is read of them, both flat; None where none can be."""
        if stuck is None:
            return None
        ends = int(self.levels[0]), int(self.levels[-1])
        opened = self.chip.open_cell(self.levels)
        words = stuck.held(ends, opened or 0).ravel() / 2**WORD_BITS
        held = self.synapse.low + (words - ends[0]) / self.scale
        held = np.where(words == ends[1], self.synapse.high, held)
        errors = self.chip.reference_errors(self.number, self.shape, self.levels)
        if opened is not None and errors is not None:
            held -= errors.ravel() / (2**WORD_BITS * self.scale)
        return stuck.cells.ravel(), held

    def _best_trains(self, polarity: Polarity) -> npt.NDArray[np.int64]:
        """Best number of pulses by state and by deviate, from -4 to 4 in 16ths."""
        mean, spread = self.laws[polarity].mean, self.spread[polarity]
        if not self.learns[polarity]:
            return np.abs(mean - self.targets[:, None]).argmin(axis=1)[:, None]
        half = int(DEVIATES * DEVIATE_STEPS)
        deviates = np.arange(-half, half + 1) / DEVIATE_STEPS
        ends = mean + spread * deviates[:, None]
        return np.array([np.abs(ends - target).argmin(axis=1) for target in self.targets])

    def _trains(
        self, cells: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
        """Polarity and pulses of the next train of some cells."""
        states = self.states[cells]
        targets = self.targets[states]
        penalties, pulses = [], []
        for polarity in Polarity:
            estimate, place, variance = np.zeros(cells.size), np.zeros(cells.size, np.int64), 0.0
            if self.learns[polarity]:
                known = self.known[polarity][cells]
                estimate = np.clip(self.seen[polarity][cells] / known, -DEVIATES, DEVIATES)
                place = np.rint((estimate + DEVIATES) * DEVIATE_STEPS).astype(np.int64)
                variance = 1 / known
            n = self.best[polarity][states, place]
            spread = self.spread[polarity][n]
            miss = self.laws[polarity].mean[n] + spread * estimate - targets
            variance = self.laws[polarity].cycle[n] ** 2 + spread**2 * variance
            # A band is the finest that is looked at; this also keeps the variance above 0.
            variance = variance + self.band**2 / 3
            penalties.append(penalty(miss, variance) + self.allowed[polarity][states])
            pulses.append(n)
        down = penalties[Polarity.DEPRESSION] <= penalties[Polarity.POTENTIATION]
        chosen = np.where(down, Polarity.DEPRESSION, Polarity.POTENTIATION).astype(np.int8)
        return chosen, np.where(down, pulses[1], pulses[0])

    def _write(
        self,
        cells: npt.NDArray[np.int64],
        polarity: npt.NDArray[np.int8],
        pulses: npt.NDArray[np.int64],
        write: int,
    ) -> Array:
        """Saturate cells and give them trains; returns what is read."""
        place = (self.chip.seed, self.number)
        rows, columns = np.unravel_index(cells, self.shape)
        noise = normals(*place, Purpose.WRITE, rows, columns, write) * UNIT
        r: Array = np.empty(cells.size)
        for one in Polarity:
            here = polarity == one
            n = pulses[here]
            written, film = self.synapse.trains[one].at(n), self.drawn[one].at(n)
            r[here] = written.read(film, noise[here], self.deviates[one][cells[here]])
        self.resistance[cells] = r
        r += self.fixed[cells]
        if self.stuck is not None:
            stuck, held = self.stuck
            np.copyto(r, held[cells], where=stuck[cells])
        blur = self.chip.device.imperfections.read_noise * self.synapse.span
        if blur:
            r += (blur * UNIT) * normals(*place, Purpose.VERIFY, rows, columns, write)
        return r

    def _learn(
        self,
        polarity: Polarity,
        cells: npt.NDArray[np.int64],
        pulses: npt.NDArray[np.int64],
        read: Array,
    ) -> None:
        """Take what was read of cells into the estimates of their deviates."""
        spread = self.spread[polarity][pulses]
        variance = self.laws[polarity].cycle[pulses] ** 2 + (1e-6 * self.synapse.span) ** 2
        missed = read - self.laws[polarity].mean[pulses]
        self.seen[polarity][cells] += spread * missed / variance
        self.known[polarity][cells] += spread**2 / variance

    def cells(self) -> Cells:
        """What it left in the cells."""
        chip = self.chip
        exact = (self.resistance - self.synapse.low) * self.scale + float(self.levels[0])
        tries = self.tries.reshape(self.shape)
        return Cells(
            held=chip.held(self.number, self.levels, word_units(exact).reshape(self.shape)),
            polarity=self.polarity.reshape(self.shape),
            pulses=self.pulses.reshape(self.shape),
            widths=self.pulses.reshape(self.shape).astype(np.float64),
            all_pulses=self.all_pulses.reshape(self.shape),
            saturations=tries,
            tries=tries,
            converged=self.converged,
            reference=chip.reference_errors(self.number, self.shape, self.levels),
        )
