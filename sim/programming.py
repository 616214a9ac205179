"""Programming: how the states of a network become R_AH of a chip's cells.

Three schemes, told by name (``docs/programming.md`` has them in words):

open-loop
    Each cell is saturated and given one train of whole pulses, computed from the mean
    device's response. Nothing is read.
pulse-width
    As open loop, but one pulse a state, each as wide as the step to the next level needs:
    short ones first, wider ones later. So every level is met, not only those that whole
    pulses meet.
write-verify
    A cell is written as in open loop and read; if it is outside the band about its level it
    is written again, up to a number of tries. What was read tells how this device differs
    from the mean one, and the next train is computed for that device.

Every write of a cell starts from saturation, so a train has one polarity. All chance is drawn
by the chip's generator (`sim.generator`): the same seed makes the same words everywhere.
"""

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sim.array import D2D, UNIT
from sim.chip import (
    MAX_SPREAD,
    SPREAD_BITS,
    WORD_BITS,
    Chip,
    Words,
    WriteTable,
    finish_words,
    state_words,
    write_table,
)
from sim.device import Electrical
from sim.generator import Purpose, cell_normals, normals
from sim.levels import check_range, full_scale, uniform_levels
from sim.network import Layer, Network
from sim.synapse import Array, Polarity, SotSynapse, Synapse, check_number, check_reading

SCHEMES = {
    "open-loop": "one train of whole pulses from saturation, nothing read",
    "pulse-width": "one pulse a state from saturation, short ones first, wider ones later",
    "write-verify": "trains from saturation, read and written again until within the band",
}
"""How chips are programmed, by the names that ``--program`` takes."""
POLARITIES = {
    "quieter": "the polarity that is likelier to end at the level, cell by cell",
    "depression": "depression, after saturation at the highest R_AH, as in the paper",
    "potentiation": "potentiation, after saturation at the lowest R_AH",
    "halves": "potentiation for the upper half of the range, depression for the lower",
}
"""Which polarity a train has."""
LEVEL_CHOICES = {
    "nearest": "what trains of whole pulses, of the quieter polarity, reach nearest to uniform "
    "levels",
    "either": "what trains of whole pulses of either polarity reach nearest to uniform levels",
    "every": "every so many pulses of the quieter polarity's curve (ten states: every tenth "
    "of a hundred pulses)",
    "pulses": "one pulse a state, on a curve of the quieter polarity that crosses the range "
    "in as many (ten states: ten pulses)",
    "uniform": "uniform levels, whether whole pulses reach them or not",
}
"""What the levels of a device's states are."""

DEFAULT_BAND = 0.02
"""How far from its level write-verify lets a cell be, as a fraction of the range."""
FEW_STATES = 16
FEW_TRIES = 8
MANY_TRIES = 32
MAX_TRIES = 1024
"""Writes of a cell that `write-verify` may be allowed."""
DEVIATES = 4.0
"""Largest deviate, in standard deviations, that a train is computed for."""
DEVIATE_STEPS = 16
"""Trains are computed for every 16th of a standard deviation."""


@dataclass(frozen=True)
class Programming:
    """How a chip is programmed.

    Parameters
    ----------
    scheme : str
        One of `SCHEMES`.
    polarity : str
        One of `POLARITIES`.
    tries : int
        Writes of a cell that write-verify may take at most, 1 to 1024.
    band : float
        Write-verify is content with a cell whose R_AH was read within this of its level, as
        a fraction of the range, above 0 to 0.5.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    scheme: str = "open-loop"
    polarity: str = "quieter"
    tries: int = 8
    band: float = DEFAULT_BAND

    def __post_init__(self) -> None:
        check_reading("the programming scheme", self.scheme, SCHEMES)
        check_reading("the polarity", self.polarity, POLARITIES)
        object.__setattr__(self, "tries", check_range("tries", self.tries, 1, MAX_TRIES))
        object.__setattr__(self, "band", check_number("the band", self.band, 1e-6, 0.5))

    def readings(self) -> list[str]:
        """What it does, a line each, for reports."""
        lines = [
            f"programmed {self.scheme}: {SCHEMES[self.scheme]}",
            f"polarity {self.polarity}: {POLARITIES[self.polarity]}",
        ]
        if self.scheme == "write-verify":
            lines.append(
                f"band {self.band:g} of the range either way, at most {self.tries} tries; a cell "
                "that never got there keeps its last write"
            )
        return lines


@dataclass(frozen=True)
class Counts:
    """What programming took; sums over all cells.

    Attributes
    ----------
    cells : int
        Cells programmed.
    potentiation, depression : float
        Pulses by polarity, in pulses of nominal width (a wider one counts for more).
    pulses : int
        Pulses of any width.
    saturations : int
        Times that a film was switched whole.
    reads : int
        Times that a cell was read.
    unconverged : int
        Cells that never were within the band; 0 where nothing is read.
    """

    cells: int = 0
    potentiation: float = 0.0
    depression: float = 0.0
    pulses: int = 0
    saturations: int = 0
    reads: int = 0
    unconverged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Sum of both."""
        return Counts(
            *(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )

    def energy(self, electrical: Electrical) -> float | None:
        """Energy in joule, of pulses and saturations, and of reads where known.

        None if the pulses' is not known.
        """
        parts = [
            (self.potentiation, electrical.pulse_energy(electrical.potentiation_current)),
            (self.depression, electrical.pulse_energy(electrical.depression_current)),
            (self.saturations, electrical.pulse_energy(electrical.saturation_current)),
        ]
        total = 0.0
        for count, each in parts:
            if count and each is None:
                return None
            total += count * (each or 0.0)
        return total + self.reads * (electrical.read_energy or 0.0)

    def time(self, electrical: Electrical) -> float | None:
        """Time in seconds, one cell after another; None if a pulse's is not known."""
        if electrical.pulse_time is None:
            return None
        widths = self.potentiation + self.depression + self.saturations
        return widths * electrical.pulse_time + self.reads * (electrical.read_time or 0.0)


def default_tries(network: Network) -> int:
    """Writes of a cell that write-verify may take unless told: few where states are few."""
    states = max(len(layer.levels) for layer in network.layers)
    return FEW_TRIES if states <= FEW_STATES else MANY_TRIES


@dataclass(frozen=True, eq=False)
class Reach:
    """What trains of whole pulses from saturation make of the mean device.

    Attributes
    ----------
    mean : tuple of two ndarray of float64, each (pulses + 1,)
        By polarity and number of pulses: R_AH, in the synapse's unit.
    cycle, device : tuple of two ndarray of float64, each (pulses + 1,)
        Standard deviation of a write, and change for a device one standard deviation up.
        An empty train is a write too: it counts as one pulse.
    """

    mean: tuple[Array, Array]
    cycle: tuple[Array, Array]
    device: tuple[Array, Array]


@lru_cache(maxsize=8)
def reach(synapse: Synapse) -> Reach:
    """Work out what trains of whole pulses reach."""
    mean, cycle, device = [], [], []
    for polarity in Polarity:
        start, end = (synapse.high, synapse.low) if polarity else (synapse.low, synapse.high)
        pulses = np.arange(math.ceil(float(synapse.pulses_to(polarity, end))) + 1)
        mean.append(synapse.curve(polarity, pulses))
        cycle.append(
            synapse.cycle_deviation(polarity, np.full(len(pulses), start), np.maximum(pulses, 1))
        )
        device.append(synapse.device_deviation(polarity, pulses))
    return Reach(tuple(mean), tuple(cycle), tuple(device))


def quieter(synapse: Synapse) -> Polarity:
    """The polarity whose writes vary less in the middle of the range."""
    trains = reach(synapse)
    middle = (synapse.low + synapse.high) / 2
    spread = []
    for polarity in Polarity:
        place = int(np.argmin(np.abs(trains.mean[polarity] - middle)))
        spread.append(float(trains.cycle[polarity][place]))
    return Polarity.POTENTIATION if spread[0] < spread[1] else Polarity.DEPRESSION


def device_levels(
    synapse: Synapse, states: int, choice: str = "nearest", rah_bits: int = 8
) -> npt.NDArray[np.int16]:
    """R_AH words of a device's states.

    Parameters
    ----------
    synapse : Synapse
        The device.
    states : int
        How many, 2 to 128.
    choice : str
        One of `LEVEL_CHOICES`.
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int16, shape (states,)
        Never falling; the outermost are the ends of the device's range. Neighbours may have
        one word, where no train ends between them.

    Raises
    ------
    ValueError
        If a value is outside its range, or the states do not fit the words.
    """
    check_reading("the choice of levels", choice, LEVEL_CHOICES)
    uniform = uniform_levels(states, rah_bits)
    if choice == "uniform":
        return uniform
    top = int(uniform[-1])
    scale = 2 * top / synapse.span
    if choice == "nearest":
        return plan_layer(synapse, uniform, Programming(), mean_device=True).table.levels
    if choice == "either":
        reached = np.concatenate(reach(synapse).mean)
        words = np.unique(np.rint((reached - synapse.low) * scale - top))
        nearest = np.abs(words - uniform[:, None]).argmin(axis=1)
        levels = words[nearest]
    else:
        polarity = quieter(synapse)
        way = len(reach(synapse).mean[polarity]) - 1
        if choice == "every":
            levels = synapse.curve(polarity, np.rint(np.arange(states) * way / (states - 1)))
        else:
            levels = _short_curve(synapse, polarity, states)
        levels = np.sort(np.rint((levels - synapse.low) * scale - top))
    levels[0], levels[-1] = -top, top
    return levels.astype(np.int16)


def _short_curve(synapse: Synapse, polarity: Polarity, states: int) -> Array:
    """R_AH after each of ``states - 1`` pulses that cross the range with the same A."""
    if not isinstance(synapse, SotSynapse):
        raise ValueError("levels by pulses need a device with an A; a table has its own pulses")
    short = replace(synapse.response(polarity), pulses=states - 1)
    pulses = np.arange(states)
    return short.depressed(pulses) if polarity else short.potentiated(pulses)


@dataclass(frozen=True, eq=False)
class Plan:
    """The open-loop train of each state of a layer.

    Attributes
    ----------
    polarity : ndarray of int8, shape (states,)
        `Polarity` of its pulses.
    widths : ndarray of float64, shape (states,)
        Pulses, in pulses of nominal width.
    pulses : ndarray of int64, shape (states,)
        Pulses of any width.
    table : WriteTable
        What the train makes of each state, by either polarity.
    """

    polarity: npt.NDArray[np.int8]
    widths: Array
    pulses: npt.NDArray[np.int64]
    table: WriteTable

    def deviation(self) -> Array:
        """Standard deviation of a write of each state, in words, shape (states,)."""
        return self.table.c2c[self.polarity, np.arange(len(self.polarity))] / 2**SPREAD_BITS


def _targets(synapse: Synapse, levels: npt.NDArray[np.int16]) -> tuple[Array, float]:
    """R_AH of each level, and words a unit of R_AH."""
    scale = (int(levels[-1]) - int(levels[0])) / synapse.span
    return synapse.low + (levels.astype(np.float64) - float(levels[0])) / scale, scale


def _penalty(miss: Array, variance: Array) -> Array:
    """The less, the likelier a write ends at its level: -2 log of the density, and a constant."""
    return miss**2 / variance + np.log(variance)


def _allowed(polarity: str, targets: Array, middle: float) -> tuple[Array, Array]:
    """What is added to either polarity's penalty to leave the choice or to rule it out."""
    nothing, never = np.zeros(targets.shape), np.full(targets.shape, np.inf)
    match polarity:
        case "depression":
            return never, nothing
        case "potentiation":
            return nothing, never
        case "halves":
            upper = targets > middle
            return np.where(upper, 0.0, np.inf), np.where(upper, np.inf, 0.0)
    return nothing, nothing


def plan_layer(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    programming: Programming,
    mean_device: bool = False,
) -> Plan:
    """Compute the open-loop train of each state.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : ndarray of int16, shape (states,)
        R_AH words; the outermost stand for the ends of the device's range.
    programming : Programming
        Scheme and polarity.
    mean_device : bool
        Whether polarities are chosen as for the mean device, without regard to D2D.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the last level is not above the first.
    """
    exact = write_table(synapse, levels)
    targets, scale = _targets(synapse, levels)
    trains = reach(synapse)
    allowed = _allowed(programming.polarity, targets, (synapse.low + synapse.high) / 2)
    penalties, widths, reached, spreads = [], [], [], []
    for polarity in Polarity:
        if programming.scheme == "pulse-width":
            n = synapse.pulses_to(polarity, targets)
            mean = targets
            cycle, device = exact.c2c[polarity], exact.d2d[polarity]
        else:
            n = np.abs(trains.mean[polarity] - targets[:, None]).argmin(axis=1)
            mean = trains.mean[polarity][n]
            cycle, device = (
                np.clip(
                    np.rint(spread[polarity][n] * scale * 2**SPREAD_BITS), -MAX_SPREAD, MAX_SPREAD
                )
                for spread in (trains.cycle, trains.device)
            )
        sigma = np.hypot(cycle, 0 if mean_device else device) / (scale * 2**SPREAD_BITS)
        variance = np.maximum(sigma, 1e-6 * synapse.span) ** 2
        penalties.append(_penalty(mean - targets, variance) + allowed[polarity])
        widths.append(n.astype(np.float64))
        reached.append(mean)
        spreads.append((cycle, device))
    chosen = np.argmin(penalties, axis=0).astype(np.int8)
    place = np.arange(len(levels))
    n = np.array(widths)[chosen, place]
    steps = np.where(chosen == Polarity.DEPRESSION, place[::-1], place)
    words = np.rint((np.array(reached)[chosen, place] - synapse.low) * scale) + int(levels[0])
    table = WriteTable(
        words.astype(np.int16),
        np.array([cycle for cycle, _ in spreads]).astype(np.int32),
        np.array([device for _, device in spreads]).astype(np.int32),
    )
    pulses = steps if programming.scheme == "pulse-width" else n
    return Plan(chosen, n, pulses.astype(np.int64), table)


@dataclass(frozen=True, eq=False)
class Programmed:
    """A programmed chip.

    Attributes
    ----------
    words : list of ndarray of int8, each (rows, columns)
        R_AH words, as `sim.golden.GoldenModel` takes them.
    counts : Counts
        What it took.
    converged : list of ndarray of bool, each (rows, columns)
        Cells that were read within the band; empty where nothing is read.
    """

    words: list[Words]
    counts: Counts
    converged: list[npt.NDArray[np.bool_]] = field(default_factory=list)


def program_chip(chip: Chip, network: Network, programming: Programming) -> Programmed:
    """Program a chip with a network.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        States and levels.
    programming : Programming
        How.

    Returns
    -------
    Programmed

    Raises
    ------
    ValueError
        If a layer's levels do not rise from first to last.
    """
    words, converged, counts = [], [], Counts()
    for number, layer in enumerate(network.layers):
        plan = plan_layer(chip.device.synapse, layer.levels, programming)
        if programming.scheme == "write-verify":
            verify = _Verify(chip, number, layer.states, layer.levels, programming)
            words.append(verify.words(network.rah_bits))
            converged.append(verify.converged)
            counts += verify.counts
            continue
        polarity = plan.polarity[layer.states]
        words.append(
            state_words(
                layer.states,
                polarity,
                plan.table,
                chip.seed,
                number,
                imperfections=chip.device.imperfections,
                rah_bits=network.rah_bits,
            )
        )
        widths = plan.widths[layer.states]
        counts += Counts(
            cells=layer.states.size,
            potentiation=float(widths[polarity == Polarity.POTENTIATION].sum()),
            depression=float(widths[polarity == Polarity.DEPRESSION].sum()),
            pulses=int(plan.pulses[layer.states].sum()),
            saturations=layer.states.size,
        )
    return Programmed(words, counts, converged)


class _Verify:
    """Write-verify of one layer.

    A cell's estimate of its own deviate z of either polarity comes from what was read: after
    writes that the mean device would have answered with m_j, each with a spread s_j and a
    change d_j for one standard deviation of D2D, z is estimated by the mean of its posterior
    (prior: normal, as D2D is) ``sum(d_j (r_j - m_j) / s_j^2) / (1 + sum(d_j^2 / s_j^2))``.
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
        self.trains = reach(synapse)
        self.targets, self.scale = _targets(synapse, levels)
        self.allowed = _allowed(
            programming.polarity, self.targets, (synapse.low + synapse.high) / 2
        )
        self.band = programming.band * synapse.span
        self.shape = (states.shape[0], states.shape[1])
        self.states = states.ravel()
        size = self.states.size
        rows, columns = np.unravel_index(np.arange(size), self.shape)
        self.rows, self.columns = rows, columns
        self.deviates = [
            cell_normals(chip.seed, number, D2D[polarity], self.shape).ravel() * UNIT
            for polarity in Polarity
        ]
        self.learns = [bool(np.any(self.trains.device[polarity])) for polarity in Polarity]
        self.best = [self._best_trains(polarity) for polarity in Polarity]
        # Sums of the estimate above: of d (r - m) / s^2, and of d^2 / s^2.
        self.seen = [np.zeros(size), np.zeros(size)]
        self.known = [np.ones(size), np.ones(size)]
        self.resistance = np.zeros(size)
        done = np.zeros(size, bool)
        counts = Counts(cells=size)
        left = np.arange(size)
        for write in range(programming.tries):
            if not left.size:
                break
            polarity, pulses = self._trains(left)
            read = self._write(left, polarity, pulses, write)
            for one in Polarity:
                here = polarity == one
                total = int(pulses[here].sum())
                counts += Counts(
                    potentiation=0.0 if one else total,
                    depression=total if one else 0.0,
                    pulses=total,
                )
                if self.learns[one]:
                    self._learn(one, left[here], pulses[here], read[here])
            counts += Counts(saturations=left.size, reads=left.size)
            good = np.abs(read - self.targets[self.states[left]]) <= self.band
            done[left[good]] = True
            left = left[~good]
        self.counts = counts + Counts(unconverged=left.size)
        self.converged = done.reshape(self.shape)

    def _best_trains(self, polarity: Polarity) -> npt.NDArray[np.int64]:
        """Best number of pulses by state and by deviate, from -4 to 4 in 16ths."""
        mean, device = self.trains.mean[polarity], self.trains.device[polarity]
        if not self.learns[polarity]:
            return np.abs(mean - self.targets[:, None]).argmin(axis=1)[:, None]
        half = int(DEVIATES * DEVIATE_STEPS)
        deviates = np.arange(-half, half + 1) / DEVIATE_STEPS
        ends = mean + device * deviates[:, None]
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
            device = self.trains.device[polarity][n]
            miss = self.trains.mean[polarity][n] + device * estimate - targets
            variance = self.trains.cycle[polarity][n] ** 2 + device**2 * variance
            # A band is the finest that is looked at; this also keeps the variance above 0.
            variance = variance + self.band**2 / 3
            penalties.append(_penalty(miss, variance) + self.allowed[polarity][states])
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
        rows, columns = self.rows[cells], self.columns[cells]
        noise = normals(*place, Purpose.WRITE, rows, columns, write) * UNIT
        r = np.empty(cells.size)
        for one in Polarity:
            here = polarity == one
            n = pulses[here]
            r[here] = self.trains.mean[one][n] + self.trains.cycle[one][n] * noise[here]
            if self.learns[one]:
                r[here] += self.trains.device[one][n] * self.deviates[one][cells[here]]
        self.resistance[cells] = r
        blur = self.chip.device.imperfections.read_noise * self.synapse.span
        if blur:
            r = r + blur * UNIT * normals(*place, Purpose.VERIFY, rows, columns, write)
        return r

    def _learn(
        self,
        polarity: Polarity,
        cells: npt.NDArray[np.int64],
        pulses: npt.NDArray[np.int64],
        read: Array,
    ) -> None:
        """Take what was read of cells into the estimates of their deviates."""
        device = self.trains.device[polarity][pulses]
        variance = self.trains.cycle[polarity][pulses] ** 2 + (1e-6 * self.synapse.span) ** 2
        self.seen[polarity][cells] += (
            device * (read - self.trains.mean[polarity][pulses]) / variance
        )
        self.known[polarity][cells] += device**2 / variance

    def words(self, rah_bits: int) -> Words:
        """R_AH words of the layer."""
        chip = self.chip
        top = full_scale(rah_bits)
        exact = (self.resistance - self.synapse.low) * self.scale + float(self.levels[0])
        words = np.rint(np.clip(exact, -2 * top, 2 * top) * 2**WORD_BITS).astype(np.int64)
        table = write_table(self.synapse, self.levels)
        return finish_words(
            words.reshape(self.shape),
            table,
            chip.seed,
            self.number,
            chip.device.imperfections,
            rah_bits,
        )


@dataclass(frozen=True, eq=False)
class ChipLayer(Layer):
    """A layer whose cells hold R_AH words of their own, not those of their states.

    Parameters
    ----------
    cells : ndarray of int8, shape (rows, columns), or None
        The words; None for those of the states.
    """

    cells: Words | None = None

    @property
    def words(self) -> Words:
        """The crossbar's content, shape (rows, columns): signed R_AH words."""
        return super().words if self.cells is None else self.cells


def chip_network(chip: Chip, network: Network, words: list[Words]) -> Network:
    """A programmed chip as a network: what any machine that runs networks can take.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        What it was programmed with, calibrated or not.
    words : list of ndarray of int8, each (rows, columns)
        From `program_chip`.

    Returns
    -------
    Network
        With the chip's words, V-I converters and neurons. What changes from use to use is not
        in it: see `Chip.noise`.
    """
    layers = [
        ChipLayer(layer.states, layer.levels, layer.converter, layer.table, cells)
        for layer, cells in zip(chip.varied(network).layers, words, strict=True)
    ]
    return replace(network, layers=tuple(layers))
