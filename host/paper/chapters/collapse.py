"""The collapse to 11.35 %: raw pulses, at which rates and with what."""

from dataclasses import dataclass, replace
from functools import partial

from allspin.host.draw.curves import Panel, curves
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Picture,
    Reading,
    Results,
    Spread,
    Table,
    accuracy,
    lines_table,
    sweep_line,
    within,
)
from allspin.host.paper.experiments import Experiment, training

COLLAPSED = 0.1135
"""The paper's rate with raw pulses: the share of the digit 1 in MNIST's test images."""
EXACT = 0.0005
TOLERANCE = 0.01
"""How near to the paper's rate counts as reproduced."""
RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
FEW_RATES = [0.03, 0.3, 1.0]
RAW = [22.0, 9.0]
EPOCHS = 1
SET_UPS = {
    "sot": ({"neuron": "sot"}, "SOT neurons"),
    "relu": ({"neuron": "relu"}, "ReLU"),
    "relu-bias": ({"neuron": "relu", "output_bias": True}, "ReLU, output biases"),
}
PULSES = {"raw": (RAW, "A = 22 and 9"), "linear": (None, "equal steps")}


def _run(set_up: str, pulses: str, rate: float, seed: int) -> Experiment:
    return training(
        seed=seed,
        rate=rate,
        epochs=EPOCHS,
        states=100,
        A=PULSES[pulses][0],
        **SET_UPS[set_up][0],
    )


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.paper.chapter.Part`."""
    rates, seeds = effort.points(RATES, FEW_RATES), range(effort.sweep_seeds)
    return [
        _run(set_up, pulses, rate, seed)
        for set_up in SET_UPS
        for pulses in PULSES
        for rate in rates
        for seed in seeds
    ]


@dataclass(frozen=True)
class _Point:
    """What networks of one set-up came to at one rate, over seeds.

    Attributes
    ----------
    pulses, set_up : str
        Of `PULSES` and of `SET_UPS`.
    rate : float
        Learning rate.
    spread : Spread
        Accuracy.
    constant, met : int
        Seeds whose network gives one answer, and seeds that meet the paper's rate exactly.
    """

    pulses: str
    set_up: str
    rate: float
    spread: Spread
    constant: int
    met: int

    @property
    def name(self) -> str:
        """What the network is made of."""
        return SET_UPS[self.set_up][1]

    def reading(self, what: str, agrees: bool) -> Reading:
        """A reading of a claim; output biases are an assumption."""
        return Reading(
            f"{self.name}, rate {self.rate:g}",
            f"{self.spread.percent()}, {what}",
            agrees,
            bool(SET_UPS[self.set_up][0].get("output_bias")),
        )


def _point(results: Results, pulses: str, set_up: str, rate: float, seeds: int) -> _Point:
    experiments = [_run(set_up, pulses, rate, seed) for seed in range(seeds)]
    runs = [results[one] for one in experiments]
    return _Point(
        pulses,
        set_up,
        rate,
        accuracy(results, experiments),
        sum(max(run["answered"]) > 0.99 for run in runs),
        sum(abs(run["accuracy"] - COLLAPSED) < EXACT for run in runs),
    )


def _claims(points: list[_Point], seeds: int) -> tuple[Claim, ...]:
    raw = [point for point in points if point.pulses == "raw"]
    where = "; ".join(
        f"{point.name}, rate {point.rate:g} ({point.met} of {seeds} seeds)"
        for point in raw
        if point.met
    )
    return (
        Claim(
            "With the nonlinear, asymmetric pulse response a network collapses to one answer",
            "collapses",
            tuple(
                point.reading(
                    f"{point.constant} of {seeds} seeds give one answer", point.constant == seeds
                )
                for point in raw
                if point.rate in (0.03, 1.0)
            ),
            "the learning rate decides, and is not in the text: at rates of 0.3 and less the same "
            "devices learn, at 1 only networks of ReLU collapse",
        ),
        Claim(
            "A network that has collapsed reaches 11.35 %",
            "11.35 %",
            tuple(
                point.reading(
                    f"{point.met} of {seeds} seeds at 11.35 %",
                    within(point.spread.mean, COLLAPSED, TOLERANCE),
                )
                for point in raw
                if point.rate == 1.0
            ),
            "what a network reaches that always answers 1, the commonest digit: the output must "
            "have learnt that, so it takes biases, which the text does not have. Met exactly: "
            + (where or "nowhere"),
        ),
    )


def _picture(points: list[_Point], rates: list[float]) -> Picture:
    lines = {
        (words, name): sweep_line(
            name,
            rates,
            [point.spread for point in points if (point.pulses, point.set_up) == (pulses, set_up)],
        )
        for pulses, (_, words) in PULSES.items()
        for set_up, (_, name) in SET_UPS.items()
    }
    panels = [
        Panel(
            [line for (pulses, _), line in lines.items() if pulses == words],
            "learning rate",
            "test accuracy (%)",
            f"Pulses: {words}",
            levels={"11.35": 100 * COLLAPSED},
            x_scale="log",
            ticks=rates,
            y_range=(0, 100),
            places="center left",
        )
        for _, words in PULSES.values()
    ]
    numbers = [replace(line, label=f"{words}: {name}") for (words, name), line in lines.items()]
    return Picture(
        lines_table("collapse", "Accuracy with raw pulses", "rate", "test accuracy (%)", numbers),
        "Where raw pulses collapse, and where they do not.",
        partial(curves, "Raw pulses against equal steps, by learning rate", panels),
    )


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    rates, seeds = effort.points(RATES, FEW_RATES), effort.sweep_seeds
    points = [
        _point(results, pulses, set_up, rate, seeds)
        for pulses in PULSES
        for set_up in SET_UPS
        for rate in rates
    ]
    table = Table(
        "collapse-constant",
        "Networks that give one answer to more than 99 % of the images",
        ("pulses", "network", "rate", "accuracy (%)", "standard deviation", "collapsed"),
        [
            (
                PULSES[point.pulses][1],
                point.name,
                point.rate,
                *point.spread.cells()[:2],
                f"{point.constant} of {seeds}",
            )
            for point in points
        ],
    )
    return Chapter(
        "The collapse to 11.35 %",
        (
            "100 states, no C2C, whole pulses rounded at random, one epoch. A collapsed network "
            "has silent hidden neurons, so its answer is what its output biases say; without "
            "biases all logits are equal and the first class, 0, is the answer (9.80 %). The "
            "commonest digit among the training images is 1: biases that have learnt just that "
            "give 11.35 %. The text has no biases.",
        ),
        (_picture(points, rates),),
        (table,),
        _claims(points, seeds),
    )
