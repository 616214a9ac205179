"""Layers in files of named arrays: safetensors of PyTorch, Flax or Keras, and npz archives.

Each layer is a weight matrix with biases, and a ReLU separates two layers.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import deserialize, safe_open

from allspin.host.foreign.float_network import MAX_BYTES, MAX_WEIGHTS, FloatLayer
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file, read_file

MAX_UNPACKED = 8 * MAX_WEIGHTS + (1 << 20)
"""Bytes of the arrays of an npz file."""
OWN_KEY = "allspin"
"""Metadata key of this program's own network files."""
Arrays = Mapping[str, npt.NDArray[Any]]


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a sort key of a name with numbers: fc2 before fc10."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _layers(arrays: Arrays, names: list[tuple[str, str]], turned: bool) -> list[FloatLayer]:
    """Build layers of a matrix and a vector each; an absent vector is 0.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        All arrays of a file.
    names : list of (str, str)
        Names of the matrix and the vector of each layer, first to last.
    turned : bool
        True if matrices have the shape (outputs, inputs).

    Raises
    ------
    ValueError
        If an array is left over, or is not one of a layer.
    """
    if (count := sum(array.size for array in arrays.values())) > MAX_WEIGHTS:
        raise ValueError(f"it has {count:,} weights; at most {MAX_WEIGHTS:,} are taken")
    left, layers = dict(arrays), []
    for name, bias in names:
        weights = left.pop(name)
        if weights.ndim > 2:
            raise ValueError(
                f"{name}, of shape {weights.shape}, is a convolution's, which is read of "
                "ONNX; export the whole model, such as by torch.onnx"
            )
        weights = weights.T if turned else weights
        biases = left.pop(bias, np.zeros(weights.shape[-1:]))
        for array in (weights, biases):
            if array.dtype.kind not in "fiu":
                raise ValueError(f"{name} must hold real numbers, not {array.dtype}")
        try:
            layers.append(FloatLayer(weights, biases))
        except ValueError as error:
            raise ValueError(f"{name}: {error}; other layers are read of ONNX") from error
    if left:
        raise ValueError(
            f"it has an array {min(left)!r}, which is of no fully connected layer; export the "
            "whole model as ONNX, such as by torch.onnx"
        )
    return layers


def numbered_layers(arrays: Arrays) -> list[FloatLayer]:
    """Build the layers of arrays ``W0``, ``b0``, ``W1``, ...; matrices are inputs x outputs."""
    count = next(k for k in range(len(arrays) + 1) if f"W{k}" not in arrays)
    if not count:
        raise ValueError("it has no array W0; its arrays must be W0, b0, W1, b1 and so on")
    return _layers(arrays, [(f"W{k}", f"b{k}") for k in range(count)], turned=False)


def state_layers(arrays: Arrays) -> list[FloatLayer]:
    """Build the layers of arrays with the names of PyTorch's, Flax's or Keras' modules.

    They are ``NAME.weight`` of shape (outputs, inputs), or ``NAME/kernel`` of shape (inputs,
    outputs), and an optional ``NAME.bias``, with a dot or a slash. Layers are in the order of their
    names, numbers by value.
    """
    for matrix in ("weight", "kernel"):
        ends = (f".{matrix}", f"/{matrix}")
        modules = [name.removesuffix(matrix) for name in arrays if name.endswith(ends)]
        if modules:
            names = [(f"{each}{matrix}", f"{each}bias") for each in sorted(modules, key=natural)]
            return _layers(arrays, names, turned=matrix == "weight")
    raise ValueError("it has no array named NAME.weight or NAME/kernel, such as fc1.weight")


def read_tensors(path: Path) -> Arrays:
    """Read the arrays of a safetensors file, without counts: single integers and a ``step``."""
    check_file(path, "safetensors file", MAX_BYTES)
    damaged = f"{path} is not a safetensors file, or is damaged: "
    advice = "; save it again, in single precision"
    with refused(damaged, advice, Exception), safe_open(path, "np") as file:
        if OWN_KEY in (file.metadata() or {}):
            raise UserError(
                f"{path} is a network file of allspin already; allspin run {path} runs it"
            )
        names = set(file.keys())
        brain = {name for name in names if file.get_slice(name).get_dtype() == "BF16"}
        arrays = {name: file.get_tensor(name) for name in names - brain}
        for name, tensor in deserialize(read_file(path, "model", MAX_BYTES)) if brain else ():
            if name in brain:  # bfloat16 is the upper half of a single; NumPy does not have it
                halves = np.frombuffer(tensor["data"], "<u2").astype("<u4")
                arrays[name] = (halves << 16).view("<f4").reshape(tensor["shape"])
    counts = {
        name
        for name, array in arrays.items()
        if (not array.shape and array.dtype.kind in "iu")
        or (array.size == 1 and name.endswith("step"))
    }
    return {name: array for name, array in arrays.items() if name not in counts}
