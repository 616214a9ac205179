"""Chapters on training with raw pulses: nonlinearity, computed widths, and collapse."""

from dataclasses import replace
from functools import partial

import numpy as np

from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.learn.paper_types import raw_synapse
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
    Effort,
    Found,
    Runs,
    chapter_table,
    lines_table,
    sweep_line,
)
from allspin.host.paper.claims import (
    Claim,
    Reading,
    Spread,
    accuracy,
    within,
)
from allspin.host.paper.experiments import training
from allspin.sim.synapse.response import Polarity

PULSES = 100
RAW = [22.0, 9.0]
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


def _a(sign: str, a: float) -> list[float]:
    return [a, -a if sign == "equal" else a]


def _nonlinearity_runs(effort: Effort) -> Runs:
    """Return the runs by sign, rate and A."""
    return {
        (sign, rate, a): [
            training(seed=seed, rate=rate, epochs=EPOCHS, states=PULSES, A=_a(sign, a))
            for seed in range(effort.sweep_seeds)
        ]
        for sign in SIGNS
        for rate in BOTH_RATES
        for a in effort.points(NONLINEARITIES, FEW_NONLINEARITIES)
    }


def _signed_picture(accuracies: list[ChartLine]) -> ChapterPicture:
    x, y = "nonlinearity P_max / A", "test accuracy (%)"
    pulses = list(range(PULSES + 1))
    there_and_back = [*pulses, *(PULSES + n for n in pulses)]
    responses = []
    for sign, words in SIGNS.items():
        synapse = raw_synapse(*_a(sign, 22.0), states=PULSES)
        r_ah = [r for polarity in Polarity for r in synapse.curve(polarity, pulses)]
        responses.append(ChartLine(words, there_and_back, r_ah, marked=False))
    panels = [
        ChartPanel(
            responses,
            "pulses: 100 up, 100 down",
            "R_AH (half of the range)",
            "Responses, A = 22",
            y_range=(-1.6, 1.1),
            places="lower center",
        ),
        ChartPanel(
            accuracies, x, y, "Accuracy after one epoch", y_range=(0, 100), places="lower left"
        ),
    ]
    return ChapterPicture(
        lines_table("nonlinearity", "Accuracy against nonlinearity", x, y, accuracies),
        "Nonlinear pulses by polarity.",
        partial(curves, "Nonlinear pulses", panels),
    )


def _nonlinearity_chapter(found: Found, effort: Effort) -> Chapter:
    points = effort.points(NONLINEARITIES, FEW_NONLINEARITIES)
    spreads = {
        (sign, rate): [accuracy(found[sign, rate, a]) for a in points]
        for rate in BOTH_RATES
        for sign in SIGNS
    }
    lines = [
        sweep_line(f"{sign} polarity, rate {rate:g}", [PULSES / a for a in points], over_a)
        for (sign, rate), over_a in spreads.items()
    ]

    def readings(sign: str) -> tuple[Reading, ...]:
        ends = {rate: (spreads[sign, rate][0], spreads[sign, rate][-1]) for rate in BOTH_RATES}
        return tuple(
            Reading(
                f"rate {rate:g}",
                f"{first.percent()} to {last.percent()}",
                (first.mean - last.mean >= SHARP) == (sign == "opposite"),
            )
            for rate, (first, last) in ends.items()
        )

    return Chapter(
        "Nonlinearity of equal and of opposite polarity (ref. 21 of the paper)",
        (
            "SOT neurons, 100 states, no C2C, raw pulses: a step that is asked for is one pulse, "
            "whatever it does where the device is. Equal polarity has A for potentiation and -A "
            "for depression, so that both run along one curve; opposite polarity has A for both, "
            "so that each is steepest where it starts.",
        ),
        (_signed_picture(lines),),
        (),
        (
            Claim(
                "High nonlinearity is tolerable where both polarities have the same one",
                "tolerable",
                readings("equal"),
                f"a loss of less than {100 * SHARP:g} points from A = 1000 to A = 9, P_max = 100",
            ),
            Claim(
                "Accuracy falls sharply with nonlinearity of opposite polarity",
                "falls dramatically",
                readings("opposite"),
                f"a loss of {100 * SHARP:g} points or more; the learning rate, which decides, is "
                "not in the text",
            ),
        ),
    )


WIDTH_RATES = (0.03, 0.3, 1.0)
SCHEMES = {"equal": "equal pulses", "width": "pulses of computed width"}


def _width_runs(effort: Effort) -> Runs:
    """Return the runs by scheme and rate."""
    return {
        (scheme, rate): [
            training(seed=seed, rate=rate, epochs=EPOCHS, states=PULSES, A=RAW, scheme=scheme)
            for seed in range(effort.sweep_seeds)
        ]
        for scheme in SCHEMES
        for rate in WIDTH_RATES
    }


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
    responses, trains = [], []
    for polarity in Polarity:
        name, each = polarity.name.lower(), widths(polarity)
        equal = synapse.curve(polarity, number).tolist()
        computed = synapse.curve(polarity, [0.0, *np.cumsum(each).tolist()]).tolist()
        responses += [
            ChartLine(f"{name}, equal pulses", number, equal, marked=False),
            ChartLine(f"{name}, computed widths", number, computed, marked=False, dashed=True),
        ]
        trains.append(ChartLine(name, number[1:], each, marked=False))
    panels = [
        ChartPanel(
            responses,
            "pulse",
            "R_AH (half of the range)",
            "Response",
            y_range=(-1.1, 1.9),
            places="upper center",
        ),
        ChartPanel(
            trains, "pulse", "width (nominal pulses)", "Widths for equal steps", y_scale="log"
        ),
    ]
    numbers = [*responses, *(ChartLine(f"width, {t.label}", t.x, t.y) for t in trains)]
    return ChapterPicture(
        lines_table("pulse-width", "Response and widths", "pulse", "R_AH, or width", numbers),
        "Equal pulses, and pulses of computed width.",
        partial(curves, "Shorter pulses first, wider ones later", panels),
    )


def _width_chapter(found: Found, effort: Effort) -> Chapter:
    spreads = {
        scheme: [accuracy(found[scheme, rate]) for rate in WIDTH_RATES] for scheme in SCHEMES
    }
    return Chapter(
        "Pulse-width programming (ref. 22 of the paper)",
        (
            "A pulse's width is what the mean device needs for one state from where it is. From "
            "one end to the other that is short pulses first and wider ones later, and the "
            "response becomes a straight line.",
        ),
        (_width_picture(),),
        (
            chapter_table(
                "pulse-width-accuracy",
                "Accuracy after one epoch, by programming scheme",
                ("scheme", "rate", "mean (%)", "standard deviation", "seeds"),
                [
                    (words, rate, *spread.cells())
                    for scheme, words in SCHEMES.items()
                    for rate, spread in zip(WIDTH_RATES, spreads[scheme], strict=True)
                ],
            ),
        ),
        (
            Claim(
                "Pulses that are shorter at first and wider later improve on the nonlinearity",
                "possible",
                tuple(
                    Reading(
                        f"rate {rate:g}",
                        f"{equal.percent()} with equal pulses, {width.percent()} with computed "
                        "widths",
                        width.mean - equal.mean > equal.deviation + width.deviation,
                    )
                    for rate, equal, width in zip(
                        WIDTH_RATES, spreads["equal"], spreads["width"], strict=True
                    )
                ),
                "widths from the mean response and the present R_AH, which must be read first; a "
                "pulse of half the width is taken to count as half a pulse",
            ),
        ),
    )


COLLAPSED = 0.1135
"""The paper's rate with raw pulses: the share of the digit 1 in MNIST's test images."""
EXACT = 0.0005
TOLERANCE = 0.01
"""Deviation from the paper's rate that counts as reproduced."""
COLLAPSE_RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
FEW_COLLAPSE_RATES = [0.03, 0.3, 1.0]
SET_UPS = {
    "sot": ({"neuron": "sot"}, "SOT neurons"),
    "relu": ({"neuron": "relu"}, "ReLU"),
    "relu-bias": ({"neuron": "relu", "output_bias": True}, "ReLU, output biases"),
}
RESPONSES = {"raw": (RAW, "A = 22 and 9"), "linear": (None, "equal steps")}


def _collapse_runs(effort: Effort) -> Runs:
    """Return the runs by pulses, set-up and rate."""
    return {
        (pulses, set_up, rate): [
            training(seed=seed, rate=rate, epochs=EPOCHS, states=100, A=a, **changes)
            for seed in range(effort.sweep_seeds)
        ]
        for pulses, (a, _) in RESPONSES.items()
        for set_up, (changes, _) in SET_UPS.items()
        for rate in effort.points(COLLAPSE_RATES, FEW_COLLAPSE_RATES)
    }


Spreads = dict[tuple[str, str, float], Spread]
"""Accuracy by pulses, set-up and rate."""
Counts = dict[tuple[str, str, float], int]


def _collapse_claims(
    spreads: Spreads, constant: Counts, met: Counts, seeds: int
) -> tuple[Claim, ...]:
    """Return the claims about the collapse.

    `constant` counts the seeds with a single answer, `met` those with exactly the paper's rate.
    """

    def reading(set_up: str, rate: float, what: str, agrees: bool) -> Reading:
        changes, name = SET_UPS[set_up]
        outcome = f"{spreads['raw', set_up, rate].percent()}, {what}"
        return Reading(f"{name}, rate {rate:g}", outcome, agrees, "output_bias" in changes)

    where = "; ".join(
        f"{SET_UPS[set_up][1]}, rate {rate:g} ({count} of {seeds} seeds)"
        for (pulses, set_up, rate), count in met.items()
        if pulses == "raw" and count
    )
    return (
        Claim(
            "With the nonlinear, asymmetric pulse response a network collapses to one answer",
            "collapses",
            tuple(
                reading(
                    set_up,
                    rate,
                    f"{constant['raw', set_up, rate]} of {seeds} seeds give one answer",
                    constant["raw", set_up, rate] == seeds,
                )
                for set_up in SET_UPS
                for rate in (0.03, 1.0)
            ),
            "the learning rate decides, and is not in the text: at rates of 0.3 and less the same "
            "devices learn, at 1 only networks of ReLU collapse",
        ),
        Claim(
            "A network that has collapsed reaches 11.35 %",
            "11.35 %",
            tuple(
                reading(
                    set_up,
                    1.0,
                    f"{met['raw', set_up, 1.0]} of {seeds} seeds at 11.35 %",
                    within(spreads["raw", set_up, 1.0].mean, COLLAPSED, TOLERANCE),
                )
                for set_up in SET_UPS
            ),
            "what a network reaches that always answers 1, the commonest digit: the output must "
            "have learnt that, so it takes biases, which the text does not have. Met exactly: "
            + (where or "nowhere"),
        ),
    )


def _collapse_picture(spreads: Spreads, rates: list[float]) -> ChapterPicture:
    lines = {
        words: [
            sweep_line(name, rates, [spreads[pulses, set_up, rate] for rate in rates])
            for set_up, (_, name) in SET_UPS.items()
        ]
        for pulses, (_, words) in RESPONSES.items()
    }
    panels = [
        ChartPanel(
            panel_lines,
            "learning rate",
            "test accuracy (%)",
            f"Pulses: {words}",
            levels={"11.35": 100 * COLLAPSED},
            x_scale="log",
            ticks=rates,
            y_range=(0, 100),
            places="center left",
        )
        for words, panel_lines in lines.items()
    ]
    numbers = [
        replace(line, label=f"{words}: {line.label}")
        for words, panel_lines in lines.items()
        for line in panel_lines
    ]
    return ChapterPicture(
        lines_table("collapse", "Accuracy with raw pulses", "rate", "test accuracy (%)", numbers),
        "Where raw pulses collapse, and where they do not.",
        partial(curves, "Raw pulses against equal steps, by learning rate", panels),
    )


def _collapse_chapter(found: Found, effort: Effort) -> Chapter:
    seeds = effort.sweep_seeds
    spreads = {key: accuracy(runs) for key, runs in found.items()}
    constant = {
        key: sum(max(run["answered"]) > 0.99 for run in runs) for key, runs in found.items()
    }
    met = {
        key: sum(abs(run["accuracy"] - COLLAPSED) < EXACT for run in runs)
        for key, runs in found.items()
    }
    return Chapter(
        "The collapse to 11.35 %",
        (
            "100 states, no C2C, whole pulses rounded at random, one epoch. A collapsed network "
            "has silent hidden neurons, so its answer is what its output biases say; without "
            "biases all logits are equal and the first class, 0, is the answer (9.80 %). The "
            "commonest digit among the training images is 1: biases that have learnt just that "
            "give 11.35 %. The text has no biases.",
        ),
        (_collapse_picture(spreads, effort.points(COLLAPSE_RATES, FEW_COLLAPSE_RATES)),),
        (
            chapter_table(
                "collapse-constant",
                "Networks that give one answer to more than 99 % of the images",
                ("pulses", "network", "rate", "accuracy (%)", "standard deviation", "collapsed"),
                [
                    (
                        *(RESPONSES[pulses][1], SET_UPS[set_up][1], rate, *spread.cells()[:2]),
                        f"{constant[pulses, set_up, rate]} of {seeds}",
                    )
                    for (pulses, set_up, rate), spread in spreads.items()
                ],
            ),
        ),
        _collapse_claims(spreads, constant, met, seeds),
    )


NONLINEARITY = ChapterRecipe(_nonlinearity_chapter, _nonlinearity_runs)
WIDTH = ChapterRecipe(_width_chapter, _width_runs)
COLLAPSE = ChapterRecipe(_collapse_chapter, _collapse_runs)
