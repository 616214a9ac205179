"""Parameters of one crossbar, and the sizes that follow from them."""

from dataclasses import dataclass

from allspin.hdl.parameters.checks import keep_in_range, keep_one_of
from allspin.hdl.parameters.profile import ROWS_PER_CLOCK
from allspin.hdl.parameters.target import TARGETS, Target
from allspin.hdl.parameters.tiling import OFFSET_BITS, TileWidths, Tiling, signed_bits
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.errors import check_range
from allspin.sim.network.levels import MAX_RAH_BITS, MIN_RAH_BITS
from allspin.sim.network.network import MAX_LINES


@dataclass(frozen=True)
class CrossbarParameters:
    """Parameters of one crossbar.

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
        Target, as in `HardwareProfile`.
    neurons_per_clock : int
        Columns whose sums leave in one clock: as many as the next crossbar has rows per clock, 1 at
        the readout.
    levels : UniformLevels or None
        Levels of the states that the memory keeps in place of words; such a memory cannot keep
        other words. None where it keeps words.
    tiling : Tiling or None
        Tiles of rows whose sums are converted one by one; None where columns are read in one piece.
        Tiles need a memory that keeps R_AH words.
    pipelined : bool
        True if a pass's sums leave while the next one's are under way, for passes that take fewer
        clocks than sums are on their way; else a pass's last beat waits for the sums before it.
        Only columns of an ECP5 can do both.
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
        """True if the memory keeps states in place of R_AH words."""
        return self.levels is not None

    @property
    def word_bits(self) -> int:
        """Width of a column's factor: an R_AH word, or the state that stands for it."""
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
        lanes = self.lanes
        left = self.columns - (self.passes - 1) * self.lanes
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
        """Widths of columns that are read tile by tile."""
        tiling = self.tiling
        assert tiling is not None
        most = min(self.tile_rows, self.rows) * (2**self.value_bits - 1)
        half = 2 ** (self.rah_bits - 1)
        low = -most * half
        high = most * (half - 1)
        offset = 1 << OFFSET_BITS - 1 if tiling.offsets else 0
        least = low + tiling.start - offset
        most = high + tiling.start + max(offset - 1, 0)
        top = 1 << tiling.bits - 1
        lowest = max(-top, least >> tiling.shift)
        highest = min(top - 1, most >> tiling.shift)
        return TileWidths(
            max(signed_bits(low, high), signed_bits(least, most)),
            max(self.rah_bits, signed_bits(lowest, highest)),
            max(self.rah_bits, signed_bits(self.tiles * lowest, self.tiles * highest)),
        )

    @property
    def term_bits(self) -> int:
        """Width of the term of a beat in a lane, signed."""
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
