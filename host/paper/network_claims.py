"""Chapters on the network: its four types (Fig. 6), its number of states, and chips."""

from functools import partial
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from allspin.host.charts.confusion import frame, write_counts
from allspin.host.charts.line_charts import ChartPanel, curves
from allspin.host.chips.accuracy import COLUMNS, Column
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.draw.style import INK, new_figure, styled
from allspin.host.learn.paper_types import TYPE_NAMES
from allspin.host.learn.parameters import FULL_SCALE
from allspin.host.paper.chapter import (
    Chapter,
    ChapterPicture,
    ChapterRecipe,
    ChapterTable,
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
from allspin.host.paper.experiments import chips, clean, paper_type
from allspin.host.show.table import Cell
from allspin.sim.programming.schemes import default_tries

TYPE_RATES = {1: 0.9753, 2: 0.9528, 3: 0.9101, 4: 0.8360}
"""Recognition rates of the paper."""
TYPE_TOLERANCES = {1: 0.01, 2: 0.01, 3: 0.02, 4: 0.02}
"""Deviation from the paper's rate that counts as reproduced, as a share."""
SCALES = (3.0, 10.0, 20.0, 60.0)
"""Further gains of the V-I converter, as its full scale in weights."""
FEW_SCALES = (10.0,)
OWN_CYCLE = [0.065, 0.029]
"""C2C of the synapse by polarity."""
UNITS = {
    "range": "of the range",
    "step": "of a mean step",
    "increment": "of the change itself",
}
"""Quantities that the C2C may be a fraction of."""


def _type_runs(effort: Effort) -> Runs:
    """Return the runs by type; by full scale; by type and the quantity of its C2C."""
    seeds, few = range(effort.seeds), range(effort.sweep_seeds)
    runs: Runs = {number: [paper_type(number, seed) for seed in seeds] for number in TYPE_RATES}
    for scale in effort.points(SCALES, FEW_SCALES):
        runs[scale] = [paper_type(2, seed, full_scale=scale) for seed in few]
    runs[FULL_SCALE] = runs[2][: len(few)]
    for number, unit in product((3, 4), UNITS):
        runs[number, unit] = [
            paper_type(number, seed, c2c=OWN_CYCLE, c2c_reading=unit) for seed in few
        ]
    return runs


def _learning(found: Found, effort: Effort) -> ChapterPicture:
    lines = []
    for number in TYPE_RATES:
        curves_of = np.array([run["curve"] for run in found[number]])
        images, shares = curves_of[0, :, 0].tolist(), curves_of[:, :, 2].T
        spreads = [Spread.of(over_seeds) for over_seeds in shares]
        lines.append(sweep_line(f"type {number}: {TYPE_NAMES[number]}", images, spreads))
    table = chapter_table(
        "learning-curves",
        "Learning curves of the four types",
        ("type", "training images", "accuracy (%)", "standard deviation", "seeds"),
        [
            (number, int(x), float(y), float(error), effort.seeds)
            for number, line in zip(TYPE_RATES, lines, strict=True)
            for x, y, error in zip(line.x, line.y, line.error or [], strict=True)
        ],
    )
    panel = ChartPanel(
        lines,
        "training images seen",
        "test accuracy (%)",
        levels={f"{100 * rate:.2f}": 100 * rate for rate in TYPE_RATES.values()},
        y_range=(70, 100),
        places="lower right",
    )
    return ChapterPicture(
        table,
        "Fig. 6c: learning curves from pulse-by-pulse training; dotted: the paper's rates.",
        partial(curves, "Learning in the array: the four types", [panel]),
    )


@styled
def _confusions(matrices: dict[int, list[list[int]]]) -> Figure:
    figure = new_figure(9.2, 8.6, "Confusion of the four types (seed 0)")
    for axes, (number, counts) in zip(figure.subplots(2, 2).flat, matrices.items(), strict=True):
        array = np.array(counts)
        shares = 100 * array / array.sum(axis=1, keepdims=True)
        axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=10)
        write_counts(axes, array, np.where(shares > 40, "white", INK), 6.5)
        axes.set_title(f"type {number}: {100 * np.trace(array) / array.sum():.2f} %")
        frame(axes)
    return figure


def _confusion(found: Found) -> ChapterPicture:
    matrices = {number: found[number][0]["confusion"] for number in TYPE_RATES}
    return ChapterPicture(
        chapter_table(
            "confusion",
            "Confusion of the four types: images of each label (row) by answer",
            ("type", "label", *(f"answer {digit}" for digit in range(len(matrices[1])))),
            [
                (number, label, *row)
                for number, counts in matrices.items()
                for label, row in enumerate(counts)
            ],
        ),
        "Confusion matrices of the trained networks.",
        partial(_confusions, matrices),
    )


def _types_table(found: Found, spreads: dict[int, Spread]) -> ChapterTable:
    return chapter_table(
        "types",
        "The four types, each family by one recipe",
        (
            "type",
            "paper (%)",
            "ours, mean (%)",
            "standard deviation",
            "seeds",
            "longest epoch (s of one core)",
        ),
        [
            (
                f"{number}: {TYPE_NAMES[number]}",
                100 * TYPE_RATES[number],
                *spread.cells(),
                round(max(run["seconds_an_epoch"] for run in found[number]), 1),
            )
            for number, spread in spreads.items()
        ],
    )


def _reading(number: int, name: str, spread: Spread, assumption: bool = False) -> Reading:
    """Compare the rates of each type with the paper's."""
    agrees = within(spread.mean, TYPE_RATES[number], TYPE_TOLERANCES[number])
    return Reading(name, spread.percent(), agrees, assumption)


def _type_claims(
    found: Found, spreads: dict[int, Spread], scales: dict[float, Spread]
) -> list[Claim]:
    cycle = "C2C of 0.014 of the range on each update"
    others = ", ".join(
        f"{scale:g} gives {spread.percent()}"
        for scale, spread in scales.items()
        if scale != FULL_SCALE
    )
    given = {
        1: ("", "gradient descent, rate 0.1, 5 epochs, no biases: nothing but software"),
        2: (
            f"a column sum of {FULL_SCALE:g} weights is the neuron's full-scale current",
            f"the V-I converter's gain is not in the text and decides: {others}",
        ),
        3: (cycle, "0.014 is the neuron's figure in the paper; equal steps, rounded at random"),
        4: (cycle, "by the recipe of type 3, nothing changed but the states"),
    }
    claims = [
        Claim(
            f"Type {number} ({TYPE_NAMES[number]}) recognises",
            f"{100 * TYPE_RATES[number]:.2f} %",
            (
                _reading(
                    *(number, assumption or "as the text has it", spreads[number]),
                    assumption=bool(assumption),
                ),
            ),
            f"within {100 * TYPE_TOLERANCES[number]:.1f} points counts; {reason}",
        )
        for number, (assumption, reason) in given.items()
    ]
    claims += [
        Claim(
            f"Type {number}, with the synapse's own C2C of 0.065 and 0.029 on each update",
            f"{100 * TYPE_RATES[number]:.2f} %",
            tuple(
                _reading(number, words, accuracy(found[number, unit]))
                for unit, words in UNITS.items()
            ),
            "the text gives no unit; the same recipe, all else equal",
        )
        for number in (3, 4)
    ]
    return claims


def _type_chapter(found: Found, effort: Effort) -> Chapter:
    spreads = {number: accuracy(found[number]) for number in TYPE_RATES}
    scales = {
        scale: accuracy(found[scale])
        for scale in sorted((FULL_SCALE, *effort.points(SCALES, FEW_SCALES)))
    }
    peak = max(run["largest_sum"] for number in (2, 3, 4) for run in found[number])
    return Chapter(
        "The four types (Fig. 6)",
        (
            "Types 1 and 2 share one recipe (plain gradient descent, batches of 32, rate 0.1, "
            "5 epochs), types 3 and 4 another (rate 0.03, 3 epochs, each change rounded at random "
            "to whole pulses of one state each, a C2C of 0.014 of the range on each update). All "
            "60,000 images are learnt from, and the network of the last batch is the one that "
            "counts.",
            f"What is not in the text and had to be chosen: rates, epochs, and the gain of the V-I "
            f"converter. The largest column sum that a test image makes is {peak:.1f} weights; "
            f"full scale is {FULL_SCALE:g}, so no neuron is driven past its curve's end.",
        ),
        (_learning(found, effort), _confusion(found)),
        (
            _types_table(found, spreads),
            chapter_table(
                "converter-gain",
                "Type 2 against the gain of the V-I converter, which the text does not give",
                (
                    "column sum at full-scale current (weights)",
                    "mean (%)",
                    "standard deviation",
                    "seeds",
                ),
                [(scale, *spread.cells()) for scale, spread in scales.items()],
            ),
        ),
        _type_claims(found, spreads, scales),
    )


ALL_STATES = [2, 4, 6, 8, 10, 16, 32, 64, 100, 128]
FEW_STATES = [2, 5, 10, 32, 100]
STATE_CYCLES = {
    0.0: "without C2C",
    0.014: "C2C of 0.014 of the range on each update",
}
ENOUGH = 0.80
"""Acceptable rate in the paper's sense: its ten states reach 83.60 %."""
LOSS = 0.02
"""Largest loss of ten states against a hundred in a strict sense."""


def _state_runs(effort: Effort) -> Runs:
    """Return the runs by C2C and states, and those of ten and a hundred states in full."""
    few = range(effort.sweep_seeds)
    runs: Runs = {
        (cycle, states): [
            paper_type(4, seed, epochs=1, states=states, c2c=[cycle, cycle]) for seed in few
        ]
        for cycle in STATE_CYCLES
        for states in effort.points(ALL_STATES, FEW_STATES)
    }
    for number, states in ((4, 10), (3, 100)):
        runs[states] = [paper_type(number, seed) for seed in range(effort.seeds)]
    return runs


def _state_chapter(found: Found, effort: Effort) -> Chapter:
    states = effort.points(ALL_STATES, FEW_STATES)
    lines = [
        sweep_line(words, states, [accuracy(found[cycle, number]) for number in states])
        for cycle, words in STATE_CYCLES.items()
    ]
    x, y = "states", "test accuracy (%)"
    panel = ChartPanel(
        lines, x, y, x_scale="log", ticks=states, y_range=(0, 100), places="lower right"
    )
    ten, hundred = accuracy(found[10]), accuracy(found[100])
    enough = Claim(
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
    )
    return Chapter(
        "The number of states",
        (
            "The recipe of types 3 and 4 for one epoch, with other numbers of states. A state is "
            "one pulse of an equal step; the smallest change is a whole state.",
        ),
        (
            ChapterPicture(
                lines_table("states", "Accuracy against the number of states", x, y, lines),
                "Accuracy after one epoch against the number of R_AH states.",
                partial(curves, "How many states a synapse needs to learn", [panel]),
            ),
        ),
        claims=(enough,),
    )


NETWORKS = (("paper-10", "mnist-10"), ("paper-100", "mnist-100"))
"""Networks trained for these devices, each with the plain one that replaces it if missing."""
MORE = (
    Column("pulse width", ("c2c",), "pulse-width"),
    Column("write-verify, and all D2D, not calibrated", ("c2c", "d2d", "neuron"), "write-verify"),
)
"""Columns beyond those of ``allspin chips``."""


def shown_networks() -> list[str]:
    """Return the names of the table's networks."""
    there = shipped_networks()
    return [next(name for name in names if name in there) for names in NETWORKS]


def _beyond_runs(effort: Effort) -> Runs:
    """Return the runs by network, and by network and column."""
    return {network: [clean(network)] for network in shown_networks()} | {
        (network, column): [chips(network, column, effort.chips)]
        for network in shown_networks()
        for column in (*COLUMNS, *MORE)
    }


def _beyond_chapter(found: Found, effort: Effort) -> Chapter:
    rows: list[tuple[Cell, ...]] = []
    costs: list[tuple[Cell, ...]] = []
    networks = shown_networks()
    for network in networks:
        best = found[network][0]["accuracy"]
        rows.append((network, "no variation", round(100 * best, 2), 0.0, 1))
        for column in (*COLUMNS, *MORE):
            (result,) = found[network, column]
            rows.append((network, column.title, *Spread.of(result["accuracies"]).cells()))
            took = round(result["pulses_per_cell"], 2), round(result["reads_per_cell"], 2)
            costs.append((network, column.title, *took, round(100 * result["unconverged"], 3)))
    tried = " and ".join(
        f"{default_tries(open_network(name))} tries for {name}" for name in networks
    )
    return Chapter(
        "Past the paper: trained offline, then programmed",
        (
            "Networks trained offline and written into chips of them: C2C of "
            "0.065 and 0.029 of the range on each write, D2D of 0.13 and 0.48 as a factor on the "
            "weight, the neurons' D2D of 0.18 in gain and threshold and their C2C of 0.014. "
            f"Write-verify has at most {tried}. Deviation is between chips.",
        ),
        (),
        (
            chapter_table(
                "chips",
                "The paper's devices, trained offline, 10,000 images",
                ("network", "programmed", "mean (%)", "standard deviation", "chips"),
                rows,
            ),
            chapter_table(
                "chips-cost",
                "What programming takes",
                ("network", "programmed", "pulses a cell", "reads a cell", "not converged (%)"),
                costs,
            ),
        ),
    )


TYPES = ChapterRecipe(_type_chapter, _type_runs)
STATES = ChapterRecipe(_state_chapter, _state_runs)
BEYOND = ChapterRecipe(_beyond_chapter, _beyond_runs)
