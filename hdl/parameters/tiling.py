"""Tiles of rows in gateware: sizes, ADC, and the widths of their sums.

Row r is in tile ``r // rows``. The golden model has the same tiles from `allspin.sim.network.adc`,
whose limits hold here.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

from allspin.sim.network.adc import Adc

OFFSET_BITS = 16
"""Width of the offset that a chip's converter adds to its tile's sum, signed."""


class TileWidths(NamedTuple):
    """Widths between a column's rows and its sum; all signed.

    Attributes
    ----------
    running : int
        A tile's sum, and its start.
    conversion : int
        A conversion, or a word that is read in its place.
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
        True if each converter has an offset of `OFFSET_BITS`, which the host writes.

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
        Adc(self.rows, self.bits, self.shift)  # has the same limits

    @classmethod
    def from_adc(cls, adc: Adc | None, *, offsets: bool = False) -> Self | None:
        """Return the tiling of a network's layer; None if its columns are read in one piece.

        It has offsets if the layer has, or if they are requested.
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
        """Start of a tile's sum: half a step, so that a conversion rounds halves up."""
        return 1 << self.shift >> 1

    @property
    def start_bits(self) -> int:
        """Width of where a tile's sum starts with an offset."""
        half = 1 << OFFSET_BITS - 1
        return signed_bits(self.start - half, self.start + half - 1)

    def __str__(self) -> str:
        """Return the words that messages use."""
        return (
            f"tiles of {self.rows} rows, read with {self.bits} bits in steps of {1 << self.shift}"
            f"{' and offsets' * self.offsets}"
        )


def signed_bits(low: int, high: int) -> int:
    """Return the width of the narrowest signed number that holds both, and 0."""
    return max((-1 - min(low, 0)).bit_length(), max(high, 0).bit_length()) + 1
