"""A model of another tool, whatever its file's format: layers, and what it answers itself."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from allspin.host.data.packed import npy_array
from allspin.host.foreign.description import MAX_BYTES, MAX_WEIGHTS, Dense, FloatNetwork, Reals
from allspin.host.foreign.graph import read_layers, sample_shape
from allspin.host.foreign.onnx_file import evaluator, read_graph
from allspin.sim.errors import UserError
from allspin.sim.files import parse_json, read_file

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


# A network in NumPy's npz: a zip file of arrays.

MAX_ARRAYS = 100
MAX_UNPACKED = 8 * MAX_WEIGHTS + (1 << 20)
"""Bytes of all arrays together once they are unpacked."""
SUFFIX = ".npy"
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    OSError,
    SyntaxError,
    TypeError,
    struct.error,
)


def _arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MAX_ARRAYS:
            raise ValueError(f"it holds {len(members):,} files; at most {MAX_ARRAYS} are taken")
        if (size := sum(member.file_size for member in members)) > MAX_UNPACKED:
            raise ValueError(f"it unpacks to {size:,} bytes; at most {MAX_UNPACKED:,} are taken")
        found = {}
        for member in members:
            if not member.filename.endswith(SUFFIX):
                raise ValueError(f"it holds {member.filename!r}, which is no array")
            name = member.filename.removesuffix(SUFFIX)
            try:
                found[name] = npy_array(archive.read(member))
            except ValueError as error:
                raise ValueError(f"{name} {error}") from error
        return found


def read_npz(path: Path) -> FloatNetwork:
    """Read a network from an npz file, as `numbered_layers` describes it.

    Raises
    ------
    UserError
        If the file is missing, damaged, too large, or holds anything else.
    """
    data = read_file(path, "npz file", MAX_BYTES)
    try:
        return numbered_layers(_arrays(data))
    except DAMAGED as error:
        raise UserError(f"{path} holds no network: {error}") from error


# A network in safetensors, with the names that PyTorch's modules give.

MAX_HEADER = 1 << 20
"""Bytes of the header, which lists a few dozen tensors."""
OTHER_TYPES = ("BF", "F8", "F4", "F6")
"""How the names of types begin that NumPy has not."""
SHOWN = 20
"""Characters that a message shows of such a name."""
OWN_KEY = "allspin"
"""What the metadata of a network file of this program has."""


def _header(path: Path, data: bytes) -> dict[str, object]:
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER or len(data) < 8 + size:
        raise UserError(f"{path} is not a safetensors file, or is cut short")
    try:
        return parse_json(data[8 : 8 + size])
    except ValueError as error:
        raise UserError(f"{path} is not a safetensors file: {error}") from error


def _check_types(path: Path, header: dict[str, object]) -> None:
    """Refuse numbers that NumPy has not."""
    for name, tensor in header.items():
        kind = tensor.get("dtype") if isinstance(tensor, dict) else None
        if isinstance(kind, str) and kind.startswith(OTHER_TYPES):
            raise UserError(
                f"{path}: {name} has numbers of the type {kind[:SHOWN]}, which is not read; save "
                "the module in single precision: module.float()"
            )


def read_safetensors(path: Path) -> FloatNetwork:
    """Read a network from a safetensors file, as `state_layers` describes it.

    Raises
    ------
    UserError
        If the file is missing, damaged, too large, or holds anything else.
    """
    data = read_file(path, "safetensors file", MAX_BYTES)
    header = _header(path, data)
    _check_types(path, header)
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and OWN_KEY in metadata:
        raise UserError(f"{path} is a network file of allspin already; allspin run {path} runs it")
    try:
        arrays = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(f"{path} is not a safetensors file, or is damaged: {error}") from error
    try:
        return state_layers({name: np.asarray(array) for name, array in arrays.items()})
    except ValueError as error:
        raise UserError(f"{path} holds no network: {error}") from error


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
        network = read_safetensors(path) if suffix == ".safetensors" else read_npz(path)
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
