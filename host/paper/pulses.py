"""Chapters on training with raw pulses: nonlinearity, computed widths, and collapse."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from allspin.host.charts.line_charts import ChartLine, ChartPanel
from allspin.host.learn.paper_types import raw_synapse
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
    ChapterTable,
    Effort,
    Found,
    Runs,
    chapter_table,
    lines_picture,
    over_seeds,
    sweep_line,
)
from allspin.host.paper.claims import Claim, Reading, Spread, accuracy, within
from allspin.host.paper.experiments import training
from allspin.sim.synapse.response import Polarity

PULSES = 100
RAW = [22.0, 9.0]
"""A of potentiation and of depression, in pulses."""
NONLINEARITIES = [1000.0, 100.0, 50.0, 22.0, 15.0, 9.0]
"""Values of A, in pulses, for a response of `PULSES`."""
FEW_NONLINEARITIES = [1000.0, 22.0, 9.0]
BOTH_RATES = (0.03, 0.3)
EPOCHS = 1
SHARP = 0.05
"""Share whose loss counts as sharp; a smaller loss counts as tolerable."""
SIGNS = {
    "equal": "equal polarity: both pulses along one curve",
    "opposite": "opposite polarity: each pulse steep at its start",
}

Spreads = Mapping[Any, Spread]
"""Accuracy by the keys of a chapter's experiments."""


def _spreads(found: Found) -> dict[Any, Spread]:
    return {key: accuracy(runs) for key, runs in found.items()}


def _both_a(sign: str, a: float) -> list[float]:
    """Return A of both polarities."""
    return [a, -a if sign == "equal" else a]


def _nonlinearity_runs(effort: Effort) -> Runs:
    """Return the runs by sign, rate and A."""
    points = effort.points(NONLINEARITIES, FEW_NONLINEARITIES)
    runs: Runs = {}
    for sign, rate, a in product(SIGNS, BOTH_RATES, points):
        values = {"rate": rate, "epochs": EPOCHS, "states": PULSES, "A": _both_a(sign, a)}
        runs[sign, rate, a] = over_seeds(effort.sweep_seeds, training, **values)
    return runs


def _signed_picture(accuracies: list[ChartLine]) -> ChapterPicture:
    pulses = list(range(PULSES + 1))
    there_and_back = pulses + [PULSES + n for n in pulses]
    responses = []
    for sign, words in SIGNS.items():
        synapse = raw_synapse(*_both_a(sign, 22.0), states=PULSES)
        r_ah = [synapse.curve(polarity, pulses) for polarity in Polarity]
        line = np.concatenate(r_ah).tolist()
        responses.append(ChartLine(words, there_and_back, line, marked=False))
    response = ChartPanel(
        responses,
        "pulses: 100 up, 100 down",
        "R_AH (half of the range)",
        "Responses, A = 22",
        y_range=(-1.6, 1.1),
        places="lower center",
    )
    trained = ChartPanel(
        accuracies,
        "nonlinearity P_max / A",
        "test accuracy (%)",
        "Accuracy after one epoch",
        y_range=(0, 100),
        places="lower left",
    )
    return lines_picture(
        "nonlinearity",
        "Nonlinear pulses",
        [response, trained],
        "Nonlinear pulses by polarity.",
        heads=(trained.x, trained.y),
        lines=accuracies,
        about="Accuracy against nonlinearity",
    )


def _loss_readings(spreads: Spreads, sign: str, points: Sequence[float]) -> list[Reading]:
    """Compare the loss from the least to the largest nonlinearity with `SHARP`, at each rate."""
    readings = []
    for rate in BOTH_RATES:
        first = spreads[sign, rate, points[0]]
        last = spreads[sign, rate, points[-1]]
        is_sharp = first.mean - last.mean >= SHARP
        outcome = f"{first.percent()} to {last.percent()}"
        readings.append(Reading(f"rate {rate:g}", outcome, is_sharp == (sign == "opposite")))
    return readings


def _nonlinearity_chapter(found: Found, effort: Effort) -> Chapter:
    points = effort.points(NONLINEARITIES, FEW_NONLINEARITIES)
    shares = [PULSES / a for a in points]
    spreads = _spreads(found)
    lines = []
    for rate, sign in product(BOTH_RATES, SIGNS):
        over_a = [spreads[sign, rate, a] for a in points]
        lines.append(sweep_line(f"{sign} polarity, rate {rate:g}", shares, over_a))
    tolerable = Claim(
        "High nonlinearity is tolerable where both polarities have the same one",
        "tolerable",
        _loss_readings(spreads, "equal", points),
        f"a loss of less than {100 * SHARP:g} points from A = 1000 to A = 9, P_max = 100",
    )
    falling = Claim(
        "Accuracy falls sharply with nonlinearity of opposite polarity",
        "falls dramatically",
        _loss_readings(spreads, "opposite", points),
        f"a loss of {100 * SHARP:g} points or more; the learning rate, which decides, is "
        "not in the text",
    )
    text = (
        "SOT neurons, 100 states, no C2C, raw pulses: a step that is asked for is one pulse, "
        "whatever it does where the device is. Equal polarity has A for potentiation and -A "
        "for depression, so that both run along one curve; opposite polarity has A for both, "
        "so that each is steepest where it starts."
    )
    return Chapter(
        "Nonlinearity of equal and of opposite polarity (ref. 21 of the paper)",
        (text,),
        (_signed_picture(lines),),
        claims=(tolerable, falling),
    )


WIDTH_RATES = (0.03, 0.3, 1.0)
SCHEMES = {"equal": "equal pulses", "width": "pulses of computed width"}


def _width_runs(effort: Effort) -> Runs:
    """Return the runs by scheme and rate."""
    runs: Runs = {}
    for scheme, rate in product(SCHEMES, WIDTH_RATES):
        values = {"rate": rate, "epochs": EPOCHS, "states": PULSES, "A": RAW, "scheme": scheme}
        runs[scheme, rate] = over_seeds(effort.sweep_seeds, training, **values)
    return runs


def widths(polarity: Polarity, pulses: int = PULSES) -> list[float]:
    """Return the widths, in nominal pulses, of a train of equal steps over the whole range."""
    synapse = raw_synapse(*RAW, states=PULSES)
    levels = np.linspace(synapse.low, synapse.high, pulses + 1)
    if polarity == Polarity.DEPRESSION:
        levels = levels[::-1]
    return np.diff(synapse.pulses_to(polarity, levels)).tolist()


def _width_picture() -> ChapterPicture:
    synapse = raw_synapse(*RAW, states=PULSES)
    number = list(range(PULSES + 1))
    responses = []
    trains = []
    for polarity in Polarity:
        name = polarity.name.lower()
        each = widths(polarity)
        equal = synapse.curve(polarity, number).tolist()
        computed = synapse.curve(polarity, [0.0, *np.cumsum(each).tolist()]).tolist()
        responses.append(ChartLine(f"{name}, equal pulses", number, equal, marked=False))
        responses.append(
            ChartLine(f"{name}, computed widths", number, computed, marked=False, dashed=True)
        )
        trains.append(ChartLine(name, number[1:], each, marked=False))
    response = ChartPanel(
        responses,
        "pulse",
        "R_AH (half of the range)",
        "Response",
        y_range=(-1.1, 1.9),
        places="upper center",
    )
    train = ChartPanel(
        trains, "pulse", "width (nominal pulses)", "Widths for equal steps", y_scale="log"
    )
    return lines_picture(
        "pulse-width",
        "Shorter pulses first, wider ones later",
        [response, train],
        "Equal pulses, and pulses of computed width.",
        heads=("pulse", "R_AH, or width"),
        lines=responses + [replace(line, label=f"width, {line.label}") for line in trains],
        about="Response and widths",
    )


def _width_chapter(found: Found, effort: Effort) -> Chapter:
    spreads = _spreads(found)
    rows = []
    for scheme, rate in product(SCHEMES, WIDTH_RATES):
        rows.append((SCHEMES[scheme], rate, *spreads[scheme, rate].cells()))
    readings = []
    for rate in WIDTH_RATES:
        equal = spreads["equal", rate]
        width = spreads["width", rate]
        outcome = f"{equal.percent()} with equal pulses, {width.percent()} with computed widths"
        is_better = width.mean - equal.mean > equal.deviation + width.deviation
        readings.append(Reading(f"rate {rate:g}", outcome, is_better))
    improving = Claim(
        "Pulses that are shorter at first and wider later improve on the nonlinearity",
        "possible",
        readings,
        "widths from the mean response and the present R_AH, which must be read first; a "
        "pulse of half the width is taken to count as half a pulse",
    )
    text = (
        "A pulse's width is what the mean device needs for one state from where it is. From "
        "one end to the other that is short pulses first and wider ones later, and the "
        "response becomes a straight line."
    )
    table = chapter_table(
        "pulse-width-accuracy",
        "Accuracy after one epoch, by programming scheme",
        ("scheme", "rate", "mean (%)", "standard deviation", "seeds"),
        rows,
    )
    return Chapter(
        "Pulse-width programming (ref. 22 of the paper)",
        (text,),
        (_width_picture(),),
        (table,),
        (improving,),
    )


COLLAPSED = 0.1135
"""The paper's rate with raw pulses: the share of the digit 1 in MNIST's test images."""
EXACT = 0.0005
TOLERANCE = 0.01
"""Deviation from the paper's rate that counts as reproduced."""
COLLAPSE_RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
FEW_COLLAPSE_RATES = [0.03, 0.3, 1.0]
SET_UPS = {"sot": "SOT neurons", "relu": "ReLU", "relu-bias": "ReLU, output biases"}
CHANGES: dict[str, dict[str, Any]] = {
    "sot": {"neuron": "sot"},
    "relu": {"neuron": "relu"},
    "relu-bias": {"neuron": "relu", "output_bias": True},
}
"""Parameters of each set-up."""
RESPONSES = {"raw": "A = 22 and 9", "linear": "equal steps"}


def _collapse_runs(effort: Effort) -> Runs:
    """Return the runs by pulses, set-up and rate."""
    rates = effort.points(COLLAPSE_RATES, FEW_COLLAPSE_RATES)
    runs: Runs = {}
    for pulses, set_up, rate in product(RESPONSES, SET_UPS, rates):
        values = {"rate": rate, "epochs": EPOCHS, "states": 100, **CHANGES[set_up]}
        values["A"] = RAW if pulses == "raw" else None
        runs[pulses, set_up, rate] = over_seeds(effort.sweep_seeds, training, **values)
    return runs


Counts = Mapping[tuple[str, str, float], int]
"""Number of seeds by pulses, set-up and rate."""


def _collapse_reading(
    spreads: Spreads, set_up: str, rate: float, what: str, agrees: bool
) -> Reading:
    outcome = f"{spreads['raw', set_up, rate].percent()}, {what}"
    name = f"{SET_UPS[set_up]}, rate {rate:g}"
    return Reading(name, outcome, agrees, "output_bias" in CHANGES[set_up])


def _collapse_claim(spreads: Spreads, constant: Counts, seeds: int) -> Claim:
    """Return the claim that networks collapse; `constant` counts seeds with a single answer."""
    readings = []
    for set_up, rate in product(SET_UPS, (0.03, 1.0)):
        count = constant["raw", set_up, rate]
        what = f"{count} of {seeds} seeds give one answer"
        readings.append(_collapse_reading(spreads, set_up, rate, what, count == seeds))
    return Claim(
        "With the nonlinear, asymmetric pulse response a network collapses to one answer",
        "collapses",
        readings,
        "the learning rate decides, and is not in the text: at rates of 0.3 and less the same "
        "devices learn, at 1 only networks of ReLU collapse",
    )


def _collapsed_rate_claim(spreads: Spreads, met: Counts, seeds: int) -> Claim:
    """Return the claim about a collapsed network's rate; `met` counts seeds with exactly it."""
    readings = []
    for set_up in SET_UPS:
        what = f"{met['raw', set_up, 1.0]} of {seeds} seeds at 11.35 %"
        agrees = within(spreads["raw", set_up, 1.0].mean, COLLAPSED, TOLERANCE)
        readings.append(_collapse_reading(spreads, set_up, 1.0, what, agrees))
    exact = []
    for (pulses, set_up, rate), count in met.items():
        if pulses == "raw" and count:
            exact.append(f"{SET_UPS[set_up]}, rate {rate:g} ({count} of {seeds} seeds)")
    return Claim(
        "A network that has collapsed reaches 11.35 %",
        "11.35 %",
        readings,
        "what a network reaches that always answers 1, the commonest digit: the output must "
        "have learnt that, so it takes biases, which the text does not have. Met exactly: "
        + ("; ".join(exact) or "nowhere"),
    )


def _collapse_picture(spreads: Spreads, rates: list[float]) -> ChapterPicture:
    panels = []
    numbers = []
    for pulses, words in RESPONSES.items():
        lines = []
        for set_up, name in SET_UPS.items():
            over_rate = [spreads[pulses, set_up, rate] for rate in rates]
            lines.append(sweep_line(name, rates, over_rate))
        numbers += [replace(line, label=f"{words}: {line.label}") for line in lines]
        panel = ChartPanel(
            lines,
            "learning rate",
            "test accuracy (%)",
            f"Pulses: {words}",
            levels={"11.35": 100 * COLLAPSED},
            x_scale="log",
            ticks=rates,
            y_range=(0, 100),
            places="center left",
        )
        panels.append(panel)
    return lines_picture(
        "collapse",
        "Raw pulses against equal steps, by learning rate",
        panels,
        "Where raw pulses collapse, and where they do not.",
        heads=("rate", "test accuracy (%)"),
        lines=numbers,
        about="Accuracy with raw pulses",
    )


def _collapse_table(spreads: Spreads, constant: Counts, seeds: int) -> ChapterTable:
    rows = []
    for (pulses, set_up, rate), spread in spreads.items():
        mean, deviation, _ = spread.cells()
        collapsed = f"{constant[pulses, set_up, rate]} of {seeds}"
        rows.append((RESPONSES[pulses], SET_UPS[set_up], rate, mean, deviation, collapsed))
    return chapter_table(
        "collapse-constant",
        "Networks that give one answer to more than 99 % of the images",
        ("pulses", "network", "rate", "accuracy (%)", "standard deviation", "collapsed"),
        rows,
    )


def _collapse_chapter(found: Found, effort: Effort) -> Chapter:
    seeds = effort.sweep_seeds
    spreads = _spreads(found)
    constant = {}
    met = {}
    for key, runs in found.items():
        constant[key] = sum(max(run["answered"]) > 0.99 for run in runs)
        met[key] = sum(abs(run["accuracy"] - COLLAPSED) < EXACT for run in runs)
    collapsing = _collapse_claim(spreads, constant, seeds)
    text = (
        "100 states, no C2C, whole pulses rounded at random, one epoch. A collapsed network "
        "has silent hidden neurons, so its answer is what its output biases say; without "
        "biases all logits are equal and the first class, 0, is the answer (9.80 %). The "
        "commonest digit among the training images is 1: biases that have learnt just that "
        "give 11.35 %. The text has no biases."
    )
    return Chapter(
        "The collapse to 11.35 %",
        (text,),
        (_collapse_picture(spreads, effort.points(COLLAPSE_RATES, FEW_COLLAPSE_RATES)),),
        (_collapse_table(spreads, constant, seeds),),
        (collapsing, _collapsed_rate_claim(spreads, met, seeds)),
    )


NONLINEARITY = ChapterRecipe(_nonlinearity_chapter, _nonlinearity_runs)
WIDTH = ChapterRecipe(_width_chapter, _width_runs)
COLLAPSE = ChapterRecipe(_collapse_chapter, _collapse_runs)
