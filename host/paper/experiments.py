"""Experiments of the report, each identified by plain values.

An experiment is its parameters: equal ones are run once, and a finished one is found again by
them. All are run in a worker process that holds the data set.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from allspin.hdl.cache import read_note, write_note
from allspin.host.charts.confusion import confusion_counts
from allspin.host.chips.accuracy import Lot
from allspin.host.chips.columns import Column
from allspin.host.chips.measured import measure
from allspin.host.data.catalogue import DEVICE_SUFFIX, DEVICES, open_device, open_network
from allspin.host.data.datasets import Dataset
from allspin.host.learn.array_network import row_values
from allspin.host.learn.paper_types import TYPES, linear_synapse, raw_synapse
from allspin.host.learn.parameters import FULL_SCALE, ArrayParameters
from allspin.host.learn.training import VERSION as RECIPE_VERSION, ArrayTrained, train_in_array
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.programming.schemes import DEFAULT_BAND, Programming, default_tries
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

VERSION = 1
"""Version of the results: it changes when equal parameters give another outcome."""


@dataclass(frozen=True)
class Experiment:
    """Experiment, identified by its kind and parameters.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    text : str
        Its parameters as canonical JSON: see `experiment`.
    cost : float
        Seconds of one core that it takes, about; not part of its identity.
    """

    kind: str
    text: str
    cost: float = 1.0

    @property
    def values(self) -> dict[str, Any]:
        """Parameters by name."""
        return json.loads(self.text)

    def key(self, digest: str) -> str:
        """Return the name of the result: a digest of kind, parameters, versions and data set."""
        whole = json.dumps([VERSION, RECIPE_VERSION, digest, self.kind, self.text])
        return hashlib.sha256(whole.encode()).hexdigest()[:24]


TRAINING: dict[str, Any] = {
    "seed": 0,
    "rate": ArrayParameters.rate,
    "epochs": ArrayParameters.epochs,
    "rounding": "stochastic",
    "scheme": "equal",
    "output_bias": False,
    "states": None,
    "A": None,
    "c2c": [0.0, 0.0],
    "c2c_reading": "range",
    "c2c_occasion": "write",
    "d2d": [0.0, 0.0],
    "d2d_reading": "weight",
    "neuron": "sot",
    "neuron_gain": 0.0,
    "neuron_threshold": 0.0,
    "neuron_use": 0.0,
    "neuron_use_reading": "current",
    "full_scale": FULL_SCALE,
    "after_synapse": [],
    "after_gain": [],
    "after_threshold": [],
}
"""Parameters of a training, with their defaults.

`states` None is software synapses; `A` None is equal steps; `after_...` are deviations that
come only after training: D2D of the weights, of the neurons' gain and of their threshold.
"""
SECONDS = {"software": 0.7, "pulsed": 2.0}
"""Seconds of one core for an epoch of 60,000 images, about."""


def training(**values: Any) -> Experiment:
    """Return a training in the array, with changes to `TRAINING`.

    Raises
    ------
    ValueError
        If a parameter is unknown.
    """
    unknown = set(values) - set(TRAINING)
    if unknown:
        raise ValueError(f"a training has no parameter {', '.join(sorted(unknown))}")
    whole = TRAINING | values
    synapses = "software" if whole["states"] is None else "pulsed"
    return _experiment("training", whole, whole["epochs"] * SECONDS[synapses])


def _experiment(kind: str, values: dict[str, Any], cost: float) -> Experiment:
    """Return the experiment of a kind with these parameters, which takes `cost` seconds."""
    return Experiment(kind, json.dumps(values, sort_keys=True), cost)


def paper_type(number: int, seed: int, **changes: Any) -> Experiment:
    """Return the training of one of the paper's four types, with changes."""
    given = TYPES[number]
    values: dict[str, Any] = {
        "seed": seed,
        "rate": given.rate,
        "epochs": given.epochs,
        "neuron": "relu" if given.neuron is None else "sot",
        "full_scale": given.full_scale,
    }
    synapse = given.synapse
    if isinstance(synapse, SotSynapse):
        values["states"] = synapse.states
        values["c2c"] = [synapse.c2c.potentiation, synapse.c2c.depression]
    return training(**(values | changes))


def _names(network: str) -> dict[str, Any]:
    """Identify a network that ships by its name and a digest of its content."""
    content = network_to_bytes(open_network(network))
    return {"network": network, "network_digest": _digest(content)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def chips(network: str, column: Column, seeds: int) -> Experiment:
    """Return the experiment on a network's accuracy over chips of the paper's devices.

    Parameters
    ----------
    network : str
        Name of a network that ships.
    column : Column
        Variations of the chips, and how they are programmed.
    seeds : int
        Chips, numbered from 0.
    """
    device = (DEVICES / f"paper{DEVICE_SUFFIX}").read_bytes()
    values = {
        **_names(network),
        "device_digest": _digest(device),
        "column": asdict(column) | {"variations": list(column.variations)},
        "tries": default_tries(open_network(network)),
        "band": DEFAULT_BAND,
        "seeds": seeds,
    }
    return _experiment("chips", values, 1.5 * seeds)


def clean(network: str) -> Experiment:
    """Return the experiment on a network's accuracy as trained, on the golden model."""
    return _experiment("clean", _names(network), 0.3)


def synapse_of(values: dict[str, Any]) -> SotSynapse | None:
    """Return the synapse of a training's parameters; None for numbers in software."""
    states = values["states"]
    if states is None:
        return None
    reading = values["c2c_reading"]
    occasion = values["c2c_occasion"]
    c2c = CycleVariation(*values["c2c"], reading=reading, occasion=occasion)
    if values["A"] is None:
        synapse = linear_synapse(states, c2c)
    else:
        synapse = raw_synapse(*values["A"], states=states, c2c=c2c)
    d2d = DeviceVariation(*values["d2d"], reading=values["d2d_reading"])
    return replace(synapse, d2d=d2d)


def parameters_of(values: dict[str, Any]) -> ArrayParameters:
    """Convert a training's parameters to those of learning in the array."""
    neuron_variation = NeuronVariation(
        gain=values["neuron_gain"],
        threshold=values["neuron_threshold"],
        use=values["neuron_use"],
        use_reading=values["neuron_use_reading"],
    )
    return ArrayParameters(
        rate=values["rate"],
        epochs=values["epochs"],
        rounding=values["rounding"],
        update=values["scheme"],
        steps=None if values["A"] is None else values["states"] - 1,
        output_bias=values["output_bias"],
        synapse=synapse_of(values),
        neuron=SotNeuron() if values["neuron"] == "sot" else None,
        neuron_variation=neuron_variation,
        full_scale=values["full_scale"],
        seed=values["seed"],
    )


def _afterwards(
    trained: ArrayTrained, values: dict[str, Any], dataset: Dataset
) -> dict[str, list[float]]:
    """Compute accuracies with deviations that are added after training."""
    network = trained.network
    test = row_values(dataset.test_images)
    shares: dict[str, list[float]] = {
        "after_synapse": [],
        "after_gain": [],
        "after_threshold": [],
    }

    def score(name: str, **deviating: Any) -> None:
        answers = network.classify(test, **deviating)
        shares[name].append(float(np.mean(answers == dataset.test_labels)))

    for sigma in values["after_synapse"]:
        synapse = synapse_of(values | {"d2d": [sigma, sigma]})
        assert synapse is not None
        devices = [crossbar.devices[0] for crossbar in network.pulsed]
        matrices = [each.read(synapse, each.deviates(synapse)) for each in devices]
        score("after_synapse", matrices=matrices)
    for sigma in values["after_gain"]:
        variation = NeuronVariation(gain=sigma)
        score("after_gain", neurons=network.hidden_neurons(variation))
    for sigma in values["after_threshold"]:
        variation = NeuronVariation(threshold=sigma)
        score("after_threshold", neurons=network.hidden_neurons(variation))
    return shares


def _train(values: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    trained = train_in_array(dataset, parameters_of(values))
    confusion = confusion_counts(dataset.test_labels, trained.classes, dataset.classes)
    answered = confusion.sum(axis=0) / confusion.sum()
    sums = row_values(dataset.test_images) @ trained.network.weights[0].matrix
    return {
        "accuracy": trained.curve[-1][2],
        "curve": [list(mark) for mark in trained.curve],
        "confusion": confusion.tolist(),
        "answered": answered.tolist(),
        "pulses": int(trained.network.pulse_counts.sum()),
        "seconds_an_epoch": trained.seconds / values["epochs"],
        "largest_sum": float(sums.max()),
        **_afterwards(trained, values, dataset),
    }


def _chips(values: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    variations = tuple(values["column"]["variations"])
    column = Column(**(values["column"] | {"variations": variations}))
    programming = Programming(tries=values["tries"], band=values["band"])
    lot = Lot(open_device("paper"), range(values["seeds"]), programming)
    network = open_network(values["network"])
    test_set = (dataset.test_images, dataset.test_labels)
    return measure(values["network"], network, column, lot, test_set).to_dict()


def _clean(values: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    network = open_network(values["network"])
    answers = GoldenModel(network).classify(dataset.test_images)
    return {"accuracy": float(np.mean(answers == dataset.test_labels))}


KINDS: dict[str, Callable[[dict[str, Any], Dataset], dict[str, Any]]] = {
    "training": _train,
    "chips": _chips,
    "clean": _clean,
}
"""Functions that compute each kind of experiment."""


def perform(experiment: Experiment, dataset: Dataset) -> dict[str, Any]:
    """Compute an experiment; the result is plain JSON values."""
    return KINDS[experiment.kind](experiment.values, dataset)


class ResultCache:
    """Results by experiment, a JSON file each.

    Parameters
    ----------
    folder : Path
        Where they lie; it must exist.
    digest : str
        Of the data set: results of another one are others.
    """

    def __init__(self, folder: Path, digest: str) -> None:
        self.folder = folder
        self.digest = digest

    def path(self, experiment: Experiment) -> Path:
        """Return the file of an experiment's result."""
        return self.folder / f"{experiment.kind}-{experiment.key(self.digest)}.json"

    def find(self, experiment: Experiment) -> dict[str, Any] | None:
        """Return the result of an experiment; None if it is missing or damaged."""
        try:
            # The note has a checksum, and the name identifies the experiment.
            return read_note(self.path(experiment))["result"]
        except (OSError, ValueError):
            return None

    def keep(self, experiment: Experiment, result: dict[str, Any]) -> None:
        """Write a result, whole or not at all.

        Raises
        ------
        UserError
            If it cannot be written.
        """
        record = {"kind": experiment.kind, "parameters": experiment.values, "result": result}
        write_note(self.path(experiment), record)
