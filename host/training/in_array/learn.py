"""``train --in-array``: any topology, learnt by pulses, then written down in whole numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allspin.host.data.datasets import Dataset
from allspin.host.training.images.augment import AUGMENTATIONS
from allspin.host.training.in_array.network import array_network
from allspin.host.training.in_array.recipe import (
    ASSUMED_CYCLE,
    PULSED_RECIPE,
    VERSION,
    ArrayParameters,
    ArrayRecipe,
    linear_synapse,
)
from allspin.host.training.in_array.training import train_in_array
from allspin.host.training.recipe.parameters import TrainingParameters
from allspin.sim.device.synapse.variation import CycleVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

DEFAULTS: dict[str, Any] = {
    "rate": PULSED_RECIPE.rate,
    "epochs": PULSED_RECIPE.epochs,
    "batch": PULSED_RECIPE.batch,
    "noise": ASSUMED_CYCLE,
    "hidden_bits": 8,
    "augmentation": AUGMENTATIONS["none"],
}
"""Parameters where the options do not say them. Activations use a small part of the neurons' curve
here, so that they want more bits than where gains are learnt."""
QUICK_EPOCHS = 1


@dataclass(frozen=True, eq=False)
class Learnt:
    """What came of learning in the array.

    Attributes
    ----------
    network : Network
        As it was at the end, in whole numbers.
    array_accuracy : float
        Share of the test images that the array itself classified rightly.
    test_accuracy : float
        The same of the network, by the golden model.
    """

    network: Network
    array_accuracy: float
    test_accuracy: float


def _array_parameters(parameters: TrainingParameters) -> ArrayParameters:
    """The same for the array.

    Raises
    ------
    UserError
        If there is something that the array has not.
    """
    neuron = parameters.hidden_neuron
    if parameters.target is not None:
        raise UserError("`device` is for training offline; in the array each pulse is one state")
    if not neuron.spin:
        raise UserError(
            f"`neuron` must be a spin device in the array, such as sot, not {neuron.name}"
        )
    if parameters.augmentation is None or parameters.augmentation.text != "none":
        raise UserError("`augment` must be none in the array, which sees each image as it is")
    deviation = parameters.noise or 0.0
    return ArrayParameters(
        ArrayRecipe(
            rate=parameters.rate,
            epochs=parameters.epochs,
            batch=parameters.batch or PULSED_RECIPE.batch,
        ),
        synapse=linear_synapse(parameters.states, CycleVariation(deviation, deviation)),
        neuron=neuron,
        hidden=parameters.hidden,
        seed=parameters.seed,
    )


def learn_in_array(
    dataset: Dataset,
    parameters: TrainingParameters,
    report: Callable[[float], None] = lambda share: None,
) -> Learnt:
    """Train a network by pulses, as the paper does, and write it down in whole numbers.

    It learns from all training images, so that none is left to choose between epochs.

    Parameters
    ----------
    dataset : Dataset
        What to learn.
    parameters : TrainingParameters
        How; those of `DEFAULTS` where nothing else is asked for. ``noise`` is the cycle-to-cycle
        deviation of each update, as a fraction of the range of R_AH.
    report : callable
        Told now and then which share of the training is done.

    Returns
    -------
    Learnt

    Raises
    ------
    UserError
        If the parameters ask for what the array has not, or there are fewer images than a batch
        takes.
    """
    given = _array_parameters(parameters)
    options = parameters.options(dataset) | {"in_array": True}
    trained = train_in_array(
        dataset.train_images,
        dataset.train_labels,
        dataset.test_images,
        dataset.test_labels,
        given,
        report=report,
    )
    network = array_network(
        trained.network,
        parameters.formats,
        dataset.image_shape,
        {
            "command": "train",
            "recipe": VERSION,
            "options": options,
            "data": {"name": dataset.name, "digest": dataset.digest},
            "loss": [[mark.images, round(mark.loss, 6)] for mark in trained.curve],
        },
    )
    right = GoldenModel(network).classify(dataset.test_images) == dataset.test_labels
    return Learnt(network, trained.accuracy, float(np.mean(right)))
