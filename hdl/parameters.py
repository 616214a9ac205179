"""The engine's parameters: derived from a network and a hardware profile."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from allspin.sim.network.levels import MAX_RAH_BITS, MIN_RAH_BITS, check_range
from allspin.sim.network.network import (
    MAX_CURRENT_BITS,
    MAX_LAYERS,
    MAX_LINES,
    MIN_CURRENT_BITS,
    Network,
)
from allspin.sim.network.neuron import NEURONS

WEIGHTS = 0
TABLE = 1
CONVERTER = 2
SHIFT = 3
COUNTERS = 4
BANK_BITS = 16
"""Width of a crossbar's memories. An iCE40 SPRAM is 16 bits wide and an ECP5 block RAM of
1024 words 18, so one memory is one block."""
SPRAM_BITS = 64
SPRAM_LINES = 16384
"""What the four SPRAMs of an iCE40UP5K give in a clock, and how often."""
STATE_BITS = 4
"""Width of a state that is kept in place of an R_AH word."""
ECP5_DEPTHS = (512, 1024, 2048)
ECP5_BLOCK_WORDS = 2048
"""Words of nine bits in a block RAM of an ECP5, and the depths in which it comes (a DP16KD of
36, 18 or 9 bits)."""
MEMORIES_PER_HOP = 2
"""Memories between two registers of an ECP5's write bus."""
ENGINE = 15
"""The layer number under which the memories of the whole engine are found."""
STATES = 5
WRITE_TABLE = 6
USE_NOISE = 7
CHIP = 5
REDRAW = 6
RESIDENT_BEATS = 7
LABELS = 8
RESIDENT_RUN = 9
RESIDENT_LOGITS = 10
"""The last six are of the whole engine, those before of a layer."""

ROWS_PER_CLOCK = (1, 2, 4)
MEMORIES = ("block", "spram", "ecp5")
ROUNDS_PER_CLOCK = (1, 2, 22)


def _keep_in_range(owner: object, name: str, low: int, high: int) -> None:
    """Check an attribute of a frozen object and keep it as a plain int."""
    object.__setattr__(owner, name, check_range(name, getattr(owner, name), low, high))


def _keep_one_of(owner: object, name: str, allowed: tuple[int, ...] | tuple[str, ...]) -> None:
    """Check that an attribute of a frozen object is one of a few values."""
    value = getattr(owner, name)
    if isinstance(value, bool) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(str, allowed))}, not {value!r}")


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
    """

    states: int = 128
    rounds_per_clock: int = 22
    redraw: bool = False
    use_noise: bool = True
    noise_rounds_per_clock: int | None = None

    def __post_init__(self) -> None:
        _keep_in_range(self, "states", 2, 128)
        _keep_one_of(self, "rounds_per_clock", ROUNDS_PER_CLOCK)
        if self.noise_rounds_per_clock is not None:
            _keep_one_of(
                self, "noise_rounds_per_clock", (self.rounds_per_clock, ROUNDS_PER_CLOCK[-1])
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
        Width of an R_AH word in memory, 2 to 8; None for the network's own. With the memory
        ``spram``, 4 keeps the first layer's states in place of wider words, for networks
        whose levels there are uniform and an even number of at most 16, and without a Programmer.
    rows_per_clock : int
        Rows that are driven in one clock, 1, 2 or 4.
    memory : str
        What the R_AH words are kept in: ``block`` (block RAM as any tool infers it), ``spram``
        (the four SPRAMs of an iCE40UP5K) or ``ecp5`` (block RAM with its own output
        register).
    variation : VariationParameters or None
        The gateware that makes chips; None for ideal devices only.
    resident : ResidentParameters or None
        The memory that keeps images on the board; None for none.
    """

    lanes: int | None = None
    rah_bits: int | None = None
    rows_per_clock: int = 1
    memory: str = "block"
    variation: VariationParameters | None = None
    resident: ResidentParameters | None = None

    def __post_init__(self) -> None:
        if self.lanes is not None:
            _keep_in_range(self, "lanes", 1, MAX_LINES)
        if self.rah_bits is not None:
            _keep_in_range(self, "rah_bits", MIN_RAH_BITS, MAX_RAH_BITS)
        _keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK)
        _keep_one_of(self, "memory", MEMORIES)


def _lanes(network: Network, profile: HardwareProfile, number: int) -> int:
    """Lanes of a layer: the profile's, but where LUTs are few no more than are of use."""
    layer = network.layers[number]
    lanes = min(profile.lanes or layer.columns, layer.columns)
    if profile.memory == "spram" and number:
        # The fewest with which all its rows take no longer than all rows of the first layer.
        longest = network.layers[0].rows * -(
            -network.layers[0].columns // _lanes(network, profile, 0)
        )
        lanes = min(lanes, max(1, -(-layer.columns // max(1, longest // layer.rows))))
    return lanes


def level_step(levels: npt.NDArray[np.integer]) -> int:
    """What R_AH words are odd multiples of, if states of 4 bits can stand for them.

    Parameters
    ----------
    levels : ndarray of int, shape (states,)
        The words of the states.

    Raises
    ------
    ValueError
        If they are not the odd multiples of a number, in order and symmetric, 16 at most.
    """
    count = len(levels)
    step = (int(levels[-1]) - int(levels[0])) // (2 * (count - 1)) if count > 1 else 0
    wanted = step * (2 * np.arange(count) - (count - 1))
    if step < 1 or count % 2 or count > 2**STATE_BITS or not np.array_equal(levels, wanted):
        raise ValueError(
            f"the hardware keeps states of {STATE_BITS} bits, so the first layer's levels must be "
            f"uniform, and an even number of at most {2**STATE_BITS}: take a profile with "
            "8-bit words"
        )
    return step


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
        Rows that are driven in one clock, 1, 2 or 4.
    memory : str
        As of `HardwareProfile`.
    neurons_per_clock : int
        Columns whose sums leave in one clock: as many as the next crossbar has rows a clock,
        1 at the readout.
    level_step : int
        0, or 1 to 127 where the memory keeps states of 4 bits in place of R_AH words; these
        are then odd multiples of it, at most 15 times, and nothing else can be kept.
    """

    rows: int
    columns: int
    lanes: int
    value_bits: int = 4
    rah_bits: int = 8
    rows_per_clock: int = 1
    memory: str = "block"
    neurons_per_clock: int = 1
    level_step: int = 0

    def __post_init__(self) -> None:
        _keep_in_range(self, "rows", 1, MAX_LINES)
        _keep_in_range(self, "columns", 1, MAX_LINES)
        _keep_in_range(self, "lanes", 1, self.columns)
        _keep_in_range(self, "value_bits", 1, 8)
        _keep_in_range(self, "rah_bits", MIN_RAH_BITS, MAX_RAH_BITS)
        _keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK)
        _keep_one_of(self, "memory", MEMORIES)
        _keep_one_of(self, "neurons_per_clock", ROWS_PER_CLOCK)
        _keep_in_range(self, "level_step", 0, 2 ** (MAX_RAH_BITS - 1) - 1)
        if self.level_step and self.memory != "spram":
            raise ValueError("only the memory spram keeps states of 4 bits")
        if self.memory == "spram":
            self._check_spram()
        if self.memory == "ecp5" and not self.ecp5_depth:
            raise ValueError(
                f"a block RAM of an ECP5 has at most {ECP5_DEPTHS[-1]} words, and each lane "
                f"needs {self.part_rows * self.passes}: take more lanes or memory block"
            )
        if self.passes > 1 and self.lanes % self.neurons_per_clock:
            raise ValueError(
                f"lanes must be a multiple of {self.neurons_per_clock}, the neurons a clock, "
                f"or all {self.columns} columns, not {self.lanes}"
            )

    def _check_spram(self) -> None:
        if self.rows_per_clock != 1:
            raise ValueError("the memory spram drives 1 row a clock")
        if self.lanes * self.cell_bits > SPRAM_BITS:
            raise ValueError(
                f"SPRAMs give {SPRAM_BITS} bits a clock: lanes must be at most "
                f"{SPRAM_BITS // self.cell_bits}, not {self.lanes}"
            )
        lines = self.rows * self.passes
        if lines > SPRAM_LINES:
            raise ValueError(f"SPRAMs have {SPRAM_LINES} lines, and the array needs {lines}")

    @property
    def cell_bits(self) -> int:
        """Bits of a cell in SPRAM: a state's 4, or a byte for a word."""
        return STATE_BITS if self.level_step else MAX_RAH_BITS

    @property
    def bank_lanes(self) -> int:
        """Lanes that share a memory: what fits `BANK_BITS`, or an ECP5's block of 18 Kib."""
        if self.memory == "spram":
            return self.lanes
        if self.memory == "ecp5":
            return ECP5_BLOCK_WORDS // self.ecp5_depth
        return min(self.lanes, BANK_BITS // self.rah_bits)

    @property
    def ecp5_depth(self) -> int:
        """Lines of the ECP5 blocks that hold the words, nine bits for each: the fewest that do."""
        lines = self.part_rows * self.passes
        return next((depth for depth in ECP5_DEPTHS if lines <= depth), 0)

    @property
    def banks(self) -> int:
        """Memories of each part."""
        return -(-self.lanes // self.bank_lanes)

    @property
    def write_clocks(self) -> int:
        """Clocks from a word that is taken to the word in its memory."""
        if self.memory == "ecp5":
            hops = -(-self.banks * self.rows_per_clock // MEMORIES_PER_HOP)
            return 4 + hops
        return 2

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
    def lane_bits(self) -> int:
        """Width of a lane's accumulator: a column sum's, or of a sum over states."""
        if not self.level_step:
            return self.sum_bits
        worst = self.rows * (2**self.value_bits - 1) * 2 ** (STATE_BITS - 1)
        return (worst - 1).bit_length() + 1

    @property
    def sum_bits(self) -> int:
        """Width of a signed column sum, sized for the worst case."""
        worst = self.rows * (2**self.value_bits - 1) * 2 ** (self.rah_bits - 1)
        return (worst - 1).bit_length() + 1


@dataclass(frozen=True)
class MemoryMap:
    """One memory as the link sees it.

    Parameters
    ----------
    space : int
        Its number: layer in the high nibble, memory in the low one.
    lines : int
        Number of addressable lines.
    line_bytes : int
        Bytes of a line.
    readable : bool
        Whether its lines can be read.
    """

    space: int
    lines: int
    line_bytes: int
    readable: bool = True


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
            raise ValueError(
                f"neuron must be one of {', '.join(sorted(NEURONS))}, not {self.neuron!r}"
            )
        _keep_in_range(self, "counter_bits", 16, 64)
        if self.variation is not None and any(crossbar.level_step for crossbar in self.crossbars):
            raise ValueError(
                "a Programmer makes R_AH words of any value, and the memory keeps states of "
                f"{STATE_BITS} bits: take a profile with 8-bit words"
            )
        if self.variation is not None and self.variation.iterative_noise and self.noisy:
            for crossbar in self.crossbars[:-1]:
                if crossbar.neurons_per_clock != 1:
                    raise ValueError(
                        "noise of several neurons a clock needs rounds_per_clock 22, "
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
                    f"layer {number} has {one.neurons_per_clock} neurons a clock, "
                    f"but layer {number + 1} has {two.rows_per_clock} rows a clock"
                )
            if number > 0 and one.value_bits != two.value_bits:
                raise ValueError(
                    f"hidden layers must have one value_bits, not {one.value_bits} "
                    f"and {two.value_bits}"
                )
        last = self.crossbars[len(self.crossbars) - 1]
        if last.neurons_per_clock != 1:
            raise ValueError("the last layer must have 1 neuron a clock: the readout's")
        if len({crossbar.rah_bits for crossbar in self.crossbars}) != 1:
            raise ValueError("all layers must have one rah_bits")

    @classmethod
    def from_network(cls, network: Network, profile: HardwareProfile | None = None) -> Self:
        """The engine that runs a network on a part.

        Raises
        ------
        ValueError
            If the network's R_AH words are wider than the profile's.
        """
        profile = profile or HardwareProfile()
        rah_bits = profile.rah_bits or network.rah_bits
        step = 0
        if profile.memory == "spram" and rah_bits == STATE_BITS < network.rah_bits:
            step = level_step(network.layers[0].levels)
            rah_bits = network.rah_bits
        if rah_bits < network.rah_bits:
            raise ValueError(
                f"the network has R_AH words of {network.rah_bits} bits, the hardware of {rah_bits}"
            )
        return cls(
            crossbars=tuple(
                CrossbarParameters(
                    rows=layer.rows,
                    columns=layer.columns,
                    lanes=_lanes(network, profile, number),
                    value_bits=network.input_bits(number),
                    rah_bits=rah_bits,
                    rows_per_clock=profile.rows_per_clock,
                    level_step=0 if number else step,
                    # Only the first layer's words fill an iCE40's SPRAM.
                    memory="block" if number and profile.memory == "spram" else profile.memory,
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
        """Whether its neurons have noise at each use, so that its images have numbers."""
        return self.variation is not None and self.variation.use_noise and len(self.crossbars) > 1

    @property
    def use_spread_bits(self) -> int:
        """Width of the spread of noise at a use: below four times the current's full scale."""
        return self.current_bits + 8

    @property
    def use_bits(self) -> int:
        """Width of a signed noise current."""
        return self.current_bits + 6

    @property
    def spread_bits(self) -> int:
        """Width of a signed spread in the generator that all share."""
        return max(17, self.use_spread_bits + 1)

    @property
    def logit_bytes(self) -> int:
        """Bytes of a logit on the link."""
        return -(-self.crossbars[-1].sum_bits // 8)

    @property
    def beat_bytes(self) -> int:
        """Bytes of a resident beat: a byte of row distance and one of value for each row that
        is driven in a clock, and one that says whether it is an image's last.
        """
        return 2 * self.crossbars[0].rows_per_clock + 1

    def memory_map(self) -> tuple[MemoryMap, ...]:
        """Every memory of the engine, as ``docs/protocol.md`` numbers them."""
        maps = []
        for number, crossbar in enumerate(self.crossbars):
            base = number << 4
            maps.append(MemoryMap(base | WEIGHTS, crossbar.rows, crossbar.columns))
            if number < len(self.crossbars) - 1:
                if NEURONS[self.neuron].has_table:
                    maps.append(MemoryMap(base | TABLE, 2**self.current_bits, 1))
                maps.append(MemoryMap(base | CONVERTER, crossbar.columns, 4))
                maps.append(MemoryMap(base | SHIFT, 1, 1))
            maps.append(MemoryMap(base | COUNTERS, 2, 8))
            if self.variation is not None:
                maps.append(MemoryMap(base | STATES, crossbar.rows, crossbar.columns, False))
                maps.append(MemoryMap(base | WRITE_TABLE, 2 << self.variation.state_bits, 8, False))
                if self.variation.use_noise and number < len(self.crossbars) - 1:
                    maps.append(MemoryMap(base | USE_NOISE, 1, 4, False))
        whole = ENGINE << 4
        maps.append(MemoryMap(whole | COUNTERS, 2, 8))
        if self.variation is not None:
            maps.append(MemoryMap(whole | CHIP, 1, 12, False))
            if self.variation.redraw:
                maps.append(MemoryMap(whole | REDRAW, 1, 1, False))
        if self.resident is not None:
            maps.append(MemoryMap(whole | RESIDENT_BEATS, self.resident.beats, self.beat_bytes))
            maps.append(MemoryMap(whole | LABELS, self.resident.images, 2))
            maps.append(MemoryMap(whole | RESIDENT_RUN, 1, 16))
            logits = self.classes * self.logit_bytes + 2
            maps.append(MemoryMap(whole | RESIDENT_LOGITS, self.resident.images, logits))
        return tuple(maps)
