"""Figs. 5c and 5d: accuracy against the neuron's C2C and D2D."""

from functools import partial

from allspin.host.study.paper.experiments import Experiment, paper_type
from allspin.host.study.paper.tolerance import Tolerance


def _cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(2, seed, epochs=2, neuron_use=sigma, neuron_use_reading=reading)


def _device(name: str, sigma: float, seed: int) -> Experiment:
    return paper_type(2, seed, epochs=2, **{name: sigma})


def _after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(2, seed, epochs=2, after_gain=sigmas, after_threshold=sigmas)


PART = Tolerance(
    subject="neuron",
    figure=5,
    text="Each point is type 2 (software synapses, so that nothing else varies) trained for two "
    "epochs. C2C is drawn at each use, in training and test. D2D is drawn once for a neuron.",
    caption="type 2 with other deviations, by reading of the unit; two epochs each.",
    sigmas=[0.0, 0.014, 0.03, 0.06, 0.09, 0.18, 0.36],
    few=[0.0, 0.014, 0.06, 0.18],
    cycles={
        "C2C of full-scale current, at each use": partial(_cycle, "current"),
        "C2C of the threshold, at each use": partial(_cycle, "threshold"),
    },
    devices={
        "D2D of the gain, in training": partial(_device, "neuron_gain"),
        "D2D of the threshold (of full scale), in training": partial(_device, "neuron_threshold"),
    },
    after=_after,
    results_after={
        "D2D of the gain, after training": "after_gain",
        "D2D of the threshold (of full scale), after training": "after_threshold",
    },
)
