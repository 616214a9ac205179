"""Geometry of a layer in training: im2col from values to rows, pooling, and both transposes.

The passes compute arrays (uses, rows) and (uses, columns). In a dense layer a use is an image. In
a convolution a use is a position of an image, in the order (position, image), and arrays are in
Fortran order: images are innermost, so that im2col and all arithmetic run along long stretches of
memory.
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
"""Function from slopes by a layer's outputs to slopes by its neurons' activations."""


@cache
def _normal_of_bits() -> Array:
    """Return the normal deviate of each value of 16 random bits.

    A look-up takes a fifth of the time of a draw.
    """
    from scipy.special import ndtri  # loading SciPy takes time, and dense layers do not need it

    return ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


def _identity(slopes: Array) -> Array:
    return slopes


class DenseGeometry:
    """Geometry of a dense layer: values are rows, and an image uses the crossbar once."""

    shares_chip = False
    """True if all images of a pass share a chip; False if each has a chip of its own."""

    def rows(self, inputs: int) -> int:
        """Return the rows that a number of values drives."""
        return inputs

    def unroll(self, values: Real) -> Real:
        """Return the row values (uses, rows) of a layer's values (images, inputs): im2col."""
        return values

    def fold(self, slopes: Array) -> Array:
        """Return slopes by values (images, inputs) from slopes by rows: `unroll` transposed."""
        return slopes

    def product(self, drive: Real, matrix: Real) -> Real:
        """Compute ``drive @ matrix`` in the memory order of this kind of layer."""
        return drive @ matrix

    def pass_on(self, activations: Array) -> tuple[Array, Back]:
        """Return a layer's outputs (images, outputs) from activations (uses, columns), and back."""
        return activations, _identity

    def normals(
        self, rng: np.random.Generator, shape: tuple[int, ...], shared_by: str = "use"
    ) -> Array:
        """Draw normal deviates for (uses, columns).

        Parameters
        ----------
        rng : Generator
            The draws.
        shape : tuple of int
            Uses and columns.
        shared_by : str
            ``use`` for a draw each; ``column`` or ``neuron`` for a chip's own. Here all are a draw
            each, since each image has a chip of its own.
        """
        return rng.standard_normal(shape, dtype=np.float32)


class ConvolutionGeometry(DenseGeometry):
    """Geometry of a convolution: windows of a map drive the rows, one after another.

    Parameters
    ----------
    kind : Convolution
        The layer's kind.
    per_position : bool
        True if each position has a neuron of its own.
    """

    shares_chip = True

    def __init__(self, kind: Convolution, per_position: bool = False) -> None:
        self.kind = kind
        self.per_position = per_position

    def rows(self, inputs: int) -> int:
        """Return the rows of the kernels; see `DenseGeometry.rows`."""
        return self.kind.rows(self.kind.map)

    def unroll(self, values: Real) -> Real:
        """See `DenseGeometry.unroll`."""
        height, width, channels = self.kind.map
        top, left, bottom, right = self.kind.padding
        maps = np.ascontiguousarray(values.T).reshape(height, width, channels, -1)
        if any(self.kind.padding):
            maps = np.pad(maps, ((top, bottom), (left, right), (0, 0), (0, 0)))
        down, across = self.kind.stride
        windows = np.lib.stride_tricks.sliding_window_view(maps, self.kind.kernel, (0, 1))
        windows = windows[::down, ::across].transpose(4, 5, 2, 0, 1, 3)
        return np.ascontiguousarray(windows).reshape(self.rows(0), -1).T

    def fold(self, slopes: Array) -> Array:
        """See `DenseGeometry.fold`."""
        height, width, channels = self.kind.map
        top, left, bottom, right = self.kind.padding
        down, across = self.kind.stride
        places_down, places_across = self.kind.places
        by_row = slopes.T.reshape(*self.kind.kernel, channels, places_down, places_across, -1)
        padded_shape = (height + top + bottom, width + left + right, channels, by_row.shape[-1])
        padded = np.zeros(padded_shape, np.float32)
        end_down = (places_down - 1) * down + 1
        end_across = (places_across - 1) * across + 1
        for y, x in np.ndindex(*self.kind.kernel):
            window = padded[y : y + end_down : down, x : x + end_across : across]
            window += by_row[y, x].transpose(1, 2, 0, 3)
        inner = padded[top : top + height, left : left + width]
        return np.ascontiguousarray(inner).reshape(height * width * channels, -1).T

    def product(self, drive: Real, matrix: Real) -> Real:
        """See `DenseGeometry.product`."""
        return (matrix.T @ drive.T).T

    def pass_on(self, activations: Array) -> tuple[Array, Back]:
        """See `DenseGeometry.pass_on`; equal largest activations of a pool share its slope."""
        columns = activations.shape[1]
        maps = activations.T.reshape(columns, *self.kind.places, -1)
        if self.kind.pool > 1:
            outputs, shares = self._pool(maps)
        else:
            outputs, shares = maps, []

        def back(slopes: Array) -> Array:
            by_output = slopes.T.reshape(*self.kind.pooled, columns, -1).transpose(2, 0, 1, 3)
            if not shares:
                return np.ascontiguousarray(by_output).reshape(columns, -1).T
            by_map = np.zeros(maps.shape, np.float32)
            for corner, share in zip(self._corners, shares, strict=True):
                np.multiply(by_output, share, out=by_map[corner])
            return by_map.reshape(columns, -1).T

        outputs = np.ascontiguousarray(outputs.transpose(1, 2, 0, 3))
        return outputs.reshape(-1, maps.shape[-1]).T, back

    def _pool(self, maps: Array) -> tuple[Array, list[Array]]:
        """Return the largest of each 2 x 2 activations, and each corner's share of its slope."""
        corners = [maps[corner] for corner in self._corners]
        largest = np.maximum.reduce(corners)
        is_largest = [(corner == largest).astype(np.float32) for corner in corners]
        count = sum(is_largest[1:], is_largest[0])
        return largest, [each / count for each in is_largest]

    @property
    def _corners(self) -> list[tuple[slice, ...]]:
        """The four corners of all 2 x 2 pools, in maps (columns, height, width, images)."""
        height, width = (2 * side for side in self.kind.pooled)
        return [
            (slice(None), slice(y, height, 2), slice(x, width, 2))
            for y in range(2)
            for x in range(2)
        ]

    def normals(
        self, rng: np.random.Generator, shape: tuple[int, ...], shared_by: str = "use"
    ) -> Array:
        """See `DenseGeometry.normals`; all images of a pass share a chip."""
        uses, columns = shape
        if shared_by == "use":
            bits = np.frombuffer(rng.bytes(2 * columns * uses), np.uint16)
            return _normal_of_bits().take(bits).reshape(columns, uses).T
        if shared_by == "column" or not self.per_position:
            return rng.standard_normal((1, columns), dtype=np.float32)
        positions = self.kind.positions
        deviates = rng.standard_normal((columns, positions), dtype=np.float32)
        return np.repeat(deviates, uses // positions, axis=1).T


def geometry_of(kind: LayerKind, per_position: bool) -> DenseGeometry:
    """Return the geometry of a kind of layer."""
    if isinstance(kind, Convolution):
        return ConvolutionGeometry(kind, per_position)
    return DenseGeometry()
