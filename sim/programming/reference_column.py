"""The reference column of conductances: one more cell for each row, and its contents.

A conductance has no sign, so a weight is the difference from the reference cell of its row, which
should be in the middle of the range: word 0. If a device file says that the column is ``written``,
each of its cells gets one train, chosen by the scheme and polarity of the chip as for a state of
the network. (Write-verify reads cells minus their reference, so the reference gets one train there
too.) Whole pulses need not lead to the middle. The error is common to all rows of a layer and adds
up in each of its columns.
"""

from dataclasses import dataclass, field

import numpy as np

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.generator import Purpose, cell_normals
from allspin.sim.chip.words import UNIT, Integers, word_units
from allspin.sim.network.layer import Layer
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.plans import level_targets, plan_layer
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity

MIDDLE = 1
"""Place of word 0 among the levels that the train is planned with."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Written reference column of a layer of a chip; the default is a centred one.

    Attributes
    ----------
    errors : ndarray of int64, shape (rows, 1), or 0
        Excess of each cell over word 0, in units of ``2**-21`` words.
    offset, deviation : float
        Distance of the train's mean above the middle, and its standard deviation over cycles and
        devices, as fractions of the range.
    counts : Counts
        Cost of writing. The reference cells themselves are not counted, so that averages per cell
        refer to the network's cells.
    """

    errors: Integers | int = 0
    offset: float = 0.0
    deviation: float = 0.0
    counts: Counts = field(default_factory=Counts)


def write_reference(chip: Chip, number: int, layer: Layer, programming: Programming) -> Reference:
    """Write the reference column of a layer of a chip.

    Parameters
    ----------
    chip : Chip
        The chip.
    number : int
        Which layer.
    layer : Layer
        The outermost of its levels stand for the ends of the range.
    programming : Programming
        Scheme and polarity.

    Returns
    -------
    Reference
        The default one if the device's column is a centred one.
    """
    if chip.device.imperfections.reference_column == "centred":
        return Reference()
    synapse, rows = chip.device.synapse, layer.rows
    levels = np.insert(layer.levels[[0, -1]], MIDDLE, 0)
    plan = plan_layer(synapse, levels, programming)
    polarity, widths = Polarity(plan.polarity[MIDDLE]), plan.widths[[MIDDLE]]
    written, (targets, scale) = synapse.written(polarity, widths), level_targets(synapse, levels)
    draws = cell_normals(chip.seed, number, Purpose.REFERENCE, (rows, 4))[:, [1, 2 + polarity]]
    held = written.read(written.stored_normal(), *(draws * UNIT).T)
    law = written.law.scaled(targets[MIDDLE], 1 / synapse.span, 0.0)
    return Reference(
        word_units((held - targets[MIDDLE]) * scale)[:, np.newaxis],
        float(law.mean[0]),
        float(np.hypot(law.cycle, law.device)[0]),
        Counts(
            potentiation=float(rows * widths[0] * (polarity == Polarity.POTENTIATION)),
            depression=float(rows * widths[0] * (polarity == Polarity.DEPRESSION)),
            pulses=rows * int(plan.pulses[MIDDLE]),
            saturations=rows,
        ),
    )
