"""Figs. 5c and 5d: accuracy against the neuron's C2C and D2D."""

from functools import partial

from allspin.host.study.paper.chapter import Chapter, Effort, Results, sweep
from allspin.host.study.paper.experiments import Experiment, paper_type
from allspin.host.study.paper.tolerance import tolerance
from allspin.host.study.paper.verdict import Spread

SIGMAS = [0.0, 0.014, 0.03, 0.06, 0.09, 0.18, 0.36]
FEW_SIGMAS = [0.0, 0.014, 0.06, 0.18]
CYCLE = {
    "current": "C2C of full-scale current, at each use",
    "threshold": "C2C of the threshold, at each use",
}
DEVICE = {
    "neuron_gain": "D2D of the gain, in training",
    "neuron_threshold": "D2D of the threshold (of full scale), in training",
}
AFTER = {
    "after_gain": "D2D of the gain, after training",
    "after_threshold": "D2D of the threshold (of full scale), after training",
}
EPOCHS = 2


def _cycle(reading: str, sigma: float, seed: int) -> Experiment:
    return paper_type(2, seed, epochs=EPOCHS, neuron_use=sigma, neuron_use_reading=reading)


def _device(name: str, sigma: float, seed: int) -> Experiment:
    return paper_type(2, seed, epochs=EPOCHS, **{name: sigma})


def _after(seed: int, sigmas: list[float]) -> Experiment:
    return paper_type(2, seed, epochs=EPOCHS, after_gain=sigmas, after_threshold=sigmas)


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.study.paper.chapter.Part`."""
    sigmas = effort.points(SIGMAS, FEW_SIGMAS)
    seeds = range(effort.sweep_seeds)
    return [
        *(_cycle(reading, s, seed) for reading in CYCLE for s in sigmas for seed in seeds),
        *(_device(name, s, seed) for name in DEVICE for s in sigmas for seed in seeds),
        *(_after(seed, sigmas) for seed in seeds),
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.study.paper.chapter.Part`."""
    sigmas, seeds = effort.points(SIGMAS, FEW_SIGMAS), effort.sweep_seeds
    cycles = {
        words: sweep(results, partial(_cycle, reading), sigmas, seeds)
        for reading, words in CYCLE.items()
    }
    devices = {
        words: sweep(results, partial(_device, name), sigmas, seeds)
        for name, words in DEVICE.items()
    }
    for name, words in AFTER.items():
        runs = [results[_after(seed, sigmas)][name] for seed in range(seeds)]
        devices[words] = [Spread.of(at_sigma) for at_sigma in zip(*runs, strict=True)]
    caption = "type 2 with other deviations, by reading of the unit; two epochs each."
    picture, claims = tolerance("neuron", 5, caption, sigmas, cycles, devices)
    text = (
        "Each point is type 2 (software synapses, so that nothing else varies) trained for two "
        "epochs. C2C is drawn at each use, in training and test. D2D is drawn once for a neuron.",
    )
    return Chapter("The neuron's variation (Figs. 5c, 5d)", text, (picture,), (), claims)
