"""``allspin learn``: any topology learns by pulses, and is then written down in whole numbers."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from allspin.host.data.datasets import Data, Dataset, load_dataset
from allspin.host.learn.export import array_network, read_cells
from allspin.host.learn.neurons import full_scale_of
from allspin.host.learn.paper_types import linear_synapse
from allspin.host.learn.parameters import ArrayParameters, LearnParameters
from allspin.host.learn.result import Learnt, curve_records, learning_facts
from allspin.host.learn.training import (
    VERSION,
    ArrayTrained,
    Watch,
    search_rate,
    train_in_array,
)
from allspin.host.show.progress import shows_progress
from allspin.host.train.trained import to_the_end
from allspin.host.train.training_options import AUTO
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.plans import is_addressable
from allspin.sim.programming.program import program

LOGGED_EPOCHS = 20
"""Epochs up to which each has a line of progress if no bar is shown."""


def _ignore(*_: Any) -> None:
    """Watch nothing."""


def array_parameters(parameters: LearnParameters) -> ArrayParameters:
    """Turn the options of a learning into the network, devices and rule that learn."""
    device = parameters.device
    neuron = parameters.training.hidden_neuron
    if device is None:
        synapse = linear_synapse(parameters.training.states, parameters.cycle)
    else:
        synapse = device.synapse
    # An ideal ReLU does not vary.
    varies = device is not None and neuron.spin
    return ArrayParameters(
        **vars(parameters.rule),
        rate=ArrayParameters.rate if parameters.rate == AUTO else parameters.rate,
        epochs=parameters.epochs,
        batch=parameters.batch,
        synapse=synapse,
        device=device,
        neuron=neuron if neuron.spin else None,
        neuron_variation=device.neuron_variation if device and varies else NeuronVariation(),
        full_scale=full_scale_of(neuron),
        hidden=parameters.training.hidden,
        seed=parameters.seed,
    )


@shows_progress
def learn(
    data: Data | Dataset | None = None,
    parameters: LearnParameters = LearnParameters(),  # noqa: B008 (it is frozen)
    progress: Any = None,
    watch: Watch = _ignore,
) -> Learnt:
    """Let a network learn by pulses, as in the paper, and write it down in whole numbers.

    The network learns from all training images; none is held out to choose between epochs. Ctrl-C
    ends the learning, and the result so far is returned.

    Parameters
    ----------
    data : Dataset, str, Path or tuple of array_like, optional
        Data set, in any form that `allspin.load_dataset` takes.
    parameters : LearnParameters
        Options of the learning.
    progress : Display or bool, optional
        Display of the share that is done.
    watch : Watch
        Called before each batch: see `allspin.host.learn.training.Watch`.

    Raises
    ------
    UserError
        If the data set has fewer images than a batch.
    """
    dataset = load_dataset(data)
    options = parameters.options(dataset)
    array = array_parameters(parameters)
    rates: dict[str, float] = {}
    if parameters.rate == AUTO:
        rates = _search_rate(dataset, array, progress)
        array = replace(array, rate=float(max(rates, key=lambda rate: rates[rate])))
        options["rate"] = array.rate
    trained = _train(dataset, array, progress, watch)
    return to_the_end(partial(_written_down, trained, parameters, array, dataset, options, rates))


def _written_down(
    trained: ArrayTrained,
    parameters: LearnParameters,
    array: ArrayParameters,
    dataset: Dataset,
    options: dict[str, Any],
    rates: dict[str, float],
) -> Learnt:
    """Return the result of a learning: the network in whole numbers, and its accuracies."""
    network = array_network(
        trained.network,
        parameters.formats,
        dataset.image_shape,
        _provenance(trained, options, dataset, with_curve=parameters.device is not None),
    )
    cells = {}
    chip_accuracy = None
    if parameters.device is not None and not array.pair:
        if is_addressable(parameters.device.synapse):
            chip_accuracy = _accuracy_of_other_chip(network, parameters, array, dataset)
        cells = read_cells(trained.network, parameters.device.unit)
    return Learnt(
        network,
        math.nan,
        _accuracy(GoldenModel(network), dataset),
        trained.interrupted,
        array_accuracy=trained.curve[-1][2],
        chip_accuracy=chip_accuracy,
        curve=trained.curve,
        classes=trained.classes,
        facts=learning_facts(trained.network) | {"rates": rates},
        pulse_counts=trained.network.pulse_counts,
        cells=cells,
    )


def _search_rate(dataset: Dataset, array: ArrayParameters, progress: Any) -> dict[str, float]:
    """Search a learning rate, and show the accuracies."""
    progress.start("looking for a learning rate")
    rates = search_rate(dataset, array)
    progress.finish(", ".join(f"{rate}: {share:.2%}" for rate, share in rates.items()))
    return rates


def _train(dataset: Dataset, array: ArrayParameters, progress: Any, watch: Watch) -> ArrayTrained:
    """Train in the array, and show the progress."""
    progress.start("learning in the array")

    def show(share: float, message: str, is_epoch_end: bool) -> None:
        progress.advance(share, 1.0, message)
        if is_epoch_end and (array.epochs <= LOGGED_EPOCHS or message.startswith("epoch 1/")):
            progress.log(message)

    trained = train_in_array(dataset, array, progress=show, watch=watch)
    progress.finish()
    return trained


def _provenance(
    trained: ArrayTrained, options: dict[str, Any], dataset: Dataset, *, with_curve: bool
) -> dict[str, Any]:
    """Return the origin of the network, as its file has it."""
    provenance: dict[str, Any] = {
        # The command was ``train --in-array``; equal options keep on giving equal files.
        "command": "train",
        "recipe": VERSION,
        "options": options,
        "data": {"name": dataset.name, "digest": dataset.digest},
        "loss": [[images, round(loss, 6)] for images, loss, _ in trained.curve],
    }
    if trained.interrupted:
        provenance["interrupted"] = True
    if with_curve:
        provenance["curve"] = curve_records(trained.curve)
    return provenance


def _accuracy(model: GoldenModel, dataset: Dataset) -> float:
    """Return the share of the test images that a model classifies correctly."""
    return float(np.mean(model.classify(dataset.test_images) == dataset.test_labels))


def _accuracy_of_other_chip(
    network: Network, parameters: LearnParameters, array: ArrayParameters, dataset: Dataset
) -> float:
    """Return the accuracy of the next chip, programmed with the states."""
    target = parameters.target
    assert target is not None
    device = replace(target.device, neuron_variation=array.neuron_variation, array=HallArray())
    chip = program(network, device, (array.seed + 1) % 2**32, target.programming)
    return _accuracy(chip.golden(), dataset)
