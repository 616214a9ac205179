"""Accuracy against the number of R_AH states."""

from functools import partial

from allspin.host.draw.curves import Panel, curves
from allspin.host.paper.chapter import (
    Chapter,
    Claim,
    Effort,
    Picture,
    Reading,
    Results,
    lines_table,
    sweep,
    sweep_line,
)
from allspin.host.paper.experiments import Experiment, paper_type

STATES = [2, 4, 6, 8, 10, 16, 32, 64, 100, 128]
FEW_STATES = [2, 5, 10, 32, 100]
CYCLES = {
    0.0: "without C2C",
    0.014: "C2C of 0.014 of the range on each update",
}
EPOCHS = 1
ENOUGH = 0.80
"""What may be called acceptable, reading it as the paper does: its ten states reach 83.60 %."""
LOSS = 0.02
"""What ten states may cost against a hundred, reading it strictly."""


def _run(cycle: float, states: int, seed: int) -> Experiment:
    return paper_type(4, seed, epochs=EPOCHS, states=states, c2c=[cycle, cycle])


def _whole(states: int, seed: int) -> Experiment:
    return paper_type(3 if states == 100 else 4, seed)


def experiments(effort: Effort) -> list[Experiment]:
    """See `allspin.host.paper.chapter.Part`."""
    states, seeds = effort.points(STATES, FEW_STATES), range(effort.sweep_seeds)
    whole = [_whole(number, seed) for number in (10, 100) for seed in range(effort.seeds)]
    return whole + [
        _run(cycle, number, seed) for cycle in CYCLES for number in states for seed in seeds
    ]


def chapter(results: Results, effort: Effort) -> Chapter:
    """See `allspin.host.paper.chapter.Part`."""
    states = effort.points(STATES, FEW_STATES)
    lines = [
        sweep_line(words, states, sweep(results, partial(_run, cycle), states, effort.sweep_seeds))
        for cycle, words in CYCLES.items()
    ]
    x, y = "states", "test accuracy (%)"
    panel = Panel(lines, x, y, x_scale="log", ticks=states, y_range=(0, 100), places="lower right")
    ten, hundred = sweep(results, _whole, [10, 100], effort.seeds)
    claims = (
        Claim(
            "Ten states are sufficient to support the training of a network",
            "83.60 % are acceptable",
            (
                Reading(f"above {100 * ENOUGH:g} %", ten.percent(), ten.mean > ENOUGH),
                Reading(
                    f"within {100 * LOSS:g} points of 100 states",
                    f"{ten.percent()} against {hundred.percent()}",
                    hundred.mean - ten.mean <= LOSS,
                ),
            ),
            "acceptable is not defined; the loss comes from training in ten states, not from "
            "computing with them (last chapter)",
        ),
    )
    return Chapter(
        "The number of states",
        (
            "The recipe of types 3 and 4 for one epoch, with other numbers of states. A state is "
            "one pulse of an equal step; the smallest change is a whole state.",
        ),
        (
            Picture(
                lines_table("states", "Accuracy against the number of states", x, y, lines),
                "Accuracy after one epoch against the number of R_AH states.",
                partial(curves, "How many states a synapse needs to learn", [panel]),
            ),
        ),
        (),
        claims,
    )
