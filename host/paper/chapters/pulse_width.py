"""Pulse-width programming: shorter pulses first and wider ones later, as the paper proposes."""

from functools import partial

import numpy as np

from allspin.host.draw.curves import Line, Panel, curves
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Picture,
    Reading,
    Results,
    Spread,
    Table,
    lines_table,
    sweep,
)
from allspin.host.paper.experiments import Experiment, training
from allspin.host.train.in_array import raw_synapse
from allspin.sim.synapse.response import Polarity

PULSES = 100
RAW = [22.0, 9.0]
RATES = (0.03, 0.3, 1.0)
EPOCHS = 1
SCHEMES = {"equal": "equal pulses", "width": "pulses of computed width"}


def _run(scheme: str, rate: float, seed: int) -> Experiment:
    return training(seed=seed, rate=rate, epochs=EPOCHS, states=PULSES, A=RAW, scheme=scheme)


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.paper.chapter.Part`."""
    return [
        _run(scheme, rate, seed)
        for scheme in SCHEMES
        for rate in RATES
        for seed in range(effort.sweep_seeds)
    ]


def widths(polarity: Polarity, pulses: int = PULSES) -> list[float]:
    """Widths, in nominal pulses, of a train that makes equal steps from end to end."""
    synapse = raw_synapse(*RAW, states=PULSES)
    levels = np.linspace(synapse.low, synapse.high, pulses + 1)
    if polarity == Polarity.DEPRESSION:
        levels = levels[::-1]
    return np.diff(synapse.pulses_to(polarity, levels)).tolist()


def _picture() -> Picture:
    synapse = raw_synapse(*RAW, states=PULSES)
    number = list(range(PULSES + 1))
    responses, trains = [], []
    for polarity in Polarity:
        name, each = polarity.name.lower(), widths(polarity)
        equal = synapse.curve(polarity, number).tolist()
        computed = synapse.curve(polarity, [0.0, *np.cumsum(each).tolist()]).tolist()
        responses += [
            Line(f"{name}, equal pulses", number, equal, marked=False),
            Line(f"{name}, computed widths", number, computed, marked=False, dashed=True),
        ]
        trains.append(Line(name, number[1:], each, marked=False))
    panels = [
        Panel(
            responses,
            "pulse",
            "R_AH (half of the range)",
            "Response",
            y_range=(-1.1, 1.9),
            places="upper center",
        ),
        Panel(trains, "pulse", "width (nominal pulses)", "Widths for equal steps", y_scale="log"),
    ]
    numbers = [*responses, *(Line(f"width, {t.label}", t.x, t.y) for t in trains)]
    return Picture(
        lines_table("pulse-width", "Response and widths", "pulse", "R_AH, or width", numbers),
        "Equal pulses, and pulses of computed width.",
        partial(curves, "Shorter pulses first, wider ones later", panels),
    )


def _reading(rate: float, equal: Spread, width: Spread) -> Reading:
    return Reading(
        f"rate {rate:g}",
        f"{equal.percent()} with equal pulses, {width.percent()} with computed widths",
        width.mean - equal.mean > equal.deviation + width.deviation,
    )


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    spreads = {
        scheme: sweep(results, partial(_run, scheme), RATES, effort.sweep_seeds)
        for scheme in SCHEMES
    }
    table = Table(
        "pulse-width-accuracy",
        "Accuracy after one epoch, by programming scheme",
        ("scheme", "rate", "mean (%)", "standard deviation", "seeds"),
        [
            (words, rate, *spread.cells())
            for scheme, words in SCHEMES.items()
            for rate, spread in zip(RATES, spreads[scheme], strict=True)
        ],
    )
    claim = Claim(
        "Pulses that are shorter at first and wider later improve on the nonlinearity",
        "possible",
        tuple(map(_reading, RATES, spreads["equal"], spreads["width"])),
        "widths from the mean response and the present R_AH, which must be read first; a pulse "
        "of half the width is taken to count as half a pulse",
    )
    return Chapter(
        "Pulse-width programming (ref. 22 of the paper)",
        (
            "A pulse's width is what the mean device needs for one state from where it is. From "
            "one end to the other that is short pulses first and wider ones later, and the "
            "response becomes a straight line.",
        ),
        (_picture(),),
        (table,),
        (claim,),
    )
