"""A network of real numbers, as whatever file it came from describes it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import check_number
from allspin.sim.network.network import MAX_LINES

Reals = npt.NDArray[np.float64]

LARGEST = 1e12
"""Magnitude of a weight or bias: what fifteen layers make of it is a number yet."""
MAX_WEIGHTS = 1 << 26
"""Weights of all layers together: half a gigabyte of real numbers."""
MAX_BYTES = 4 * MAX_WEIGHTS + (1 << 20)
"""Bytes of a model's file: so many weights in single precision, and what describes them."""


@dataclass(frozen=True, eq=False)
class Dense:
    """A layer: ``z = inputs @ weights + biases``, then, but in the last one, ``clip(z, 0, high)``.

    Parameters
    ----------
    weights : array_like of float, shape (inputs, outputs)
    biases : array_like of float, shape (outputs,)
    high : float
        The largest activation: infinite for a ReLU, 6 for a ReLU6. Greater than 0.

    Raises
    ------
    ValueError
        If shapes do not fit, there are more than 65,535 inputs or outputs, or a number is not
        finite.
    """

    weights: Reals
    biases: Reals
    high: float = np.inf

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
        if self.biases.shape != (shape[1],):
            raise ValueError(
                f"{shape[1]} outputs need as many biases, not shape {self.biases.shape}"
            )
        if not self.high > 0:
            raise ValueError(f"the largest activation must be greater than 0, not {self.high}")


@dataclass(frozen=True)
class InputScaling:
    """What becomes of grey levels before they enter a network: ``(level * white - mean) / scale``.

    Parameters
    ----------
    white : float
        What a white pixel is worth before that, its level being 1; usually 1 or 255.
    mean : float
        Taken off.
    scale : float
        Divided by.

    Raises
    ------
    ValueError
        If a number is beyond `LARGEST`, or white or scale is not greater than 0.
    """

    white: float = 1.0
    mean: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("white", "mean", "scale"):
            least = -LARGEST if name == "mean" else 1 / LARGEST
            check_number(name, getattr(self, name), least, LARGEST)

    def apply(self, images: npt.NDArray[np.uint8]) -> Reals:
        """What enters a network for grey levels of 0 to 255, shape (images, pixels)."""
        levels = images.reshape(len(images), -1) / 255.0
        return (levels * self.white - self.mean) / self.scale

    def to_dict(self) -> dict[str, Any]:
        """As provenance and JSON have it."""
        return {"white": self.white, "mean": self.mean, "scale": self.scale}


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """A whole network of real numbers.

    Parameters
    ----------
    layers : tuple of Dense
        First to last; each takes as many inputs as the one before has outputs.

    Raises
    ------
    ValueError
        If they do not fit one another.
    """

    layers: tuple[Dense, ...]

    def __post_init__(self) -> None:
        for number, (before, after) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if before.weights.shape[1] != after.weights.shape[0]:
                raise ValueError(
                    f"layer {number} has {before.weights.shape[1]} outputs, but layer "
                    f"{number + 1} takes {after.weights.shape[0]}"
                )

    @property
    def topology(self) -> tuple[int, ...]:
        """Widths from the inputs to the classes."""
        inputs = self.layers[0].weights.shape[0]
        return (inputs, *(layer.weights.shape[1] for layer in self.layers))

    def scaled(self, scaling: InputScaling) -> "FloatNetwork":
        """The same network of levels from 0 to 1, with the scaling in its first layer."""
        first = self.layers[0]
        weights = first.weights * (scaling.white / scaling.scale)
        biases = first.biases - scaling.mean / scaling.scale * first.weights.sum(axis=0)
        return FloatNetwork((Dense(weights, biases, first.high), *self.layers[1:]))

    def trace(self, inputs: Reals) -> list[Reals]:
        """What each layer makes of some inputs: its activations, and the logits in the end.

        Parameters
        ----------
        inputs : ndarray of float64, shape (images, inputs)
        """
        values, outputs = inputs, []
        for number, layer in enumerate(self.layers):
            values = values @ layer.weights + layer.biases
            if number < len(self.layers) - 1:
                np.clip(values, 0, layer.high, out=values)
            outputs.append(values)
        return outputs

    def logits(self, inputs: Reals) -> Reals:
        """Outputs of the last layer, shape (images, classes)."""
        return self.trace(inputs)[-1]
