"""The engine's parameters: derived from a network and a hardware profile."""

from dataclasses import dataclass
from typing import Self

from allspin.hdl.levels import UniformLevels
from allspin.hdl.target import TARGETS, Target
from allspin.hdl.tiling import TileWidths, Tiling
from allspin.sim.errors import not_one_of
from allspin.sim.extensions import UnknownKind
from allspin.sim.network.levels import MAX_RAH_BITS, MIN_RAH_BITS, check_range
from allspin.sim.network.network import (
    MAX_CURRENT_BITS,
    MAX_LAYERS,
    MAX_LINES,
    MIN_CURRENT_BITS,
    Network,
)
from allspin.sim.network.neuron import NEURONS

ROWS_PER_CLOCK = (1, 2, 4, 8)
ROUNDS_PER_CLOCK = (1, 2, 22)
NO_CHIPS = "a chip has R_AH words of any value, so a machine that makes chips cannot keep states"


def _keep_in_range(owner: object, name: str, low: int, high: int) -> None:
    """Check an attribute of a frozen object and keep it as a plain int."""
    object.__setattr__(owner, name, check_range(name, getattr(owner, name), low, high))


def _keep_one_of(owner: object, name: str, allowed: tuple[int, ...] | tuple[str, ...]) -> None:
    """Check that an attribute of a frozen object is one of a few values."""
    value = getattr(owner, name)
    if isinstance(value, bool) or value not in allowed:
        raise ValueError(not_one_of(name, value, allowed))


def check_power_of_two(name: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int, or raise with the legal range.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is outside the range or no power of two.
    """
    number = check_range(name, value, low, high)
    if number & (number - 1):
        raise ValueError(f"{name} must be a power of two from {low} to {high}, not {number}")
    return number


@dataclass(frozen=True)
class VariationParameters:
    """The gateware that makes a chip of a seed.

    Parameters
    ----------
    states : int
        States of a synapse at most, 2 to 128.
    rounds_per_clock : int
        Rounds of the generator's cipher in a clock, 1 or 2 (iterative) or 22 (a draw a clock).
    redraw : bool
        Whether the states are kept in a memory of their own, so that a new chip is drawn in
        place.
    use_noise : bool
        Whether neurons have cycle-to-cycle noise at each use.
    noise_rounds_per_clock : int or None
        As `rounds_per_clock`, for that noise alone: chips are made seldom, noise is drawn for
        each image. None for the same. One small generator serves all who have not 22.
    sum_noise : bool
        Whether column sums have read noise at each use, and amplifiers an offset and, in the
        last layer, a gain error; it needs `use_noise` with 22 rounds in a clock.
    """

    states: int = 128
    rounds_per_clock: int = 22
    redraw: bool = False
    use_noise: bool = True
    noise_rounds_per_clock: int | None = None
    sum_noise: bool = False

    def __post_init__(self) -> None:
        _keep_in_range(self, "states", 2, 128)
        _keep_one_of(self, "rounds_per_clock", ROUNDS_PER_CLOCK)
        if self.noise_rounds_per_clock is not None:
            _keep_one_of(
                self, "noise_rounds_per_clock", (self.rounds_per_clock, ROUNDS_PER_CLOCK[-1])
            )
        if self.sum_noise and (self.iterative_noise or not self.use_noise):
            raise ValueError(
                "sum_noise needs use_noise, and rounds_per_clock or noise_rounds_per_clock "
                f"{ROUNDS_PER_CLOCK[-1]}"
            )

    @property
    def state_bits(self) -> int:
        """Width of a state."""
        return (self.states - 1).bit_length()

    @property
    def iterative(self) -> bool:
        """Whether one small generator is shared, which takes several clocks for a draw."""
        return self.rounds_per_clock != ROUNDS_PER_CLOCK[-1]

    @property
    def iterative_noise(self) -> bool:
        """The same of the noise at each use."""
        return (self.noise_rounds_per_clock or self.rounds_per_clock) != ROUNDS_PER_CLOCK[-1]


def distance_bits(value_bits: int) -> int:
    """Width of a row distance in the memory of resident images.

    Distance and value of a slot fill one or two columns of block RAM, which are 9 bits wide;
    the link carries a distance in a byte.

    Parameters
    ----------
    value_bits : int
        Width of a row's value, 1 to 8.
    """
    columns = 1 if value_bits <= 4 else 2
    return min(8, 9 * columns - value_bits)


@dataclass(frozen=True)
class ResidentParameters:
    """The memory that keeps images on the board.

    Parameters
    ----------
    beats : int
        Clocks' worth of events that fit, 1 to 65535.
    images : int
        Images whose labels fit, 1 to 65535.
    """

    beats: int
    images: int

    def __post_init__(self) -> None:
        _keep_in_range(self, "beats", 1, MAX_LINES)
        _keep_in_range(self, "images", 1, MAX_LINES)


@dataclass(frozen=True)
class HardwareProfile:
    """What a part offers to any network.

    Parameters
    ----------
    lanes : int or None
        Columns that a row drives in one clock, 1 to 65535; None for all of them. A layer
        with fewer columns uses as many lanes as it has columns.
    rah_bits : int or None
        Width of an R_AH word in memory, 2 to 8; None for the network's own.
    rows_per_clock : int
        Rows that are driven in one clock, 1, 2, 4 or 8.
    memory : str
        Name of the target in `allspin.hdl.target.TARGETS`, after what it keeps R_AH words in:
        ``block`` (block RAM as any tool infers it), ``spram`` (the four SPRAMs of an iCE40UP5K),
        ``ecp5`` (block RAM with its own output register) or ``bsram`` (the few of a Gowin GW1N).
    states : bool
        Whether states are kept in place of R_AH words, in the fewest bits that hold the
        network's, in each layer whose levels are uniform and whose columns are read in one piece;
        the others keep words. Not with `variation`, since a chip has words of any value.
    variation : VariationParameters or None
        The gateware that makes chips; None for ideal devices only.
    resident : ResidentParameters or None
        The memory that keeps images on the board; None for none.
    tile_offsets : bool
        Whether the converters of tiles, where a network has some, have offsets, for chips whose
        words the host computes. Those of a machine that makes chips have.
    """

    lanes: int | None = None
    rah_bits: int | None = None
    rows_per_clock: int = 1
    memory: str = "block"
    states: bool = False
    variation: VariationParameters | None = None
    resident: ResidentParameters | None = None
    tile_offsets: bool = False

    def __post_init__(self) -> None:
        if self.lanes is not None:
            _keep_in_range(self, "lanes", 1, MAX_LINES)
        if self.rah_bits is not None:
            _keep_in_range(self, "rah_bits", MIN_RAH_BITS, MAX_RAH_BITS)
        _keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK)
        _keep_one_of(self, "memory", tuple(TARGETS))
        if self.states and self.variation is not None:
            raise ValueError(NO_CHIPS)

    @property
    def target(self) -> Target:
        """The kind of part."""
        return TARGETS[self.memory]


def _lanes(network: Network, profile: HardwareProfile, number: int) -> int:
    """Lanes of a layer: the profile's, but where LUTs are few no more than are of use."""
    layer = network.layers[number]
    lanes = min(profile.lanes or layer.columns, layer.columns)
    if profile.target.few_luts and number:
        # The fewest with which all its rows take no longer than all rows of the first layer.
        longest = network.layers[0].rows * -(
            -network.layers[0].columns // _lanes(network, profile, 0)
        )
        lanes = min(lanes, max(1, -(-layer.columns // max(1, longest // layer.rows))))
    return lanes


@dataclass(frozen=True)
class CrossbarParameters:
    """One crossbar.

    Parameters
    ----------
    rows, columns : int
        Size of the array, 1 to 65535 each.
    lanes : int
        Columns that a row drives in one clock, 1 to `columns`.
    value_bits : int
        Width of a row's value, unsigned, 1 to 8.
    rah_bits : int
        Width of an R_AH word, signed, 2 to 8.
    rows_per_clock : int
        Rows that are driven in one clock, 1, 2, 4 or 8.
    memory : str
        As of `HardwareProfile`.
    neurons_per_clock : int
        Columns whose sums leave in one clock: as many as the next crossbar has rows per clock,
        1 at the readout.
    levels : UniformLevels or None
        What the words are where the memory keeps states in their place; nothing else can be
        kept then. None where it keeps words.
    tiling : Tiling or None
        Tiles of rows whose sums are converted one by one; None where columns are read in one
        piece. Only where the memory keeps R_AH words.
    """

    rows: int
    columns: int
    lanes: int
    value_bits: int = 4
    rah_bits: int = 8
    rows_per_clock: int = 1
    memory: str = "block"
    neurons_per_clock: int = 1
    levels: UniformLevels | None = None
    tiling: Tiling | None = None

    def __post_init__(self) -> None:
        _keep_in_range(self, "rows", 1, MAX_LINES)
        _keep_in_range(self, "columns", 1, MAX_LINES)
        _keep_in_range(self, "lanes", 1, self.columns)
        _keep_in_range(self, "value_bits", 1, 8)
        _keep_in_range(self, "rah_bits", MIN_RAH_BITS, MAX_RAH_BITS)
        _keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK)
        _keep_one_of(self, "memory", tuple(TARGETS))
        _keep_one_of(self, "neurons_per_clock", ROWS_PER_CLOCK)
        if self.levels is not None:
            half = 2 ** (self.rah_bits - 1)
            for level in (self.levels.lowest, self.levels.words[-1]):
                check_range("level", level, -half, half - 1)
        if self.tiling is not None and self.levels is not None:
            raise ValueError("columns that are read tile by tile need a memory that keeps words")
        if self.tiling is not None and self.tiling.offsets and self.target.slow_clock:
            raise ValueError(f"the memory {self.memory} has no offsets of tiles' converters")
        self.target.cells.check(self)
        if self.passes > 1 and self.lanes % self.neurons_per_clock:
            raise ValueError(
                f"lanes must be a multiple of {self.neurons_per_clock}, the neurons per clock, "
                f"or all {self.columns} columns, not {self.lanes}"
            )

    @property
    def target(self) -> Target:
        """The kind of part that the crossbar is described for."""
        return TARGETS[self.memory]

    @property
    def keeps_states(self) -> bool:
        """Whether states stand for R_AH words."""
        return self.levels is not None

    @property
    def word_bits(self) -> int:
        """Width of what a column multiplies: an R_AH word, or the state that stands for it."""
        return self.rah_bits if self.levels is None else self.levels.bits

    @property
    def bank_lanes(self) -> int:
        """Lanes that share a memory."""
        return self.target.cells.bank_lanes(self)

    @property
    def banks(self) -> int:
        """Memories of each part."""
        return -(-self.lanes // self.bank_lanes)

    @property
    def write_clocks(self) -> int:
        """Clocks from a word that is taken to the word in its memory."""
        return self.target.cells.write_clocks(self)

    @property
    def part_rows(self) -> int:
        """Rows of each of the `rows_per_clock` parts: row r is row r // rows_per_clock of part
        r modulo rows_per_clock.
        """
        return -(-self.rows // self.rows_per_clock)

    @property
    def passes(self) -> int:
        """Clocks that a row takes: groups of `lanes` columns."""
        return -(-self.columns // self.lanes)

    @property
    def lines(self) -> int:
        """Lines of a part's memories: its rows, once for each group of columns."""
        return self.part_rows * self.passes

    @property
    def tiles(self) -> int:
        """Tiles of rows; 1 where columns are read in one piece."""
        return 1 if self.tiling is None else self.tiling.tiles(self.rows)

    @property
    def tile_rows(self) -> int:
        """Rows of a tile; all where columns are read in one piece."""
        return self.rows if self.tiling is None else self.tiling.rows

    @property
    def places(self) -> int:
        """Converters of a lane: its tiles, once for each group of columns."""
        return self.tiles * self.passes

    @property
    def tile_widths(self) -> TileWidths:
        """Of columns that are read tile by tile."""
        assert self.tiling is not None
        most = min(self.tile_rows, self.rows) * (2**self.value_bits - 1)
        half = 2 ** (self.rah_bits - 1)
        return self.tiling.widths(-most * half, most * (half - 1), self.tiles, self.rah_bits)

    @property
    def term_bits(self) -> int:
        """Width of what a beat's products add to a lane, signed."""
        return self.word_bits + self.value_bits + (self.rows_per_clock - 1).bit_length()

    @property
    def lane_bits(self) -> int:
        """Width of a lane's accumulator: a column sum's, or one over states or conversions."""
        if self.tiling is not None:
            return self.tile_widths.total
        if self.levels is None:
            return self.sum_bits
        return (self.most_driven * (self.levels.count - 1)).bit_length()

    @property
    def most_driven(self) -> int:
        """The sum of an image's values, where it is largest."""
        return self.rows * (2**self.value_bits - 1)

    @property
    def sum_bits(self) -> int:
        """Width of a signed column sum, sized for the worst case."""
        if self.tiling is not None:
            return self.lane_bits + self.tiling.shift
        worst = self.most_driven * 2 ** (self.rah_bits - 1)
        return (worst - 1).bit_length() + 1


@dataclass(frozen=True)
class EngineParameters:
    """A whole engine.

    Parameters
    ----------
    crossbars : tuple of CrossbarParameters
        First to last; each has as many rows as the one before has columns.
    neuron : str
        Name of the hidden layers' neuron.
    current_bits : int
        Width of a neuron's input current, 4 to 12.
    counter_bits : int
        Width of the activity counters, 16 to 64.
    variation : VariationParameters or None
        The gateware that makes chips.
    resident : ResidentParameters or None
        The memory that keeps images.

    Raises
    ------
    ValueError
        If a value is outside its range or the crossbars do not fit one another.
    """

    crossbars: tuple[CrossbarParameters, ...]
    neuron: str = "sot"
    current_bits: int = 8
    counter_bits: int = 40
    variation: VariationParameters | None = None
    resident: ResidentParameters | None = None

    def __post_init__(self) -> None:
        check_range("number of layers", len(self.crossbars), 1, MAX_LAYERS)
        if self.neuron not in NEURONS:
            raise UnknownKind.named("neuron", NEURONS, self.neuron)
        _keep_in_range(self, "counter_bits", 16, 64)
        if self.variation is not None and any(crossbar.levels for crossbar in self.crossbars):
            raise ValueError(NO_CHIPS)
        if self.variation is not None and self.variation.iterative_noise and self.noisy:
            for crossbar in self.crossbars[:-1]:
                if crossbar.neurons_per_clock != 1:
                    raise ValueError(
                        "noise of several neurons per clock needs rounds_per_clock 22, "
                        f"not {self.variation.rounds_per_clock}"
                    )
        narrowest = self.hidden_bits if len(self.crossbars) > 1 else 0
        _keep_in_range(self, "current_bits", max(MIN_CURRENT_BITS, narrowest), MAX_CURRENT_BITS)
        for number, (one, two) in enumerate(zip(self.crossbars, self.crossbars[1:], strict=False)):
            if two.rows != one.columns:
                raise ValueError(
                    f"layer {number} has {one.columns} columns, "
                    f"but layer {number + 1} has {two.rows} rows"
                )
            if one.neurons_per_clock != two.rows_per_clock:
                raise ValueError(
                    f"layer {number} has {one.neurons_per_clock} neurons per clock, "
                    f"but layer {number + 1} has {two.rows_per_clock} rows per clock"
                )
            if number > 0 and one.value_bits != two.value_bits:
                raise ValueError(
                    f"hidden layers must have one value_bits, not {one.value_bits} "
                    f"and {two.value_bits}"
                )
        last = self.crossbars[len(self.crossbars) - 1]
        if last.neurons_per_clock != 1:
            raise ValueError("the last layer must have 1 neuron per clock: the readout's")
        if len({crossbar.rah_bits for crossbar in self.crossbars}) != 1:
            raise ValueError("all layers must have one rah_bits")

    @classmethod
    def from_network(cls, network: Network, profile: HardwareProfile | None = None) -> Self:
        """The engine that runs a network on a part.

        Raises
        ------
        ValueError
            If the network's R_AH words are wider than the profile's, or do not say what a
            column sums.
        """
        if network.beyond_words is not None:
            raise ValueError(f"{network.beyond_words}; run it on golden")
        profile = profile or HardwareProfile()
        rah_bits = profile.rah_bits or network.rah_bits
        if rah_bits < network.rah_bits:
            raise ValueError(
                f"the network has R_AH words of {network.rah_bits} bits, the hardware of {rah_bits}"
            )
        further = profile.target.further or profile.memory
        return cls(
            crossbars=tuple(
                CrossbarParameters(
                    rows=layer.rows,
                    columns=layer.columns,
                    lanes=_lanes(network, profile, number),
                    value_bits=network.input_bits(number),
                    rah_bits=rah_bits,
                    rows_per_clock=profile.rows_per_clock,
                    levels=(
                        UniformLevels.of(layer.levels)
                        if profile.states and layer.adc is None
                        else None
                    ),
                    tiling=Tiling.of(
                        layer.adc, offsets=profile.tile_offsets or profile.variation is not None
                    ),
                    memory=further if number else profile.memory,
                    neurons_per_clock=(
                        1 if number == len(network.layers) - 1 else profile.rows_per_clock
                    ),
                )
                for number, layer in enumerate(network.layers)
            ),
            neuron=network.neuron.name,
            current_bits=network.current_bits,
            variation=profile.variation,
            resident=profile.resident,
        )

    @property
    def target(self) -> Target:
        """The kind of part."""
        return self.crossbars[0].target

    @property
    def most_at_once(self) -> int:
        """Rows, or neurons, of a layer in one clock, where they are most."""
        return max(max(own.rows_per_clock, own.neurons_per_clock) for own in self.crossbars)

    @property
    def pixel_bits(self) -> int:
        """Width of a pixel."""
        return self.crossbars[0].value_bits

    @property
    def hidden_bits(self) -> int:
        """Width of a hidden activation; the pixels' where there is no hidden layer."""
        return self.crossbars[-1].value_bits

    @property
    def rah_bits(self) -> int:
        """Width of an R_AH word."""
        return self.crossbars[0].rah_bits

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.crossbars[-1].columns

    @property
    def noisy(self) -> bool:
        """Whether its neurons have noise at each use."""
        return self.variation is not None and self.variation.use_noise and len(self.crossbars) > 1

    @property
    def noisy_sums(self) -> bool:
        """Whether column sums have noise at each use, and amplifiers errors of their own."""
        return self.variation is not None and self.variation.sum_noise

    @property
    def numbered(self) -> bool:
        """Whether its images have numbers: something has noise at each use."""
        return self.noisy or self.noisy_sums

    @property
    def use_spread_bits(self) -> int:
        """Width of the spread of noise at a use: below four times the current's full scale."""
        return self.current_bits + 8

    @property
    def use_bits(self) -> int:
        """Width of a signed noise current."""
        return self.current_bits + 6

    def sum_spread_bits(self, layer: int) -> int:
        """Width of the spread of noise on a layer's sums: below 16 cells' range, in 2**-6."""
        crossbar = self.crossbars[layer]
        return crossbar.value_bits + crossbar.rah_bits + 10

    def noise_spread_bits(self, layer: int) -> int:
        """Width of a signed spread in the pipeline that draws a layer's noise, and the last's."""
        bits = self.use_spread_bits
        if self.noisy_sums:
            bits = max(bits, *map(self.sum_spread_bits, {layer, len(self.crossbars) - 1}))
        return bits + 1

    def start_bits(self, layer: int) -> int:
        """Width of what is added to a normal value times that spread, signed."""
        return self.sum_spread_bits(layer) + 17

    def sum_noise_bits(self, layer: int) -> int:
        """Width of what is added to a sum, signed: both together, without 19 fraction bits."""
        return self.sum_spread_bits(layer) - 1

    def amplified_bits(self, layer: int) -> int:
        """Width of a layer's sums as its amplifiers give them, signed."""
        bits = self.crossbars[layer].sum_bits
        if self.noisy_sums:
            bits = max(bits, self.sum_noise_bits(layer)) + 1
            # The last layer's gain, less than twice as large.
            bits += layer == len(self.crossbars) - 1
        return bits

    @property
    def spread_bits(self) -> int:
        """Width of a signed spread in the generator that all share."""
        return max(17, self.use_spread_bits + 1)

    @property
    def logit_bytes(self) -> int:
        """Bytes of a logit on the link."""
        return -(-self.amplified_bits(len(self.crossbars) - 1) // 8)

    @property
    def beat_bytes(self) -> int:
        """Bytes of a resident beat: a byte of row distance and one of value for each row that
        is driven in a clock, and one that says whether it is an image's last.
        """
        return 2 * self.crossbars[0].rows_per_clock + 1
