"""Write-verify: write, read, and write again until a cell is read within a band about its level.

The programmer knows the mean device's curves and the D2D. It estimates the deviate of each cell's
device from its reads (`DeviateEstimate`). The next train is, of both polarities, the one that most
likely ends at the level.

Trains start at saturation. With the scheme ``incremental`` those to a cell that was read outside
the band may also start at the present R_AH: by the number of pulses, at least one, of the mean
curve between the read R_AH and the level, both without the estimated deviation of the device. They
change the stored R_AH as in `Synapse.pulsed`, and carry no information on the deviate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.network.layer import Layer
from allspin.sim.programming.cells import ProgrammedCells
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.deviate_estimate import DeviateEstimate
from allspin.sim.programming.layer_devices import LayerDevices, Trains
from allspin.sim.programming.plans import level_targets, penalty, ruled_out
from allspin.sim.programming.reference_column import Reference
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Array, Polarity

LEAST_CYCLE = 1e-6
"""Smallest C2C that an estimate assumes, as a fraction of the range."""


def write_verify(
    chip: Chip, number: int, layer: Layer, programming: Programming, reference: Reference
) -> tuple[ProgrammedCells, Counts]:
    """Write one layer of a chip, with a read after each write.

    Parameters
    ----------
    chip : Chip
        The chip.
    number : int
        Number of the layer.
    layer : Layer
        States and levels.
    programming : Programming
        Scheme, polarity, tries and band.
    reference : Reference
        The layer's reference column.

    Returns
    -------
    cells : ProgrammedCells
        The cells as they are left.
    counts : Counts
        Pulses, saturations and reads that they took.
    """
    incremental = programming.scheme == "incremental"
    devices = LayerDevices(chip, number, layer, reference, keep_stored=incremental)
    choice = TrainChoice(chip, layer, programming, reference, devices.targets)
    states = layer.states.ravel()
    band = programming.band * chip.device.synapse.span
    log = WriteLog(states.size)
    left = np.arange(states.size)
    read = None
    for write in range(programming.tries):
        if read is not None and incremental:
            trains = choice.next_trains(left, read, devices.polarity[left])
        else:
            trains = choice.fresh_trains(left)
        devices.write(left, trains, write)
        read = devices.read(left, write)
        choice.update(left, trains, read)
        log.add(left, trains)
        good = np.abs(read - devices.targets[states[left]]) <= band
        left = left[~good]
        read = read[~good]
        if not left.size:
            break
    shape = layer.states.shape
    converged = np.ones(states.size, bool)
    converged[left] = False
    cells = ProgrammedCells(
        held=devices.words(reference.errors),
        polarity=devices.polarity.reshape(shape),
        pulses=log.last.reshape(shape),
        widths=log.last.reshape(shape).astype(np.float64),
        all_pulses=log.pulses.reshape(shape),
        saturations=log.saturations.reshape(shape),
        tries=log.tries.reshape(shape),
        converged=converged.reshape(shape),
        reference=devices.reference,
    )
    return cells, log.counts(unconverged=left.size)


class WriteLog:
    """Pulses, saturations and writes of each cell of a layer.

    Attributes
    ----------
    last, pulses : ndarray of int64, shape (cells,)
        Pulses of the last train, and of all trains.
    saturations, tries : ndarray of int64, shape (cells,)
        Saturations and writes.
    """

    def __init__(self, cells: int) -> None:
        self.last = np.zeros(cells, np.int64)
        self.pulses = np.zeros(cells, np.int64)
        self.saturations = np.zeros(cells, np.int64)
        self.tries = np.zeros(cells, np.int64)
        self._by_polarity = np.zeros(len(Polarity), np.int64)

    def add(self, cells: npt.NDArray[np.int64], trains: Trains) -> None:
        """Count one train for each of some cells."""
        self.last[cells] = trains.pulses
        self.pulses[cells] += trains.pulses
        self.saturations[cells] += trains.fresh
        self.tries[cells] += 1
        for polarity in Polarity:
            self._by_polarity[polarity] += trains.pulses[trains.polarity == polarity].sum()

    def counts(self, unconverged: int) -> Counts:
        """Sum the counts over all cells, of which `unconverged` are outside the band."""
        return Counts(
            cells=self.last.size,
            potentiation=float(self._by_polarity[Polarity.POTENTIATION]),
            depression=float(self._by_polarity[Polarity.DEPRESSION]),
            pulses=int(self._by_polarity.sum()),
            saturations=int(self.saturations.sum()),
            reads=int(self.tries.sum()),
            unconverged=unconverged,
        )


@dataclass(frozen=True, eq=False)
class Candidate:
    """Best train of one polarity for each cell, from saturation.

    Attributes
    ----------
    pulses : ndarray of int64
        Number of pulses.
    offset, variance : ndarray of float64
        Estimated excess of the cell's read over the mean device's, and the variance of that.
    cost : ndarray of float64
        Penalty; infinite if the polarity is excluded.
    """

    pulses: npt.NDArray[np.int64]
    offset: Array
    variance: Array
    cost: Array


class TrainChoice:
    """Choice of the train of each cell, from the mean device and the reads of the cell.

    Parameters
    ----------
    chip : Chip
        The chip; only its device is used, which a programmer knows.
    layer : Layer
        States and levels.
    programming : Programming
        Polarity and band.
    reference : Reference
        The layer's reference column, of which the deviation is used.
    targets : ndarray of float64, shape (states,)
        R_AH to read at each level.
    """

    def __init__(
        self,
        chip: Chip,
        layer: Layer,
        programming: Programming,
        reference: Reference,
        targets: Array,
    ) -> None:
        synapse = chip.device.synapse
        self._synapse = synapse
        self._states = layer.states.ravel()
        self._targets = targets
        self._band = programming.band * synapse.span
        levels, _ = level_targets(synapse, layer.levels)
        middle = (synapse.low + synapse.high) / 2
        self._excluded = ruled_out(programming.polarity, levels, middle)
        self._laws = [written.law for written in synapse.trains]
        imperfections = chip.device.imperfections
        fixed = np.hypot(imperfections.reference, reference.deviation)
        fixed = np.hypot(imperfections.hall_offset, fixed) * synapse.span
        self._estimates = []
        for law in self._laws:
            # Reads differ between devices by D2D, Hall offset and reference.
            spread = np.copysign(np.hypot(law.device, fixed), law.device)
            least = LEAST_CYCLE * synapse.span
            self._estimates.append(DeviateEstimate(law, spread, self._states.size, least))
        self._best = [self._best_pulses(polarity) for polarity in Polarity]

    def _best_pulses(self, polarity: Polarity) -> npt.NDArray[np.int64]:
        """Compute the best number of pulses by state and by deviate on the grid."""
        estimate = self._estimates[polarity]
        ends = self._laws[polarity].mean + estimate.spread * estimate.grid[:, None]
        return np.array([np.abs(ends - target).argmin(axis=1) for target in self._targets])

    def update(self, cells: npt.NDArray[np.int64], trains: Trains, read: Array) -> None:
        """Update the estimates with the reads of cells whose trains started at saturation."""
        for polarity in Polarity:
            fresh = (trains.polarity == polarity) & trains.fresh
            self._estimates[polarity].update(cells[fresh], trains.pulses[fresh], read[fresh])

    def fresh_trains(self, cells: npt.NDArray[np.int64]) -> Trains:
        """Choose the best train of each cell that starts at saturation."""
        trains, _ = self._best_fresh(cells, [self._fresh(cells, each) for each in Polarity])
        return trains

    def next_trains(
        self, cells: npt.NDArray[np.int64], read: Array, last: npt.NDArray[np.int8]
    ) -> Trains:
        """Choose the best train of each cell that starts at saturation or at the present R_AH.

        Parameters
        ----------
        cells : ndarray of int64
            Cells that were read.
        read : ndarray of float64
            R_AH that was read.
        last : ndarray of int8
            Polarity of the last train of each cell.
        """
        candidates = [self._fresh(cells, polarity) for polarity in Polarity]
        trains, least = self._best_fresh(cells, candidates)
        states = self._states[cells]
        offsets = [candidate.offset for candidate in candidates]
        unknown = candidates[0].variance + candidates[1].variance
        stored = read - np.choose(last, offsets)
        for polarity in Polarity:
            law = self._laws[polarity]
            aim = self._targets[states] - offsets[polarity]
            way = self._synapse.pulses_to(polarity, aim) - self._synapse.pulses_to(polarity, stored)
            pulses = np.clip(np.rint(way), 1, law.cycle.size - 1).astype(np.int64)
            miss = self._synapse.advance(polarity, stored, pulses) - aim
            # While the polarity stays, the offset of the device from the mean one stays too.
            variance = np.where(last == polarity, 0.0, unknown) + law.cycle[pulses] ** 2
            cost = self._penalty(miss, variance) + self._excluded[polarity][states]
            better = cost < least
            least[better] = cost[better]
            trains.fresh[better] = False
            trains.polarity[better] = polarity
            trains.pulses[better] = pulses[better]
        return trains

    def _fresh(self, cells: npt.NDArray[np.int64], polarity: Polarity) -> Candidate:
        """Find the best train of one polarity that starts at saturation, for each cell."""
        states = self._states[cells]
        estimate = self._estimates[polarity]
        deviate, place, uncertainty = estimate.estimate(cells)
        pulses = self._best[polarity][states, place]
        law = self._laws[polarity]
        spread = estimate.spread[pulses]
        offset = spread * deviate
        unknown = spread**2 * uncertainty
        miss = law.mean[pulses] + offset - self._targets[states]
        cost = self._penalty(miss, law.cycle[pulses] ** 2 + unknown)
        return Candidate(pulses, offset, unknown, cost + self._excluded[polarity][states])

    def _best_fresh(
        self, cells: npt.NDArray[np.int64], candidates: list[Candidate]
    ) -> tuple[Trains, Array]:
        """Choose one of two candidates for each cell; return the trains and their penalties."""
        up = candidates[Polarity.POTENTIATION]
        down = candidates[Polarity.DEPRESSION]
        falls = down.cost <= up.cost
        polarity = np.where(falls, Polarity.DEPRESSION, Polarity.POTENTIATION).astype(np.int8)
        pulses = np.where(falls, down.pulses, up.pulses)
        trains = Trains(polarity, pulses, fresh=np.ones(cells.size, bool))
        return trains, np.minimum(up.cost, down.cost)

    def _penalty(self, miss: Array, variance: Array) -> Array:
        """Compute the penalty of trains that miss their targets by so much."""
        # The variance of a uniform distribution over the band, which also keeps the sum above 0.
        return penalty(miss, variance + self._band**2 / 3)
