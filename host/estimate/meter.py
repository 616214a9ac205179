"""Noise of the meter, apart from the variation of the device.

Reads of one state without a pulse between them differ by the meter alone. Without such reads the
noise counts as C2C.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.host.estimate.intervals import Interval, chi_interval
from allspin.host.lab.curves import Curve
from allspin.sim.errors import UserError

METHODS = ("reads", "none")
"""Sources of meter noise."""
LEAST_FREEDOM = 5
"""Least number of repeated reads for an estimate."""


@dataclass(frozen=True)
class MeterNoise:
    """Noise of one read.

    Attributes
    ----------
    deviation : Interval
        Standard deviation of one read, in the unit of R_AH.
    reads : float
        Number of reads in the mean of a point.
    """

    deviation: Interval
    reads: float

    @property
    def point(self) -> Interval:
        """Standard deviation of a point."""
        return self.deviation.scaled(lambda edge: edge / math.sqrt(self.reads))


def from_reads(curves: Sequence[Curve]) -> MeterNoise | None:
    """Estimate meter noise from states that were read several times; None if too few were.

    States with an improbably large scatter, by a spike of one read, are left out.
    """
    scatters = [curve.scatter for curve in curves if curve.scatter is not None]
    square, freedom = np.concatenate([np.zeros((2, 0)), *scatters], axis=1)
    if freedom.sum() < LEAST_FREEDOM:
        return None
    reads = 1 + float(freedom.mean())
    square = square[freedom > 0]
    freedom = freedom[freedom > 0]
    usual = float(np.median(square / stats.chi2.median(freedom)))
    if usual:
        probable = stats.chi2.sf(square / usual, freedom) > 1e-6
        square = square[probable]
        freedom = freedom[probable]
    total = float(freedom.sum())
    deviation = math.sqrt(float(square.sum()) / total)
    return MeterNoise(chi_interval(deviation, total), reads)


def meter_noise(curves: Sequence[Curve], asked: str | None) -> MeterNoise | None:
    """Estimate the meter noise of pulse curves, or return None if it cannot be told.

    Parameters
    ----------
    curves : sequence of Curve
        Pulse curves.
    asked : str or None
        One of `METHODS`; None takes reads if there are enough.

    Raises
    ------
    UserError
        If reads are requested, and no state was read several times.
    """
    if asked == "none":
        return None
    found = from_reads(curves)
    if found is None and asked == "reads":
        raise UserError(
            "no state was read several times; give rows with the same pulse one after another, or "
            "take another `meter`"
        )
    return found
