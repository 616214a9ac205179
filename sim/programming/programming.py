"""Programming: how the states of a network become R_AH of a chip's cells.

Four schemes, told by name (``docs/programming.md`` has them in words):

open-loop
    Each cell is saturated and given one train of whole pulses, computed from the mean
    device's response. Nothing is read.
pulse-width
    As open loop, but one pulse a state, each as wide as the step to the next level needs:
    short ones first, wider ones later. So every level is met, not only those that whole
    pulses meet.
write-verify
    A cell is written as in open loop and read; if it is outside the band about its level it
    is written again, up to a number of tries. What was read tells how this device differs
    from the mean one, and the next train is computed for that device.
incremental
    As write-verify, but a cell that was read outside the band gets further pulses where it is, of
    either polarity, unless a train from saturation is likelier to end at its level.

A train has one polarity, and starts at saturation unless said otherwise. All chance is drawn by the
chip's generator (`allspin.sim.chip.generator`): the same seed makes the same words
everywhere.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.words import WORD_BITS, Words, rounded_words, written_words
from allspin.sim.errors import check_one_of
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import full_scale, uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown
from allspin.sim.programming.reference_column import Reference, write_reference
from allspin.sim.programming.schemes import (
    Counts,
    OpenLoopPlan,
    Programming,
    plan_layer,
    plan_layers,
    quieter,
)
from allspin.sim.programming.write_verify import ProgrammedCells, WriteVerify
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import Synapse

# The R_AH levels of a device's states: what its pulses reach.

LEVEL_CHOICES = {
    "nearest": "what trains of whole pulses, of the quieter polarity, reach nearest to uniform "
    "levels",
    "either": "what trains of whole pulses of either polarity reach nearest to uniform levels",
    "every": "every so many pulses of the quieter polarity's curve (ten states: every tenth "
    "of a hundred pulses)",
    "pulses": "one pulse a state, on a curve of the quieter polarity that crosses the range "
    "in as many (ten states: ten pulses)",
    "uniform": "uniform levels, whether whole pulses reach them or not",
}
"""What the levels of a device's states are."""


def device_levels(
    synapse: Synapse, states: int, choice: str = "nearest", rah_bits: int = 8
) -> npt.NDArray[np.int16]:
    """R_AH words of a device's states.

    Parameters
    ----------
    synapse : Synapse
        The device.
    states : int
        How many, 2 to 128.
    choice : str
        One of `LEVEL_CHOICES`.
    rah_bits : int
        Width of a word.

    Returns
    -------
    ndarray of int16, shape (states,)
        Never falling; the outermost are the ends of the device's range. Neighbours may have
        one word, where no train ends between them.

    Raises
    ------
    ValueError
        If a value is outside its range, or the states do not fit the words.
    """
    check_one_of("the choice of levels", choice, LEVEL_CHOICES)
    uniform = uniform_levels(states, rah_bits)
    if choice == "uniform":
        return uniform
    top = int(uniform[-1])
    scale = 2 * top / synapse.span
    if choice == "nearest":
        return plan_layer(synapse, uniform, Programming(), rah_bits, mean_device=True).reached
    if choice == "either":
        reached = np.concatenate([written.law.mean for written in synapse.trains])
        words = np.unique(np.rint((reached - synapse.low) * scale - top))
        nearest = np.abs(words - uniform[:, None]).argmin(axis=1)
        levels = words[nearest]
    else:
        polarity = quieter(synapse)
        way = len(synapse.trains[polarity].law.mean) - 1
        if choice == "every":
            levels = synapse.curve(polarity, np.rint(np.arange(states) * way / (states - 1)))
        else:
            levels = synapse.short_curve(polarity, states - 1)
        levels = np.sort(np.rint((levels - synapse.low) * scale - top))
    levels[0], levels[-1] = -top, top
    return levels.astype(np.int16)


@dataclass(frozen=True, eq=False)
class Programmed(Shown):
    """A programmed chip.

    Attributes
    ----------
    words : list of ndarray of int8, each (rows, columns)
        R_AH words, as `allspin.sim.network.golden.GoldenModel` takes them.
    counts : Counts
        What it took.
    cells : list of ProgrammedCells
        What came of each cell, layer by layer.
    """

    words: list[Words]
    counts: Counts
    cells: list[ProgrammedCells] = field(default_factory=list)

    @property
    def converged(self) -> list[npt.NDArray[np.bool_]]:
        """Cells that were read within the band, by layer; empty where nothing is read."""
        return [each.converged for each in self.cells if each.converged is not None]


def program_chip(chip: Chip, network: Network, programming: Programming) -> Programmed:
    """Program a chip with a network.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        States and levels.
    programming : Programming
        How.

    Returns
    -------
    Programmed

    Raises
    ------
    ValueError
        If a layer's levels do not rise from first to last.
    """
    cells, counts = [], Counts()
    plans = plan_layers(chip.device.synapse, network, programming)
    for number, (layer, plan) in enumerate(zip(network.layers, plans, strict=True)):
        reference = write_reference(chip, number, layer, programming)
        counts += reference.counts
        if programming.verifies:
            verify = WriteVerify(chip, number, layer, programming, reference)
            cells.append(verify.cells)
            counts += verify.counts
        else:
            cells.append(_train_cells(chip, number, layer, plan, network.rah_bits, reference))
            counts += _train_counts(layer, plan)
    words = [
        rounded_words(chip.through_gains(network, number, each.held), network.rah_bits)
        for number, each in enumerate(cells)
    ]
    return Programmed(words, counts, cells)


def _train_cells(
    chip: Chip, number: int, layer: Layer, plan: OpenLoopPlan, rah_bits: int, reference: Reference
) -> ProgrammedCells:
    """What a layer's open-loop trains leave in its cells."""
    states, polarity = layer.states, plan.polarity.take(layer.states)
    # No gateware makes chips of a written column, and cells that are wrong alike add up beside it.
    exact = chip.device.imperfections.reference_column == "written"
    written = written_words(states, polarity, plan.table, chip.seed, number, exact=exact)
    if plan.table.beyond is not None:
        # What is drawn beyond a word is a saturated film: it decays and drifts as one.
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


def _train_counts(layer: Layer, plan: OpenLoopPlan) -> Counts:
    """What a layer's open-loop trains take."""
    cells = np.bincount(layer.states.ravel(), minlength=len(plan.polarity))  # in each state
    potentiation, depression = (
        # A state that no cell has may need an infinity of pulses.
        float(cells[here] @ plan.widths[here])
        for here in ((plan.polarity == polarity) & (cells > 0) for polarity in Polarity)
    )
    return Counts(
        cells=layer.states.size,
        potentiation=potentiation,
        depression=depression,
        pulses=int(cells @ plan.pulses),
        saturations=layer.states.size,
    )


@dataclass(frozen=True, eq=False)
class ChipLayer(Layer):
    """A layer whose cells hold R_AH words of their own, not those of their states.

    Parameters
    ----------
    cells : ndarray of int8, shape (rows, columns)
        The words; by its name.
    """

    cells: Words = field(kw_only=True)

    @property
    def words(self) -> Words:
        """The crossbar's content, shape (rows, columns): signed R_AH words."""
        return self.cells


def chip_network(chip: Chip, network: Network, words: list[Words]) -> Network:
    """A programmed chip as a network: what any machine that runs networks can take.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : Network
        What it was programmed with, calibrated or not.
    words : list of ndarray of int8, each (rows, columns)
        From `program_chip`.

    Returns
    -------
    Network
        With the chip's words, V-I converters and neurons. What changes from use to use is not
        in it: see `Chip.noise`.
    """
    layers = [
        ChipLayer(**layer.parts, cells=cells)
        for layer, cells in zip(chip.varied(network).layers, words, strict=True)
    ]
    return replace(network, layers=tuple(layers))
