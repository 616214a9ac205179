"""Open-loop programming of one layer: one train a cell, and no reads."""

import numpy as np

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.words import WORD_BITS
from allspin.sim.chip.write_table import written_words
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import full_scale
from allspin.sim.programming.cells import ProgrammedCells
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.plans import OpenLoopPlan
from allspin.sim.programming.reference_column import Reference
from allspin.sim.synapse.response import Polarity


def write_open_loop(
    chip: Chip, number: int, layer: Layer, plan: OpenLoopPlan, rah_bits: int, reference: Reference
) -> ProgrammedCells:
    """Write a layer of a chip with one train a cell.

    Parameters
    ----------
    chip : Chip
        The chip.
    number : int
        Number of the layer.
    layer : Layer
        States and levels.
    plan : OpenLoopPlan
        Train of each state.
    rah_bits : int
        Width of an R_AH word.
    reference : Reference
        The layer's reference column.
    """
    states = layer.states
    polarity = plan.polarity.take(states)
    # The gateware has no written column, and rounding errors that all cells share add up beside it.
    exact = chip.device.imperfections.reference_column == "written"
    written = written_words(states, polarity, plan.table, chip.seed, number, exact=exact)
    if plan.table.beyond is not None:
        # A draw beyond the largest word is a saturated cell: it decays and drifts as one.
        top = full_scale(rah_bits) << WORD_BITS
        written = np.clip(written, -top, top)
    pulses = plan.pulses.take(states)
    ends = int(layer.levels[0]), int(layer.levels[-1])
    return ProgrammedCells(
        held=chip.held(number, layer.levels, written, plan.table.ends, reference.errors),
        polarity=polarity,
        pulses=pulses,
        widths=plan.widths.take(states),
        all_pulses=pulses,
        saturations=np.ones(states.shape, np.int64),
        reference=chip.reference_errors(number, layer.rows, ends, reference.errors),
    )


def count_open_loop(layer: Layer, plan: OpenLoopPlan) -> Counts:
    """Count the pulses of a layer's open-loop trains."""
    cells = np.bincount(layer.states.ravel(), minlength=len(plan.polarity))

    def widths(polarity: Polarity) -> float:
        # A state that no cell has may need an infinity of pulses.
        states = (plan.polarity == polarity) & (cells > 0)
        return float(cells[states] @ plan.widths[states])

    return Counts(
        cells=layer.states.size,
        potentiation=widths(Polarity.POTENTIATION),
        depression=widths(Polarity.DEPRESSION),
        pulses=int(cells @ plan.pulses),
        saturations=layer.states.size,
    )
