"""A network of another tool becomes one of the machine's, and says what that costs."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Dataset
from allspin.host.foreign.description import MAX_BYTES, InputScaling
from allspin.host.foreign.model import Model, read_model
from allspin.host.foreign.quantise import layer_errors, quantise
from allspin.host.show.say import Display, Silent
from allspin.host.train.feed import split
from allspin.host.train.parameters import MAX_EPOCHS, TrainingParameters, TrainingTarget
from allspin.host.train.trainer import Progress, tune
from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.files import read_file
from allspin.sim.network.golden import GoldenModel, cut
from allspin.sim.network.network import Network, Tiles
from allspin.sim.parameters import option

CALIBRATION = 5000
"""Images that weights and ranges are fitted on, training images all."""
ERROR_IMAGES = 2000
"""Test images that the layers' errors are measured on."""
MAX_DISAGREEMENT = 1e-3
"""Most that the layers read of a model may differ from what it answers, as a share of the logits'
standard deviation; single precision makes up to a hundredth of that."""
HALF_DISAGREEMENT = 0.02
"""The same of a model in half precision, which makes up to a fifth of that."""


WHITES = (1.0, 255.0)
"""What a white pixel may be worth where nothing says it."""


@dataclass(frozen=True)
class ImportOptions:
    """How a network is imported.

    Parameters
    ----------
    states, neuron, pixel_bits, hidden_bits, rah_bits, noise, seed, target, tiles
        As `allspin.host.train.parameters.TrainingParameters` has them.
    tune : int
        Epochs of training through the machine's integers, 0 to 10,000.
    white : float or None
        What a white pixel is worth in the model's input, before `mean` and `scale`. None: 1; where
        neither `mean` nor `scale` is given, 1 or 255, whichever gives the higher accuracy.
    mean, scale : float or None
        Taken off the model's input, and divided by; 0 and 1 by default.

    Raises
    ------
    ValueError, TypeError
        If a value is outside its range.
    """

    states: int = 10
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    noise: float | None = None
    tune: int = field(
        default=0,
        metadata=option(
            "epochs of training through the machine's integers, with the noise of the device's "
            "writes if there is one (0)",
            "EPOCHS",
        ),
    )
    seed: int = 0
    white: float | None = field(
        default=None,
        metadata=option(
            "what a white pixel is worth in the model's input, before --mean and --scale (1 or "
            "255, whichever is more accurate)",
            "X",
        ),
    )
    mean: float | None = field(
        default=None, metadata=option("taken off the model's input (0)", "X")
    )
    scale: float | None = field(
        default=None, metadata=option("the model's input is divided by it (1)", "X")
    )
    target: TrainingTarget | None = None
    tiles: Tiles | None = None

    def __post_init__(self) -> None:
        check_range("tune", self.tune, 0, MAX_EPOCHS)
        self.training((1,))
        self.scalings()

    def training(self, hidden: tuple[int, ...]) -> TrainingParameters:
        """The same for training, with the hidden layers of a network."""
        shared = {each.name for each in fields(TrainingParameters)}
        own = {each.name for each in fields(self)}
        values = {name: getattr(self, name) for name in own & shared}
        return TrainingParameters(hidden=hidden or (1,), epochs=max(self.tune, 1), **values)

    def scalings(self) -> list[InputScaling]:
        """What may become of grey levels before they enter the model; the best one is taken."""
        unknown = self.white is self.mean is self.scale is None
        whites = WHITES if unknown else (1.0 if self.white is None else self.white,)
        scale = 1.0 if self.scale is None else self.scale
        return [InputScaling(white, self.mean or 0.0, scale) for white in whites]

    def provenance(self) -> dict[str, Any]:
        """As a network's provenance has them."""
        training = self.training((1,))
        return {
            "states": training.states,
            "neuron": training.hidden_neuron.name,
            "pixel_bits": training.pixel_bits,
            "hidden_bits": training.hidden_bits,
            "rah_bits": training.rah_bits,
            "noise": training.noise,
            "tune": self.tune,
            "seed": training.seed,
            **({} if self.target is None else self.target.to_dict()),
            **({} if self.tiles is None else self.tiles.to_dict()),
        }


@dataclass(frozen=True, eq=False)
class NetworkStage:
    """The network at one of its stages.

    Attributes
    ----------
    network : Network
        As the machine runs it.
    accuracy : float
        Share of the test images that the golden model classifies rightly.
    errors : tuple of float
        Of each layer, as of `allspin.host.foreign.quantise.layer_errors`.
    """

    network: Network
    accuracy: float
    errors: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Imported:
    """What came of an import.

    Attributes
    ----------
    model_topology : tuple of int
        Widths of the model.
    model_accuracy : float
        Of the model itself in floating point, on the test images.
    scaling : InputScaling
        What its images were taken to be.
    quantised : NetworkStage
        As quantised.
    tuned : NetworkStage or None
        As trained further; None without.
    constant_neurons : int
        Hidden neurons that were added for the biases of the last layer.
    spread_biases : bool
        Whether biases were spread over the pixels' weights: the model has no hidden layer.
    interrupted : bool
        Whether Ctrl-C ended the training early.
    """

    model_topology: tuple[int, ...]
    model_accuracy: float
    scaling: InputScaling
    quantised: NetworkStage
    tuned: NetworkStage | None
    constant_neurons: int
    spread_biases: bool
    interrupted: bool

    @property
    def network(self) -> Network:
        """The network that is kept: the last stage's."""
        return (self.tuned or self.quantised).network


def _accuracy_of(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> float:
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def _read(
    path: Path, dataset: Dataset, options: ImportOptions, chosen: npt.NDArray[np.int64]
) -> tuple[Model, InputScaling, float]:
    """A model, the scaling with the highest accuracy on chosen training images, and its accuracy.

    Raises
    ------
    UserError
        If the model is not for the data set, or answers something else than the layers that were
        read of it.
    """
    model = read_model(path, dataset.image_shape)
    network = model.network
    if network.topology[-1] != dataset.classes:
        raise UserError(
            f"{path} has {network.topology[-1]} outputs; the data set has {dataset.classes} classes"
        )
    images, labels = dataset.train_images[chosen], dataset.train_labels[chosen]
    scaling = max(
        options.scalings(),
        key=lambda each: _accuracy_of(network.logits(each.apply(images)), labels),
    )
    inputs = scaling.apply(dataset.test_images)
    answers, read = model.answers(inputs), network.logits(inputs)
    apart = float(np.abs(answers - read).max())
    most = HALF_DISAGREEMENT if model.half else MAX_DISAGREEMENT
    if not apart <= most * max(float(read.std()), 1e-6):
        raise UserError(
            f"{path}: the layers read of it differ from what it answers by {apart:.3g}; "
            "it is not imported"
        )
    return model, scaling, _accuracy_of(answers, dataset.test_labels)


def import_network(
    model: str | Path,
    dataset: Dataset,
    options: ImportOptions | None = None,
    *,
    display: Display | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Imported:
    """Bring a network that was trained elsewhere to the machine's integers.

    Parameters
    ----------
    model : str or Path
        ONNX (``.onnx``), safetensors with PyTorch's names (``.safetensors``), or ``.npz`` with
        ``W0``, ``b0`` and so on.
    dataset : Dataset
        What it was trained for. Training images calibrate and train; test images tell accuracy.
    options : ImportOptions, optional
        How.
    display : Display, optional
        Told of reading and quantising.
    report : callable, optional
        Told of the training, as of `allspin.host.train.trainer.train`.

    Returns
    -------
    Imported

    Raises
    ------
    UserError
        If the model cannot be read, or does not fit the data set or the machine.
    """
    options, display, path = options or ImportOptions(), display or Silent(), Path(model)
    learnt, kept = split(len(dataset.train_images))
    chosen = learnt[:CALIBRATION] if len(learnt) else np.zeros(1, np.int64)
    few = dataset.test_images[:ERROR_IMAGES]
    with threadpool_limits(1):  # sums come out the same everywhere
        display.start(f"reading {path.name}")
        read, scaling, accuracy = _read(path, dataset, options, chosen)
        display.finish(f"{accuracy:.2%} in floating point")
        network = read.network.scaled(scaling)
        about = {
            "name": path.name,
            "format": read.format,
            "digest": hashlib.sha256(read_file(path, "model", MAX_BYTES)).hexdigest(),
            "topology": list(network.topology),
            "accuracy": round(accuracy, 6),
            "input": scaling.to_dict(),
        }
        provenance = {"command": "import", "model": about, "options": options.provenance()}
        outputs = network.trace(few.reshape(len(few), -1) / 255.0)

        def stage(made: Network) -> NetworkStage:
            logits = GoldenModel(made).logits(dataset.test_images)
            errors = layer_errors(made, few, outputs)
            return NetworkStage(made, _accuracy_of(logits, dataset.test_labels), errors)

        display.start("quantising")
        with refused(f"{path}: "):
            formats = options.training(network.topology[1:-1]).formats
            latent, constants = quantise(network, formats, dataset.train_images[chosen])
        data = {"name": dataset.name, "digest": dataset.digest}
        made = latent.export(dataset.image_shape, {**provenance, "data": data})
        if options.tiles is not None:
            made = cut(made, options.tiles, dataset.train_images[kept], dataset.train_labels[kept])
        quantised = stage(made)
        display.finish(f"{quantised.accuracy:.2%}")
        trained = None
        if options.tune:
            parameters = options.training(latent.topology[1:-1])
            trained = tune(dataset, parameters, latent, provenance, report)
        return Imported(
            model_topology=network.topology,
            model_accuracy=accuracy,
            scaling=scaling,
            quantised=quantised,
            tuned=None if trained is None else stage(trained.network),
            constant_neurons=constants,
            spread_biases=len(network.layers) == 1 and bool(np.ptp(network.layers[0].biases)),
            interrupted=trained is not None and trained.interrupted,
        )
