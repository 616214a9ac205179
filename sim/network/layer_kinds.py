"""Kinds of layers: how values reach a crossbar's rows, and what becomes of those of its columns.

A map of values is flat line by line, its channels side by side: value ``(y width + x) channels +
channel``. An image is such a map, and so is what a convolution hands on.
"""

import abc
import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_one_of, check_range

MAX_LINES = 65535
"""Rows or columns of a crossbar, and values of a map."""

Values = npt.NDArray[Any]
Shape = tuple[int, ...]


class LayerKind(abc.ABC):
    """A kind of layer.

    A *use* is a column's sum at a position: use ``position columns + column`` of an image.

    Attributes
    ----------
    name : str
        What it is called in a network file.
    beyond_gateware : str or None
        Why no gateware can run it; None where it can.
    """

    name: ClassVar[str]
    beyond_gateware: ClassVar[str | None] = None

    @property
    @abc.abstractmethod
    def positions(self) -> int:
        """How often an image uses the crossbar."""

    @abc.abstractmethod
    def input_shape(self, rows: int) -> Shape:
        """Shape of the values that drive a crossbar of so many rows, at all positions together."""

    def inputs(self, rows: int) -> int:
        """How many values drive a crossbar of so many rows, at all positions together.

        Raises
        ------
        ValueError
            If none has so many rows.
        """
        return math.prod(self.input_shape(rows))

    @abc.abstractmethod
    def shape(self, columns: int) -> Shape:
        """Shape of what a layer of so many columns hands on."""

    @abc.abstractmethod
    def takes(self, rows: int) -> str:
        """What a layer of so many rows is driven by, in words."""

    @abc.abstractmethod
    def gives(self, columns: int) -> str:
        """What a layer of so many columns hands on, in words."""

    @abc.abstractmethod
    def rows(self, shape: Shape) -> int:
        """Rows of a crossbar that values of a shape drive; 0 where they do not fit."""

    @abc.abstractmethod
    def products(self, values: Values, matrix: Values, first: int = 0) -> Values:
        """Sums of all uses over some of the rows, for many images.

        Parameters
        ----------
        values : ndarray of float, shape (images, inputs)
            What drives the layer.
        matrix : ndarray of float, shape (some, columns)
            What the rows are multiplied by, from row `first` on.
        first : int
            The first row.

        Returns
        -------
        ndarray of float, shape (images, uses)
        """

    @abc.abstractmethod
    def taps(self, rows: int) -> npt.NDArray[np.int64]:
        """Which of the values drives each row at each position.

        Returns
        -------
        ndarray of int64, shape (positions, rows)
            Places of values; one beyond the last where nothing drives the row.
        """

    def unrolled(self, values: Values, rows: int) -> Values:
        """Row values (images positions, rows) of values (images, inputs), an image a position."""
        padded = np.pad(values, ((0, 0), (0, 1)))
        return np.take(padded, self.taps(rows), axis=1).reshape(-1, rows)

    @abc.abstractmethod
    def field(self, image_shape: Shape) -> Shape:
        """Shape of what a column looks at, where it is the first layer's: height, width, and more.

        Its rows are in this order.
        """

    @abc.abstractmethod
    def picked(self, columns: int) -> npt.NDArray[np.int64]:
        """Uses of which the largest activation is handed on, shape (as many, outputs)."""

    @abc.abstractmethod
    def handed_on(self, activations: Values) -> Values:
        """What drives the next layer (images, outputs), of the neurons' activations."""


@dataclass(frozen=True)
class FullyConnected(LayerKind):
    """Each row is a value, and an image uses the crossbar once."""

    name: ClassVar[str] = "dense"

    def __str__(self) -> str:
        """In words, as messages have it."""
        return "all rows at once"

    @property
    def positions(self) -> int:
        """See `LayerKind.positions`."""
        return 1

    def input_shape(self, rows: int) -> Shape:
        """See `LayerKind.input_shape`."""
        return (1, rows)

    def shape(self, columns: int) -> Shape:
        """See `LayerKind.shape`."""
        return (columns,)

    def takes(self, rows: int) -> str:
        """See `LayerKind.takes`."""
        return f"{rows} rows"

    def gives(self, columns: int) -> str:
        """See `LayerKind.gives`."""
        return f"{columns} columns"

    def rows(self, shape: Shape) -> int:
        """See `LayerKind.rows`: any fit."""
        return math.prod(shape)

    def products(self, values: Values, matrix: Values, first: int = 0) -> Values:
        """See `LayerKind.products`."""
        return values[:, first : first + len(matrix)] @ matrix

    def taps(self, rows: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.taps`."""
        return np.arange(rows)[np.newaxis]

    def field(self, image_shape: Shape) -> Shape:
        """See `LayerKind.field`: the image."""
        return image_shape

    def picked(self, columns: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.picked`."""
        return np.arange(columns)[np.newaxis]

    def handed_on(self, activations: Values) -> Values:
        """See `LayerKind.handed_on`."""
        return activations


def _sizes(name: str, values: Any, lows: Shape, highs: Shape) -> Shape:
    """Sizes as plain integers, each within its range."""
    if len(values) != len(lows):
        raise ValueError(f"{name} must be {len(lows)} numbers, not {len(values)}")
    ranges = zip(values, lows, highs, strict=True)
    return tuple(check_range(f"each of {name}", *each) for each in ranges)


def _by(sizes: Shape) -> str:
    return " x ".join(map(str, sizes))


@dataclass(frozen=True)
class Convolution(LayerKind):
    """Kernels, a column each, that are laid on one position of a map after another.

    Row ``(ky kernel[1] + kx) channels + channel`` of the crossbar is driven by the map's value at
    ``y = oy stride[0] + ky - padding[0]``, ``x = ox stride[1] + kx - padding[1]``; where that is
    outside the map, it is not driven. Position ``oy places[1] + ox`` is line by line.

    Parameters
    ----------
    map : tuple of int
        Height, width and channels of what it is laid on.
    kernel : tuple of int
        Height and width of a kernel; it has all channels.
    stride : tuple of int
        Distance of the positions, down and across.
    padding : tuple of int
        Lines of zeros at the top and the left, the bottom and the right of the map, fewer than the
        kernel has.
    pool : int
        2: of each 2 x 2 activations of a column the largest is handed on, those of an odd last line
        left out; 1: all are.

    Raises
    ------
    ValueError, TypeError
        If a size is outside its range, or the kernel does not fit the map.
    """

    map: Shape
    kernel: Shape
    stride: Shape = (1, 1)
    padding: Shape = (0, 0, 0, 0)
    pool: int = 1

    name: ClassVar[str] = "convolution"

    def __post_init__(self) -> None:
        most = (MAX_LINES, MAX_LINES, MAX_LINES)
        checked = {
            "map": _sizes("a map's height, width and channels", self.map, (1, 1, 1), most),
            "kernel": _sizes("a kernel's height and width", self.kernel, (1, 1), most[:2]),
            "stride": _sizes("a stride down and across", self.stride, (1, 1), most[:2]),
        }
        beyond = tuple(side - 1 for side in checked["kernel"]) * 2
        checked["padding"] = _sizes(
            "a padding's top, left, bottom and right", self.padding, (0,) * 4, beyond
        )
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "pool", check_range("pool", self.pool, 1, 2))
        if math.prod(self.map) > MAX_LINES:
            raise ValueError(f"a map of {_by(self.map)} values has more than {MAX_LINES}")
        if min(self.pooled) < 1:
            raise ValueError(
                f"a kernel of {_by(self.kernel)} does not fit a map of {_by(self.map[:2])} with a "
                f"padding of {self.padding}" + (", pooled" if min(self.places) > 0 else "")
            )

    def __str__(self) -> str:
        """In words, as messages have it: a stride or padding alike on all sides is one number."""
        down, across = self.stride
        sides = self.padding if len(set(self.padding)) > 1 else self.padding[:1]
        return (
            f"kernels of {_by(self.kernel)} on maps of {_by(self.map)}, "
            f"stride {down if down == across else _by(self.stride)}"
            + (f", padding {', '.join(map(str, sides))}" if any(sides) else "")
            + (f", maximum of {self.pool} x {self.pool}" if self.pool > 1 else "")
        )

    @property
    def places(self) -> Shape:
        """Height and width of the positions."""
        top, left, bottom, right = self.padding
        rest = (
            self.map[0] + top + bottom - self.kernel[0],
            self.map[1] + left + right - self.kernel[1],
        )
        return rest[0] // self.stride[0] + 1, rest[1] // self.stride[1] + 1

    @property
    def pooled(self) -> Shape:
        """Height and width of the map that is handed on."""
        return tuple(places // self.pool for places in self.places)

    @property
    def positions(self) -> int:
        """See `LayerKind.positions`."""
        return math.prod(self.places)

    def input_shape(self, rows: int) -> Shape:
        """See `LayerKind.input_shape`.

        Raises
        ------
        ValueError
            If a kernel has not so many rows.
        """
        if rows != self.rows(self.map):
            raise ValueError(
                f"kernels of {_by((*self.kernel, self.map[2]))} need {self.rows(self.map)} rows, "
                f"not {rows}"
            )
        return self.map

    def shape(self, columns: int) -> Shape:
        """See `LayerKind.shape`."""
        return (*self.pooled, columns)

    def takes(self, rows: int) -> str:
        """See `LayerKind.takes`."""
        return f"maps of {_by(self.map)}"

    def gives(self, columns: int) -> str:
        """See `LayerKind.gives`."""
        return f"maps of {_by(self.shape(columns))}"

    def rows(self, shape: Shape) -> int:
        """See `LayerKind.rows`: those of its map's shape, in which one channel need not be told."""
        return math.prod(self.kernel) * self.map[2] * (self.map in (shape, (*shape, 1)))

    def products(self, values: Values, matrix: Values, first: int = 0) -> Values:
        """See `LayerKind.products`: in Fortran's order, images innermost.

        So lines of all images are copied and computed at once.
        """
        kernels, images = np.ascontiguousarray(matrix.T), len(values)
        sums = np.empty((*self.places, len(kernels), images), matrix.dtype)
        for line, driven in zip(sums, self._lines(values), strict=True):
            np.matmul(kernels, driven[:, first : first + len(matrix)], out=line)
        return sums.reshape(-1, images).T

    def _lines(self, values: Values) -> Iterator[Values]:
        """What drives the rows at each line's positions (places, rows, images); overwritten."""
        (height, width, channels), (top, left, bottom, right) = self.map, self.padding
        images = len(values)
        laid = np.ascontiguousarray(values.T).reshape(*self.map, images)
        if any(self.padding):
            sides = height + top + bottom, width + left + right
            padded = np.zeros((*sides, channels, images), values.dtype)
            padded[top : top + height, left : left + width] = laid
            laid = padded
        views = np.lib.stride_tricks.sliding_window_view(laid, self.kernel, (0, 1))
        views = views[:: self.stride[0], :: self.stride[1]].transpose(0, 1, 4, 5, 2, 3)
        line = np.empty(views.shape[1:], values.dtype)
        for view in views:
            np.copyto(line, view)
            yield line.reshape(len(line), -1, images)

    def taps(self, rows: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.taps`."""
        inputs, (top, left, bottom, right) = self.inputs(rows), self.padding
        places = np.pad(
            np.arange(inputs).reshape(self.map),
            ((top, bottom), (left, right), (0, 0)),
            constant_values=inputs,
        )
        views = np.lib.stride_tricks.sliding_window_view(places, self.kernel, (0, 1))
        views = views[:: self.stride[0], :: self.stride[1]].transpose(0, 1, 3, 4, 2)
        return views.reshape(self.positions, rows)

    def field(self, image_shape: Shape) -> Shape:
        """See `LayerKind.field`: a kernel."""
        return (*self.kernel, self.map[2])

    def picked(self, columns: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.picked`."""
        uses = np.arange(self.positions * columns).reshape(*self.places, columns)
        height, width = (self.pool * side for side in self.pooled)
        steps = range(self.pool)
        each = [
            uses[y : height : self.pool, x : width : self.pool].ravel()
            for y in steps
            for x in steps
        ]
        return np.array(each)

    def handed_on(self, activations: Values) -> Values:
        """See `LayerKind.handed_on`."""
        if self.pool == 1:
            return activations
        images = len(activations)
        maps = activations.T.reshape(*self.places, -1, images)
        height, width = (self.pool * side for side in self.pooled)
        each = [maps[y:height:2, x:width:2] for y in range(2) for x in range(2)]
        return np.maximum.reduce(each).reshape(-1, images).T


DENSE = FullyConnected()
KINDS: dict[str, type[LayerKind]] = {kind.name: kind for kind in (FullyConnected, Convolution)}
"""Kinds of layers by the names that network files have."""


def kind_to_dict(kind: LayerKind) -> dict[str, Any]:
    """Name and parameters of a kind, as JSON has them."""
    return {"name": kind.name, **dataclasses.asdict(kind)}  # pyright: ignore[reportArgumentType]


def kind_from_dict(record: object) -> LayerKind:
    """The kind that `kind_to_dict` described.

    Raises
    ------
    ValueError, TypeError, KeyError
        If there is no such kind, or a parameter is missing, unknown or outside its range.
    """
    if not isinstance(record, dict):
        raise ValueError(f"a layer's kind must be an object, not {record!r}")
    parameters = dict(record)
    name = parameters.pop("name")
    check_one_of("the kind of a layer", name, KINDS)
    wanted = {field.name for field in dataclasses.fields(KINDS[name])}  # pyright: ignore[reportArgumentType]
    if set(parameters) != wanted:
        raise ValueError(f"a {name} layer's kind has {sorted(wanted)}, not {sorted(parameters)}")
    return KINDS[name](**parameters)
