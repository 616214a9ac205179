"""Chapters on the network: its four types (Fig. 6), its number of states, and chips."""

from functools import partial
from itertools import product
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from allspin.host.charts.confusion import frame, write_counts
from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.chips.columns import COLUMNS, Column
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
    lines_picture,
    over_seeds,
    sweep_line,
)
from allspin.host.paper.claims import Claim, Reading, Spread, accuracy, within
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
    few = effort.sweep_seeds
    runs: Runs = {}
    for number in TYPE_RATES:
        runs[number] = over_seeds(effort.seeds, paper_type, number)
    for scale in effort.points(SCALES, FEW_SCALES):
        runs[scale] = over_seeds(few, paper_type, 2, full_scale=scale)
    runs[FULL_SCALE] = runs[2][:few]
    for number, unit in product((3, 4), UNITS):
        values = {"c2c": OWN_CYCLE, "c2c_reading": unit}
        runs[number, unit] = over_seeds(few, paper_type, number, **values)
    return runs


def _learning(found: Found, effort: Effort) -> ChapterPicture:
    lines = []
    rows: list[tuple[Cell, ...]] = []
    for number in TYPE_RATES:
        marks = np.array([run["curve"] for run in found[number]])  # (seeds, marks, 3)
        images = marks[0, :, 0].tolist()
        spreads = list(map(Spread.of, marks[:, :, 2].T))
        line = sweep_line(f"type {number}: {TYPE_NAMES[number]}", images, spreads)
        lines.append(line)
        for x, y, error in zip(line.x, line.y, line.error or [], strict=True):
            rows.append((number, int(x), float(y), float(error), effort.seeds))
    table = chapter_table(
        "learning-curves",
        "Learning curves of the four types",
        ("type", "training images", "accuracy (%)", "standard deviation", "seeds"),
        rows,
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
    rows = []
    for number, counts in matrices.items():
        for label, row in enumerate(counts):
            rows.append((number, label, *row))
    answers = [f"answer {digit}" for digit in range(len(matrices[1]))]
    table = chapter_table(
        "confusion",
        "Confusion of the four types: images of each label (row) by answer",
        ["type", "label", *answers],
        rows,
    )
    caption = "Confusion matrices of the trained networks."
    return ChapterPicture(table, caption, partial(_confusions, matrices))


def _types_table(found: Found, spreads: dict[int, Spread]) -> ChapterTable:
    rows = []
    for number, spread in spreads.items():
        longest = max(run["seconds_an_epoch"] for run in found[number])
        name = f"{number}: {TYPE_NAMES[number]}"
        rows.append((name, 100 * TYPE_RATES[number], *spread.cells(), round(longest, 1)))
    heads = (
        "type",
        "paper (%)",
        "ours, mean (%)",
        "standard deviation",
        "seeds",
        "longest epoch (s of one core)",
    )
    return chapter_table("types", "The four types, each family by one recipe", heads, rows)


def _reading(number: int, name: str, spread: Spread, assumption: bool = False) -> Reading:
    """Compare the rates of each type with the paper's."""
    agrees = within(spread.mean, TYPE_RATES[number], TYPE_TOLERANCES[number])
    return Reading(name, spread.percent(), agrees, assumption)


def _type_claims(
    found: Found, spreads: dict[int, Spread], scales: dict[float, Spread]
) -> list[Claim]:
    cycle = "C2C of 0.014 of the range on each update"
    others = []
    for scale, spread in scales.items():
        if scale != FULL_SCALE:
            others.append(f"{scale:g} gives {spread.percent()}")
    assumptions = {
        2: f"a column sum of {FULL_SCALE:g} weights is the neuron's full-scale current",
        3: cycle,
        4: cycle,
    }
    reasons = {
        1: "gradient descent, rate 0.1, 5 epochs, no biases: nothing but software",
        2: f"the V-I converter's gain is not in the text and decides: {', '.join(others)}",
        3: "0.014 is the neuron's figure in the paper; equal steps, rounded at random",
        4: "by the recipe of type 3, nothing changed but the states",
    }
    claims = []
    for number, reason in reasons.items():
        name = assumptions.get(number, "as the text has it")
        reading = _reading(number, name, spreads[number], assumption=number in assumptions)
        claim = Claim(
            f"Type {number} ({TYPE_NAMES[number]}) recognises",
            f"{100 * TYPE_RATES[number]:.2f} %",
            [reading],
            f"within {100 * TYPE_TOLERANCES[number]:.1f} points counts; {reason}",
        )
        claims.append(claim)
    for number in (3, 4):
        readings = []
        for unit, words in UNITS.items():
            readings.append(_reading(number, words, accuracy(found[number, unit])))
        claim = Claim(
            f"Type {number}, with the synapse's own C2C of 0.065 and 0.029 on each update",
            f"{100 * TYPE_RATES[number]:.2f} %",
            readings,
            "the text gives no unit; the same recipe, all else equal",
        )
        claims.append(claim)
    return claims


def _type_chapter(found: Found, effort: Effort) -> Chapter:
    spreads = {number: accuracy(found[number]) for number in TYPE_RATES}
    tried = sorted([FULL_SCALE, *effort.points(SCALES, FEW_SCALES)])
    scales = {scale: accuracy(found[scale]) for scale in tried}
    peak = max(run["largest_sum"] for number in (2, 3, 4) for run in found[number])
    recipes = (
        "Types 1 and 2 share one recipe (plain gradient descent, batches of 32, rate 0.1, "
        "5 epochs), types 3 and 4 another (rate 0.03, 3 epochs, each change rounded at random "
        "to whole pulses of one state each, a C2C of 0.014 of the range on each update). All "
        "60,000 images are learnt from, and the network of the last batch is the one that "
        "counts."
    )
    chosen = (
        f"What is not in the text and had to be chosen: rates, epochs, and the gain of the V-I "
        f"converter. The largest column sum that a test image makes is {peak:.1f} weights; "
        f"full scale is {FULL_SCALE:g}, so no neuron is driven past its curve's end."
    )
    gains = chapter_table(
        "converter-gain",
        "Type 2 against the gain of the V-I converter, which the text does not give",
        ("column sum at full-scale current (weights)", "mean (%)", "standard deviation", "seeds"),
        [(scale, *spread.cells()) for scale, spread in scales.items()],
    )
    return Chapter(
        "The four types (Fig. 6)",
        (recipes, chosen),
        (_learning(found, effort), _confusion(found)),
        (_types_table(found, spreads), gains),
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
    runs: Runs = {}
    for cycle, states in product(STATE_CYCLES, effort.points(ALL_STATES, FEW_STATES)):
        values: dict[str, Any] = {"epochs": 1, "states": states, "c2c": [cycle, cycle]}
        runs[cycle, states] = over_seeds(effort.sweep_seeds, paper_type, 4, **values)
    runs[10] = over_seeds(effort.seeds, paper_type, 4)
    runs[100] = over_seeds(effort.seeds, paper_type, 3)
    return runs


def _states_picture(lines: list[ChartLine], states: list[int]) -> ChapterPicture:
    panel = ChartPanel(
        lines,
        "states",
        "test accuracy (%)",
        x_scale="log",
        ticks=states,
        y_range=(0, 100),
        places="lower right",
    )
    return lines_picture(
        "states",
        "How many states a synapse needs to learn",
        [panel],
        "Accuracy after one epoch against the number of R_AH states.",
        about="Accuracy against the number of states",
    )


def _state_chapter(found: Found, effort: Effort) -> Chapter:
    states = effort.points(ALL_STATES, FEW_STATES)
    lines = []
    for cycle, words in STATE_CYCLES.items():
        spreads = [accuracy(found[cycle, number]) for number in states]
        lines.append(sweep_line(words, states, spreads))
    ten = accuracy(found[10])
    hundred = accuracy(found[100])
    above = Reading(f"above {100 * ENOUGH:g} %", ten.percent(), ten.mean > ENOUGH)
    near = Reading(
        f"within {100 * LOSS:g} points of 100 states",
        f"{ten.percent()} against {hundred.percent()}",
        hundred.mean - ten.mean <= LOSS,
    )
    enough = Claim(
        "Ten states are sufficient to support the training of a network",
        "83.60 % are acceptable",
        [above, near],
        "acceptable is not defined; the loss comes from training in ten states, not from "
        "computing with them (last chapter)",
    )
    text = (
        "The recipe of types 3 and 4 for one epoch, with other numbers of states. A state is "
        "one pulse of an equal step; the smallest change is a whole state."
    )
    pictures = (_states_picture(lines, states),)
    return Chapter("The number of states", (text,), pictures, claims=(enough,))


NETWORKS = (("paper-10", "mnist-10"), ("paper-100", "mnist-100"))
"""Networks trained for these devices, each with the plain one that replaces it if missing."""
MORE = (
    Column("pulse width, C2C only", ("c2c",), "pulse-width"),
    Column("write-verify, not calibrated", ("c2c", "d2d", "neuron"), "write-verify"),
)
"""Columns beyond those of ``allspin chips``."""


def shown_networks() -> list[str]:
    """Return the names of the table's networks."""
    there = shipped_networks()
    return [next(name for name in names if name in there) for names in NETWORKS]


def _beyond_runs(effort: Effort) -> Runs:
    """Return the runs by network, and by network and column."""
    networks = shown_networks()
    runs: Runs = {network: [clean(network)] for network in networks}
    for network, column in product(networks, (*COLUMNS, *MORE)):
        runs[network, column] = [chips(network, column, effort.chips)]
    return runs


def _beyond_tables(found: Found) -> tuple[ChapterTable, ChapterTable]:
    """Return the accuracy over chips, and the cost of programming them."""
    rows: list[tuple[Cell, ...]] = []
    costs: list[tuple[Cell, ...]] = []
    for network in shown_networks():
        best = found[network][0]["accuracy"]
        rows.append((network, "no variation", round(100 * best, 2), 0.0, 1))
        for column in (*COLUMNS, *MORE):
            (result,) = found[network, column]
            rows.append((network, column.title, *Spread.of(result["accuracies"]).cells()))
            pulses = round(result["pulses_per_cell"], 2)
            reads = round(result["reads_per_cell"], 2)
            unconverged = round(100 * result["unconverged"], 3)
            costs.append((network, column.title, pulses, reads, unconverged))
    accuracies = chapter_table(
        "chips",
        "The paper's devices, trained offline, 10,000 images",
        ("network", "programmed", "mean (%)", "standard deviation", "chips"),
        rows,
    )
    heads = ("network", "programmed", "pulses a cell", "reads a cell", "not converged (%)")
    return accuracies, chapter_table("chips-cost", "What programming takes", heads, costs)


def _beyond_chapter(found: Found, effort: Effort) -> Chapter:
    tries = []
    for network in shown_networks():
        tries.append(f"{default_tries(open_network(network))} tries for {network}")
    text = (
        "Networks trained offline and written into chips of them: C2C of "
        "0.065 and 0.029 of the range on each write, D2D of 0.13 and 0.48 as a factor on the "
        "weight, the neurons' D2D of 0.18 in gain and threshold and their C2C of 0.014. "
        f"Write-verify has at most {' and '.join(tries)}. Deviation is between chips."
    )
    title = "Past the paper: trained offline, then programmed"
    return Chapter(title, (text,), tables=_beyond_tables(found))


TYPES = ChapterRecipe(_type_chapter, _type_runs)
STATES = ChapterRecipe(_state_chapter, _state_runs)
BEYOND = ChapterRecipe(_beyond_chapter, _beyond_runs)
