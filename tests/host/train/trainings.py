"""Parameters of short trainings, and accuracies of the networks."""

import dataclasses
from typing import Any

import numpy as np

from allspin.host.data.datasets import Dataset
from allspin.host.train.feed import split
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import Robustness
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from tests.host.train.paper import PAPER

SMALL = TrainingParameters(hidden=(16,), epochs=4)
TARGET = dataclasses.replace(SMALL, target=TrainingTarget(PAPER))
ROBUST = dataclasses.replace(TARGET, robust=Robustness(teacher=40))
TILES = Tiles(16, 3)


def changed(parameters: TrainingParameters = SMALL, /, **changes: Any) -> TrainingParameters:
    """Return training parameters with some values replaced."""
    return dataclasses.replace(parameters, **changes)


def kept(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that are kept to choose between epochs, and their labels."""
    chosen = split(len(dataset.train_images))[1]
    return dataset.train_images[chosen], dataset.train_labels[chosen]


def right(network: Network, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images that the golden model of a network classifies right."""
    return float(np.mean(GoldenModel(network).classify(images) == labels))
