"""A network of another tool becomes one of the machine's, and says what that costs."""

import hashlib
import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.foreign.description import MAX_BYTES, FloatNetwork, InputScaling
from allspin.host.foreign.model import Model, read_model
from allspin.host.foreign.quantise import layer_errors, quantise
from allspin.host.keywords import takes
from allspin.host.train.feed import split
from allspin.host.train.gradient.loss import fit_logit_scale
from allspin.host.train.parameters import MAX_EPOCHS, TrainingParameters
from allspin.host.train.target import TrainingTarget
from allspin.host.train.trained import Trained
from allspin.host.train.trainer import tune
from allspin.host.train.training_options import Augmentation
from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.files import read_file
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut
from allspin.sim.parameters import Brief, Shown, option

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
NEAR = 3.0
"""Standard errors of a difference of cross-entropies below which it may be chance."""
FOLD = 0.005
"""Nats of cross-entropy that make up for logits that fit best with a factor of e, or of 1 / e."""


@dataclass(frozen=True)
class ImportOptions(Brief):
    """How a network is imported.

    Parameters
    ----------
    states, neuron, pixel_bits, hidden_bits, rah_bits, noise, seed, target, tiles
        As `allspin.host.train.parameters.TrainingParameters` has them.
    augmentation
        Of the images of `tune`, likewise: none by default, but of MNIST's.
    tune : int
        Epochs of training through the machine's integers, 0 to 10,000.
    white : float or None
        What a white pixel is worth in the model's input, before `mean` and `scale`. None: 1; where
        neither `mean` nor `scale` is given, 1 or 255: see `choose_scaling`.
    mean, scale : float or None
        Taken off the model's input, and divided by; 0 and 1 by default.

    Raises
    ------
    ValueError, TypeError, UserError
        If a value is outside its range, or needs another.
    """

    states: int = 10
    neuron: str | None = None
    pixel_bits: int = 4
    hidden_bits: int = 4
    rah_bits: int = 8
    noise: float | None = None
    augmentation: Augmentation | None = field(default=None, metadata={"made": Augmentation.parse})
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
            "255, whichever fits the training images better)",
            "X",
        ),
    )
    mean: float | None = field(
        default=None, metadata=option("taken off the model's input (0)", "X")
    )
    scale: float | None = field(
        default=None, metadata=option("the model's input is divided by it (1)", "X")
    )
    target: TrainingTarget | None = field(default=None, metadata={"made": TrainingTarget.asked})
    tiles: Tiles | None = field(default=None, metadata={"made": Tiles.asked})

    def __post_init__(self) -> None:
        check_range("tune", self.tune, 0, MAX_EPOCHS)
        if self.augmentation is not None and not self.tune:
            raise UserError("`augment` needs `tune`")
        self.training((1,))
        self.scalings()

    def training(self, hidden: tuple[int, ...]) -> TrainingParameters:
        """The same for training, with the hidden layers of a network."""
        shared = {each.name for each in fields(TrainingParameters)}
        own = {each.name for each in fields(self)}
        values = {name: getattr(self, name) for name in own & shared}
        return TrainingParameters(hidden=hidden or (1,), epochs=max(self.tune, 1), **values)

    def scalings(self) -> list[InputScaling]:
        """What may become of grey levels before they enter the model, if nothing says which."""
        unknown = self.white is self.mean is self.scale is None
        whites = WHITES if unknown else (1.0 if self.white is None else self.white,)
        scale = 1.0 if self.scale is None else self.scale
        return [InputScaling(white, self.mean or 0.0, scale) for white in whites]

    def provenance(self, dataset: Dataset) -> dict[str, Any]:
        """As the provenance of a network for a data set has them."""
        training = self.training((1,))
        return {
            "states": training.states,
            "neuron": training.hidden_neuron.name,
            "pixel_bits": training.pixel_bits,
            "hidden_bits": training.hidden_bits,
            "rah_bits": training.rah_bits,
            "noise": training.noise,
            "tune": self.tune,
            **({"augment": training.augmentation_of(dataset).text} if self.tune else {}),
            "seed": training.seed,
            **({} if self.target is None else self.target.to_dict()),
            **({} if self.tiles is None else self.tiles.to_dict()),
        }


class Choice(NamedTuple):
    """What grey levels become before they enter a model.

    Attributes
    ----------
    scaling : InputScaling
        That.
    reason : str
        Why, in a sentence; empty where there was nothing to choose.
    near_tie : bool
        Whether the other way fits nearly as well.
    """

    scaling: InputScaling
    reason: str = ""
    near_tie: bool = False


def choose_scaling(
    network: FloatNetwork,
    scalings: list[InputScaling],
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> Choice:
    """Choose between two scalings by cross-entropy, each with the scale of logits that fits best.

    The class that a network with ReLUs chooses hardly depends on the scale of its input: only its
    biases do not grow with it. Where cross-entropies are nearly the same, the scale counts that its
    logits need: of a network that was trained by cross-entropy it is about 1.

    Parameters
    ----------
    network : FloatNetwork
        What they are for.
    scalings : list of InputScaling
        One or two.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels of training images.
    labels : ndarray of int64, shape (images,)
        Class of each.
    """
    if len(scalings) == 1:
        return Choice(scalings[0])
    found = [fit_logit_scale(network.logits(each.apply(images)), labels) for each in scalings]
    factors, losses = zip(*found, strict=True)
    means = np.mean(losses, axis=1)
    best, other = np.argsort(means + FOLD * np.abs(np.log(factors)), kind="stable").tolist()
    gains = losses[other] - losses[best]
    near = bool(gains.mean() <= NEAR * gains.std() / math.sqrt(len(gains)))
    taken, left = (f"{scalings[each].white:g}" for each in (best, other))
    reason = (
        f"white pixels are taken as {taken} in the model's input: cross-entropy is then "
        f"{means[best]:.4f} with {factors[best]:.3g} times the logits, and as {left} "
        f"{means[other]:.4f} with {factors[other]:.3g} times"
    )
    return Choice(scalings[best], reason, near)


@dataclass(frozen=True, eq=False)
class NetworkStage(Brief):
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
class Imported(Shown):
    """What came of an import.

    Attributes
    ----------
    model_topology : tuple of int
        Widths of the model.
    model_accuracy : float
        Of the model itself in floating point, on the test images; with convolutions, of images
        after the first 2,000 by the layers that were read.
    choice : Choice
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
    choice: Choice
    quantised: NetworkStage
    tuned: NetworkStage | None
    constant_neurons: int
    spread_biases: bool
    interrupted: bool

    @property
    def network(self) -> Network:
        """The network that is kept: the last stage's."""
        return (self.tuned or self.quantised).network

    @property
    def stages(self) -> dict[str, NetworkStage]:
        """By name, the network as it was quantised, and as it was tuned if it was."""
        return {"quantised": self.quantised} | ({"tuned": self.tuned} if self.tuned else {})

    @property
    def accuracies(self) -> dict[str, float]:
        """Of the model and of each stage, shares of the test images."""
        return {
            "model": self.model_accuracy,
            **{name: stage.accuracy for name, stage in self.stages.items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """As ``allspin import --json`` prints it, but for the file and the seconds."""
        return {
            "topology": list(self.network.topology),
            "model_topology": list(self.model_topology),
            "input": self.choice.scaling.to_dict(),
            "model_accuracy": self.model_accuracy,
            "quantised_accuracy": self.quantised.accuracy,
            "tuned_accuracy": self.tuned and self.tuned.accuracy,
            "quantised_errors": list(self.quantised.errors),
            "tuned_errors": self.tuned and list(self.tuned.errors),
            "constant_neurons": self.constant_neurons,
            "interrupted": self.interrupted,
        }

    def plot(self) -> Any:
        """Accuracies, and the errors of the layers."""
        from allspin.host.charts.import_chart import imported_network
        from allspin.host.draw.style import name_text

        return imported_network(
            f"{name_text(self.network.provenance['model']['name'])}, imported",
            self.accuracies,
            {name: stage.errors for name, stage in self.stages.items()},
        )

    save = Trained.save


def _accuracy_of(logits: npt.NDArray[Any], labels: npt.NDArray[np.int64]) -> float:
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def _read(
    path: Path, dataset: Dataset, options: ImportOptions, chosen: npt.NDArray[np.int64]
) -> tuple[Model, Choice, float]:
    """A model, what becomes of its input by chosen training images, and its accuracy.

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


@takes("data", options=ImportOptions)
def import_network(
    model: Any,
    data: Data | Dataset | None = None,
    options: ImportOptions | None = None,
    *,
    progress: Any = None,
    **keywords: Any,
) -> Imported:
    """Bring a network that was trained elsewhere to the machine's integers.

    Parameters
    ----------
    model : str or Path
        ONNX (``.onnx``), safetensors with PyTorch's or Flax's names (``.safetensors``), or
        ``.npz`` with ``W0``, ``b0`` and so on; or an ``MLPClassifier`` of scikit-learn with ReLUs.
    data : Dataset, str, Path or tuple of array_like, optional
        What it was trained for, as of `allspin.load_dataset` (the MNIST that ships). Training
        images calibrate and train; test images tell accuracy.
    options : ImportOptions, optional
        How.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.
    **keywords
        Of `ImportOptions`, and ``augment``, ``device``, ``at``, ``level_choice``, ``polarity``,
        ``tile_rows`` and ``adc_bits`` as ``allspin import`` has them.

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
            np.savez(
                path := Path(folder) / f"{type(model).__name__}.npz",
                **{
                    f"{name}{number}": array
                    for name, arrays in (("W", model.coefs_), ("b", model.intercepts_))
                    for number, array in enumerate(arrays)
                },
            )
            return import_network(path, data, options, progress=progress)
    if not isinstance(model, str | Path):
        raise UserError(
            f"import_network takes a file, not {type(model).__name__}: of a torch module "
            "torch.onnx.export(module, torch.zeros(1, 784), 'model.onnx') writes one, of other "
            "models of scikit-learn skl2onnx.to_onnx"
        )
    options, path, dataset = options or ImportOptions(), Path(model), load_dataset(data)
    learnt, kept = split(len(dataset.train_images))
    chosen = learnt[:CALIBRATION] if len(learnt) else np.zeros(1, np.int64)
    few = dataset.test_images[:ERROR_IMAGES]
    with threadpool_limits(1):  # sums come out the same everywhere
        progress.start(f"reading {path.name}")
        read, choice, accuracy = _read(path, dataset, options, chosen)
        progress.finish(f"{accuracy:.2%} in floating point")
        if choice.near_tie:
            progress.note(f"{choice.reason}; give --white")
        if read.labels:
            names = ", ".join(map(repr, read.labels[:10]))
            progress.note(
                f"{path.name} has labels: {names}, in this order, are classes 0, 1, ... of the data"
            )
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
