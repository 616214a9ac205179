"""A chip: one draw of all variation, named by its seed, in integers only.

The R_AH word of a cell is made of the level of its state and of normal values from
`allspin.sim.chip.generator`, in units of ``2**-13`` standard deviations, each times what one
standard deviation is worth in that state, in units of ``2**-8`` words (`WriteTable`)::

    word = level 2^21 + z_d2d d2d[polarity, state] + z_c2c c2c[polarity, state]
    word = rest + ((word - rest) kept) >> 16           decay: see `allspin.sim.chip.retained`
    word = word - (word loss) >> 16                    loss: drift, in units of 2**-16
    word = word + z_hall hall - z_reference reference
    word = (word + 2^20) >> 21, clamped to -(2^(b-1) - 1) .. 2^(b-1) - 1

with an arithmetic shift and words of b bits. A stuck cell has another word instead
(`allspin.sim.chip.stuck`).

Column by column a deviation of `sigma` makes a gain ``gain + (gain t + 2^12) >> 13`` with
``t = (z sigma 2^16 + 2^15) >> 16``, clamped to 0 to 1023, and adds to an offset.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.array import D2D
from allspin.sim.chip.chip_card import chip_card
from allspin.sim.chip.converters import TileNoise, cell_range, through_gains, varied_adc
from allspin.sim.chip.generator import (
    FRACTION_BITS,
    Purpose,
    cell_normals,
    column_normals,
    use_normals,
)
from allspin.sim.chip.retained import retained, retention_table
from allspin.sim.chip.stuck import stuck_cells
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.synapse import Synapse
from allspin.sim.device.synapse_response import Polarity
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.levels import check_range, full_scale
from allspin.sim.network.network import GAIN_BITS, Converter, Network
from allspin.sim.pulses.written import Law

SPREAD_BITS = 8
"""Fraction bits of a word's deviation, in `WriteTable`."""
CLOSE = 0.1
"""Words by which a deviation may be wrong for a level to be within the words' range."""
MAX_SPREAD = 2**16 - 1
"""Largest deviation of a word, in its units: 256 words."""
SHARE_BITS = 16
"""Fraction bits of a share: of a gain's deviation, or of what drifts."""
USE_BITS = 6
"""Fraction bits of a current's deviation at a use."""
OFFSET_BITS = FRACTION_BITS + USE_BITS
"""Fraction bits of what is added to a sum, before it is rounded."""
WORD_BITS = FRACTION_BITS + SPREAD_BITS
"""Fraction bits of a word before it is rounded."""

Words = npt.NDArray[np.int8]
Integers = npt.NDArray[np.int64]


def _rounded(value: npt.NDArray[np.integer], bits: int) -> Integers:
    """Drop fraction bits, to the nearest, halves up."""
    return (value.astype(np.int64) + (1 << bits >> 1)) >> bits


@dataclass(frozen=True, eq=False)
class WriteTable:
    """What a write makes of each state.

    Attributes
    ----------
    levels : ndarray of int16, shape (states,)
        R_AH word that is aimed at.
    c2c, d2d : ndarray of int32, shape (2, states)
        One standard deviation of the word, by polarity of the last pulse (row 0:
        potentiation) and state, in units of ``2**-8`` words, -65535 to 65535.
    beyond : (int, int) or None
        Words of the ends of the range, where a level is beyond what words can be: most films of
        that state are saturated, and the rest is the tail of a normal distribution. No gateware
        has such levels.
    """

    levels: npt.NDArray[np.int16]
    c2c: npt.NDArray[np.int32]
    d2d: npt.NDArray[np.int32]
    beyond: tuple[int, int] | None = field(default=None, kw_only=True)

    @property
    def ends(self) -> tuple[int, int]:
        """Words of the lowest and the highest state."""
        return self.beyond or (int(self.levels[0]), int(self.levels[-1]))


def write_table(synapse: Synapse, levels: npt.ArrayLike) -> WriteTable:
    """Work out what writes of a synapse are worth in words.

    The outermost levels stand for the ends of the range. A write starts where its polarity
    starts, at the other end of the range, and takes the pulses that lead to the state, but
    at least one.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : array_like of int, shape (states,)
        R_AH word of each state, rising.

    Returns
    -------
    WriteTable

    Raises
    ------
    ValueError
        If the levels do not rise from first to last.
    """
    words = np.asarray(levels, np.int16)
    ends = int(words[-1]) - int(words[0])
    if ends <= 0:
        raise ValueError("the last level must be above the first")
    scale = ends / synapse.span
    resistances = synapse.low + (words.astype(np.float64) - words[0]) / scale
    pulses = np.array([synapse.pulses_to(polarity, resistances) for polarity in Polarity])
    laws = drawn_words(synapse, words, pulses)
    return WriteTable(
        words,
        spread_units(np.array([law.cycle for law in laws])),
        spread_units(np.array([law.device for law in laws])),
    )


def drawn_words(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    pulses: npt.NDArray[np.float64],
    rah_bits: int = 8,
) -> tuple[Law, Law]:
    """The normal laws, in words, of which what writes leave is drawn.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : ndarray of int16, shape (states,)
        The outermost stand for the ends of the range.
    pulses : ndarray of float64, shape (2, states)
        Of each write, by polarity.
    rah_bits : int
        Width of a word: what is drawn is cut where words end.
    """
    top = full_scale(rah_bits)
    scale = (int(levels[-1]) - int(levels[0])) / synapse.span
    ends = [synapse.low + (end - float(levels[0])) / scale for end in (-top, top)]
    found = []
    for polarity in Polarity:
        written = synapse.written(polarity, pulses[polarity], (ends[0], ends[1]))
        law = written.drawn((ends[0], ends[1]), CLOSE / scale)
        found.append(law.scaled(synapse.low, scale, float(levels[0])))
    return found[0], found[1]


def spread_units(words: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Deviations in words as a `WriteTable` has them, limited to what it holds."""
    return np.clip(np.rint(words * 2**SPREAD_BITS), -MAX_SPREAD, MAX_SPREAD).astype(np.int32)


def d2d_normals(seed: int, layer: int, polarity: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Each cell's device-to-device deviation, by the polarity of its last pulse.

    Parameters
    ----------
    seed, layer : int
        Chip and layer.
    polarity : ndarray of int, shape (rows, columns)
        `Polarity` of each cell's last pulse.

    Returns
    -------
    ndarray of int32, the shape of `polarity`
        In units of ``2**-13`` standard deviations.
    """
    rows, columns = polarity.shape
    potentiated, depressed = (
        cell_normals(seed, layer, D2D[one], (rows, columns)) for one in Polarity
    )
    return np.where(polarity == Polarity.DEPRESSION, depressed, potentiated)


def state_words(
    states: npt.NDArray[np.integer],
    polarity: npt.ArrayLike,
    table: WriteTable,
    seed: int,
    layer: int,
    write: npt.ArrayLike = 0,
    imperfections: Imperfections = Imperfections(),  # noqa: B008 (it is frozen)
    rah_bits: int = 8,
) -> Words:
    """R_AH words of one crossbar of a chip.

    Parameters
    ----------
    states : ndarray of int, shape (rows, columns)
        State of each cell.
    polarity : array_like of int
        `Polarity` of each cell's last pulse, one for all or shape (rows, columns).
    table : WriteTable
        From `write_table`.
    seed, layer : int
        Chip and layer.
    write : array_like of int
        Which write of each cell it is that stands, 0 to 65535; one for all or each cell's.
    imperfections : Imperfections
        What else is wrong.
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int8, shape (rows, columns)
        Clamped to ``-(2**(rah_bits - 1) - 1)`` to ``2**(rah_bits - 1) - 1``.
    """
    written = written_words(states, polarity, table, seed, layer, write)
    return rounded_words(held_words(written, table, seed, layer, imperfections), rah_bits)


def written_words(
    states: npt.NDArray[np.integer],
    polarity: npt.ArrayLike,
    table: WriteTable,
    seed: int,
    layer: int,
    write: npt.ArrayLike = 0,
) -> Integers:
    """What writes of one crossbar of a chip leave: level, D2D and C2C of each cell.

    Parameters
    ----------
    states, polarity, table, seed, layer, write
        As of `state_words`.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In units of ``2**-21`` words (`WORD_BITS`).
    """
    shape = (states.shape[0], states.shape[1])
    polarities = np.broadcast_to(np.asarray(polarity, np.int64), shape)
    words = table.levels.astype(np.int64)[states] << WORD_BITS
    if np.any(table.d2d):
        spread = table.d2d.astype(np.int64)[polarities, states]
        words += d2d_normals(seed, layer, polarities) * spread
    if np.any(table.c2c):
        spread = table.c2c.astype(np.int64)[polarities, states]
        words += cell_normals(seed, layer, Purpose.WRITE, shape, write) * spread
    return words


def held_words(
    words: Integers,
    table: WriteTable,
    seed: int,
    layer: int,
    imperfections: Imperfections = Imperfections(),  # noqa: B008 (it is frozen)
) -> Integers:
    """What cells hold of what was written: decay, drift, Hall offset, reference, stuck cells.

    Parameters
    ----------
    words : ndarray of int64, shape (rows, columns)
        Written R_AH of each cell in units of ``2**-21`` words (`WORD_BITS`).
    table, seed, layer, imperfections
        As of `state_words`.

    Returns
    -------
    ndarray of int64, shape (rows, columns)
        In the same units, neither rounded nor clamped: what a meter would read.
    """
    shape = (words.shape[0], words.shape[1])
    wrong = imperfections
    words = words.copy()
    lowest, highest = table.ends
    if wrong.retention is not None and wrong.decays:
        words = retained(
            words,
            (lowest, highest),
            WORD_BITS,
            retention_table(wrong.retention, wrong.age),
            wrong.retention.equilibrium,
            (seed, layer),
        )
    if wrong.drifts:
        loss = np.full(shape, _share(wrong.drift * wrong.decades), np.int64)
        spread = _share(wrong.drift_spread * wrong.decades)
        if spread:
            normals = cell_normals(seed, layer, Purpose.RETENTION, shape)
            loss += _rounded(normals * np.int64(spread), FRACTION_BITS)
        words -= words * np.clip(loss, 0, 2**SHARE_BITS) >> SHARE_BITS
    if wrong.hall_offset:
        spread = round(wrong.hall_offset * (highest - lowest) * 2**SPREAD_BITS)
        words += cell_normals(seed, layer, Purpose.HALL_OFFSET, shape) * np.int64(spread)
    if wrong.reference:
        spread = round(wrong.reference * (highest - lowest) * 2**SPREAD_BITS)
        words -= cell_normals(seed, layer, Purpose.REFERENCE, (shape[0], 1)) * np.int64(spread)
    stuck = stuck_cells(seed, layer, shape, wrong)
    if stuck is not None:
        words[stuck.cells] = stuck.words((lowest, highest))[stuck.cells] << WORD_BITS
    return words


def rounded_words(held: Integers, rah_bits: int = 8) -> Words:
    """R_AH words of what cells hold: rounded to the nearest, halves up, and clamped.

    Parameters
    ----------
    held : ndarray of int64
        In units of ``2**-21`` words (`WORD_BITS`).
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int8, the shape of `held`
        From ``-(2**(rah_bits - 1) - 1)`` to ``2**(rah_bits - 1) - 1``.
    """
    top = full_scale(rah_bits)
    return np.clip(_rounded(held, WORD_BITS), -top, top).astype(np.int8)


def _share(value: float) -> int:
    """A share in units of ``2**-16``."""
    return round(value * 2**SHARE_BITS)


def _turned(gains: Integers, share: Integers) -> Integers:
    """Gains with a share of themselves, in units of ``2**-13``, added."""
    return gains + _rounded(gains * share, FRACTION_BITS)


@dataclass(frozen=True, eq=False)
class ColumnDraws:
    """What a chip's columns have of their own in one layer, as normal values.

    Attributes
    ----------
    gain, threshold : ndarray of int64, shape (columns,)
        Of the neuron: share of its gain, in units of ``2**-13``; and current by which its
        threshold is higher, in least significant bits.
    amplifier, converter : ndarray of int64, shape (columns,)
        Share of the gain of amplifier and V-I converter, in units of ``2**-13``.
    offset : ndarray of int64, shape (columns,)
        Of the V-I converter, in the current's least significant bits.
    """

    gain: Integers
    threshold: Integers
    amplifier: Integers
    converter: Integers
    offset: Integers


class ColumnNoise:
    """What a chip adds to column sums and currents at each use, for `GoldenModel`.

    Parameters
    ----------
    network : Network
        The network.
    device : Device
        What its chips are made of.
    seed : int
        The chip.
    """

    def __init__(self, network: Network, device: Device, seed: int) -> None:
        self.seed = seed
        wrong = device.imperfections
        use = device.neuron_variation.use_deviation(network.neuron)
        self._use = round(use * 2 ** (network.current_bits + USE_BITS))
        self._columns = [layer.columns for layer in network.layers]
        self._last = len(network.layers) - 1
        tiled = [layer.adc is not None for layer in network.layers]
        self._tiles = TileNoise(network, device, seed)
        self._amplifier_gain = 0 if tiled[-1] else _share(wrong.amplifier_gain)
        # The amplifiers of tiles are before their converters: see `varied_adc` and `TileNoise`.
        units = [
            0 if tiled[number] else cell_range(network, number)
            for number in range(len(network.layers))
        ]
        self._read = [round(wrong.read_noise * unit * 2**USE_BITS) for unit in units]
        self._offset = [round(wrong.amplifier_offset * unit * 2**USE_BITS) for unit in units]

    def on_sums(self, layer: int, first: int, sums: Integers) -> Integers:
        """Column sums as the amplifier gives them.

        Parameters
        ----------
        layer : int
            Layer, from 0.
        first : int
            Number of the first image.
        sums : ndarray of int64, shape (images, columns)
            Column sums without noise.

        Returns
        -------
        ndarray of int64, shape (images, columns)
            Read noise and offset added; in the last layer, which has no V-I converter to
            take it up, the amplifier's gain error too.
        """
        images, columns = sums.shape
        # Most devices have neither, and passes over all sums cost a twentieth of a chip's time.
        if self._read[layer] or self._offset[layer]:
            added = np.zeros(sums.shape, np.int64)
            if self._read[layer]:
                normals = use_normals(self.seed, layer, Purpose.READ, first, images, columns)
                added += normals * np.int64(self._read[layer])
            if self._offset[layer]:
                added += self.offsets(layer)
            sums = sums + _rounded(added, OFFSET_BITS)
        if layer == self._last and self._amplifier_gain:
            sums = _turned(sums, self.shares)
        return sums

    def on_tile(self, layer: int, tile: int, first: int, sums: Integers) -> Integers:
        """Column sums of a tile before they are converted, with the noise of this use.

        Parameters and result are those of `on_sums`, for a tile.
        """
        return self._tiles.added(layer, tile, first, sums)

    def on_currents(self, layer: int, first: int, currents: Integers) -> Integers:
        """Neurons' input currents at this use, before they are clamped.

        Parameters and result are those of `on_sums`, for currents.
        """
        if not self._use:
            return currents
        normals = use_normals(self.seed, layer, Purpose.NEURON_USE, first, *currents.shape)
        return currents + _rounded(normals * np.int64(self._use), FRACTION_BITS + USE_BITS)

    def read_spread(self, layer: int) -> int:
        """One standard deviation of a layer's column sums at a use, in units of ``2**-6``."""
        return self._read[layer]

    def offsets(self, layer: int) -> Integers:
        """What a layer's amplifiers add to its sums, in units of ``2**-19``, shape (columns,)."""
        columns = self._columns[layer]
        normals = column_normals(self.seed, layer, Purpose.AMPLIFIER_OFFSET, columns)
        return normals * np.int64(self._offset[layer])

    @property
    def shares(self) -> Integers:
        """By how much of it the last layer's amplifiers change a sum, in units of ``2**-13``."""
        columns = self._columns[self._last]
        normals = column_normals(self.seed, self._last, Purpose.AMPLIFIER_GAIN, columns)
        return _rounded(normals * np.int64(self._amplifier_gain), SHARE_BITS)

    @property
    def use_spread(self) -> int:
        """One standard deviation of a neuron's current at a use, in units of ``2**-6``."""
        return self._use

    @property
    def on_tiles(self) -> bool:
        """Whether it changes what tiles' converters see."""
        return not self._tiles.silent

    @property
    def on_neurons_only(self) -> bool:
        """Whether it leaves the column sums as they are."""
        sums = any(self._read) or any(self._offset) or self._amplifier_gain
        return not sums and self._tiles.silent

    @property
    def silent(self) -> bool:
        """Whether it never adds anything."""
        return self.on_neurons_only and not self._use


@dataclass(frozen=True, eq=False)
class Chip:
    """One draw of a device's variation.

    Parameters
    ----------
    device : Device
        What the chip is made of.
    seed : int
        Which chip, 0 to 2**32 - 1.

    Raises
    ------
    ValueError, TypeError
        If the seed is outside its range or no integer.
    """

    device: Device
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", check_range("chip seed", self.seed, 0, 2**32 - 1))

    def words(
        self, network: Network, polarity: Polarity | list[npt.NDArray[np.integer]]
    ) -> list[Words]:
        """R_AH words of every layer after one open write of each cell.

        Parameters
        ----------
        network : Network
            States and levels.
        polarity : Polarity or list of ndarray
            Of each cell's last pulse: one for all, or an array for each layer.

        Returns
        -------
        list of ndarray of int8, each (rows, columns)
        """
        return [
            rounded_words(self.through_gains(network, number, held), network.rah_bits)
            for number, held in enumerate(self._held(network, polarity))
        ]

    def _held(
        self, network: Network, polarity: Polarity | list[npt.NDArray[np.integer]]
    ) -> Iterator[Integers]:
        """What the cells of every layer hold after one open write of each."""
        for number, layer in enumerate(network.layers):
            last = polarity if isinstance(polarity, Polarity) else polarity[number]
            table = write_table(self.device.synapse, layer.levels)
            written = written_words(layer.states, last, table, self.seed, number)
            yield held_words(written, table, self.seed, number, self.device.imperfections)

    def through_gains(self, network: Network, number: int, held: Integers) -> Integers:
        """What cells of a layer hold, as the converters of its tiles take it.

        Parameters
        ----------
        network : Network
            What the chip runs.
        number : int
            The layer.
        held : ndarray of int64, shape (rows, columns)
            In units of ``2**-21`` words (`WORD_BITS`).

        Returns
        -------
        ndarray of int64, shape (rows, columns)
            The same where the layer has no tiles, or their gains no errors.
        """
        return through_gains(self.device, self.seed, network.layers[number], number, held)

    def column_draws(self, network: Network, layer: int) -> ColumnDraws:
        """What the columns of a hidden layer have of their own."""
        columns = network.layers[layer].columns
        variation, wrong = self.device.neuron_variation, self.device.imperfections
        current = 2**network.current_bits

        def share(purpose: Purpose, sigma: float) -> Integers:
            normals = column_normals(self.seed, layer, purpose, columns)
            return _rounded(normals * np.int64(_share(sigma)), SHARE_BITS)

        def current_of(purpose: Purpose, sigma: float) -> Integers:
            spread = round(sigma * current * 2**USE_BITS)
            normals = column_normals(self.seed, layer, purpose, columns)
            return _rounded(normals * np.int64(spread), FRACTION_BITS + USE_BITS)

        return ColumnDraws(
            gain=share(Purpose.NEURON_GAIN, variation.gain),
            threshold=current_of(
                Purpose.NEURON_THRESHOLD, variation.threshold_deviation(network.neuron)
            ),
            amplifier=share(Purpose.AMPLIFIER_GAIN, wrong.amplifier_gain),
            converter=share(Purpose.CONVERTER_GAIN, wrong.converter_gain),
            offset=current_of(Purpose.CONVERTER_OFFSET, wrong.converter_offset),
        )

    def varied(self, network: Network) -> Network:
        """The network with this chip's neurons and V-I converters, and converters of tiles.

        A neuron's gain is a factor on its whole input current, less the offset; that of
        amplifier and V-I converter on the column's sum only.
        See `allspin.sim.device.neuron_device`.

        Parameters
        ----------
        network : Network
            As it was trained.

        Returns
        -------
        Network
            Equal but for the gains and offsets of its hidden layers, and the offsets of the
            converters of tiles.
        """
        pivot = self.device.neuron_variation.pivot(network.neuron)
        at = round(pivot * (2**network.current_bits - 1))
        bound = 2 ** (network.current_bits + 1)
        layers = []
        for number, layer in enumerate(network.layers):
            if layer.converter is not None:
                drawn = self.column_draws(network, number)
                gains = layer.converter.gains.astype(np.int64)
                # A tile's amplifier is before its converter: see `through_gains`.
                before = (drawn.amplifier,) if layer.adc is None else ()
                for share in (*before, drawn.converter, drawn.gain):
                    gains = np.clip(_turned(gains, share), 0, 2**GAIN_BITS - 1)
                offsets = layer.converter.offsets.astype(np.int64) - drawn.offset
                offsets += _rounded((offsets + at) * drawn.gain, FRACTION_BITS) + drawn.threshold
                offsets = np.clip(offsets, -bound, bound - 1)
                converter = Converter(
                    gains.astype(np.int32), offsets.astype(np.int32), layer.converter.shift
                )
                layer = dataclasses.replace(layer, converter=converter)
            if layer.adc is not None:
                adc = varied_adc(self.device, self.seed, network, number)
                layer = dataclasses.replace(layer, adc=adc)
            layers.append(layer)
        return dataclasses.replace(network, layers=tuple(layers))

    def noise(self, network: Network) -> ColumnNoise | None:
        """What changes from use to use, or None if nothing does."""
        noise = ColumnNoise(network, self.device, self.seed)
        return None if noise.silent else noise

    def golden(self, network: Network, words: list[Words]) -> GoldenModel:
        """The golden model of this chip of a network, with given R_AH words."""
        return GoldenModel(self.varied(network), words, self.noise(network))

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return chip_card(self)
