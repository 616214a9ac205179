"""What the chapters on variation share: a sweep of C2C and of D2D, its picture and its claims."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from allspin.host.draw.curves import Line, Panel, curves
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Picture,
    Reading,
    Results,
    Spread,
    falls,
    lines_table,
    sweep,
    sweep_line,
)
from allspin.host.paper.experiments import Experiment

Lines = dict[str, list[Spread]]
"""By reading, the accuracy at each deviation."""
Sweeps = dict[str, Callable[[float, int], Experiment]]
"""By reading, the experiment of a deviation and a seed."""
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

    It is an `allspin.host.paper.chapter.Part`.

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
    cycles, devices : dict of str to callable
        Experiments with C2C, and with D2D that is there in training, by reading.
    after : callable
        The experiment whose D2D comes after training only, of a seed and all the deviations.
    results_after : dict of str to str
        By reading, which of that experiment's results is meant.
    """

    subject: str
    figure: int
    text: str
    caption: str
    sigmas: list[float]
    few: list[float]
    cycles: Sweeps
    devices: Sweeps
    after: Callable[[int, list[float]], Experiment]
    results_after: dict[str, str]

    def experiments(self, effort: Effort) -> list[Experiment]:
        """What must have been computed."""
        sigmas, seeds = effort.points(self.sigmas, self.few), range(effort.sweep_seeds)
        return [
            *(
                run(sigma, seed)
                for run in (*self.cycles.values(), *self.devices.values())
                for sigma in sigmas
                for seed in seeds
            ),
            *(self.after(seed, sigmas) for seed in seeds),
        ]

    def chapter(self, results: Results, effort: Effort) -> Chapter:
        """The chapter, from the results."""
        sigmas, seeds = effort.points(self.sigmas, self.few), effort.sweep_seeds
        cycles, devices = (
            {words: sweep(results, run, sigmas, seeds) for words, run in runs.items()}
            for runs in (self.cycles, self.devices)
        )
        after = [results[self.after(seed, sigmas)] for seed in range(seeds)]
        for words, name in self.results_after.items():
            shares = zip(*(result[name] for result in after), strict=True)
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
        name, title = (
            f"{self.subject}-tolerance",
            f"Accuracy against the {self.subject}'s variation",
        )
        panels = [
            self._panel(c2c, f"Cycle to cycle (Fig. {self.figure}c)", sigmas),
            self._panel(d2d, f"Device to device (Fig. {self.figure}d)", sigmas),
        ]
        return Picture(
            lines_table(name, title, X, Y, [*c2c, *d2d]),
            f"Figs. {self.figure}c and {self.figure}d: {self.caption}",
            partial(curves, f"The network against the {self.subject}'s variation", panels),
        )

    def _panel(self, lines: list[Line], title: str, sigmas: list[float]) -> Panel:
        return Panel(
            lines,
            X,
            Y,
            title,
            x_scale="symlog",
            ticks=sigmas,
            y_range=(0, 100),
            places="lower left",
        )
