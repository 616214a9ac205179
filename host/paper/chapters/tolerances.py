"""Accuracy against C2C and D2D: of the synapse (Figs. 3c and 3d), of the neuron (5c and 5d)."""

from functools import partial

from allspin.host.paper.chapters.tolerance import Tolerance
from allspin.host.paper.experiments import Experiment, paper_type


def _synapse_cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(3, seed, epochs=1, c2c=[sigma, sigma], c2c_reading=reading)


def _synapse_device(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(3, seed, epochs=1, c2c=[0.0, 0.0], d2d=[sigma, sigma], d2d_reading=reading)


def _synapse_after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(3, seed, epochs=1, c2c=[0.0, 0.0], d2d_reading="weight", after_synapse=sigmas)


SYNAPSE = Tolerance(
    subject="synapse",
    figure=3,
    text="Each point is type 3 trained for one epoch with that deviation in both polarities; the "
    "other variation is off. C2C is drawn on each update. D2D is drawn once for a cell and "
    "polarity: in training the network learns around it, after training it cannot.",
    caption="type 3 with other deviations, by reading of the unit; one epoch a point.",
    # The paper's figures are among the standard deviations.
    sigmas=[0.0, 0.007, 0.014, 0.029, 0.065, 0.13, 0.48],
    few=[0.0, 0.014, 0.065, 0.48],
    cycles={
        "C2C of the range, on each update": partial(_synapse_cycle, "range"),
        "C2C of a mean step, on each update": partial(_synapse_cycle, "step"),
    },
    devices={
        "D2D a factor on the weight, in training": partial(_synapse_device, "weight"),
        "D2D an offset of the range, in training": partial(_synapse_device, "range"),
    },
    after=_synapse_after,
    results_after={"D2D a factor on the weight, after training": "after_synapse"},
)


def _neuron_cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(2, seed, epochs=2, neuron_use=sigma, neuron_use_reading=reading)


def _neuron_device(name: str, sigma: float, seed: int) -> Experiment:
    return paper_type(2, seed, epochs=2, **{name: sigma})


def _neuron_after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(2, seed, epochs=2, after_gain=sigmas, after_threshold=sigmas)


NEURON = Tolerance(
    subject="neuron",
    figure=5,
    text="Each point is type 2 (software synapses, so that nothing else varies) trained for two "
    "epochs. C2C is drawn at each use, in training and test. D2D is drawn once for a neuron.",
    caption="type 2 with other deviations, by reading of the unit; two epochs each.",
    sigmas=[0.0, 0.014, 0.03, 0.06, 0.09, 0.18, 0.36],
    few=[0.0, 0.014, 0.06, 0.18],
    cycles={
        "C2C of full-scale current, at each use": partial(_neuron_cycle, "current"),
        "C2C of the threshold, at each use": partial(_neuron_cycle, "threshold"),
    },
    devices={
        "D2D of the gain, in training": partial(_neuron_device, "neuron_gain"),
        "D2D of the threshold (of full scale), in training": partial(
            _neuron_device, "neuron_threshold"
        ),
    },
    after=_neuron_after,
    results_after={
        "D2D of the gain, after training": "after_gain",
        "D2D of the threshold (of full scale), after training": "after_threshold",
    },
)
