"""Layers of named arrays: a weight matrix and biases each, a ReLU between two layers."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.foreign.description import Dense, FloatNetwork

Arrays = Mapping[str, npt.NDArray[Any]]


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts names with numbers in them by the numbers: fc2 before fc10."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _real(name: str, array: npt.NDArray[Any], dimensions: int) -> npt.NDArray[np.float64]:
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim != dimensions:
        what = "a matrix" if dimensions == 2 else "a vector"
        raise ValueError(f"{name} must be {what}, not of shape {array.shape}")
    return array.astype(np.float64)


def numbered_layers(arrays: Arrays) -> FloatNetwork:
    """The network of arrays ``W0``, ``b0``, ``W1`` and so on.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``Wk`` of shape (inputs, outputs); ``bk`` of shape (outputs,) or absent, which is 0.

    Raises
    ------
    ValueError
        If names or shapes are others.
    """
    layers = []
    left = dict(arrays)
    while (name := f"W{len(layers)}") in left:
        weights = _real(name, left.pop(name), 2)
        bias = f"b{len(layers)}"
        biases = left.pop(bias, np.zeros(weights.shape[1]))
        layers.append(_dense(name, weights, _real(bias, biases, 1)))
    if not layers:
        raise ValueError("it has no array W0; its arrays must be W0, b0, W1, b1 and so on")
    if left:
        raise ValueError(
            f"it has an array {min(left)!r}; arrays are W0, b0 and so on, without a gap"
        )
    return FloatNetwork(tuple(layers))


def _dense(name: str, weights: npt.NDArray[np.float64], biases: npt.NDArray[np.float64]) -> Dense:
    try:
        return Dense(weights, biases)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def state_layers(arrays: Arrays) -> FloatNetwork:
    """The network of arrays named as PyTorch's modules name them.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``NAME.weight`` of shape (outputs, inputs), and ``NAME.bias`` or nothing; layers follow one
        another as their names do, numbers by value.

    Raises
    ------
    ValueError
        If there is anything else, or the layers do not fit in that order.
    """
    left = dict(arrays)
    normalised = [name for name in left if name.endswith((".running_mean", ".running_var"))]
    if normalised:
        raise ValueError(
            f"{min(normalised)!r} belongs to a BatchNorm, whose place in the module no names tell; "
            "export the module with torch.onnx"
        )
    layers = []
    names = sorted((name for name in left if name.endswith(".weight")), key=natural)
    for name in names:
        weights = _real(name, left.pop(name), 2).T
        bias = f"{name.removesuffix('.weight')}.bias"
        biases = left.pop(bias, np.zeros(weights.shape[1]))
        layers.append(_dense(name, weights, _real(bias, biases, 1)))
    if not layers:
        raise ValueError("it has no array named NAME.weight, such as 0.weight or fc1.weight")
    if left:
        raise ValueError(f"it has an array {min(left)!r}, which is of no fully connected layer")
    try:
        return FloatNetwork(tuple(layers))
    except ValueError as error:
        raise ValueError(f"{error} (layers in the order {', '.join(names)})") from error
