"""The parameters of one crossbar: what it is told, and the sizes that follow."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.profile import ROWS_PER_CLOCK, keep_in_range, keep_one_of
from allspin.hdl.parameters.target import TARGETS, Target
from allspin.sim.errors import check_range
from allspin.sim.network.adc import Adc
from allspin.sim.network.levels import MAX_RAH_BITS, MAX_STATES, MIN_RAH_BITS, MIN_STATES
from allspin.sim.network.network import MAX_LINES

# Uniform levels: R_AH words for which the numbers of their states can stand.
#
# The word of state s is ``lowest + step * s``. So a column's sum of values times words is
# ``step * S + lowest * V``: S is its sum of values times states, and V the sum of the values, which
# is the same for all columns.

MOST_WORD = 2 ** (MAX_RAH_BITS - 1) - 1


@dataclass(frozen=True)
class UniformLevels:
    """Levels at equal distances, rising.

    Parameters
    ----------
    count : int
        How many, 2 to 128.
    step : int
        From one to the next, 1 to 255.
    lowest : int
        The word of state 0, -128 to 127.

    Raises
    ------
    ValueError
        If a value is outside its range, or the highest level above 127.
    """

    count: int
    step: int
    lowest: int

    def __post_init__(self) -> None:
        words = -MOST_WORD - 1, MOST_WORD
        steps = 1, 2 * MOST_WORD + 1
        keep_in_range(self, count=(MIN_STATES, MAX_STATES), step=steps, lowest=words)
        check_range("the highest level", self.words[-1], *words)

    @classmethod
    def of(cls, levels: npt.NDArray[np.integer]) -> Self | None:
        """Those that a table of levels has; None where it is another.

        Parameters
        ----------
        levels : ndarray of int, shape (states,)
            The R_AH word of each state.
        """
        steps = np.diff(levels.astype(int))
        if not len(steps) or steps[0] < 1 or (steps != steps[0]).any():
            return None
        return cls(len(levels), int(steps[0]), int(levels[0]))

    @property
    def bits(self) -> int:
        """The fewest that hold a state."""
        return (self.count - 1).bit_length()

    @property
    def words(self) -> range:
        """The word of each state."""
        return range(self.lowest, self.lowest + self.step * (self.count - 1) + 1, self.step)

    def __str__(self) -> str:
        """As messages have it."""
        return f"{self.count} states from {self.lowest} in steps of {self.step}"


# Tiles of rows in gateware: how wide what is converted at the foot of each is.
#
# Row r is in tile ``r // rows``. The golden model has the same in `allspin.sim.network.adc`,
# whose limits hold here; what a converter does is said there.

OFFSET_BITS = 16
"""Width of what a chip's converter adds to its tile's sum, signed."""


class TileWidths(NamedTuple):
    """Bits of what is on its way from a column's rows to its sum; all signed.

    Attributes
    ----------
    running : int
        A tile's sum, and what it starts at.
    conversion : int
        What a converter makes of it, or a word that is read in its place.
    total : int
        The sum of a column's conversions.
    """

    running: int
    conversion: int
    total: int


@dataclass(frozen=True)
class Tiling:
    """Columns that are read tile by tile, each through a converter of so many bits.

    Parameters
    ----------
    rows : int
        Rows of a tile, a power of two, 8 to 65536.
    bits : int
        Width of a conversion, signed, 2 to 24.
    shift : int
        A conversion's step is ``2**shift`` words times row values; 0 to 23.
    offsets : bool
        Whether each converter has an offset of `OFFSET_BITS`, which the host writes.

    Raises
    ------
    ValueError
        If a value is outside its range, or the rows are no power of two.
    """

    rows: int
    bits: int
    shift: int
    offsets: bool = False

    def __post_init__(self) -> None:
        Adc(self.rows, self.bits, self.shift)  # has the same ranges

    @classmethod
    def of(cls, adc: Adc | None, *, offsets: bool = False) -> Self | None:
        """That of a network's layer; None where its columns are read in one piece.

        It has offsets where the layer has, and where they are asked for.
        """
        if adc is None:
            return None
        return cls(adc.rows, adc.bits, adc.shift, offsets or adc.offsets is not None)

    @property
    def adc(self) -> Adc:
        """The same of a network's layer, without offsets."""
        return Adc(self.rows, self.bits, self.shift)

    @property
    def start(self) -> int:
        """Where a tile's sum starts: half a step, so that a conversion rounds halves up."""
        return 1 << self.shift >> 1

    @property
    def start_bits(self) -> int:
        """Width of where a tile's sum starts with an offset."""
        half = 1 << OFFSET_BITS - 1
        return _signed_bits(self.start - half, self.start + half - 1)

    def __str__(self) -> str:
        """As messages have it."""
        return (
            f"tiles of {self.rows} rows, read with {self.bits} bits in steps of {1 << self.shift}"
            f"{' and offsets' * self.offsets}"
        )


def _signed_bits(low: int, high: int) -> int:
    """Width of the narrowest signed number that holds both, and 0."""
    return max((-1 - min(low, 0)).bit_length(), max(high, 0).bit_length()) + 1


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
        Rows that are driven in one clock, 1, 2, 4, 8 or 16.
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
    pipelined : bool
        Whether a pass's sums leave while the next one's are under way, for passes that take
        fewer clocks than sums are on their way; otherwise a pass's last beat waits for the sums
        before it. Columns of an ECP5 alone can do both.
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
    pipelined: bool = False

    def __post_init__(self) -> None:
        keep_in_range(
            self,
            rows=(1, MAX_LINES),
            columns=(1, MAX_LINES),
            lanes=(1, self.columns),
            value_bits=(1, 8),
            rah_bits=(MIN_RAH_BITS, MAX_RAH_BITS),
        )
        keep_one_of(
            self,
            "rows_per_clock",
            # A beat drives rows of one tile.
            tuple(r for r in ROWS_PER_CLOCK if self.tiling is None or r <= self.tiling.rows),
        )
        keep_one_of(self, "memory", tuple(TARGETS))
        keep_one_of(self, "neurons_per_clock", ROWS_PER_CLOCK)
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
    def drains(self) -> tuple[int, int]:
        """Clocks in which a pass's sums leave, and those of an image's last pass."""
        lanes, left = self.lanes, self.columns - (self.passes - 1) * self.lanes
        return -(-lanes // self.neurons_per_clock), -(-left // self.neurons_per_clock)

    @property
    def lines(self) -> int:
        """Lines of a part's memories: its rows, once for each group of columns."""
        return self.part_rows * self.passes

    @property
    def tiles(self) -> int:
        """Tiles of rows; 1 where columns are read in one piece."""
        return -(-self.rows // self.tile_rows)

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
        tiling = self.tiling
        assert tiling is not None
        most = min(self.tile_rows, self.rows) * (2**self.value_bits - 1)
        half = 2 ** (self.rah_bits - 1)
        low, high = -most * half, most * (half - 1)
        offset = 1 << OFFSET_BITS - 1 if tiling.offsets else 0
        least, most = low + tiling.start - offset, high + tiling.start + max(offset - 1, 0)
        top = 1 << tiling.bits - 1
        lowest, highest = max(-top, least >> tiling.shift), min(top - 1, most >> tiling.shift)
        return TileWidths(
            max(_signed_bits(low, high), _signed_bits(least, most)),
            max(self.rah_bits, _signed_bits(lowest, highest)),
            max(self.rah_bits, _signed_bits(self.tiles * lowest, self.tiles * highest)),
        )

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
