"""A model of another tool, whatever its file's format: layers, and what it answers itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from allspin.host.data.arrays import read_npz
from allspin.host.foreign.description import MAX_BYTES, MAX_WEIGHTS, Dense, FloatNetwork, Reals
from allspin.host.foreign.graph import read_layers, sample_shape
from allspin.host.foreign.onnx_file import evaluator, read_graph
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file

MAX_UNPACKED = 8 * MAX_WEIGHTS + (1 << 20)
"""Bytes of the arrays of an npz file."""
OTHER_TYPES = ("BF", "F8", "F4", "F6")
"""How the names of types in safetensors begin that NumPy has not."""
OWN_KEY = "allspin"
"""What the metadata of a network file of this program has."""

# Layers of named arrays: a weight matrix and biases each, a ReLU between two layers.

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


def _layer(left: dict[str, npt.NDArray[Any]], name: str, bias: str, turned: bool) -> Dense:
    """The layer of two arrays, which are taken from those that are left."""
    weights = _real(name, left.pop(name), 2)
    weights = weights.T if turned else weights
    biases = _real(bias, left.pop(bias, np.zeros(weights.shape[1])), 1)
    try:
        return Dense(weights, biases)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


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
    layers: list[Dense] = []
    left = dict(arrays)
    while (name := f"W{len(layers)}") in left:
        layers.append(_layer(left, name, f"b{len(layers)}", turned=False))
    if not layers:
        raise ValueError("it has no array W0; its arrays must be W0, b0, W1, b1 and so on")
    if left:
        raise ValueError(
            f"it has an array {min(left)!r}; arrays are W0, b0 and so on, without a gap"
        )
    return FloatNetwork(tuple(layers))


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
    names = sorted((name for name in left if name.endswith(".weight")), key=natural)
    layers = [
        _layer(left, name, f"{name.removesuffix('.weight')}.bias", turned=True) for name in names
    ]
    if not layers:
        raise ValueError("it has no array named NAME.weight, such as 0.weight or fc1.weight")
    if left:
        raise ValueError(f"it has an array {min(left)!r}, which is of no fully connected layer")
    try:
        return FloatNetwork(tuple(layers))
    except ValueError as error:
        raise ValueError(f"{error} (layers in the order {', '.join(names)})") from error


def _tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a safetensors file."""
    check_file(path, "safetensors file", MAX_BYTES)
    damaged = f"{path} is not a safetensors file, or is damaged: "
    with refused(damaged, "; save it again", Exception), safe_open(path, "np") as file:
        if OWN_KEY in (file.metadata() or {}):
            raise UserError(
                f"{path} is a network file of allspin already; allspin run {path} runs it"
            )
        for name in file.keys():  # noqa: SIM118 (it is no dict)
            kind = file.get_slice(name).get_dtype()
            if kind.startswith(OTHER_TYPES):
                raise UserError(
                    f"{path}: {name} has numbers of the type {kind}, which is not read; save the "
                    "module in single precision: module.float()"
                )
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


# A model of any format.

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib")
KERAS = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True)
class Model:
    """A model that was read.

    Parameters
    ----------
    network : FloatNetwork
        Its layers; what enters them is what enters the model.
    answers : callable
        From inputs, shape (images, pixels), to logits, shape (images, classes), computed as its
        file's format means it: by ONNX's reference evaluator, or by the layers themselves.
    format : str
        ``onnx``, ``safetensors`` or ``npz``.
    half : bool
        Whether its answers are computed in half precision.
    """

    network: FloatNetwork
    answers: Callable[[Reals], Reals]
    format: str
    half: bool = False


def _refuse(path: Path) -> NoReturn:
    """Raise for what no reader is for."""
    suffix, stem = path.suffix.lower(), path.stem
    if suffix in PICKLES:
        raise UserError(
            f"{path} is a pickle, which may run any program and is not opened; convert it: python "
            '-c "import torch, safetensors.torch as s; '
            f"s.save_file(torch.load('{path.name}', weights_only=True), '{stem}.safetensors')\""
        )
    if suffix in KERAS:
        raise UserError(
            f"{path} is Keras' own format, which is not read; convert it: python -c "
            f"\"import keras; keras.saving.load_model('{path.name}')"
            f".export('{stem}.onnx', format='onnx')\""
        )
    raise UserError(
        f"{path} must be a model named .onnx, .safetensors (PyTorch's names) or .npz (W0, b0, ...)"
    )


def read_model(path: Path, image_shape: tuple[int, int]) -> Model:
    """Read a model.

    Parameters
    ----------
    path : Path
        ``.onnx``, ``.safetensors`` or ``.npz``.
    image_shape : tuple of int
        Height and width of the images that it is for.

    Raises
    ------
    UserError
        If the file is of another kind or damaged, or its layers are none that a network has.
    """
    suffix, half = path.suffix.lower(), False
    if suffix == ".onnx":
        graph = read_graph(path)
        network, logits = read_layers(graph, image_shape)
        answers = evaluator(graph, logits, sample_shape(graph, image_shape))
        half = any(array.dtype.name == "float16" for array in graph.constants.values())
    elif suffix in (".safetensors", ".npz"):
        with refused(f"{path} holds no network: "):
            if suffix == ".npz":
                network = numbered_layers(read_npz(path, "npz file", MAX_UNPACKED))
            else:
                network = state_layers(_tensors(path))
        answers = network.logits
    else:
        _refuse(path)
    pixels = image_shape[0] * image_shape[1]
    if network.topology[0] != pixels:
        raise UserError(
            f"{path} takes {network.topology[0]} inputs; the images have {image_shape[0]} x "
            f"{image_shape[1]} pixels"
        )
    return Model(network, answers, suffix.removeprefix("."), half)
