"""The converters of a layer whose columns are cut into tiles of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.levels import check_range

MIN_TILE_ROWS, MAX_TILE_ROWS = 8, 1 << 16
MIN_ADC_BITS, MAX_ADC_BITS = 2, 24
MAX_ADC_SHIFT = 23
MAX_ADC_OFFSET = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class Adc:
    """An analogue-to-digital converter at the foot of each column of each tile.

    Row r is in tile ``r // rows``. Of a tile's column sum s, in words times row values, its
    converter makes

        ``clamp((s + offset + 2**shift // 2) >> shift, -2**(bits - 1), 2**(bits - 1) - 1)``

    (rounded to the nearest, halves up; saturating). A tile without a driven row is not converted
    and adds nothing. The column's sum is that of its tiles' conversions, times ``2**shift``.

    Parameters
    ----------
    rows : int
        Rows of a tile, a power of two, 8 to 65536; the last tile may have fewer. At least the
        layer's rows: one tile.
    bits : int
        Width of a conversion, signed, 2 to 24.
    shift : int
        A conversion's step is ``2**shift`` words times row values; 0 to 23.
    offsets : array_like of int, shape (tiles, columns), optional
        What is added to each tile's sum before it is converted: a chip's offset errors. None,
        and no array of zeros, where there are none.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range; the message names it.
    """

    rows: int
    bits: int
    shift: int
    offsets: npt.NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        def keep(name: str, low: int, high: int) -> None:
            object.__setattr__(self, name, check_range(name, getattr(self, name), low, high))

        keep("rows", MIN_TILE_ROWS, MAX_TILE_ROWS)
        keep("bits", MIN_ADC_BITS, MAX_ADC_BITS)
        keep("shift", 0, MAX_ADC_SHIFT)
        if self.rows & (self.rows - 1):
            raise ValueError(
                f"rows of a tile must be a power of two from {MIN_TILE_ROWS} to {MAX_TILE_ROWS}, "
                f"not {self.rows}"
            )
        if self.offsets is not None:
            given = np.asarray(self.offsets)
            if given.dtype.kind not in "iuf" or not np.all(np.abs(given) <= MAX_ADC_OFFSET):
                raise ValueError(f"offsets must be from {-MAX_ADC_OFFSET} to {MAX_ADC_OFFSET}")
            offsets: npt.NDArray[Any] = given.astype(np.int32)
            if not np.array_equal(given, offsets):
                raise ValueError("offsets must be whole numbers")
            offsets.setflags(write=False)
            object.__setattr__(self, "offsets", offsets)

    def tiles(self, rows: int) -> int:
        """How many tiles a layer of so many rows has."""
        return -(-rows // self.rows)
