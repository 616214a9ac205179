"""Tiles of rows in gateware: how wide what is converted at the foot of each is.

Row r is in tile ``r // rows``. The golden model has the same of `allspin.sim.network.adc`, whose
limits hold here; what a converter does is said there.
"""

from dataclasses import dataclass
from typing import Self

from allspin.sim.network.adc import (
    MAX_ADC_BITS,
    MAX_ADC_SHIFT,
    MAX_TILE_ROWS,
    MIN_ADC_BITS,
    MIN_TILE_ROWS,
    Adc,
)
from allspin.sim.network.levels import check_range

OFFSET_BITS = 16
"""Width of what a chip's converter adds to its tile's sum, signed."""


@dataclass(frozen=True)
class TileWidths:
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
        check_range("rows of a tile", self.rows, MIN_TILE_ROWS, MAX_TILE_ROWS)
        if self.rows & (self.rows - 1):
            raise ValueError(
                f"rows of a tile must be a power of two from {MIN_TILE_ROWS} to {MAX_TILE_ROWS}, "
                f"not {self.rows}"
            )
        check_range("bits of a conversion", self.bits, MIN_ADC_BITS, MAX_ADC_BITS)
        check_range("shift of a conversion", self.shift, 0, MAX_ADC_SHIFT)

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

    def tiles(self, rows: int) -> int:
        """How many tiles an array of so many rows has."""
        return -(-rows // self.rows)

    @property
    def start(self) -> int:
        """Where a tile's sum starts: half a step, so that a conversion rounds halves up."""
        return 1 << self.shift >> 1

    @property
    def start_bits(self) -> int:
        """Width of where a tile's sum starts with an offset."""
        half = 1 << OFFSET_BITS - 1
        return _signed_bits(self.start - half, self.start + half - 1)

    def widths(self, low: int, high: int, tiles: int, word_bits: int) -> TileWidths:
        """Of columns of so many tiles, each of which sums to `low` to `high` before its start.

        Parameters
        ----------
        low, high : int
            Neither side of them is 0.
        tiles : int
            Of a column.
        word_bits : int
            Width of an R_AH word, which is read in a conversion's place.
        """
        offset = 1 << OFFSET_BITS - 1 if self.offsets else 0
        least, most = low + self.start - offset, high + self.start + max(offset - 1, 0)
        top = 1 << self.bits - 1
        lowest, highest = max(-top, least >> self.shift), min(top - 1, most >> self.shift)
        return TileWidths(
            max(_signed_bits(low, high), _signed_bits(least, most)),
            max(word_bits, _signed_bits(lowest, highest)),
            max(word_bits, _signed_bits(tiles * lowest, tiles * highest)),
        )

    def __str__(self) -> str:
        """As messages have it."""
        return (
            f"tiles of {self.rows} rows, read with {self.bits} bits in steps of {1 << self.shift}"
            f"{' and offsets' * self.offsets}"
        )


def _signed_bits(low: int, high: int) -> int:
    """Width of the narrowest signed number that holds both, and 0."""
    return max((-1 - min(low, 0)).bit_length(), max(high, 0).bit_length()) + 1
