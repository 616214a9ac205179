"""Goodness of a model: misfit beyond scatter, and runs of residuals of one sign."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.host.estimate.response import DeviceCurves
from allspin.host.estimate.spread import squared_correlations
from allspin.sim.synapse.response import Array

LEAST_SIGNS = 10
"""Least number of residuals for a test of their signs."""
SMALL_MISFIT = 0.01
"""Fraction of the range up to which a misfit changes no result."""


@dataclass(frozen=True)
class Goodness:
    """Agreement of a model with curves.

    Attributes
    ----------
    r_squared : float
        Share of the curves' variation that the model explains.
    misfit : float
        Deviation of the model beyond scatter: root mean square, as a fraction of the range.
    misfit_errors : float
        The same's square in standard errors.
    runs, expected_runs : float
        Stretches of residuals of one sign along the curve, and their expected number.
    runs_p_value : float
        Probability of so few runs if the residuals were independent.
    """

    r_squared: float
    misfit: float
    misfit_errors: float
    runs: int
    expected_runs: float
    runs_p_value: float

    @property
    def described(self) -> bool:
        """True if the misfit is small, or not significant."""
        significant = self.runs_p_value < 1e-3 or self.misfit_errors > 3
        return not (self.misfit > SMALL_MISFIT and significant)

    def __str__(self) -> str:
        return (
            f"R^2 {self.r_squared:.4f}, off by {self.misfit:.1%} of the range, "
            f"{self.runs} runs where {self.expected_runs:.0f} are expected "
            f"(p-value {self.runs_p_value:.2g})"
        )

    def plain(self) -> dict[str, object]:
        """Return the goodness as a device file has it."""
        return {
            "described": self.described,
            "r_squared": float(self.r_squared),
            "misfit": float(self.misfit),
            "runs": int(self.runs),
            "expected_runs": float(self.expected_runs),
            "runs_chance": float(self.runs_p_value),
        }


def runs_test(residuals: Array) -> tuple[int, float, float]:
    """Test signs along a curve by the method of Wald and Wolfowitz.

    Returns
    -------
    runs, expected, p_value : int, float, float
        Stretches of one sign, their expected number for independent residuals, and the p-value
        of so few; it is 1 for fewer than `LEAST_SIGNS` residuals.
    """
    signs = np.sign(residuals)
    signs = signs[signs != 0]
    above = int(np.sum(signs > 0))
    below = int(np.sum(signs < 0))
    total = signs.size
    if not above or not below:
        # All on one side are as likely as a row of heads.
        p_value = 2.0 ** (1 - total) if total >= LEAST_SIGNS else 1.0
        return min(total, 1), 1 + total / 2, p_value
    runs = 1 + int(np.count_nonzero(signs[1:] != signs[:-1]))
    expected = 1 + 2 * above * below / total
    variance = (expected - 1) * (expected - 2) / max(total - 1, 1)
    if total < LEAST_SIGNS or variance <= 0:
        return runs, expected, 1.0
    distance = (runs + 0.5 - expected) / math.sqrt(variance)
    return runs, expected, float(stats.norm.cdf(distance))


def _misfit(residuals: Array) -> tuple[float, float]:
    """Return the mean square that all cycles share, and its standard error without a misfit.

    Cycles have the misfit in common, and independent scatter: products of different cycles
    have the one without the other. A single cycle has neighbours instead.

    Parameters
    ----------
    residuals : ndarray of float64, shape (cycles, points)
        Residuals of all devices; NaN where a cycle has no point.
    """
    cycles = np.count_nonzero(np.isfinite(residuals), axis=0)
    shared = cycles > 1
    if not shared.any():
        flat = np.nansum(residuals, axis=0)
        return float(np.mean(flat[1:] * flat[:-1])), float(flat @ flat) / flat.size**1.5
    part = residuals[:, shared]
    count = cycles[shared]
    pairs = count * (count - 1)
    products = (np.nansum(part, axis=0) ** 2 - np.nansum(part**2, axis=0)) / pairs
    deviations = part - np.nanmean(part, axis=0)
    variance = np.nansum(deviations**2, axis=0) / (count - 1)
    dependence = 1 + 2 * float(squared_correlations([deviations]).sum())
    points = max(products.size / dependence, 1.0)
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
        Share of a deviation that one more pulse leaves, where deviations arise on each
        pulse: the runs test then takes the addition of each. 0 for independent ones.
    """
    left = 0.0
    whole = 0.0
    for device, model in zip(devices, models, strict=True):
        mean = device.mean
        weights = device.weights
        left += float(weights @ (mean - model) ** 2)
        whole += float(weights @ (mean - np.average(mean, weights=weights)) ** 2)
    residuals = _residuals(devices, models)
    signs = np.nanmean(residuals, axis=0)
    if kept:
        signs = signs[1:] - kept * signs[:-1]
    square, error = _misfit(residuals)
    errors = math.inf if square > 0 else 0.0
    if error:
        errors = square / error
    return Goodness(
        1 - left / whole if whole else 1.0,
        math.sqrt(max(square, 0.0)) / float(np.mean([np.ptp(device.mean) for device in devices])),
        errors,
        *runs_test(signs),
    )


def _residuals(devices: Sequence[DeviceCurves], models: Sequence[Array]) -> Array:
    """Return residuals of all cycles on the points of all, shape (cycles, points)."""
    every = np.unique(np.concatenate([device.pulses for device in devices]))
    table = np.full((sum(len(device.resistance) for device in devices), every.size), np.nan)
    first = 0
    for device, model in zip(devices, models, strict=True):
        last = first + len(device.resistance)
        table[first:last, np.searchsorted(every, device.pulses)] = device.resistance - model
        first = last
    return table
