"""Whether a model describes a curve, in numbers; and the noise of the meter apart from the film.

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

from allspin.host.fit.response import DeviceCurves, Interval, ResponseFit, chi_interval
from allspin.host.fit.spread import together
from allspin.host.lab.curves import Curve, aligned
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array

LEAST_SIGNS = 10
"""Residuals from which their signs tell anything."""


@dataclass(frozen=True)
class Goodness:
    """How well a model describes curves.

    Attributes
    ----------
    r_squared : float
        Share of the curves' variation that the model explains.
    misfit : float
        By how much the model is off, beyond what scatter explains: root mean square, as a
        fraction of the range.
    misfit_errors : float
        The same's square in standard errors.
    runs, expected_runs : float
        Stretches of residuals of one sign along the curve, and how many there should be.
    runs_p_value : float
        Chance of so few runs, were the residuals independent.
    """

    r_squared: float
    misfit: float
    misfit_errors: float
    runs: int
    expected_runs: float
    runs_p_value: float

    @property
    def described(self) -> bool:
        """Whether the model will do: its misfit is small, or not significant."""
        return not (self.misfit > 0.01 and (self.runs_p_value < 1e-3 or self.misfit_errors > 3))

    def __str__(self) -> str:
        return (
            f"R^2 {self.r_squared:.4f}, off by {self.misfit:.1%} of the range, "
            f"{self.runs} runs where {self.expected_runs:.0f} are expected "
            f"(p-value {self.runs_p_value:.2g})"
        )

    def plain(self) -> dict[str, object]:
        """As a device file has it."""
        return {
            "described": self.described,
            "r_squared": float(self.r_squared),
            "misfit": float(self.misfit),
            "runs": int(self.runs),
            "expected_runs": float(self.expected_runs),
            "runs_chance": float(self.runs_p_value),
        }


def runs_test(residuals: Array) -> tuple[int, float, float]:
    """Wald and Wolfowitz' test of signs along a curve.

    Returns
    -------
    runs, expected, p_value : int, float, float
        Stretches of one sign, how many independent residuals would have, and the p-value
        of so few; it is 1 where there are too few residuals to tell.
    """
    signs = np.sign(residuals)
    signs = signs[signs != 0]
    above, below, total = int(np.sum(signs > 0)), int(np.sum(signs < 0)), signs.size
    if not above or not below:
        # All on one side: as many of them as heads in a row.
        return min(total, 1), 1 + total / 2, 2.0 ** (1 - total) if total >= LEAST_SIGNS else 1.0
    runs = 1 + int(np.count_nonzero(signs[1:] != signs[:-1]))
    expected = 1 + 2 * above * below / total
    variance = (expected - 1) * (expected - 2) / max(total - 1, 1)
    known = total >= LEAST_SIGNS and variance > 0
    away = (runs + 0.5 - expected) / math.sqrt(variance) if known else math.inf
    return runs, expected, float(stats.norm.cdf(away))


def _misfit(residuals: Array) -> tuple[float, float]:
    """Mean square that all cycles share, and its standard error were there none.

    Cycles have the misfit in common and their scatter not: products of different cycles
    have the one without the other. A single cycle has neighbours instead.

    Parameters
    ----------
    residuals : ndarray of float64, shape (cycles, points)
        Of all devices; NaN where there is no point.
    """
    cycles = np.count_nonzero(np.isfinite(residuals), axis=0)
    shared = cycles > 1
    if not shared.any():
        flat = np.nansum(residuals, axis=0)
        return float(np.mean(flat[1:] * flat[:-1])), float(flat @ flat) / flat.size**1.5
    part, count = residuals[:, shared], cycles[shared]
    pairs = count * (count - 1)
    products = (np.nansum(part, axis=0) ** 2 - np.nansum(part**2, axis=0)) / pairs
    deviations = part - np.nanmean(part, axis=0)
    variance = np.nansum(deviations**2, axis=0) / (count - 1)
    points = max(products.size / (1 + 2 * float(together([deviations]).sum())), 1.0)
    return float(products.mean()), math.sqrt(float(np.mean(2 * variance**2 / pairs)) / points)


def judge(devices: Sequence[DeviceCurves], models: Sequence[Array], kept: float = 0.0) -> Goodness:
    """Judge a model by its residuals.

    Parameters
    ----------
    devices : sequence of DeviceCurves
        The data.
    models : sequence of ndarray of float64, each (points,)
        The model at each device's points.
    kept : float
        What is left of a deviation after one more pulse, where deviations arise on each
        pulse: the runs test then takes what each adds. 0 for independent ones.
    """
    xs, rows, left, whole = list[Array](), list[Array](), 0.0, 0.0
    for device, model in zip(devices, models, strict=True):
        xs += [device.pulses] * len(device.resistance)
        rows += list(device.resistance - model)
        mean, weights = device.mean, device.weights
        left += float(weights @ (mean - model) ** 2)
        whole += float(weights @ (mean - np.average(mean, weights=weights)) ** 2)
    residuals = aligned(xs, rows)[1]
    average = np.nanmean(residuals, axis=0)
    signs = average[1:] - kept * average[:-1] if kept else average
    square, error = _misfit(residuals)
    return Goodness(
        1 - left / whole if whole else 1.0,
        math.sqrt(max(square, 0.0)) / float(np.mean([np.ptp(device.mean) for device in devices])),
        square / error if error else math.inf if square > 0 else 0.0,
        *runs_test(signs),
    )


# Noise of the meter.

METHODS = ("reads", "plateau", "none")
"""Where meter noise is taken from."""
LEAST_STEPS = 10
"""Neighbours on plateaus that are compared."""
FREE = 2 / 3
"""Share of neighbours' differences that are free: two of them share a point."""


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
        return self.deviation.scaled(lambda edge: edge / math.sqrt(self.reads))


def from_reads(curves: Sequence[Curve]) -> MeterNoise | None:
    """Meter noise of states that were read several times; None where too few were.

    States whose reads scatter as hardly any do, by a spike of one of them, are left out.
    """
    scatters = [curve.scatter for curve in curves if curve.scatter is not None]
    square, freedom = every = np.concatenate([np.zeros((2, 0)), *scatters], axis=1)
    if freedom.sum() < 5:  # their scatter is no figure
        return None
    reads = 1 + float(freedom.mean())
    square, freedom = every[:, freedom > 0]
    usual = float(np.median(square / stats.chi2.median(freedom)))
    kept = stats.chi2.sf(square / usual, freedom) > 1e-6 if usual else square == square
    total = float(freedom[kept].sum())
    return MeterNoise(
        chi_interval(math.sqrt(float(square[kept].sum()) / total), total), reads, "reads"
    )


def _steps(fit: ResponseFit) -> tuple[Array, Array]:
    """Squared differences of neighbours' deviations, on plateaus and elsewhere."""
    still, moving = [np.zeros(0)], [np.zeros(0)]
    for device, own, model in zip(fit.devices, fit.fits, fit.models, strict=True):
        cycles = len(device.resistance)
        deviations = own.residuals[None, :]
        if cycles > 1:
            deviations = (device.resistance - device.mean) * math.sqrt(cycles / (cycles - 1))
        start, end, _ = own.parameters
        left = np.abs(model - end) < 0.005 * abs(end - start)
        squares = np.diff(deviations, axis=1) ** 2 / 2
        still.append(squares[:, left[1:] & left[:-1]].ravel())
        moving.append(squares[:, ~left[1:] & ~left[:-1]].ravel())
    one, other = np.concatenate(still), np.concatenate(moving)
    return one[np.isfinite(one)], other[np.isfinite(other)]


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
    # Polarities differ in C2C: each is compared with itself.
    for own, moving in parts if sure else []:
        known = moving.size >= LEAST_STEPS and moving.any()
        ratio = float(own.mean() / moving.mean()) if known else math.inf
        if stats.f.cdf(ratio, FREE * own.size, FREE * max(moving.size, 1)) >= 0.01:
            return None
    still = np.concatenate([np.zeros(0), *(own for own, _ in parts)])
    if not still.any():
        return None
    return MeterNoise(
        chi_interval(math.sqrt(float(still.mean())), FREE * still.size), 1.0, "plateau"
    )


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
    found = None if asked == "plateau" else from_reads(curves)
    if found is None and asked != "reads":
        found = from_plateaus(fits, sure=asked is None)
    if found is None and asked is not None:
        none = {
            "plateau": f"no curve has a plateau of {LEAST_STEPS} pulses; take",
            "reads": "no state was read several times; give rows with the same pulse one after "
            "another, or take",
        }
        raise UserError(f"{none[asked]} another --meter-noise")
    return found
