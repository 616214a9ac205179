"""The analogue-to-digital converters (ADCs) of a layer whose columns are cut into tiles of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_power_of_two, check_range
from allspin.sim.parameters import Brief

MIN_TILE_ROWS = 8
MAX_TILE_ROWS = 1 << 16
MIN_ADC_BITS = 2
MAX_ADC_BITS = 24
MAX_ADC_SHIFT = 23


def frozen(array: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a read-only integer copy; raise `ValueError` if a value does not fit `dtype`."""
    source = np.asarray(array)
    with np.errstate(invalid="ignore"):  # a NaN is refused below
        copy = source.astype(dtype, order="K")
    if source.dtype != dtype and not np.array_equal(source, copy):
        raise ValueError(f"values do not fit {np.dtype(dtype).name}")
    copy.setflags(write=False)
    return copy


@dataclass(frozen=True, eq=False)
class Adc(Brief):
    """The ADC at the foot of each column of each tile.

    Row r belongs to tile ``r // rows``. The ADC converts a tile's column sum s, in words times row
    values, to

        ``clamp((s + offset + 2**shift // 2) >> shift, -2**(bits - 1), 2**(bits - 1) - 1)``

    (rounded to the nearest, halves up; saturating). A tile without a driven row is not converted
    and adds 0. The column's sum is ``2**shift`` times the sum of its tiles' conversions.

    Parameters
    ----------
    rows : int
        Rows of a tile, a power of two, 8 to 65536. The last tile may have fewer; if `rows` is at
        least the layer's rows, the layer has one tile.
    bits : int
        Width of a conversion, signed, 2 to 24.
    shift : int
        The step of a conversion is ``2**shift`` words times row values; 0 to 23.
    offsets : array_like of int, shape (tiles, columns), optional
        Offset errors of a chip's ADCs, added to each tile's sum before it is converted. None, and
        not an array of zeros, stands for ADCs without offsets.

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
        rows = check_power_of_two("rows of a tile", self.rows, MIN_TILE_ROWS, MAX_TILE_ROWS)
        bits = check_range("bits", self.bits, MIN_ADC_BITS, MAX_ADC_BITS)
        shift = check_range("shift", self.shift, 0, MAX_ADC_SHIFT)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "bits", bits)
        object.__setattr__(self, "shift", shift)
        if self.offsets is not None:
            object.__setattr__(self, "offsets", frozen(self.offsets, np.int32))

    def tiles(self, rows: int) -> int:
        """Return the number of tiles of a layer of `rows` rows."""
        return -(-rows // self.rows)
