"""Whether a model describes a curve, in numbers."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from allspin.host.study.fit.model.response import DeviceCurves
from allspin.host.study.fit.model.spread import together
from allspin.sim.device.synapse.response import Array

MISFIT = 0.01
"""A model that is off by less than this share of the range describes a curve."""
SIGNIFICANCE = 1e-3
"""P-value of the runs test below which residuals have a pattern."""
SURE = 3.0
"""Standard errors from which a misfit is significant."""
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
        significant = self.runs_p_value < SIGNIFICANCE or self.misfit_errors > SURE
        return not (self.misfit > MISFIT and significant)

    def __str__(self) -> str:
        return (
            f"R^2 {self.r_squared:.4f}, off by {self.misfit:.1%} of the range, "
            f"{self.runs} runs where {self.expected_runs:.0f} are expected "
            f"(p-value {self.runs_p_value:.1g})"
        )


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
    above, below = int(np.sum(signs > 0)), int(np.sum(signs < 0))
    total = above + below
    if not above or not below:
        # All on one side: as many of them as heads in a row.
        return min(total, 1), 1 + total / 2, 2.0 ** (1 - total) if total >= LEAST_SIGNS else 1.0
    runs = 1 + int(np.count_nonzero(signs[1:] != signs[:-1]))
    expected = 1 + 2 * above * below / total
    variance = (expected - 1) * (expected - 2) / max(total - 1, 1)
    if total < LEAST_SIGNS or variance <= 0:
        return runs, expected, 1.0
    return runs, expected, float(stats.norm.cdf((runs + 0.5 - expected) / math.sqrt(variance)))


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
        square = float(np.mean(flat**2))
        return float(np.mean(flat[1:] * flat[:-1])), square / math.sqrt(flat.size)
    part, count = residuals[:, shared], cycles[shared]
    pairs = count * (count - 1)
    products = (np.nansum(part, axis=0) ** 2 - np.nansum(part**2, axis=0)) / pairs
    deviations = part - np.nanmean(part, axis=0)
    variance = np.nansum(deviations**2, axis=0) / (count - 1)
    points = products.size / (1 + 2 * float(together([deviations]).sum()))
    error = math.sqrt(float(np.mean(2 * variance**2 / pairs)) / max(points, 1.0))
    return float(products.mean()), error


def judge(devices: list[DeviceCurves], models: list[Array], kept: float = 0.0) -> Goodness:
    """Judge a model by its residuals.

    Parameters
    ----------
    devices : list of DeviceCurves
        The data.
    models : list of ndarray of float64, each (points,)
        The model at each device's points.
    kept : float
        What is left of a deviation after one more pulse, where deviations arise on each
        pulse: the runs test then takes what each adds. 0 for independent ones.
    """
    places = np.unique(np.concatenate([device.pulses for device in devices]))
    rows = []
    left = whole = 0.0
    for device, model in zip(devices, models, strict=True):
        row = np.full((len(device.resistance), places.size), np.nan)
        row[:, np.searchsorted(places, device.pulses)] = device.resistance - model
        rows.append(row)
        mean, weights = device.mean, device.weights
        left += float(weights @ (mean - model) ** 2)
        whole += float(weights @ (mean - np.average(mean, weights=weights)) ** 2)
    residuals = np.concatenate(rows)
    average = np.nanmean(residuals, axis=0)
    signs = average[1:] - kept * average[:-1] if kept else average
    runs, expected, p_value = runs_test(signs)
    square, error = _misfit(residuals)
    span = float(np.mean([np.ptp(device.mean) for device in devices]))
    return Goodness(
        r_squared=1 - left / whole if whole else 1.0,
        misfit=math.sqrt(max(square, 0.0)) / span,
        misfit_errors=square / error if error else math.inf if square > 0 else 0.0,
        runs=runs,
        expected_runs=expected,
        runs_p_value=p_value,
    )
