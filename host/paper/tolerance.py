"""Chapters on accuracy against C2C and D2D of synapse (Figs. 3c, 3d) and neuron (5c, 5d)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from allspin.host.charts.line_charts import ChartPanel
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
    Effort,
    Found,
    Runs,
    lines_picture,
    over_seeds,
    sweep_line,
)
from allspin.host.paper.claims import Claim, Reading, Spread, accuracy, falls
from allspin.host.paper.experiments import Experiment, paper_type

Lines = dict[str, list[Spread]]
"""Accuracies over the deviations, by reading."""
Changes = dict[str, Callable[[float], dict[str, Any]]]
"""Parameters of an experiment with a deviation, by reading."""


def fall_claim(what: str, lines: Lines) -> Claim:
    """Return the claim that accuracy falls as a deviation grows, with a reading a line."""
    readings = []
    for name, spreads in lines.items():
        outcome = f"{spreads[0].percent()} to {spreads[-1].percent()}"
        readings.append(Reading(name, outcome, falls(spreads)))
    note = "from no deviation to the largest; a fall exceeds half a point and two standard errors"
    return Claim(what, "falls", readings, note)


def tolerance_claim(what: str, cycles: Lines, devices: Lines) -> Claim:
    """Return the claim that D2D is tolerated better than C2C, with a reading a pair of lines."""
    means = {}
    for name, spreads in (cycles | devices).items():
        deviating = spreads[1:]
        means[name] = sum(spread.mean for spread in deviating) / len(deviating)
    readings = []
    for cycle, device in product(cycles, devices):
        outcome = f"{100 * means[device]:.1f} against {100 * means[cycle]:.1f} %"
        is_better = means[device] > means[cycle]
        readings.append(Reading(f"{device} against {cycle}", outcome, is_better))
    better = sum(reading.agrees for reading in readings)
    listed = "; ".join(f"{name}: {100 * mean:.1f} %" for name, mean in means.items())
    note = "mean accuracy over equal deviations of both; neither unit nor moment is in the text"
    found = f"true of {better} of {len(readings)} pairs of readings. {listed}"
    return Claim(what, "D2D tolerated better", readings, note, found)


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Chapter on the C2C and D2D of a component.

    Attributes
    ----------
    subject : str
        ``synapse`` or ``neuron``.
    figure : int
        Number of the paper's figure; its parts c and d are reproduced.
    text, caption : str
        Description of the experiment, and of a point of the picture.
    sigmas, few : list of float
        Standard deviations, of a full and of a quick run; the first is 0.
    train : callable
        The experiment of a seed and of parameters.
    cycles, devices : dict of str to callable
        Parameters of C2C, and of D2D in training, by reading.
    after : callable
        Parameters of D2D after training only, with all the deviations.
    results_after : dict of str to str
        Name of the result, by reading of D2D after training.
    """

    subject: str
    figure: int
    text: str
    caption: str
    sigmas: list[float]
    few: list[float]
    train: Callable[..., Experiment]
    cycles: Changes
    devices: Changes
    after: Callable[[list[float]], dict[str, Any]]
    results_after: dict[str, str]

    def runs(self, effort: Effort) -> Runs:
        """Return the runs by reading and deviation, and those with deviations after training."""
        points = effort.points(self.sigmas, self.few)
        seeds = effort.sweep_seeds
        found: Runs = {}
        for words, changes in (self.cycles | self.devices).items():
            for sigma in points:
                found[words, sigma] = over_seeds(seeds, self.train, **changes(sigma))
        found["after"] = over_seeds(seeds, self.train, **self.after(points))
        return found

    def chapter(self, found: Found, effort: Effort) -> Chapter:
        """Make the chapter."""
        points = effort.points(self.sigmas, self.few)
        c2c: Lines = {}
        for words in self.cycles:
            c2c[words] = [accuracy(found[words, sigma]) for sigma in points]
        d2d: Lines = {}
        for words in self.devices:
            d2d[words] = [accuracy(found[words, sigma]) for sigma in points]
        for words, name in self.results_after.items():
            shares = zip(*(result[name] for result in found["after"]), strict=True)
            d2d[words] = [Spread.of(at_sigma) for at_sigma in shares]
        subject = self.subject
        better = f"{subject.title()}: D2D is tolerated better than C2C"
        claims = (
            fall_claim(f"Accuracy falls as the {subject}'s C2C grows", c2c),
            fall_claim(f"Accuracy falls as the {subject}'s D2D grows", d2d),
            tolerance_claim(better, c2c, d2d),
        )
        title = f"The {subject}'s variation (Figs. {self.figure}c, {self.figure}d)"
        picture = self._picture(points, c2c, d2d)
        return Chapter(title, (self.text,), (picture,), claims=claims)

    def _picture(self, sigmas: list[float], cycles: Lines, devices: Lines) -> ChapterPicture:
        c2c = f"Cycle to cycle (Fig. {self.figure}c)"
        d2d = f"Device to device (Fig. {self.figure}d)"
        panels = [_panel(c2c, sigmas, cycles), _panel(d2d, sigmas, devices)]
        return lines_picture(
            f"{self.subject}-tolerance",
            f"The network against the {self.subject}'s variation",
            panels,
            f"Figs. {self.figure}c and {self.figure}d: {self.caption}",
            about=f"Accuracy against the {self.subject}'s variation",
        )

    def recipe(self) -> ChapterRecipe:
        """Return the recipe of the chapter."""
        return ChapterRecipe(self.chapter, self.runs)


def _panel(heading: str, sigmas: list[float], lines: Lines) -> ChartPanel:
    """Return the panel of accuracies over the deviations, with a line a reading."""
    return ChartPanel(
        [sweep_line(name, sigmas, spreads) for name, spreads in lines.items()],
        "standard deviation",
        "test accuracy (%)",
        heading,
        x_scale="symlog",
        ticks=sigmas,
        y_range=(0, 100),
        places="lower left",
    )


def _synapse_c2c(reading: str, sigma: float) -> dict[str, Any]:
    return {"c2c": [sigma, sigma], "c2c_reading": reading}


def _synapse_d2d(reading: str, sigma: float) -> dict[str, Any]:
    return {"c2c": NO_CYCLE, "d2d": [sigma, sigma], "d2d_reading": reading}


def _neuron_c2c(reading: str, sigma: float) -> dict[str, Any]:
    return {"neuron_use": sigma, "neuron_use_reading": reading}


NO_CYCLE = [0.0, 0.0]
_SYNAPSE = Tolerance(
    subject="synapse",
    figure=3,
    text="Each point is type 3 trained for one epoch with that deviation in both polarities; the "
    "other variation is off. C2C is drawn on each update. D2D is drawn once for a cell and "
    "polarity: in training the network learns around it, after training it cannot.",
    caption="type 3 with other deviations, by reading of the unit; one epoch a point.",
    # The paper's figures are among the standard deviations.
    sigmas=[0.0, 0.007, 0.014, 0.029, 0.065, 0.13, 0.48],
    few=[0.0, 0.014, 0.065, 0.48],
    train=partial(paper_type, 3, epochs=1),
    cycles={
        "C2C of the range, on each update": partial(_synapse_c2c, "range"),
        "C2C of a mean step, on each update": partial(_synapse_c2c, "step"),
    },
    devices={
        "D2D a factor on the weight, in training": partial(_synapse_d2d, "weight"),
        "D2D an offset of the range, in training": partial(_synapse_d2d, "range"),
    },
    after=lambda sigmas: {"c2c": NO_CYCLE, "d2d_reading": "weight", "after_synapse": sigmas},
    results_after={"D2D a factor on the weight, after training": "after_synapse"},
)
_NEURON = Tolerance(
    subject="neuron",
    figure=5,
    text="Each point is type 2 (software synapses, so that nothing else varies) trained for two "
    "epochs. C2C is drawn at each use, in training and test. D2D is drawn once for a neuron.",
    caption="type 2 with other deviations, by reading of the unit; two epochs each.",
    sigmas=[0.0, 0.014, 0.03, 0.06, 0.09, 0.18, 0.36],
    few=[0.0, 0.014, 0.06, 0.18],
    train=partial(paper_type, 2, epochs=2),
    cycles={
        "C2C of full-scale current, at each use": partial(_neuron_c2c, "current"),
        "C2C of the threshold, at each use": partial(_neuron_c2c, "threshold"),
    },
    devices={
        "D2D of the gain, in training": lambda s: {"neuron_gain": s},
        "D2D of the threshold (of full scale), in training": lambda s: {"neuron_threshold": s},
    },
    after=lambda sigmas: {"after_gain": sigmas, "after_threshold": sigmas},
    results_after={
        "D2D of the gain, after training": "after_gain",
        "D2D of the threshold (of full scale), after training": "after_threshold",
    },
)
SYNAPSE = _SYNAPSE.recipe()
NEURON = _NEURON.recipe()
