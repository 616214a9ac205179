"""How training sees a layer: values brought to a crossbar's rows, and slopes brought back.

The passes compute with (uses, rows) and (uses, columns). Of a dense layer a use is an image. Of a
convolution it is a position of an image, in the order (position, image), and arrays are in
Fortran's order: images are innermost, so windows are copied, and all else is computed, in long runs
of memory.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.layer_kinds import Convolution, LayerKind

Array = npt.NDArray[np.float32]
Real = npt.NDArray[np.floating[Any]]
Back = Callable[[Array], Array]
"""Takes slopes by what a layer hands on, and returns those by its neurons' activations."""


@cache
def _normal_of() -> Array:
    """A normal draw for each value of 16 random bits: a fifth of the time of drawing it."""
    from scipy.special import ndtri

    return ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


def _itself(slopes: Array) -> Array:
    return slopes


class Direct:
    """A dense layer: values are a crossbar's rows, and an image uses it once."""

    common = False
    """Whether uses of a pass share a chip; else each image has one of its own."""

    def rows(self, inputs: int) -> int:
        """Rows of a crossbar that so many values drive."""
        return inputs

    def driven(self, values: Real) -> Real:
        """What drives the rows (uses, rows), of a layer's values (images, inputs)."""
        return values

    def undriven(self, slopes: Array) -> Array:
        """The transpose of `driven`: slopes by values (images, inputs), of those by rows."""
        return slopes

    def product(self, drive: Real, matrix: Real) -> Real:
        """``drive @ matrix``, in the order in which this kind of layer has its arrays."""
        return drive @ matrix

    def handed_on(self, activations: Array) -> tuple[Array, Back]:
        """Values for the next layer (images, outputs), of activations (uses, columns); and back."""
        return activations, _itself

    def normals(self, rng: np.random.Generator, shape: tuple[int, ...], of: str = "use") -> Array:
        """Draws for (uses, columns): of each ``use``, or of a chip's ``column`` or ``neuron``.

        These are as many here, since each image has a chip of its own.
        """
        return rng.standard_normal(shape, dtype=np.float32)


class Windows(Direct):
    """A convolution: a kernel's rows are driven by one window of a map after another.

    Parameters
    ----------
    kind : Convolution
        The layer's.
    per_position : bool
        Whether each position has a neuron of its own.
    """

    common = True

    def __init__(self, kind: Convolution, per_position: bool = False) -> None:
        self.kind = kind
        self.per_position = per_position

    def rows(self, inputs: int) -> int:
        """See `Direct.rows`: the map has so many values."""
        return self.kind.rows(self.kind.map)

    def driven(self, values: Real) -> Real:
        """See `Direct.driven`."""
        (height, width, channels), (top, left, bottom, right) = self.kind.map, self.kind.padding
        laid = np.ascontiguousarray(values.T).reshape(height, width, channels, -1)
        if any(self.kind.padding):
            laid = np.pad(laid, ((top, bottom), (left, right), (0, 0), (0, 0)))
        down, across = self.kind.stride
        views = np.lib.stride_tricks.sliding_window_view(laid, self.kind.kernel, (0, 1))
        views = views[::down, ::across].transpose(4, 5, 2, 0, 1, 3)
        return np.ascontiguousarray(views).reshape(self.rows(0), -1).T

    def undriven(self, slopes: Array) -> Array:
        """See `Direct.undriven`."""
        (height, width, channels), (top, left, bottom, right) = self.kind.map, self.kind.padding
        (down, across), places = self.kind.stride, self.kind.places
        of_rows = slopes.T.reshape(*self.kind.kernel, channels, *places, -1)
        laid = np.zeros(
            (height + top + bottom, width + left + right, channels, of_rows.shape[-1]), np.float32
        )
        last = [(side - 1) * step + 1 for side, step in zip(places, (down, across), strict=True)]
        for y, x in np.ndindex(*self.kind.kernel):
            there = laid[y : y + last[0] : down, x : x + last[1] : across]
            there += of_rows[y, x].transpose(1, 2, 0, 3)
        inner = laid[top : top + height, left : left + width]
        return np.ascontiguousarray(inner).reshape(height * width * channels, -1).T

    def product(self, drive: Real, matrix: Real) -> Real:
        """See `Direct.product`."""
        return (matrix.T @ drive.T).T

    def handed_on(self, activations: Array) -> tuple[Array, Back]:
        """See `Direct.handed_on`; the largest of 2 x 2 has their slope, or equals share it."""
        columns = activations.shape[1]
        maps = activations.T.reshape(columns, *self.kind.places, -1)
        shape, pooled = maps.shape, maps
        largest: list[Array] = []
        if self.kind.pool > 1:
            corners = [maps[each] for each in self._corners]
            pooled = np.maximum.reduce(corners)
            largest = [(corner == pooled).astype(np.float32) for corner in corners]
            shares = sum(largest[1:], largest[0])
            largest = [each / shares for each in largest]

        def back(slopes: Array) -> Array:
            laid = slopes.T.reshape(*self.kind.pooled, columns, -1).transpose(2, 0, 1, 3)
            if not largest:
                return np.ascontiguousarray(laid).reshape(columns, -1).T
            whole = np.zeros(shape, np.float32)
            for each, share in zip(self._corners, largest, strict=True):
                np.multiply(laid, share, out=whole[each])
            return whole.reshape(columns, -1).T

        outputs = np.ascontiguousarray(pooled.transpose(1, 2, 0, 3))
        return outputs.reshape(-1, shape[-1]).T, back

    @property
    def _corners(self) -> list[tuple[slice, ...]]:
        """Each of the 2 x 2 places of all pools, in maps (columns, height, width, images)."""
        height, width = (2 * side for side in self.kind.pooled)
        whole = slice(None)
        return [
            (whole, slice(y, height, 2), slice(x, width, 2)) for y in range(2) for x in range(2)
        ]

    def normals(self, rng: np.random.Generator, shape: tuple[int, ...], of: str = "use") -> Array:
        """See `Direct.normals`: all images of a pass share a chip."""
        uses, columns = shape
        if of == "use":
            bits = np.frombuffer(rng.bytes(2 * columns * uses), np.uint16)
            return _normal_of().take(bits).reshape(columns, uses).T
        if of == "column" or not self.per_position:
            return rng.standard_normal((1, columns), dtype=np.float32)
        positions = self.kind.positions
        own = rng.standard_normal((columns, positions), dtype=np.float32)
        return np.repeat(own, uses // positions, axis=1).T


def path_of(kind: LayerKind, per_position: bool) -> Direct:
    """How training sees a kind of layer."""
    return Windows(kind, per_position) if isinstance(kind, Convolution) else Direct()
