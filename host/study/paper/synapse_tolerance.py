"""Figs. 3c and 3d: accuracy against the synapse's C2C and D2D."""

from functools import partial

from allspin.host.study.paper.experiments import Experiment, paper_type
from allspin.host.study.paper.tolerance import Tolerance


def _cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(3, seed, epochs=1, c2c=[sigma, sigma], c2c_reading=reading)


def _device(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(3, seed, epochs=1, c2c=[0.0, 0.0], d2d=[sigma, sigma], d2d_reading=reading)


def _after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(3, seed, epochs=1, c2c=[0.0, 0.0], d2d_reading="weight", after_synapse=sigmas)


PART = Tolerance(
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
        "C2C of the range, on each update": partial(_cycle, "range"),
        "C2C of a mean step, on each update": partial(_cycle, "step"),
    },
    devices={
        "D2D a factor on the weight, in training": partial(_device, "weight"),
        "D2D an offset of the range, in training": partial(_device, "range"),
    },
    after=_after,
    results_after={"D2D a factor on the weight, after training": "after_synapse"},
)
