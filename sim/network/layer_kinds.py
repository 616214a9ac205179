"""Kinds of layers: how values drive a crossbar's rows, and how its columns form the outputs.

A map is stored line by line with its channels innermost: value ``(y width + x) channels +
channel``. Images and the outputs of convolutions are maps.
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
    """Base class of the kinds of layers: how values drive the rows, and how outputs are formed.

    A *use* is the sum of one column at one position; an image's uses are numbered
    ``position columns + column``.

    Attributes
    ----------
    name : str
        Name in a network file.
    beyond_gateware : str or None
        Reason why gateware cannot run the kind; None if it can.
    """

    name: ClassVar[str]
    beyond_gateware: ClassVar[str | None] = None

    @property
    @abc.abstractmethod
    def positions(self) -> int:
        """Number of positions at which an image uses the crossbar."""

    @abc.abstractmethod
    def input_shape(self, rows: int) -> Shape:
        """Return the shape of an image's values for a crossbar of `rows` rows."""

    def inputs(self, rows: int) -> int:
        """Return the number of an image's values for a crossbar of `rows` rows.

        Raises
        ------
        ValueError
            If the kind cannot have that number of rows.
        """
        return math.prod(self.input_shape(rows))

    @abc.abstractmethod
    def shape(self, columns: int) -> Shape:
        """Return the shape of the outputs of a layer with `columns` columns."""

    @abc.abstractmethod
    def takes(self, rows: int) -> str:
        """Describe the inputs of a layer with `rows` rows, for messages."""

    @abc.abstractmethod
    def gives(self, columns: int) -> str:
        """Describe the outputs of a layer with `columns` columns, for messages."""

    @abc.abstractmethod
    def rows(self, shape: Shape) -> int:
        """Return the rows that values of `shape` drive, or 0 if the shape does not fit."""

    @abc.abstractmethod
    def products(self, values: Values, matrix: Values, first: int = 0) -> Values:
        """Compute the sums of all uses over a range of rows, for many images.

        Parameters
        ----------
        values : ndarray of float, shape (images, inputs)
            Values that drive the layer.
        matrix : ndarray of float, shape (rows in the range, columns)
            Weights of the rows from `first` on.
        first : int
            First row of the range.

        Returns
        -------
        ndarray of float, shape (images, uses)
        """

    @abc.abstractmethod
    def taps(self, rows: int) -> npt.NDArray[np.int64]:
        """Return the index of the value that drives each row at each position.

        Returns
        -------
        ndarray of int64, shape (positions, rows)
            Indices into an image's values; the number of values marks a row that is not driven.
        """

    def im2col(self, values: Values, rows: int) -> Values:
        """Unroll values (images, inputs) to row values (images * positions, rows)."""
        padded = np.pad(values, ((0, 0), (0, 1)))
        return np.take(padded, self.taps(rows), axis=1).reshape(-1, rows)

    @abc.abstractmethod
    def receptive_field(self, image_shape: Shape) -> Shape:
        """Return the shape of the part of an image that one column of the first layer sees.

        The rows are in this order: height, width, channels.
        """

    @abc.abstractmethod
    def pooled_uses(self, columns: int) -> npt.NDArray[np.int64]:
        """Return the uses whose largest activation is an output, shape (pool size, outputs)."""

    @abc.abstractmethod
    def pass_on(self, activations: Values) -> Values:
        """Return a layer's outputs (images, outputs) from its activations (images, uses)."""


@dataclass(frozen=True)
class FullyConnected(LayerKind):
    """Dense layer: each row is one value, and an image uses the crossbar once."""

    name: ClassVar[str] = "dense"

    def __str__(self) -> str:
        """Return the text for messages."""
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
        """See `LayerKind.rows`; any shape fits."""
        return math.prod(shape)

    def products(self, values: Values, matrix: Values, first: int = 0) -> Values:
        """See `LayerKind.products`."""
        return values[:, first : first + len(matrix)] @ matrix

    def taps(self, rows: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.taps`."""
        return np.arange(rows)[np.newaxis]

    def receptive_field(self, image_shape: Shape) -> Shape:
        """See `LayerKind.receptive_field`; it is the whole image."""
        return image_shape

    def pooled_uses(self, columns: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.pooled_uses`."""
        return np.arange(columns)[np.newaxis]

    def pass_on(self, activations: Values) -> Values:
        """See `LayerKind.pass_on`."""
        return activations


def _sizes(name: str, values: Any, lows: Shape, highs: Shape) -> Shape:
    """Check sizes against their ranges and return them as integers."""
    if len(values) != len(lows):
        raise ValueError(f"{name} must be {len(lows)} numbers, not {len(values)}")
    ranges = zip(values, lows, highs, strict=True)
    return tuple(check_range(f"each of {name}", *each) for each in ranges)


def _by(sizes: Shape) -> str:
    return " x ".join(map(str, sizes))


@dataclass(frozen=True)
class Convolution(LayerKind):
    """Convolution: each column is a kernel, applied at one position of a map after another.

    Row ``(ky kernel[1] + kx) channels + channel`` of the crossbar is driven by the map's value at
    ``y = oy stride[0] + ky - padding[0]``, ``x = ox stride[1] + kx - padding[1]``. A row whose
    value would lie outside the map is not driven. Positions are numbered line by line:
    ``oy places[1] + ox``.

    Parameters
    ----------
    map : tuple of int
        Height, width and channels of the input map.
    kernel : tuple of int
        Height and width of a kernel; a kernel covers all channels.
    stride : tuple of int
        Distance between positions, down and across.
    padding : tuple of int
        Lines of zeros at the top, left, bottom and right of the map, fewer than the kernel has.
    pool : int
        2: each output is the largest of 2 x 2 activations of a column, and an odd last line is
        dropped; 1: each activation is an output.

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
        """Return the text for messages; a stride or padding equal on all sides is one number."""
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
        """Height and width of the output map."""
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
            If a kernel has another number of rows.
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
        """See `LayerKind.rows`; the shape must be the map's, and may omit a single channel."""
        if self.map not in (shape, (*shape, 1)):
            return 0
        return math.prod(self.kernel) * self.map[2]

    def products(self, values: Values, matrix: Values, first: int = 0) -> Values:
        """See `LayerKind.products`; the result is in Fortran order, with images innermost.

        In this order, a line of all images is copied and computed at once.
        """
        kernels = np.ascontiguousarray(matrix.T)
        images = len(values)
        sums = np.empty((*self.places, len(kernels), images), matrix.dtype)
        for line, driven in zip(sums, self._lines(values), strict=True):
            np.matmul(kernels, driven[:, first : first + len(matrix)], out=line)
        return sums.reshape(-1, images).T

    def _lines(self, values: Values) -> Iterator[Values]:
        """Yield the row values of each line of positions (positions, rows, images).

        The same buffer is yielded each time, with new contents.
        """
        height, width, channels = self.map
        top, left, bottom, right = self.padding
        images = len(values)
        maps = np.ascontiguousarray(values.T).reshape(*self.map, images)
        if any(self.padding):
            sides = height + top + bottom, width + left + right
            padded = np.zeros((*sides, channels, images), values.dtype)
            padded[top : top + height, left : left + width] = maps
            maps = padded
        views = np.lib.stride_tricks.sliding_window_view(maps, self.kernel, (0, 1))
        views = views[:: self.stride[0], :: self.stride[1]].transpose(0, 1, 4, 5, 2, 3)
        line = np.empty(views.shape[1:], values.dtype)
        for view in views:
            np.copyto(line, view)
            yield line.reshape(len(line), -1, images)

    def taps(self, rows: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.taps`."""
        inputs = self.inputs(rows)
        top, left, bottom, right = self.padding
        places = np.pad(
            np.arange(inputs).reshape(self.map),
            ((top, bottom), (left, right), (0, 0)),
            constant_values=inputs,
        )
        views = np.lib.stride_tricks.sliding_window_view(places, self.kernel, (0, 1))
        views = views[:: self.stride[0], :: self.stride[1]].transpose(0, 1, 3, 4, 2)
        return views.reshape(self.positions, rows)

    def receptive_field(self, image_shape: Shape) -> Shape:
        """See `LayerKind.receptive_field`; it is a kernel."""
        return (*self.kernel, self.map[2])

    def pooled_uses(self, columns: int) -> npt.NDArray[np.int64]:
        """See `LayerKind.pooled_uses`."""
        uses = np.arange(self.positions * columns).reshape(*self.places, columns)
        height, width = (self.pool * side for side in self.pooled)
        members = []
        for y in range(self.pool):
            for x in range(self.pool):
                members.append(uses[y : height : self.pool, x : width : self.pool].ravel())
        return np.array(members)

    def pass_on(self, activations: Values) -> Values:
        """See `LayerKind.pass_on`."""
        if self.pool == 1:
            return activations
        images = len(activations)
        maps = activations.T.reshape(*self.places, -1, images)
        height, width = (self.pool * side for side in self.pooled)
        each = [maps[y:height:2, x:width:2] for y in range(2) for x in range(2)]
        return np.maximum.reduce(each).reshape(-1, images).T


DENSE = FullyConnected()
KINDS: dict[str, type[LayerKind]] = {kind.name: kind for kind in (FullyConnected, Convolution)}
"""Kinds of layers by their names in network files."""


def kind_to_dict(kind: LayerKind) -> dict[str, Any]:
    """Return the name and parameters of a kind as a JSON object."""
    return {"name": kind.name, **dataclasses.asdict(kind)}  # pyright: ignore[reportArgumentType]


def kind_from_dict(record: object) -> LayerKind:
    """Return the kind that `kind_to_dict` described.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the kind is unknown, or a parameter is missing, unknown or outside its range.
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
