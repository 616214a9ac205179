"""Accuracy against C2C and D2D: of the synapse (Figs. 3c and 3d), of the neuron (5c and 5d)."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from allspin.host.draw.curves import Panel, curves
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Found,
    Part,
    Picture,
    Reading,
    Runs,
    Spread,
    accuracy,
    falls,
    lines_table,
    sweep_line,
)
from allspin.host.paper.experiments import paper_type

Lines = dict[str, list[Spread]]
"""By reading, the accuracy at each deviation."""
Changes = dict[str, Any]
"""Parameters of a training; what is `SIGMA` or `BOTH` becomes the deviation of the point."""
SIGMA, BOTH = "the deviation", "the deviation of each polarity"
X, Y = "standard deviation", "test accuracy (%)"


def fall_claim(what: str, lines: Lines) -> Claim:
    """The claim that accuracy falls as a deviation grows, a reading a line."""
    readings = tuple(
        Reading(name, f"{spreads[0].percent()} to {spreads[-1].percent()}", falls(spreads))
        for name, spreads in lines.items()
    )
    return Claim(
        what,
        "falls",
        readings,
        "from no deviation to the largest; a fall exceeds half a point and two standard errors",
    )


def tolerance_claim(what: str, cycles: Lines, devices: Lines) -> Claim:
    """The claim that D2D is tolerated better than C2C, a reading a pair of lines."""

    def mean(spreads: list[Spread]) -> float:
        return sum(spread.mean for spread in spreads[1:]) / (len(spreads) - 1)

    readings = tuple(
        Reading(
            f"{device} against {cycle}",
            f"{100 * mean(others):.1f} against {100 * mean(ones):.1f} %",
            mean(others) > mean(ones),
        )
        for cycle, ones in cycles.items()
        for device, others in devices.items()
    )
    return Claim(
        what,
        "D2D tolerated better",
        readings,
        "mean accuracy over equal deviations of both; neither unit nor moment is in the text",
        f"true of {sum(reading.agrees for reading in readings)} of {len(readings)} pairs of "
        "readings. "
        + "; ".join(
            f"{name}: {100 * mean(ones):.1f} %" for name, ones in (cycles | devices).items()
        ),
    )


@dataclass(frozen=True)
class Tolerance:
    """The chapter on what accuracy is left as a component's C2C and D2D grow.

    Parameters
    ----------
    subject : str
        ``synapse`` or ``neuron``.
    figure : int
        Number of the paper's figure, whose parts c and d these are.
    text, caption : str
        What was done, and what a point of the picture is.
    sigmas, few : list of float
        Standard deviations, of a full and of a quick run; the first is 0.
    kind, epochs : int
        Which of the paper's types is trained, and for how long.
    cycles, devices : dict of str to dict
        What is changed for C2C, and for D2D that is there in training, by reading.
    after : dict
        What is changed where D2D comes after training only; its deviations are all the sweep's.
    results_after : dict of str to str
        By reading, which parameter of those is meant.
    """

    subject: str
    figure: int
    text: str
    caption: str
    sigmas: list[float]
    few: list[float]
    kind: int
    epochs: int
    cycles: dict[str, Changes]
    devices: dict[str, Changes]
    after: Changes
    results_after: dict[str, str]

    def runs(self, effort: Effort) -> Runs:
        """By reading and deviation, and those whose deviations come afterwards."""
        sigmas, seeds = effort.points(self.sigmas, self.few), range(effort.sweep_seeds)
        runs: Runs = {}
        for words, changes in (self.cycles | self.devices).items():
            for sigma in sigmas:
                point = {SIGMA: sigma, BOTH: [sigma, sigma]}
                values = {
                    name: point.get(value, value) if isinstance(value, str) else value
                    for name, value in changes.items()
                }
                runs[words, sigma] = [
                    paper_type(self.kind, seed, epochs=self.epochs, **values) for seed in seeds
                ]
        after = self.after | dict.fromkeys(self.results_after.values(), sigmas)
        runs["after"] = [paper_type(self.kind, seed, epochs=self.epochs, **after) for seed in seeds]
        return runs

    def chapter(self, found: Found, effort: Effort) -> Chapter:
        """The chapter, from the results."""
        sigmas = effort.points(self.sigmas, self.few)
        cycles, devices = (
            {words: [accuracy(found[words, sigma]) for sigma in sigmas] for words in runs}
            for runs in (self.cycles, self.devices)
        )
        for words, name in self.results_after.items():
            shares = zip(*(result[name] for result in found["after"]), strict=True)
            devices[words] = [Spread.of(at_sigma) for at_sigma in shares]
        subject = self.subject
        return Chapter(
            f"The {subject}'s variation (Figs. {self.figure}c, {self.figure}d)",
            (self.text,),
            (self._picture(sigmas, cycles, devices),),
            claims=(
                fall_claim(f"Accuracy falls as the {subject}'s C2C grows", cycles),
                fall_claim(f"Accuracy falls as the {subject}'s D2D grows", devices),
                tolerance_claim(
                    f"{subject.title()}: D2D is tolerated better than C2C", cycles, devices
                ),
            ),
        )

    def _picture(self, sigmas: list[float], cycles: Lines, devices: Lines) -> Picture:
        c2c, d2d = (
            [sweep_line(name, sigmas, spreads) for name, spreads in lines.items()]
            for lines in (cycles, devices)
        )
        name = f"{self.subject}-tolerance"
        title = f"Accuracy against the {self.subject}'s variation"
        panels = [
            Panel(
                lines,
                X,
                Y,
                heading,
                x_scale="symlog",
                ticks=sigmas,
                y_range=(0, 100),
                places="lower left",
            )
            for lines, heading in (
                (c2c, f"Cycle to cycle (Fig. {self.figure}c)"),
                (d2d, f"Device to device (Fig. {self.figure}d)"),
            )
        ]
        return Picture(
            lines_table(name, title, X, Y, [*c2c, *d2d]),
            f"Figs. {self.figure}c and {self.figure}d: {self.caption}",
            partial(curves, f"The network against the {self.subject}'s variation", panels),
        )


NO_C2C: Changes = {"c2c": [0.0, 0.0]}

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
    kind=3,
    epochs=1,
    cycles={
        "C2C of the range, on each update": {"c2c": BOTH, "c2c_reading": "range"},
        "C2C of a mean step, on each update": {"c2c": BOTH, "c2c_reading": "step"},
    },
    devices={
        "D2D a factor on the weight, in training": NO_C2C | {"d2d": BOTH, "d2d_reading": "weight"},
        "D2D an offset of the range, in training": NO_C2C | {"d2d": BOTH, "d2d_reading": "range"},
    },
    after=NO_C2C | {"d2d_reading": "weight"},
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
    kind=2,
    epochs=2,
    cycles={
        "C2C of full-scale current, at each use": {
            "neuron_use": SIGMA,
            "neuron_use_reading": "current",
        },
        "C2C of the threshold, at each use": {
            "neuron_use": SIGMA,
            "neuron_use_reading": "threshold",
        },
    },
    devices={
        "D2D of the gain, in training": {"neuron_gain": SIGMA},
        "D2D of the threshold (of full scale), in training": {"neuron_threshold": SIGMA},
    },
    after={},
    results_after={
        "D2D of the gain, after training": "after_gain",
        "D2D of the threshold (of full scale), after training": "after_threshold",
    },
)

SYNAPSE = Part(_SYNAPSE.chapter, _SYNAPSE.runs)
NEURON = Part(_NEURON.chapter, _NEURON.runs)
