"""Write-verify: write, read, and write again until a cell is within a band about its level.

The programmer knows the mean device's curves and the D2D. The deviate z of a cell in each polarity
is estimated from its reads. A write j has the mean m_j for the mean device, a spread s_j, and a
change d_j per standard deviation between devices; z is the mean of its posterior (prior: normal)::

    z = sum(d_j (r_j - m_j) / s_j^2) / (1 + sum(d_j^2 / s_j^2))

The next train is, of both polarities, the one that most likely ends at the level.

Trains start at saturation. With the scheme ``incremental`` those to a cell that was read outside
the band may also start at the present R_AH: by the number of pulses, at least one, of the mean
curve between the read R_AH and the level, both without the estimated deviation of the device. They
change the stored R_AH as in `Synapse.pulsed`, and carry no information on z.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, cell_normals, normals
from allspin.sim.chip.words import UNIT, WORD_BITS, device_deviates, word_units
from allspin.sim.network.layer import Layer
from allspin.sim.programming.cells import ProgrammedCells
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.plans import level_targets, penalty, ruled_out
from allspin.sim.programming.reference_column import Reference
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Array, Polarity

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
    layer : Layer
        States and levels.
    programming : Programming
        Scheme, polarity, tries and band.
    reference : Reference
        The layer's reference column.

    Attributes
    ----------
    counts : Counts
        What it took.
    cells : ProgrammedCells
        What it left in the cells.
    """

    def __init__(
        self, chip: Chip, number: int, layer: Layer, programming: Programming, reference: Reference
    ) -> None:
        self.chip, self.number, self.levels = chip, number, layer.levels
        synapse = self.synapse = chip.device.synapse
        self.laws = [written.law for written in synapse.trains]
        self.drawn = [written.stored_normal() for written in synapse.trains]
        targets, self.scale = level_targets(synapse, layer.levels)
        self.allowed = ruled_out(programming.polarity, targets, (synapse.low + synapse.high) / 2)
        # Where the mean reference is above the middle, cells that are to be read at it are too.
        above = reference.offset * synapse.span
        self.targets = targets + above
        self.band = programming.band * synapse.span
        shape = self.shape = layer.rows, layer.columns
        self.states, size = layer.states.ravel(), layer.states.size
        own = device_deviates(synapse, chip.seed, number, shape)
        self.deviates = [deviates.ravel() for deviates in own]
        ends = int(layer.levels[0]), int(layer.levels[-1])
        self.reference = chip.reference_errors(number, layer.rows, ends, reference.errors)
        written = np.broadcast_to(reference.errors / (2**WORD_BITS * self.scale), shape)
        self.fixed = self._fixed_offsets() - (written.ravel() - above)
        self.stuck = self._stuck(ends, above)
        # What differs between devices, as it is read: D2D, Hall offset and reference.
        wrong = chip.device.imperfections
        away = np.hypot(wrong.hall_offset, np.hypot(wrong.reference, reference.deviation))
        self.spread: list[Array] = [
            np.copysign(np.hypot(law.device, away * synapse.span), law.device) for law in self.laws
        ]
        self.learns = [bool(np.any(spread)) for spread in self.spread]
        self.best = [self._best_trains(polarity) for polarity in Polarity]
        # Sums of the estimate above: of d (r - m) / s^2, and of d^2 / s^2.
        self.seen, self.known = np.zeros((2, size)), np.ones((2, size))
        self.incremental = programming.scheme == "incremental"
        # Further trains start where the films are; each cell has had so many.
        self.resistance, self.films = np.zeros((2, size))
        self.polarities, self.further = np.zeros(size, np.int8), np.zeros(size, np.int64)
        last, every, tries = np.zeros((3, size), np.int64)
        given = np.zeros(2, np.int64)
        left, before = np.arange(size), None
        for write in range(programming.tries):
            polarity, pulses, fresh = self._trains(left, before)
            self.polarities[left], last[left] = polarity, pulses
            every[left] += pulses
            tries[left] += 1
            read = self._write(left, polarity, pulses, fresh, write)
            for one in Polarity:
                given[one] += pulses[polarity == one].sum()
                here = (polarity == one) & fresh
                if self.learns[one]:
                    self._learn(one, left[here], pulses[here], read[here])
            good = np.abs(read - self.targets[self.states[left]]) <= self.band
            left, before = left[~good], read[~good] if self.incremental else None
            if not left.size:
                break
        converged = np.ones(size, bool)
        converged[left] = False
        self.counts = Counts(
            cells=size,
            potentiation=float(given[Polarity.POTENTIATION]),
            depression=float(given[Polarity.DEPRESSION]),
            pulses=int(given.sum()),
            saturations=int(tries.sum() - self.further.sum()),
            reads=int(tries.sum()),
            unconverged=left.size,
        )
        exact = word_units((self.resistance - synapse.low) * self.scale + float(layer.levels[0]))
        self.cells = ProgrammedCells(
            held=chip.held(number, layer.levels, exact.reshape(shape), None, reference.errors),
            polarity=self.polarities.reshape(shape),
            pulses=last.reshape(shape),
            widths=last.reshape(shape).astype(np.float64),
            all_pulses=every.reshape(shape),
            saturations=(tries - self.further).reshape(shape),
            tries=tries.reshape(shape),
            converged=converged.reshape(shape),
            reference=self.reference,
        )

    def _fixed_offsets(self) -> Array:
        """Return the offset of each cell's read: Hall offset minus its row's reference."""
        span, wrong = self.synapse.span, self.chip.device.imperfections
        fixed: Array = np.zeros(self.shape)
        for purpose, figure, shape in (
            (Purpose.HALL_OFFSET, wrong.hall_offset, self.shape),
            (Purpose.REFERENCE, -wrong.reference, (self.shape[0], 1)),
        ):
            if figure:
                draws = cell_normals(self.chip.seed, self.number, purpose, shape)
                fixed += (figure * span * UNIT) * draws
        return fixed.ravel()

    def _stuck(
        self, ends: tuple[int, int], above: float
    ) -> tuple[npt.NDArray[np.bool_], Array] | None:
        """Return stuck cells and their reads, both flat; None if the device has none."""
        if not self.chip.device.imperfections.stuck:
            return None
        opened = self.chip.open_cell(self.levels)
        there, exact = self.chip.stuck(self.number, self.shape, ends, opened)
        words = exact / 2**WORD_BITS
        held = self.synapse.low + (words - ends[0]) / self.scale
        held = np.where(words == ends[1], self.synapse.high, held)
        if opened is not None:
            held = held - self.reference / (2**WORD_BITS * self.scale)
        return there.ravel(), held.ravel() + above

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
        self, cells: npt.NDArray[np.int64], before: Array | None
    ) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return polarity and pulses of cells' next trains, and True for a start at saturation.

        Without reads of the cells `before`, all trains start at saturation.
        """
        states = self.states[cells]
        targets = self.targets[states]
        penalties, pulses, offsets, unsure = [], [], [], []
        for polarity in Polarity:
            estimate, place, variance = np.zeros(cells.size), np.zeros(cells.size, np.int64), 0.0
            if self.learns[polarity]:
                known = self.known[polarity][cells]
                estimate = np.clip(self.seen[polarity][cells] / known, -DEVIATES, DEVIATES)
                place = np.rint((estimate + DEVIATES) * DEVIATE_STEPS).astype(np.int64)
                variance = 1 / known
            n = self.best[polarity][states, place]
            spread = self.spread[polarity][n]
            offsets.append(spread * estimate)
            unsure.append(spread**2 * variance)
            miss = self.laws[polarity].mean[n] + offsets[-1] - targets
            variance = self.laws[polarity].cycle[n] ** 2 + unsure[-1]
            # A band is the finest that is looked at; this also keeps the variance above 0.
            variance = variance + self.band**2 / 3
            penalties.append(penalty(miss, variance) + self.allowed[polarity][states])
            pulses.append(n)
        down = penalties[Polarity.DEPRESSION] <= penalties[Polarity.POTENTIATION]
        chosen, n = down.astype(np.int8), np.where(down, pulses[1], pulses[0])
        fresh = np.ones(cells.size, bool)
        if before is not None:
            least = np.minimum(*penalties)
            for polarity, found, more in self._further(cells, before, offsets, unsure):
                here = found < least
                least[here], fresh[here] = found[here], False
                chosen[here], n[here] = polarity, more[here]
            self.further[cells] += ~fresh
        return chosen, n, fresh

    def _further(
        self,
        cells: npt.NDArray[np.int64],
        before: Array,
        offsets: list[Array],
        unsure: list[Array],
    ) -> Iterator[tuple[Polarity, Array, npt.NDArray[np.int64]]]:
        """Each polarity, with penalties and pulses of trains that start where cells are.

        Parameters
        ----------
        cells : ndarray of int64
            Cells that were read.
        before : ndarray of float64
            What was read of them.
        offsets, unsure : list of ndarray of float64, by polarity
            By how much each cell's device is estimated to be read above the mean device, and the
            variance of that.
        """
        states, last = self.states[cells], self.polarities[cells]
        film = before - np.choose(last, offsets)
        for polarity in Polarity:
            law, aim = self.laws[polarity], self.targets[states] - offsets[polarity]
            way = self.synapse.pulses_to(polarity, aim) - self.synapse.pulses_to(polarity, film)
            n = np.clip(np.rint(way), 1, law.cycle.size - 1).astype(np.int64)
            miss = self.synapse.advance(polarity, film, n) - aim
            # Where the polarity stays, so does what the device is read above the mean one.
            variance = np.where(last == polarity, 0.0, unsure[0] + unsure[1])
            variance = variance + law.cycle[n] ** 2 + self.band**2 / 3
            yield polarity, penalty(miss, variance) + self.allowed[polarity][states], n

    def _write(
        self,
        cells: npt.NDArray[np.int64],
        polarity: npt.NDArray[np.int8],
        pulses: npt.NDArray[np.int64],
        fresh: npt.NDArray[np.bool_],
        write: int,
    ) -> Array:
        """Write cells, after saturation where trains are fresh, and return their reads."""
        place = (self.chip.seed, self.number)
        rows, columns = np.unravel_index(cells, self.shape)
        noise = normals(*place, Purpose.WRITE, rows, columns, write) * UNIT
        r: Array = np.empty(cells.size)
        for one in Polarity:
            here = (polarity == one) & fresh
            n, deviates = pulses[here], self.deviates[one][cells[here]]
            written, film = self.synapse.trains[one].at(n), self.drawn[one].at(n)
            r[here] = written.read(film, noise[here], deviates)
            if self.incremental:
                mean = written.law.mean
                self.films[cells[here]] = r[here] - (self.synapse.read(one, mean, deviates) - mean)
                here = (polarity == one) & ~fresh
                some = cells[here]
                n, deviates = pulses[here], self.deviates[one][some]
                left = self.synapse.pulsed(one, self.films[some], n, deviates)
                self.films[some] = left.read(left.stored_normal(), noise[here], np.zeros(some.size))
                r[here] = self.synapse.read(one, self.films[some], deviates)
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
        """Update the estimates of cells' deviates with their reads."""
        spread = self.spread[polarity][pulses]
        variance = self.laws[polarity].cycle[pulses] ** 2 + (1e-6 * self.synapse.span) ** 2
        missed = read - self.laws[polarity].mean[pulses]
        self.seen[polarity][cells] += spread * missed / variance
        self.known[polarity][cells] += spread**2 / variance
