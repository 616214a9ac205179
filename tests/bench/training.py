"""Duration of a training, as ``allspin train`` does it."""

from typing import Any

from allspin.host.data.datasets import load_dataset
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.trainer import train
from tests.bench.timing import timed

STATES = 10

TARGET = 60.0
"""Seconds for all epochs."""


def training(epochs: int) -> dict[str, Any]:
    """Train a network on MNIST once, by the wall's clock, since two processes share the work.

    Parameters
    ----------
    epochs : int
        With the machine's integers.
    """
    dataset = load_dataset(None)
    took, trained = timed(lambda: train(dataset, TrainingParameters(states=STATES, epochs=epochs)))
    if trained.interrupted:
        raise KeyboardInterrupt
    return {
        "states": STATES,
        "epochs": epochs,
        "seconds": took.wall,
        "accuracy": trained.test_accuracy,
        "target_seconds": TARGET,
    }
