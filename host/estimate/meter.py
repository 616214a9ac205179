"""Noise of the meter, apart from the variation of the device.

Reads of one state without a pulse between them differ by the meter alone. Without such reads a
plateau may tell: pulses do not move a saturated device, so the scatter there is that of the meter,
provided that it is less than elsewhere. If it is the same, the two cannot be told apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.host.estimate.intervals import Interval, chi_interval
from allspin.host.estimate.response import ResponseFit
from allspin.host.lab.curves import Curve
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

METHODS = ("reads", "plateau", "none")
"""Sources of meter noise."""
LEAST_FREEDOM = 5
"""Least number of repeated reads for an estimate."""
LEAST_STEPS = 10
"""Least number of neighbours on plateaus that are compared."""
PLATEAU = 0.005
"""Share of the span that is left of a curve on its plateau."""
FREE = 2 / 3
"""Share of neighbours' differences that are independent: two of them share a point."""


@dataclass(frozen=True)
class MeterNoise:
    """Noise of one read.

    Attributes
    ----------
    deviation : Interval
        Standard deviation of one read, in the unit of R_AH.
    reads : float
        Number of reads in the mean of a point.
    basis : str
        ``reads`` or ``plateau``.
    """

    deviation: Interval
    reads: float
    basis: str

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
    return MeterNoise(chi_interval(deviation, total), reads, "reads")


def _steps(fit: ResponseFit) -> tuple[Array, Array]:
    """Return squared differences of neighbours' deviations, on plateaus and elsewhere."""
    still = [np.zeros(0)]
    moving = [np.zeros(0)]
    for device, own, model in zip(fit.devices, fit.fits, fit.models, strict=True):
        cycles = len(device.resistance)
        deviations = own.residuals[None, :]
        if cycles > 1:
            deviations = (device.resistance - device.mean) * math.sqrt(cycles / (cycles - 1))
        start, end, _ = own.parameters
        on_plateau = np.abs(model - end) < PLATEAU * abs(end - start)
        squares = np.diff(deviations, axis=1) ** 2 / 2
        still.append(squares[:, on_plateau[1:] & on_plateau[:-1]].ravel())
        moving.append(squares[:, ~on_plateau[1:] & ~on_plateau[:-1]].ravel())
    plateaus = np.concatenate(still)
    others = np.concatenate(moving)
    return plateaus[np.isfinite(plateaus)], others[np.isfinite(others)]


def from_plateaus(fits: Sequence[ResponseFit], sure: bool = True) -> MeterNoise | None:
    """Estimate meter noise from plateaus; None without plateaus that are quieter than the rest.

    Parameters
    ----------
    fits : sequence of ResponseFit
        Fits of the polarities.
    sure : bool
        True if a plateau must scatter less than the rest.
    """
    parts = [part for part in map(_steps, fits) if part[0].size >= LEAST_STEPS]
    # Polarities differ in C2C: each is compared with itself.
    if sure and not all(_is_quieter(plateau, others) for plateau, others in parts):
        return None
    still = np.concatenate([np.zeros(0), *(plateau for plateau, _ in parts)])
    if not still.any():
        return None
    deviation = math.sqrt(float(still.mean()))
    return MeterNoise(chi_interval(deviation, FREE * still.size), 1.0, "plateau")


def _is_quieter(plateau: Array, others: Array) -> bool:
    """Return True if a plateau scatters less than the rest of its curves, by an F test."""
    if others.size < LEAST_STEPS or not others.any():
        return False
    ratio = float(plateau.mean() / others.mean())
    return bool(stats.f.cdf(ratio, FREE * plateau.size, FREE * others.size) < 0.01)


def meter_noise(
    curves: Sequence[Curve], fits: Sequence[ResponseFit], asked: str | None
) -> MeterNoise | None:
    """Estimate the meter noise of pulse curves, or return None if it cannot be told.

    Parameters
    ----------
    curves : sequence of Curve
        Pulse curves.
    fits : sequence of ResponseFit
        Their fits.
    asked : str or None
        One of `METHODS`; None takes reads, else a plateau that is quieter than the rest.

    Raises
    ------
    UserError
        If the data do not allow the requested method.
    """
    if asked == "none" or not fits:
        return None
    found = None if asked == "plateau" else from_reads(curves)
    if found is None and asked != "reads":
        found = from_plateaus(fits, sure=asked is None)
    if found is None and asked == "plateau":
        raise UserError(f"no curve has a plateau of {LEAST_STEPS} pulses; take another `meter`")
    if found is None and asked == "reads":
        raise UserError(
            "no state was read several times; give rows with the same pulse one after another, or "
            "take another `meter`"
        )
    return found
