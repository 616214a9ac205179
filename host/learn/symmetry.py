"""Symmetry of a device: how pulses up and down compare, and the R_AH that reads as weight 0."""

import math

import numpy as np
import numpy.typing as npt

from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import Synapse

RANGE_STEPS = 4096
"""Steps of the grid over the range on which the symmetry point is searched."""
STEP_DIGITS = 9
"""Decimal digits, in shares of the range, to which two steps count as equal."""
NO_STEPS = 1e-300
"""Least sum of steps that anything is divided by."""


def mean_steps(synapse: Synapse) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Compute the mean device's change by one pulse, from one end of the range to the other.

    Returns
    -------
    places : ndarray of float64, shape (places,)
        R_AH before the pulse.
    steps : ndarray of float64, shape (2, places)
        Mean change of R_AH by one pulse of each polarity.
    """
    places = np.linspace(synapse.low, synapse.high, RANGE_STEPS + 1)
    steps = [np.asarray(synapse.advance(polarity, places)) - places for polarity in Polarity]
    return places, np.array(steps)


def symmetry_point(synapse: Synapse) -> float | None:
    """Return the R_AH where a pulse up and a pulse down move the device equally far.

    Alternating pulses lead a device to this point (T. Gokmen, W. Haensch, Front. Neurosci. 14,
    103, 2020). If a device has several, the point nearest to the middle of the range is returned;
    if it has no such point, None.
    """
    places, steps = mean_steps(synapse)
    excess = np.round(steps.sum(axis=0) / synapse.span, STEP_DIGITS)
    points = places[:-1][excess[:-1] * excess[1:] <= 0]
    if not points.size:
        return None
    distances = np.abs(points - (synapse.low + synapse.high) / 2)
    return float(points[distances.argmin()])


def asymmetry(synapse: Synapse) -> float:
    """Compare pulses up and down over the range: 0 for equal steps, 1 for one direction only.

    Steps that an end of the range cuts do not count, unless all are cut.
    """
    places, steps = mean_steps(synapse)
    ends = places + steps
    uncut = np.all((ends > synapse.low) & (ends < synapse.high), axis=0)
    if uncut.any():
        steps = steps[:, uncut]
    difference = np.abs(steps.sum(axis=0)).sum()
    return float(difference / max(np.abs(steps).sum(), NO_STEPS))


def reference_resistance(synapse: Synapse, reference: str) -> float:
    """Return the R_AH that reads as a weight of 0.

    Parameters
    ----------
    synapse : Synapse
        The device.
    reference : str
        ``middle`` of the range, ``symmetry`` for the symmetry point, or R_AH itself.

    Raises
    ------
    UserError
        If the device has no symmetry point, or the reference is not inside the range.
    """
    resistance: float | None
    if reference == "middle":
        resistance = (synapse.low + synapse.high) / 2
    elif reference == "symmetry":
        resistance = symmetry_point(synapse)
    else:
        resistance = _number(reference)
    if resistance is None:
        raise UserError(
            "the device has no symmetry point: pulses of one polarity move it farther from "
            "every R_AH; take `reference` middle, or `pair`"
        )
    if not synapse.low < resistance < synapse.high:
        raise UserError(
            f"`reference` must be middle, symmetry or R_AH between {synapse.low:g} and "
            f"{synapse.high:g}, not {reference}"
        )
    return resistance


def _number(text: str) -> float:
    """Read a number; NaN if the text is another word."""
    try:
        return float(text)
    except ValueError:
        return math.nan
