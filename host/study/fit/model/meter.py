"""Noise of the meter, apart from what the film does.

Reads of one state, repeated without a pulse between, differ by the meter alone. Where there are
none, a plateau may tell: pulses move a saturated film no further, so what scatters there is the
meter, provided that it scatters less than elsewhere. Where it scatters alike the two cannot be
told apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.host.study.fit.model.response import Interval, ResponseFit
from allspin.host.study.fit.model.spread import chi_interval
from allspin.host.study.fit.reading.curve import Curve
from allspin.sim.device.synapse.response import Array
from allspin.sim.errors import UserError

METHODS = ("reads", "plateau", "none")
"""Where meter noise is taken from."""
LEAST_FREEDOM = 5
"""Reads beyond the first of a state from which their scatter is a figure."""
SPIKE = 1e-6
"""Chance of a state whose reads scatter so, from which one of them is a spike."""
LEFT = 0.005
"""Of the range, what a plateau has left to go at most."""
LEAST_STEPS = 10
"""Neighbours on plateaus that are compared."""
FREE = 2 / 3
"""Share of neighbours' differences that are free: two of them share a point."""
SURE = 0.01
"""Chance of a plateau that scatters so little less than the rest, were both alike."""


@dataclass(frozen=True)
class MeterNoise:
    """Noise of one read.

    Attributes
    ----------
    deviation : Interval
        Standard deviation of one read, in the unit of R_AH.
    reads : float
        Reads of which a point is the mean.
    basis : str
        ``reads`` or ``plateau``.
    """

    deviation: Interval
    reads: float
    basis: str

    @property
    def point(self) -> Interval:
        """Standard deviation of a point."""
        root = math.sqrt(self.reads)
        return Interval(*(edge / root for edge in vars(self.deviation).values()))


def from_reads(curves: Sequence[Curve]) -> MeterNoise | None:
    """Meter noise of states that were read several times; None where too few were.

    States whose reads scatter as hardly any do, by a spike of one of them, are left out.
    """
    scatters = [curve.scatter for curve in curves if curve.scatter is not None]
    square = np.concatenate([np.zeros(0), *(one.square for one in scatters)])
    freedom = np.concatenate([np.zeros(0), *(one.freedom for one in scatters)])
    points = freedom.size
    square, freedom = square[freedom > 0], freedom[freedom > 0]
    if freedom.sum() < LEAST_FREEDOM:
        return None
    reads = 1 + float(freedom.sum()) / points
    usual = float(np.median(square / stats.chi2.median(freedom)))
    kept = stats.chi2.sf(square / usual, freedom) > SPIKE if usual else square == square
    total = float(freedom[kept].sum())
    deviation = chi_interval(math.sqrt(float(square[kept].sum()) / total), total)
    return MeterNoise(deviation, reads, "reads")


def _steps(fit: ResponseFit) -> tuple[Array, Array]:
    """Squared differences of neighbours' deviations, on plateaus and elsewhere."""
    still, moving = [], []
    for device, own in zip(fit.devices, fit.fits, strict=True):
        cycles = len(device.resistance)
        deviations = own.residuals[None, :]
        if cycles > 1:
            deviations = (device.resistance - device.mean) * math.sqrt(cycles / (cycles - 1))
        start, end, _ = own.parameters
        left = np.abs(own.at(device.pulses / fit.pulses) - end) < LEFT * abs(end - start)
        squares = np.diff(deviations, axis=1) ** 2 / 2
        both = left[1:] & left[:-1]
        for found, where in ((still, both), (moving, ~left[1:] & ~left[:-1])):
            values = squares[:, where].ravel()
            found.append(values[np.isfinite(values)])
    return np.concatenate(still), np.concatenate(moving)


def from_plateaus(fits: Sequence[ResponseFit], sure: bool = True) -> MeterNoise | None:
    """Meter noise of plateaus; None where there are none, or no quieter ones than the rest.

    Parameters
    ----------
    fits : sequence of ResponseFit
        Fits of the polarities.
    sure : bool
        Whether a plateau must scatter less than the rest.
    """
    parts = [part for part in map(_steps, fits) if part[0].size >= LEAST_STEPS]
    if sure:
        # Polarities differ in C2C: each is compared with itself.
        parts = parts if all(_is_quieter(*part) for part in parts) else []
    still = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    if not still.any():
        return None
    deviation = chi_interval(math.sqrt(float(still.mean())), FREE * still.size)
    return MeterNoise(deviation, 1.0, "plateau")


def _is_quieter(still: Array, moving: Array) -> bool:
    """Whether a plateau scatters significantly less than the rest."""
    if moving.size < LEAST_STEPS or not moving.any():
        return False
    ratio = float(still.mean() / moving.mean())
    return bool(stats.f.cdf(ratio, FREE * still.size, FREE * moving.size) < SURE)


def meter_noise(
    curves: Sequence[Curve], fits: Sequence[ResponseFit], asked: str | None
) -> MeterNoise | None:
    """Meter noise of pulse curves, where it can be told.

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
        If there is none of what was asked for.
    """
    if asked == "none" or not fits:
        return None
    if asked == "plateau":
        found = from_plateaus(fits, sure=False)
        if found is None:
            raise UserError(
                f"no curve has a plateau of {LEAST_STEPS} pulses; take another --meter-noise"
            )
        return found
    found = from_reads(curves)
    if asked == "reads" and found is None:
        raise UserError(
            "no state was read several times; give rows with the same pulse one after another, or "
            "take another --meter-noise"
        )
    return found or from_plateaus(fits)
