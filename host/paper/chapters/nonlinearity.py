"""Nonlinearity of equal and of opposite polarity: what training makes of either."""

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
    lines_table,
    sweep,
    sweep_line,
)
from allspin.host.paper.experiments import Experiment, training
from allspin.host.train.in_array import raw_synapse
from allspin.sim.synapse.response import Polarity

PULSES = 100
NONLINEARITIES = [1000.0, 100.0, 50.0, 22.0, 15.0, 9.0]
"""A, in pulses, of a response of `PULSES`."""
FEW_NONLINEARITIES = [1000.0, 22.0, 9.0]
RATES = (0.03, 0.3)
EPOCHS = 1
SHARP = 0.05
"""A loss of this share counts as sharp, and less than it as tolerable."""
SIGNS = {
    "equal": "equal polarity: both pulses along one curve",
    "opposite": "opposite polarity: each pulse steep at its start",
}


def _a(sign: str, a: float) -> list[float]:
    return [a, -a if sign == "equal" else a]


def _run(sign: str, rate: float, a: float, seed: int) -> Experiment:
    return training(seed=seed, rate=rate, epochs=EPOCHS, states=PULSES, A=_a(sign, a))


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.paper.chapter.Part`."""
    points = effort.points(NONLINEARITIES, FEW_NONLINEARITIES)
    seeds = range(effort.sweep_seeds)
    return [
        _run(sign, rate, a, seed)
        for sign in SIGNS
        for rate in RATES
        for a in points
        for seed in seeds
    ]


def _responses() -> list[Line]:
    pulses = list(range(PULSES + 1))
    lines = []
    for sign, words in SIGNS.items():
        synapse = raw_synapse(*_a(sign, 22.0), states=PULSES)
        up = synapse.curve(Polarity.POTENTIATION, pulses)
        down = synapse.curve(Polarity.DEPRESSION, pulses)
        lines.append(
            Line(words, [*pulses, *(PULSES + n for n in pulses)], [*up, *down], marked=False)
        )
    return lines


def _reading(sign: str, rate: float, spreads: list[Spread]) -> Reading:
    sharp = spreads[0].mean - spreads[-1].mean >= SHARP
    return Reading(
        f"rate {rate:g}",
        f"{spreads[0].percent()} to {spreads[-1].percent()}",
        sharp == (sign == "opposite"),
    )


def _picture(accuracies: list[Line]) -> Picture:
    x, y = "nonlinearity P_max / A", "test accuracy (%)"
    panels = [
        Panel(
            _responses(),
            "pulses: 100 up, 100 down",
            "R_AH (half of the range)",
            "Responses, A = 22",
            y_range=(-1.6, 1.1),
            places="lower center",
        ),
        Panel(accuracies, x, y, "Accuracy after one epoch", y_range=(0, 100), places="lower left"),
    ]
    return Picture(
        lines_table("nonlinearity", "Accuracy against nonlinearity", x, y, accuracies),
        "Nonlinear pulses by polarity.",
        partial(curves, "Nonlinear pulses", panels),
    )


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    points, seeds = effort.points(NONLINEARITIES, FEW_NONLINEARITIES), effort.sweep_seeds
    places = [PULSES / a for a in points]
    lines, readings = [], {"equal": [], "opposite": []}
    for rate in RATES:
        for sign in SIGNS:
            spreads = sweep(results, partial(_run, sign, rate), points, seeds)
            lines.append(sweep_line(f"{sign} polarity, rate {rate:g}", places, spreads))
            readings[sign].append(_reading(sign, rate, spreads))
    claims = (
        Claim(
            "High nonlinearity is tolerable where both polarities have the same one",
            "tolerable",
            tuple(readings["equal"]),
            f"a loss of less than {100 * SHARP:g} points from A = 1000 to A = 9, P_max = 100",
        ),
        Claim(
            "Accuracy falls sharply with nonlinearity of opposite polarity",
            "falls dramatically",
            tuple(readings["opposite"]),
            f"a loss of {100 * SHARP:g} points or more; the learning rate, which decides, is not "
            "in the text",
        ),
    )
    return Chapter(
        "Nonlinearity of equal and of opposite polarity (ref. 21 of the paper)",
        (
            "SOT neurons, 100 states, no C2C, raw pulses: a step that is asked for is one pulse, "
            "whatever it does where the device is. Equal polarity has A for potentiation and -A "
            "for depression, so that both run along one curve; opposite polarity has A for both, "
            "so that each is steepest where it starts.",
        ),
        (_picture(lines),),
        (),
        claims,
    )
