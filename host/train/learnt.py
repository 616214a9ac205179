"""What was learnt in the array: written down in whole numbers, and what its pulses took."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import npz_bytes
from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.keywords import takes
from allspin.host.train.array_devices import (
    CYCLE,
    ArrayParameters,
    LearnRule,
    full_scale_of,
    linear_synapse,
)
from allspin.host.train.films import asymmetry, symmetry_point
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.in_array import (
    VERSION,
    ArrayNetwork,
    Watch,
    search_rate,
    train_in_array,
)
from allspin.host.train.parameters import AUTO, TrainingParameters
from allspin.host.train.trained import Trained
from allspin.host.train.training_options import AUGMENTATIONS
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Counts
from allspin.sim.synapse.synapse_variation import CycleVariation

AT_BOUND = 0.005
"""Share of the range within which a film is at its end."""
DEFAULTS: dict[str, Any] = {
    "rate": ArrayParameters.rate,
    "epochs": ArrayParameters.epochs,
    "batch": ArrayParameters.batch,
    "noise": CYCLE.potentiation,
    "hidden_bits": 8,
    "augment": "none",
}
"""Options where the options do not say them. Activations use a small part of the neurons' curve
here, so that they want more bits than where gains are learnt."""
QUICK_EPOCHS = 1
LINES = 20
"""Epochs up to which each has a line of progress where there is no bar."""


def array_network(
    trained: ArrayNetwork,
    formats: NumberFormats,
    image_shape: tuple[int, ...],
    provenance: Mapping[str, Any],
) -> Network:
    """Write what is read of the films down as the nearest states, and the neurons as tables.

    In the array a column's sum is a number of weights of 1 at full row current, `full_scale` of
    which drive a neuron with its full-scale current; so does a hidden layer's activation.

    Parameters
    ----------
    trained : ArrayNetwork
        Of pulsed weights, without biases.
    formats : NumberFormats
        Number formats; its states are those that are told apart.
    image_shape : tuple of int
        Height and width of an image.
    provenance : mapping
        Where the network comes from.
    """
    if trained.parameters.pair:  # whose difference no pulse of one device reaches
        formats = replace(formats, own_levels=None)
    layers: list[Layer] = []
    last = len(trained.weights) - 1
    for layer, crossbar in enumerate(trained.pulsed):
        low, high, levels = crossbar.low, crossbar.high, formats.levels
        # A word of the largest weight is the largest word.
        unit = formats.outermost / max(abs(low), abs(high))
        uniform = uniform_levels(formats.states, formats.rah_bits)
        if np.array_equal(levels, uniform) and high == -low:
            places = (crossbar.matrix - low) * ((formats.states - 1) / (high - low))
            states = np.clip(np.rint(places), 0, formats.states - 1).astype(np.uint8)
        else:
            ranged = (levels / formats.outermost + 1) / 2
            levels = np.rint((low + ranged * (high - low)) * unit).astype(np.int16)
            middles = (levels[:-1] + levels[1:].astype(np.float64)) / 2
            states = np.searchsorted(middles, crossbar.matrix * unit).astype(np.uint8)
        converter = table = None
        if layer < last:
            # The gain is the same in each column, without an offset.
            full = trained.parameters.full_scale if layer == 0 else 1.0
            gain = formats.current_top / (formats.input_top(layer) * unit * full)
            shift = min(math.floor(math.log2((2**GAIN_BITS - 1) / gain)), MAX_SHIFT)
            gains = np.full(states.shape[1], round(gain * 2**shift), np.int32)
            converter = Converter(gains, np.zeros_like(gains), shift)
            table = formats.table if formats.neuron.has_table else None
        layers.append(Layer(states, levels, converter, table))
    return formats.network(layers, image_shape, provenance)


def epochs_of(curve: list[tuple[int, float, float]]) -> list[dict[str, Any]]:
    """A learning curve as reports have it."""
    return [
        {"phase": "array", "loss": round(loss, 6), "validation_accuracy": accuracy}
        for _, loss, accuracy in curve
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class Learnt(Trained):
    """What came of learning in the array; `network` has it in whole numbers.

    Attributes
    ----------
    array_accuracy : float
        Share of the test images that the chip that learnt classified rightly.
    chip_accuracy : float or None
        The same of another chip that is programmed with the states, open loop, by the golden model;
        None where there is no device, or a weight is a pair.
    curve : list of (int, float, float)
        As of `ArrayTrained`.
    answers : ndarray of int64, shape (test images,)
        Classes that the chip that learnt gave.
    facts : dict
        Pulses, energy and time, films at the ends of their range, and where the device is
        symmetrical.
    given : ndarray of uint32
        Pulses that each device got.
    cells : dict of str to ndarray
        The chip that learnt, as ``allspin run --measured`` takes it: layer, row, column and R_AH of
        each cell as it is read. Nothing where a weight is a pair.
    """

    array_accuracy: float
    chip_accuracy: float | None
    curve: list[tuple[int, float, float]]
    answers: npt.NDArray[np.int64]
    facts: dict[str, Any]
    given: npt.NDArray[np.uint32]
    cells: dict[str, npt.NDArray[Any]]

    def plot(self) -> Any:
        """The learning curve."""
        from allspin.host.charts.learning_curve import learning_curve

        return learning_curve(epochs_of(self.curve), None, self.array_accuracy)

    def write(self, folder: Path, look: PictureStyle = SCREEN) -> None:
        """Write learning curve and pulses per device, as CSV files and pictures, and the cells.

        Parameters
        ----------
        folder : Path
            Where to; it is made.
        look : PictureStyle
            Which pictures, and their size.

        Raises
        ------
        UserError
            If a file cannot be written.
        """
        from allspin.host.charts.learning_curve import pulse_histogram
        from allspin.host.draw.picture_files import save_picture

        make_folder(folder)
        pulses, devices = np.unique(self.given, return_counts=True)
        tables = {
            "learning": ("images,loss_nats,test_accuracy", self.curve),
            "pulses": ("pulses,devices", zip(pulses.tolist(), devices.tolist(), strict=True)),
        }
        for name, (head, rows) in tables.items():
            lines = [head, *(",".join(f"{value:.8g}" for value in row) for row in rows)]
            write_atomically(folder / f"{name}.csv", "\n".join([*lines, ""]).encode())
        if self.cells:
            write_atomically(folder / "cells.npz", npz_bytes(self.cells))
        save_picture(self.plot(), folder, "learning", look)
        save_picture(pulse_histogram(self.given), folder, "pulses", look)


def cells_of(network: ArrayNetwork, unit: str) -> dict[str, npt.NDArray[Any]]:
    """What is read of each cell of a chip that learnt, layer by layer; nothing of pairs."""
    parts = []
    for layer, crossbar in enumerate(network.pulsed):
        read = crossbar.films[0].resistance
        parts.append(np.stack([np.full(read.shape, layer), *np.indices(read.shape), read]))
    joined = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    names = "layer", "row", "column", "R_AH"
    return {**dict(zip(names, joined, strict=True)), "unit": np.array(unit)}


LEFT_OUT = (
    *("amplifier_gain", "amplifier_offset", "converter_gain", "converter_offset", "hall_offset"),
    *("reference", "drifts", "decays"),
)
"""Imperfections that learning does without."""


def left_out(device: Device, given: ArrayParameters) -> list[str]:
    """What a device file has that learning does without."""
    wrong = device.imperfections
    return [
        *(name for name in LEFT_OUT if getattr(wrong, name)),
        *["neuron_variation"] * (device.neuron_variation != given.neuron_variation),
        *["reference_column"] * (wrong.reference_column == "written"),
        *["array"] * (device.array.reading != "ideal"),
    ]


def facts_of(network: ArrayNetwork) -> dict[str, Any]:
    """What pulses took and where they led."""
    every = [films for crossbar in network.pulsed for films in crossbar.films]
    synapse, device, given = every[0].synapse, network.parameters.device, network.given
    films = np.concatenate([each.film.ravel() for each in every])
    ends = np.minimum(films - synapse.low, synapse.high - films)
    taken = Counts(
        cells=films.size,
        potentiation=sum(each.widths[0] for each in every),
        depression=sum(each.widths[1] for each in every),
        pulses=int(given.sum()),
        saturations=sum(each.saturations for each in every),
    )
    point = symmetry_point(synapse)
    return {
        "pulses": taken.pulses,
        "saturations": taken.saturations,
        "pulses_per_device": float(given.mean()),
        "most_pulses": int(given.max()),
        "energy": device and taken.energy(device.electrical),
        "pulse_time": device and taken.time(device.electrical),
        "at_bounds": float(np.mean(ends <= AT_BOUND * synapse.span)),
        "asymmetry": asymmetry(synapse),
        "symmetry_point": None if point is None else (point - synapse.low) / synapse.span,
        "left_out": [] if device is None else left_out(device, network.parameters),
    }


def _array_parameters(parameters: TrainingParameters) -> ArrayParameters:
    """The same for the array.

    Raises
    ------
    UserError
        If there is something that the array has not.
    """
    neuron, device = parameters.hidden_neuron, parameters.target and parameters.target.device
    if not (neuron.spin or isinstance(neuron, ReluNeuron)):
        raise UserError(
            f"`neuron` must be a spin device in the array, such as sot, or relu, not {neuron.name}"
        )
    if parameters.conv:
        raise UserError("`conv` is for training in numbers: crossbars in the array are dense")
    if parameters.augmentation != AUGMENTATIONS["none"]:
        raise UserError("`augment` must be none in the array, which sees each image as it is")
    if device is not None and parameters.noise is not None:
        raise UserError("`noise` is for learning without `device`, whose file has its C2C")
    deviation = CycleVariation(parameters.noise or 0.0, parameters.noise or 0.0)
    rule = parameters.rule or LearnRule()
    return ArrayParameters(
        **vars(rule),
        rate=ArrayParameters.rate if parameters.rate == AUTO else parameters.rate,
        epochs=parameters.epochs,
        batch=parameters.batch or ArrayParameters.batch,
        synapse=device.synapse if device else linear_synapse(parameters.states, deviation),
        device=device,
        neuron=neuron if neuron.spin else None,
        # The ideal ReLU does not vary.
        neuron_variation=device.neuron_variation if device and neuron.spin else NeuronVariation(),
        full_scale=full_scale_of(neuron),
        hidden=parameters.hidden,
        seed=parameters.seed,
    )


def usual(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options where those that are given do not say them: `DEFAULTS`, and what a device has."""
    if given.get("device") is None:
        return DEFAULTS
    device = open_device(given["device"], given.get("at"))
    return DEFAULTS | {"noise": None, "states": device.synapse.states}


@takes("data", parameters=TrainingParameters)
def learn_in_array(
    data: Data | Dataset | None = None,
    parameters: TrainingParameters = TrainingParameters(),  # noqa: B008 (it is frozen)
    progress: Any = None,
    watch: Watch = lambda network, curve, losses: None,
) -> Learnt:
    """Train a network by pulses, as the paper does, and write it down in whole numbers.

    It learns from all training images, so that none is left to choose between epochs. Ctrl-C ends
    it; what was learnt so far is returned.

    Parameters
    ----------
    data : Dataset, str, Path or tuple of array_like, optional
        What to learn, as of `allspin.load_dataset`.
    parameters : TrainingParameters
        How; those of `usual` where nothing else is asked for. Without a device ``noise`` is the
        cycle-to-cycle deviation of each update, as a fraction of the range of R_AH.
    progress : Display or bool, optional
        Shows which share of the training is done.
    watch : callable
        As of `allspin.host.train.in_array.train_in_array`.

    Raises
    ------
    UserError
        If the parameters ask for what the array has not, or there are fewer images than a batch
        takes.
    """
    dataset = load_dataset(data)
    given, rates, target = _array_parameters(parameters), {}, parameters.target
    options = parameters.options(dataset) | {"in_array": True}
    if parameters.rate == AUTO:
        progress.start("looking for a learning rate")
        rates = search_rate(dataset, given)
        given = replace(given, rate=float(max(rates, key=lambda rate: rates[rate])))
        options["rate"] = given.rate
        progress.finish(", ".join(f"{rate}: {share:.2%}" for rate, share in rates.items()))
    progress.start("learning in the array")

    def told(share: float, words: str, whole: bool) -> None:
        progress.advance(share, 1.0, words)
        if whole and (given.epochs <= LINES or words.startswith("epoch 1/")):
            progress.log(words)

    trained = train_in_array(dataset, given, progress=told, watch=watch)
    progress.finish()
    provenance = {
        "command": "train",
        "recipe": VERSION,
        "options": options,
        "data": {"name": dataset.name, "digest": dataset.digest},
        **({"interrupted": True} if trained.interrupted else {}),
        "loss": [[images, round(loss, 6)] for images, loss, _ in trained.curve],
        # Without a device files are as ever.
        **({} if target is None else {"curve": epochs_of(trained.curve)}),
    }
    network = array_network(trained.network, parameters.formats, dataset.image_shape, provenance)
    models, images = [GoldenModel(network)], dataset.test_images
    if target is not None and not given.pair:
        device = replace(target.device, neuron_variation=given.neuron_variation)
        other = Chip(device, (given.seed + 1) % 2**32)
        words = program_chip(other, network, target.programming).words
        models.append(other.golden(network, words))
    shares = [float(np.mean(each.classify(images) == dataset.test_labels)) for each in models]
    return Learnt(
        network,
        math.nan,
        shares[0],
        trained.interrupted,
        array_accuracy=trained.curve[-1][2],
        chip_accuracy=shares[1] if shares[1:] else None,
        curve=trained.curve,
        answers=trained.answers,
        facts=facts_of(trained.network) | {"rates": rates},
        cells={} if target is None or given.pair else cells_of(trained.network, target.device.unit),
        given=trained.network.given,
    )
