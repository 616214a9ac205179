"""Reference column of conductances: one more cell for each row.

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
from allspin.sim.chip.device_deviates import UNIT
from allspin.sim.chip.generator import Purpose, cell_normals
from allspin.sim.chip.words import Integers, word_units
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
        Number of the layer.
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
    synapse = chip.device.synapse
    levels = np.insert(layer.levels[[0, -1]], MIDDLE, 0)
    targets, scale = level_targets(synapse, levels)
    plan = plan_layer(synapse, levels, programming)
    polarity = Polarity(plan.polarity[MIDDLE])
    widths = plan.widths[[MIDDLE]]
    written = synapse.written(polarity, widths)
    draws = cell_normals(chip.seed, number, Purpose.REFERENCE, (layer.rows, 4)) * UNIT
    held = written.read(written.stored_normal(), draws[:, 1], draws[:, 2 + polarity])
    law = written.law.scaled(targets[MIDDLE], 1 / synapse.span, 0.0)
    total_width = float(layer.rows * widths[0])
    rises = polarity == Polarity.POTENTIATION
    return Reference(
        errors=word_units((held - targets[MIDDLE]) * scale)[:, np.newaxis],
        offset=float(law.mean[0]),
        deviation=float(np.hypot(law.cycle, law.device)[0]),
        counts=Counts(
            potentiation=total_width if rises else 0.0,
            depression=0.0 if rises else total_width,
            pulses=layer.rows * int(plan.pulses[MIDDLE]),
            saturations=layer.rows,
        ),
    )
