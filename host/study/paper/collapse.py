"""The collapse to 11.35 %: raw pulses, at which rates and with what."""

from functools import partial

from allspin.host.show.pictures.curves import Panel, curves
from allspin.host.study.paper.chapter import (
    Chapter,
    Effort,
    Picture,
    Results,
    Table,
    lines_table,
    sweep,
    sweep_line,
)
from allspin.host.study.paper.experiments import Experiment, training
from allspin.host.study.paper.verdict import Claim, Reading, within

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
    """See `allspin.host.study.paper.chapter.Part`."""
    rates, seeds = effort.points(RATES, FEW_RATES), range(effort.sweep_seeds)
    return [
        _run(set_up, pulses, rate, seed)
        for set_up in SET_UPS
        for pulses in PULSES
        for rate in rates
        for seed in seeds
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.study.paper.chapter.Part`."""
    rates, seeds = effort.points(RATES, FEW_RATES), effort.sweep_seeds
    panels, lines, readings, rates_met, where = [], [], [], [], []
    rows: list[tuple[str | int | float, ...]] = []
    for pulses, (_, words) in PULSES.items():
        here = []
        for set_up, (values, name) in SET_UPS.items():
            spreads = sweep(results, partial(_run, set_up, pulses), rates, seeds)
            here.append(sweep_line(name, rates, spreads))
            lines.append(sweep_line(f"{words}: {name}", rates, spreads))
            for rate, spread in zip(rates, spreads, strict=True):
                runs = [results[_run(set_up, pulses, rate, seed)] for seed in range(seeds)]
                constant = sum(max(run["answered"]) > 0.99 for run in runs)
                rows.append(
                    (
                        words,
                        name,
                        rate,
                        round(100 * spread.mean, 2),
                        round(100 * spread.deviation, 2),
                        f"{constant} of {seeds}",
                    )
                )
                if pulses != "raw":
                    continue
                met = [abs(run["accuracy"] - COLLAPSED) < EXACT for run in runs]
                if any(met):
                    where.append(f"{name}, rate {rate:g} ({sum(met)} of {seeds} seeds)")
                if rate in (0.03, 1.0):
                    readings.append(
                        Reading(
                            f"{name}, rate {rate:g}",
                            f"{spread.percent()}, {constant} of {seeds} seeds give one answer",
                            constant == seeds,
                            bool(values.get("output_bias")),
                        )
                    )
                if rate == 1.0:
                    exactly = f"{sum(met)} of {seeds} seeds at 11.35 %"
                    rates_met.append(
                        Reading(
                            f"{name}, rate {rate:g}",
                            f"{spread.percent()}, {exactly}",
                            within(spread.mean, COLLAPSED, TOLERANCE),
                            bool(values.get("output_bias")),
                        )
                    )
        panels.append(
            Panel(
                here,
                "learning rate",
                "test accuracy (%)",
                f"Pulses: {words}",
                levels={"11.35": 100 * COLLAPSED},
                x_scale="log",
                ticks=rates,
                y_range=(0, 100),
                places="center left",
            )
        )
    claims = (
        Claim(
            "With the nonlinear, asymmetric pulse response a network collapses to one answer",
            "collapses",
            tuple(readings),
            "the learning rate decides, and is not in the text: at rates of 0.3 and less the same "
            "devices learn, at 1 only networks of ReLU collapse",
        ),
        Claim(
            "A network that has collapsed reaches 11.35 %",
            "11.35 %",
            tuple(rates_met),
            "what a network reaches that always answers 1, the commonest digit: the output must "
            "have learnt that, so it takes biases, which the text does not have. Met exactly: "
            + ("; ".join(where) or "nowhere"),
        ),
    )
    table = Table(
        "collapse-constant",
        "Networks that give one answer to more than 99 % of the images",
        ("pulses", "network", "rate", "accuracy (%)", "standard deviation", "collapsed"),
        rows,
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
        (
            Picture(
                lines_table(
                    "collapse", "Accuracy with raw pulses", "rate", "test accuracy (%)", lines
                ),
                "Where raw pulses collapse, and where they do not.",
                partial(curves, "Raw pulses against equal steps, by learning rate", panels),
            ),
        ),
        (table,),
        claims,
    )
