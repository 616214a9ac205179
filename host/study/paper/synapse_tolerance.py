"""Figs. 3c and 3d: accuracy against the synapse's C2C and D2D."""

from functools import partial

from allspin.host.study.paper.chapter import Chapter, Effort, Results, sweep
from allspin.host.study.paper.experiments import Experiment, paper_type
from allspin.host.study.paper.tolerance import tolerance
from allspin.host.study.paper.verdict import Spread

SIGMAS = [0.0, 0.007, 0.014, 0.029, 0.065, 0.13, 0.48]
FEW_SIGMAS = [0.0, 0.014, 0.065, 0.48]
"""Standard deviations; the paper's figures are among them."""
CYCLE = {
    "range": "C2C of the range, on each update",
    "step": "C2C of a mean step, on each update",
}
DEVICE = {
    "weight": "D2D a factor on the weight, in training",
    "range": "D2D an offset of the range, in training",
}
AFTER = "D2D a factor on the weight, after training"
EPOCHS = 1


def _cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(3, seed, epochs=EPOCHS, c2c=[sigma, sigma], c2c_reading=reading)


def _device(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(
        3, seed, epochs=EPOCHS, c2c=[0.0, 0.0], d2d=[sigma, sigma], d2d_reading=reading
    )


def _after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(
        3, seed, epochs=EPOCHS, c2c=[0.0, 0.0], d2d_reading="weight", after_synapse=sigmas
    )


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.study.paper.chapter.Part`."""
    sigmas = effort.points(SIGMAS, FEW_SIGMAS)
    seeds = range(effort.sweep_seeds)
    return [
        *(_cycle(reading, s, seed) for reading in CYCLE for s in sigmas for seed in seeds),
        *(_device(reading, s, seed) for reading in DEVICE for s in sigmas for seed in seeds),
        *(_after(seed, sigmas) for seed in seeds),
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.study.paper.chapter.Part`."""
    sigmas, seeds = effort.points(SIGMAS, FEW_SIGMAS), effort.sweep_seeds
    cycles = {
        name: sweep(results, partial(_cycle, reading), sigmas, seeds)
        for reading, name in CYCLE.items()
    }
    devices = {
        name: sweep(results, partial(_device, reading), sigmas, seeds)
        for reading, name in DEVICE.items()
    }
    after = [results[_after(seed, sigmas)]["after_synapse"] for seed in range(seeds)]
    devices[AFTER] = [Spread.of(at_sigma) for at_sigma in zip(*after, strict=True)]
    caption = "type 3 with other deviations, by reading of the unit; one epoch a point."
    picture, claims = tolerance("synapse", 3, caption, sigmas, cycles, devices)
    text = (
        "Each point is type 3 trained for one epoch with that deviation in both polarities; the "
        "other variation is off. C2C is drawn on each update. D2D is drawn once for a cell and "
        "polarity: in training the network learns around it, after training it cannot.",
    )
    return Chapter("The synapse's variation (Figs. 3c, 3d)", text, (picture,), (), claims)
