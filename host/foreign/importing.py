"""``allspin import``: a network of another tool becomes one of the machine's."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.foreign.float_network import MAX_BYTES
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.imported import Imported, NetworkStage
from allspin.host.foreign.input_scaling import Choice, choose_scaling
from allspin.host.foreign.model import Model, read_model
from allspin.host.foreign.quantise import layer_errors, quantise
from allspin.host.show.progress import shows_progress
from allspin.host.train.feed import split
from allspin.host.train.trainer import tune
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import cut

CALIBRATION = 5000
"""Training images that weights and ranges are fitted on."""
ERROR_IMAGES = 2000
"""Test images that the layers' errors are measured on."""
MAX_DISAGREEMENT = 1e-3
"""Largest difference between the layers that were read and the model's answers, as a share of the
logits' standard deviation; single precision makes up to a hundredth of that."""
HALF_DISAGREEMENT = 0.02
"""The same for a model in half precision, which makes up to a fifth of that."""


def _accuracy_of(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> float:
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def _read(
    path: Path, dataset: Dataset, options: ImportOptions, chosen: npt.NDArray[np.int64]
) -> tuple[Model, Choice, float]:
    """Read a model; return it with the scaling of its input, and its accuracy.

    Raises
    ------
    UserError
        If the model does not fit the data set, or its answers differ from those of the layers that
        were read.
    """
    model = read_model(path, dataset.image_shape)
    network = model.network
    if network.topology[-1] != dataset.classes:
        raise UserError(
            f"{path} has {network.topology[-1]} outputs; the data set has {dataset.classes} classes"
        )
    images, labels = dataset.train_images[chosen], dataset.train_labels[chosen]
    choice = choose_scaling(network, options.scalings(), images, labels)
    inputs = choice.scaling.apply(dataset.test_images)
    # ONNX's evaluator takes milliseconds for each pool of an image.
    few = slice(ERROR_IMAGES if any(layer.kind.positions > 1 for layer in network.layers) else None)
    read = network.logits(inputs)
    answers = read.copy()
    answers[few] = model.answers(inputs[few])
    # A sum at a border between two rounded activations may fall to either side, in rare images.
    apart = float(np.quantile(np.abs(answers - read)[few].max(axis=1), 0.99))
    most = HALF_DISAGREEMENT if model.half else MAX_DISAGREEMENT
    if not apart <= most * max(float(read.std()), 1e-6):
        raise UserError(
            f"{path}: the layers read of it differ from what it answers by {apart:.3g}; "
            "it is not imported"
        )
    return model, choice, _accuracy_of(answers, dataset.test_labels)


@shows_progress
def import_network(
    model: Any,
    data: Data | Dataset | None = None,
    options: ImportOptions | None = None,
    *,
    progress: Any = None,
) -> Imported:
    """Bring a network that was trained elsewhere to the machine's integers.

    Parameters
    ----------
    model : str or Path
        ONNX (``.onnx``), safetensors with PyTorch's or Flax's names (``.safetensors``), or
        ``.npz`` with ``W0``, ``b0`` and so on; or an ``MLPClassifier`` of scikit-learn with ReLUs.
    data : Dataset, str, Path or tuple of array_like, optional
        Data set of the model, in any form that `allspin.load_dataset` takes; by default, the MNIST
        that ships. Training images calibrate and train; test images give the accuracy.
    options : ImportOptions, optional
        How.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.

    Returns
    -------
    Imported

    Raises
    ------
    UserError
        If the model cannot be read, or does not fit the data set or the machine.
    """
    if getattr(model, "activation", None) == "relu" and hasattr(model, "coefs_"):
        with TemporaryDirectory() as folder:
            path = _write_classifier(model, Path(folder))
            return import_network(path, data, options, progress=progress)
    if not isinstance(model, str | Path):
        raise UserError(
            f"import_network takes a file, not {type(model).__name__}: of a torch module "
            "torch.onnx.export(module, torch.zeros(1, 784), 'model.onnx') writes one, of other "
            "models of scikit-learn skl2onnx.to_onnx"
        )
    dataset = load_dataset(data)
    with threadpool_limits(1):  # sums come out the same everywhere
        return _import(Path(model), dataset, options or ImportOptions(), progress)


def _write_classifier(model: Any, folder: Path) -> Path:
    """Write the weights and biases of an `MLPClassifier` of scikit-learn as an npz file."""
    arrays = {f"W{number}": weights for number, weights in enumerate(model.coefs_)}
    arrays |= {f"b{number}": biases for number, biases in enumerate(model.intercepts_)}
    path = folder / f"{type(model).__name__}.npz"
    np.savez(path, **arrays)
    return path


def _import(path: Path, dataset: Dataset, options: ImportOptions, progress: Any) -> Imported:
    """Read a file's model, quantise it, and train it further if the options say so."""
    learnt, kept = split(len(dataset.train_images))
    chosen = learnt[:CALIBRATION] if len(learnt) else np.zeros(1, np.int64)
    progress.start(f"reading {path.name}")
    read, choice, accuracy = _read(path, dataset, options, chosen)
    progress.finish(f"{accuracy:.2%} in floating point")
    _note_guesses(path, read, choice, progress)
    network = read.network.scaled(choice.scaling)
    about = {
        "name": path.name,
        "format": read.format,
        "digest": hashlib.sha256(read_file(path, "model", MAX_BYTES)).hexdigest(),
        "topology": list(network.topology),
        "accuracy": round(accuracy, 6),
        "input": choice.scaling.to_dict(),
    }
    provenance = {"command": "import", "model": about, "options": options.provenance(dataset)}
    few = dataset.test_images[:ERROR_IMAGES]
    outputs = network.trace(few.reshape(len(few), -1) / 255.0)

    def stage(made: Network) -> NetworkStage:
        logits = GoldenModel(made).logits(dataset.test_images)
        errors = layer_errors(made, few, outputs)
        return NetworkStage(made, _accuracy_of(logits, dataset.test_labels), errors)

    progress.start("quantising")
    with refused(f"{path}: "):
        formats = options.training(network.topology[1:-1]).formats
        latent, constants = quantise(network, formats, dataset.train_images[chosen])
        learnt_of = {"name": dataset.name, "digest": dataset.digest}
        made = latent.export(dataset.image_shape, {**provenance, "data": learnt_of})
    if options.tiles is not None:
        made = cut(made, options.tiles, dataset.train_images[kept], dataset.train_labels[kept])
    quantised = stage(made)
    progress.finish(f"{quantised.accuracy:.2%}")
    trained = None
    if options.tune:
        parameters = options.training(latent.topology[1:-1])
        trained = tune(dataset, parameters, latent, provenance, progress)
    return Imported(
        model_topology=network.topology,
        model_accuracy=accuracy,
        choice=choice,
        quantised=quantised,
        tuned=None if trained is None else stage(trained.network),
        constant_neurons=constants,
        spread_biases=len(network.layers) == 1 and bool(np.ptp(network.layers[0].biases)),
        interrupted=trained is not None and trained.interrupted,
    )


def _note_guesses(path: Path, model: Model, choice: Choice, progress: Any) -> None:
    """Note a scaling of the input that may be another, and the order of labelled classes."""
    if choice.near_tie:
        progress.note(f"{choice.reason}; give `white`")
    if model.labels:
        names = ", ".join(map(repr, model.labels[:10]))
        progress.note(
            f"{path.name} has labels: {names}, in this order, are classes 0, 1, ... of the data"
        )
