"""A model of another tool, whatever its file's format: layers, and what it answers itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from allspin.host.data.foreign.description import FloatNetwork, Reals
from allspin.host.data.foreign.graphs.evaluate import evaluator
from allspin.host.data.foreign.graphs.loading import read_graph
from allspin.host.data.foreign.graphs.walk import read_layers, sample_shape
from allspin.host.data.foreign.npz_file import read_npz
from allspin.host.data.foreign.safetensors_file import read_safetensors
from allspin.sim.errors import UserError

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
