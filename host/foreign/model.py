"""Model of another tool in a file of any supported format: its layers, and its own answers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from allspin.host.data.arrays import read_npz
from allspin.host.foreign.float_network import (
    FloatLayer,
    FloatNetwork,
    Reals,
)
from allspin.host.foreign.graph.evaluator import Evaluator
from allspin.host.foreign.graph.graph_layers import read_layers
from allspin.host.foreign.graph.onnx_graph import read_graph
from allspin.host.foreign.graph.operators import class_names, sample_shape
from allspin.host.foreign.named_arrays import (
    MAX_UNPACKED,
    numbered_layers,
    read_tensors,
    state_layers,
)
from allspin.sim.errors import UserError, refused

PAIR = np.array([-0.5, 0.5])
"""Logits of two classes per output of a model with one: above 0 it answers the second class."""
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib")
KERAS = (".keras", ".h5", ".hdf5")


@dataclass(frozen=True)
class Model:
    """Model of another tool.

    Parameters
    ----------
    network : FloatNetwork
        Layers of the model, with the model's own input.
    answers : callable
        Function of inputs, shape (images, pixels), to logits, shape (images, classes): ONNX's
        reference evaluator, or the layers themselves.
    format : str
        ``onnx``, ``safetensors`` or ``npz``.
    half : bool
        True if its answers are computed in half precision.
    labels : sequence of str
        Labels of its classes, in the order of its columns; empty if they are numbers.
    """

    network: FloatNetwork
    answers: Callable[[Reals], Reals]
    format: str
    half: bool = False
    labels: Sequence[str] = ()


def _refuse(path: Path) -> NoReturn:
    """Raise for a file of a format that is not read."""
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
        f"{path} must be a model named .onnx, .safetensors (PyTorch's or Flax's names) or .npz "
        "(W0, b0, ...)"
    )


def read_model(path: Path, image_shape: tuple[int, ...]) -> Model:
    """Read a model.

    Parameters
    ----------
    path : Path
        ``.onnx``, ``.safetensors`` or ``.npz``.
    image_shape : tuple of int
        Height and width of the model's images, and channels if they have some.

    Raises
    ------
    UserError
        If the file is of another kind or damaged, or its layers are not supported.
    """
    suffix, half, labels = path.suffix.lower(), False, []
    if suffix == ".onnx":
        # Names that are not text fail only when they are read.
        with refused(f"{path} is damaged: ", "; export it again", (TypeError, ValueError)):
            graph = read_graph(path)
            network, logits = read_layers(graph, image_shape)
            answers = Evaluator(graph, logits, graph.input.name, sample_shape(graph, image_shape))
            labels = class_names(graph)
        half = any(array.dtype.name == "float16" for array in graph.constants.values())
    elif suffix in (".safetensors", ".npz"):
        with refused(f"{path} holds no network: "):
            if suffix == ".npz":
                layers = numbered_layers(read_npz(path, "npz file", MAX_UNPACKED))
            else:
                layers = state_layers(read_tensors(path))
            network = FloatNetwork(tuple(layers))
        answers = network.logits
    else:
        _refuse(path)
    if network.topology[0] != math.prod(image_shape):
        raise UserError(
            f"{path} takes {network.topology[0]} inputs; the images have "
            f"{' x '.join(map(str, image_shape))} pixels"
        )
    read = Model(network, answers, suffix.removeprefix("."), half, labels)
    if network.topology[-1] > 1:
        return read
    *others, last = network.layers
    network = replace(
        network, layers=(*others, FloatLayer(last.weights * PAIR, last.biases * PAIR))
    )
    return replace(read, network=network, answers=lambda inputs: answers(inputs) * PAIR)
