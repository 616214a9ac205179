"""The parameters of feature maps, and of the windows that kernels see of them."""

from dataclasses import dataclass
from functools import cached_property

from allspin.hdl.parameters.checks import keep_in_range, keep_one_of
from allspin.hdl.parameters.profile import ROWS_PER_CLOCK
from allspin.sim.errors import check_range
from allspin.sim.network.layer_kinds import MAX_LINES, Convolution


@dataclass(frozen=True)
class MapParameters:
    """A feature map, and how its values are driven as rows.

    Value (y, x, channel) is row ``(y * width + x) * channels + channel``.

    Parameters
    ----------
    height, width, channels : int
        Its sizes; 1 to 65535 values together.
    value_bits : int
        Width of a value, unsigned, 1 to 8.
    rows_per_clock : int
        Values of a beat, 1, 2, 4 or 8.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    height: int
    width: int
    channels: int
    value_bits: int = 4
    rows_per_clock: int = 1

    def __post_init__(self) -> None:
        sizes = dict.fromkeys(("height", "width", "channels"), (1, MAX_LINES))
        keep_in_range(self, value_bits=(1, 8), **sizes)
        keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK[:-1])
        check_range("values of a map", self.rows, 1, MAX_LINES)

    @property
    def pixels(self) -> int:
        """Number of places of the map."""
        return self.height * self.width

    @property
    def rows(self) -> int:
        """Number of its values."""
        return self.pixels * self.channels

    @property
    def tile_rows(self) -> int:
        """Rows of a tile, as in `CrossbarParameters`: a map is in one piece."""
        return self.rows

    @property
    def part_rows(self) -> int:
        """Width, as in `CrossbarParameters`."""
        return -(-self.rows // self.rows_per_clock)

    @property
    def pixel(self) -> "MapParameters":
        """One place of the map, as the columns of a layer give it at one position."""
        return MapParameters(1, 1, self.channels, self.value_bits, self.rows_per_clock)


@dataclass(frozen=True)
class WindowParameters:
    """Kernel on a map: size, stride and places.

    Parameters
    ----------
    kind : Convolution
        Map and kernel, and how this goes over the map.
    value_bits, rows_per_clock : int
        Rows of the kernel that are driven in a clock, as in `MapParameters`.
    flat : bool
        True if the map comes as an image: its rows in any order, `last` with the map's last beat.
        Otherwise it comes pixel by pixel, line by line, and `last` ends each pixel's channels.
    tile_rows : int
        Rows of a tile of the kernel, a power of two; 0 where its columns are read in one piece.
    """

    kind: Convolution
    value_bits: int = 4
    rows_per_clock: int = 1
    flat: bool = False
    tile_rows: int = 0

    @cached_property
    def map(self) -> MapParameters:
        """Map under the kernel."""
        height, width, channels = self.kind.map
        return MapParameters(height, width, channels, self.value_bits, self.rows_per_clock)

    @property
    def rows(self) -> int:
        """Rows of the kernel."""
        return self.kind.rows(self.kind.map)

    @property
    def part_rows(self) -> int:
        """Width of the kernel's values, as in `CrossbarParameters`."""
        return -(-self.rows // self.rows_per_clock)

    @property
    def tile_lines(self) -> int:
        """Rows of a tile in each part, where a beat might have rows of two; else 0."""
        several = self.rows_per_clock > 1 and self.tile_rows < self.rows
        return self.tile_rows // self.rows_per_clock * several

    @property
    def unit(self) -> int:
        """Bits of a pixel in a line: an image has one for each channel, as if channels were pixels
        side by side; other maps have one, since a pixel has a vector of its own.
        """
        return self.map.channels if self.flat else 1

    @property
    def line(self) -> int:
        """Bits of a line of the map."""
        return self.map.width * self.unit

    @cached_property
    def seen(self) -> list[tuple[int, int]]:
        """Line and place in it of all that the kernel looks at, in the order of its rows."""
        height, width = self.kind.kernel
        return [(y, x) for y in range(height) for x in range(width * self.unit)]

    @property
    def turns(self) -> list[int]:
        """Parts in which a pixel's first row can be; an image has one."""
        firsts = {k * self.map.channels % self.rows_per_clock for k in range(len(self.seen))}
        return [0] if self.flat else sorted(firsts)
