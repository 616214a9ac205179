"""Network of another tool in real numbers: layers, activations, and the scaling of its input."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.layer_passes import forward_pass
from allspin.sim.network.layer_kinds import DENSE, MAX_LINES, LayerKind
from allspin.sim.parameters import Parameters, number

Reals = npt.NDArray[np.float64]
LARGEST = 1e12
"""Largest magnitude of a weight or bias; fifteen layers of it do not overflow."""
MAX_WEIGHTS = 1 << 26
"""Weights of all layers together: half a gigabyte of real numbers."""
MAX_BYTES = 4 * MAX_WEIGHTS + (1 << 20)
"""Bytes of a model's file: these weights in single precision, and their description."""
BATCH = 500
"""Images that are evaluated at a time, where the graph takes any number."""


def relu(sums: Reals) -> Reals:
    """Compute the ReLU, the default activation."""
    return np.maximum(sums, 0)


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """Layer: weighted sums of inputs with biases, then activations except in the last layer.

    Values of maps are in the order of `allspin.sim.network.layer_kinds`.

    Parameters
    ----------
    weights : array_like of float, shape (rows, columns)
        A row for each input of a dense layer; a column for each kernel of a convolution.
    biases : array_like of float, shape (uses,)
        Bias of each column; in a convolution, of each column at each position.
    activation : callable
        Function of sums, shape (images, uses), to activations, which rise with them from 0.
    kind : LayerKind
        Dense, or a convolution, which may pass on the largest of 2 x 2 activations.

    Raises
    ------
    ValueError
        If shapes do not fit, a layer has more than 65,535 rows or columns, or a number is not
        finite.
    """

    weights: Reals
    biases: Reals
    activation: Callable[[Reals], Reals] = relu
    kind: LayerKind = DENSE

    def __post_init__(self) -> None:
        for name in ("weights", "biases"):
            values = np.asarray(getattr(self, name), np.float64)
            if not np.all(np.abs(values) <= LARGEST):  # nor NaN
                raise ValueError(f"{name} must be finite numbers of at most {LARGEST:g}")
            object.__setattr__(self, name, values)
        shape = self.weights.shape
        if len(shape) != 2 or not all(1 <= side <= MAX_LINES for side in shape):
            raise ValueError(
                f"weights must be inputs x outputs, each from 1 to {MAX_LINES}, "
                f"not of shape {shape}"
            )
        uses = self.kind.positions * shape[1]
        if self.biases.shape != (uses,):
            raise ValueError(f"{uses} outputs need as many biases, not shape {self.biases.shape}")

    @property
    def inputs(self) -> int:
        """Number of values that the layer takes."""
        return self.kind.inputs(len(self.weights))

    @property
    def outputs(self) -> int:
        """Number of values that the layer passes on."""
        return math.prod(self.kind.shape(self.weights.shape[1]))

    def sums(self, values: Reals) -> Reals:
        """Compute the sums, shape (images, uses), of inputs, shape (images, inputs)."""
        return self.kind.products(values, self.weights) + self.biases

    def forward(self, values: Reals) -> tuple[Reals, Reals]:
        """Compute the outputs of a hidden layer, twice: as values and as record of a pass."""
        outputs = self.kind.pass_on(self.activation(self.sums(values)))
        return outputs, outputs

    def forward_to_logits(self, values: Reals) -> tuple[Reals, Reals]:
        """Compute the logits of the last layer, in the form of `forward`."""
        logits = self.sums(values)
        return logits, logits


@dataclass(frozen=True)
class InputScaling(Parameters):
    """Scaling of grey levels before they enter a network: ``(level * white - mean) / scale``.

    Parameters
    ----------
    white : float
        Value of a white pixel, whose level is 1; usually 1 or 255.
    mean : float
        Value that is subtracted.
    scale : float
        Divisor.

    Raises
    ------
    ValueError
        If a number is beyond `LARGEST`, or white or scale is not greater than 0.
    """

    white: float = number(1.0, 1 / LARGEST, LARGEST)
    mean: float = number(0.0, -LARGEST, LARGEST)
    scale: float = number(1.0, 1 / LARGEST, LARGEST)

    def apply(self, images: npt.NDArray[np.uint8]) -> Reals:
        """Scale grey levels of 0 to 255; return an array of shape (images, pixels)."""
        return self.scale_levels(images.reshape(len(images), -1) / 255.0)

    def scale_levels(self, levels: Reals) -> Reals:
        """Scale levels of 0 to 1."""
        return (levels * self.white - self.mean) / self.scale

    def to_dict(self) -> dict[str, Any]:
        """Return the scaling in the form of provenance and JSON."""
        return {"white": self.white, "mean": self.mean, "scale": self.scale}


def unchanged(inputs: Reals) -> Reals:
    """Return inputs unchanged, the default before the first layer."""
    return inputs


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """Network of real numbers.

    Parameters
    ----------
    layers : tuple of FloatLayer
        The layers, first to last; each takes as many inputs as the one before has outputs.
    enter : callable
        Function of inputs, shape (images, inputs), before the first layer, each by itself.

    Raises
    ------
    ValueError
        If the layers do not fit one another.
    """

    layers: tuple[FloatLayer, ...]
    enter: Callable[[Reals], Reals] = unchanged

    def __post_init__(self) -> None:
        for layer, (before, after) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if before.outputs != after.inputs:
                raise ValueError(
                    f"layer {layer} has {before.outputs} outputs, but layer {layer + 1} takes "
                    f"{after.inputs}"
                )

    @property
    def topology(self) -> tuple[int, ...]:
        """Numbers of values between the layers, from the inputs to the classes."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    def scaled(self, scaling: InputScaling) -> "FloatNetwork":
        """Return the network as one of levels from 0 to 1."""
        return replace(self, enter=lambda levels: self.enter(scaling.scale_levels(levels)))

    def trace(self, inputs: Reals) -> list[Reals]:
        """Return each layer's outputs for some inputs: activations, and the logits at the end.

        Parameters
        ----------
        inputs : ndarray of float64, shape (images, inputs)
        """
        *hidden, last = self.layers
        layers = [*(layer.forward for layer in hidden), last.forward_to_logits]
        _, outputs = forward_pass(layers, self.enter(inputs))
        return outputs

    def logits(self, inputs: Reals) -> Reals:
        """Compute the outputs of the last layer, shape (images, classes)."""
        # In batches, since maps of all images may exceed the memory.
        parts = (inputs[k : k + BATCH] for k in range(0, len(inputs), BATCH))
        return np.concatenate([self.trace(part)[-1] for part in parts])
