"""The parameters of feature maps, and of the windows that a kernel sees of them."""

from dataclasses import dataclass
from functools import cached_property

from allspin.hdl.parameters.profile import ROWS_PER_CLOCK, keep_in_range, keep_one_of
from allspin.sim.errors import check_range
from allspin.sim.network.network import MAX_LINES


@dataclass(frozen=True)
class MapParameters:
    """A feature map, and how its values are driven as rows.

    Value (y, x, channel) is row ``(y * width + x) * channels + channel``.

    Parameters
    ----------
    height, width, channels : int
        Its sizes; 1 to 65535 together.
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
        keep_one_of(self, "rows_per_clock", ROWS_PER_CLOCK)
        check_range("values of a map", self.rows, 1, MAX_LINES)

    @property
    def pixels(self) -> int:
        """Places of the map."""
        return self.height * self.width

    @property
    def rows(self) -> int:
        """All its values."""
        return self.pixels * self.channels

    @property
    def part_rows(self) -> int:
        """As of `CrossbarParameters`."""
        return -(-self.rows // self.rows_per_clock)

    @property
    def pixel(self) -> "MapParameters":
        """One place of the map, as the columns of a layer give it at one position."""
        return MapParameters(1, 1, self.channels, self.value_bits, self.rows_per_clock)


@dataclass(frozen=True)
class WindowParameters:
    """How a kernel goes over a map.

    The kernel's row of (ky, kx, channel) is ``(ky * kernel_width + kx) * channels + channel``.

    Parameters
    ----------
    map : MapParameters
        What it goes over.
    kernel : tuple of int
        Height and width.
    stride : tuple of int
        Down and across.
    padding : tuple of int
        Zeros at the top, left, bottom and right; of each fewer than the kernel has.
    flat : bool
        Whether the map comes as an image: its rows in any order, `last` with the map's last beat.
        Otherwise it comes pixel by pixel, line by line, and `last` ends each pixel's channels.

    Raises
    ------
    ValueError
        If a value is outside its range, or the kernel larger than the padded map.
    """

    map: MapParameters
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    flat: bool = False

    def __post_init__(self) -> None:
        top, left, bottom, right = self.padding
        sizes = self.map.height + top + bottom, self.map.width + left + right
        for name, padded, own, step in zip(
            ("height", "width"), sizes, self.kernel, self.stride, strict=True
        ):
            check_range(f"the kernel's {name}", own, 1, padded)
            check_range("stride", step, 1, MAX_LINES)
        for side, own in zip(self.padding, (*self.kernel, *self.kernel), strict=True):
            check_range("padding", side, 0, own - 1)
        check_range("rows of the kernel", self.rows, 1, MAX_LINES)

    @property
    def places(self) -> tuple[int, int]:
        """Positions of the kernel down and across."""
        top, left, bottom, right = self.padding
        padded = self.map.height + top + bottom, self.map.width + left + right
        (down, across), (height, width) = self.stride, self.kernel
        return (padded[0] - height) // down + 1, (padded[1] - width) // across + 1

    @property
    def positions(self) -> int:
        """How often the kernel is used for a map."""
        return self.places[0] * self.places[1]

    @property
    def rows(self) -> int:
        """Rows of the kernel."""
        return self.kernel[0] * self.kernel[1] * self.map.channels

    @property
    def value_bits(self) -> int:
        """Of the map."""
        return self.map.value_bits

    @property
    def rows_per_clock(self) -> int:
        """Of the map, and of the kernel."""
        return self.map.rows_per_clock

    @property
    def part_rows(self) -> int:
        """As of `CrossbarParameters`, of the kernel."""
        return -(-self.rows // self.rows_per_clock)

    @property
    def unit(self) -> int:
        """Neighbours in a line that are looked at one by one, for each of the kernel's: an image's
        channels, as if they were pixels; other maps have a vector a pixel.
        """
        return self.map.channels if self.flat else 1

    @property
    def line(self) -> int:
        """What is looked at in a line of the map."""
        return self.map.width * self.unit

    @cached_property
    def places_of(self) -> list[tuple[int, int]]:
        """Line and place in it of all that the kernel looks at, in the order of its rows."""
        height, width = self.kernel
        return [(y, x) for y in range(height) for x in range(width * self.unit)]

    @property
    def turns(self) -> list[int]:
        """By how many parts the channels of each of the kernel's pixels are turned; once each."""
        pixels = range(self.kernel[0] * self.kernel[1])
        found = {place * self.map.channels % self.rows_per_clock for place in pixels}
        return [0] if self.flat else sorted(found)
