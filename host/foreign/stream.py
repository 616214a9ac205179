"""What images become on their way through a graph: the layers so far, and what follows them."""

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.description import MAX_WEIGHTS, Dense, Reals

Constant = npt.NDArray[Any]

MAX_PRODUCTS = 10**12
"""Multiplications to make one layer of several that stand in a row."""


@dataclass(frozen=True, eq=False)
class Stream:
    """What images become, one sample of it: ``(x @ weights) * gain + shift``.

    Parameters
    ----------
    shape : tuple of int
        Of a sample, without the axis of the images.
    gain, shift : ndarray of float64, shape (features,)
        In the row-major order of the sample.
    weights : ndarray of float64, shape (inputs, features), or None
        None where nothing was multiplied with since `layers`: x is then the features themselves.
    layers : tuple of Dense
        What makes x of the images; x is the images' levels where there are none.
    """

    shape: tuple[int, ...]
    gain: Reals
    shift: Reals
    weights: Reals | None = None
    layers: tuple[Dense, ...] = field(default=())

    @classmethod
    def of_images(cls, shape: tuple[int, ...]) -> "Stream":
        """The images themselves."""
        return cls(shape, np.ones(math.prod(shape)), np.zeros(math.prod(shape)))

    @property
    def features(self) -> int:
        """Numbers of a sample."""
        return math.prod(self.shape)

    def reshaped(self, shape: tuple[int, ...]) -> "Stream":
        """The same numbers in the same order."""
        return replace(self, shape=shape)

    def spread(self, operand: Constant) -> Reals:
        """A constant as one number for each feature, by the rules of broadcasting.

        Raises
        ------
        ValueError
            If it does not fit, or would make the sample larger.
        """
        values = operand.astype(np.float64)
        if values.ndim == len(self.shape) + 1 and values.shape[0] == 1:
            values = values[0]
        try:
            return np.broadcast_to(values, self.shape).reshape(-1)
        except ValueError:
            raise ValueError(
                f"a constant of shape {operand.shape} does not fit samples of shape {self.shape}"
            ) from None

    def times(self, factor: Reals) -> "Stream":
        """Every feature times a number of its own."""
        return replace(self, gain=self.gain * factor, shift=self.shift * factor)

    def plus(self, number: Reals) -> "Stream":
        """A number of its own added to every feature."""
        return replace(self, shift=self.shift + number)

    def product(self, matrix: Constant) -> "Stream":
        """The features as a row, times a matrix.

        Raises
        ------
        ValueError
            If the matrix does not fit, or is too large.
        """
        if matrix.ndim != 2 or matrix.shape[0] != self.shape[-1] or self.features != self.shape[-1]:
            raise ValueError(
                f"samples of shape {self.shape} cannot be multiplied with weights of shape "
                f"{matrix.shape}"
            )
        real = matrix.astype(np.float64)
        if self.weights is None:
            weights = self.gain[:, None] * real
        else:
            inputs = self.weights.shape[0]
            if inputs * matrix.size > MAX_PRODUCTS or inputs * matrix.shape[1] > MAX_WEIGHTS:
                raise ValueError("layers in a row, with nothing between them, are too large")
            weights = (self.weights * self.gain) @ real
        columns = matrix.shape[1]
        return Stream(
            (*self.shape[:-1], columns), np.ones(columns), self.shift @ real, weights, self.layers
        )

    def dense(self, low: float = 0.0, high: float = np.inf) -> Dense:
        """The layer of what has happened since the last one.

        Raises
        ------
        ValueError
            If nothing was multiplied with, or a number is not what a layer takes.
        """
        if self.weights is None:
            raise ValueError("there is no layer of weights before it")
        return Dense(self.weights * self.gain, self.shift - low, high - low)

    def clipped(self, low: float, high: float) -> "Stream":
        """The features held between two numbers: the end of a layer.

        Raises
        ------
        ValueError
            If there is no layer to end, or nothing is held from below.
        """
        if self.weights is None and self.layers:
            return self._clipped_again(low, high)
        if not np.isfinite(low) or not low < high:
            raise ValueError(f"a neuron holds its output from below, not from {low:g} to {high:g}")
        layers = (*self.layers, self.dense(low, high))
        ones = np.ones(self.features)
        return Stream(self.shape, ones, low * ones, None, layers)

    def _clipped_again(self, low: float, high: float) -> "Stream":
        """Activations held once more, such as Relu and then Clip for a ReLU6."""
        *before, last = self.layers
        start = float(self.shift[0])
        if not (np.all(self.gain == 1) and np.all(self.shift == start) and low <= start < high):
            raise ValueError("activations that were scaled are held a second time")
        high = min(last.high, high - start)
        return replace(self, layers=(*before, Dense(last.weights, last.biases, high)))
