"""Each curve as a straight line of its device's mean curve: where it starts and ends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from allspin.host.lab.curves import Curve, align, by_device, usual_swing
from allspin.sim.synapse.response import Array

CHANCE = 1e-3
"""P-value below which an effect is taken as real."""


def straight_line(x: Array, y: Array) -> tuple[float, float]:
    """Return slope and intercept of a straight line through points; flat if x is constant."""
    away = x - x.mean()
    slope = float(away @ y) / max(float(away @ away), 1e-300)
    return slope, float(y.mean() - slope * x.mean())


class CurveLines:
    """Straight lines of curves against the mean of their cell, one device's curves of a polarity.

    Attributes
    ----------
    curves : sequence of Curve
        The curves, in measured order.
    devices : list of str
        Names of the devices.
    span : float
        The usual swing.
    device, order : ndarray of int, shape (curves,)
        Place of each curve's device, and the curve's place among those of its device.
    falls : ndarray of int, shape (curves,)
        1 for curves of depression.
    cell : ndarray of int, shape (curves,)
        Cell of each curve, ``2 device + falls``.
    residuals : list of ndarray of float64
        Each curve less its line.
    start, end : ndarray of float64, shape (curves,)
        R_AH of the line at both ends.
    lever : ndarray of float64, shape (2, curves)
        Variance of start and of end over that of a point.
    """

    def __init__(self, curves: Sequence[Curve]) -> None:
        self.curves = curves
        self.span = usual_swing(curves)
        groups = by_device(curves)
        self.devices = list(groups)
        self.device = np.zeros(len(curves), np.intp)
        self.order = np.zeros(len(curves), np.intp)
        for number, places in enumerate(groups.values()):
            self.device[places] = number
            self.order[places] = range(len(places))
        self.falls = np.array([int(one.polarity or 0) for one in curves])
        self.cell = 2 * self.device + self.falls
        self.lever = np.zeros((2, len(curves)))
        self.start = np.zeros(len(curves))
        self.end = np.zeros(len(curves))
        self.residuals = [np.zeros(0)] * len(curves)
        for cell in np.unique(self.cell):
            self._add_lines(np.flatnonzero(self.cell == cell))

    def _add_lines(self, places: npt.NDArray[np.intp]) -> None:
        """Add the lines of a cell's curves."""
        own = [self.curves[place] for place in places]
        x, table = align(own)
        mean = np.nanmean(table, axis=0)
        distances = (mean[[0, -1], np.newaxis] - mean.mean()) ** 2
        self.lever[:, places] = 1 / mean.size + distances / max(mean.size * mean.var(), 1e-300)
        for place, curve in zip(places, own, strict=True):
            at = mean[np.searchsorted(x, curve.x)]
            slope, intercept = straight_line(at, curve.resistance)
            self.residuals[place] = curve.resistance - slope * at - intercept
            self.start[place] = slope * mean[0] + intercept
            self.end[place] = slope * mean[-1] + intercept

    def by_cell(self, values: npt.NDArray[Any]) -> Array:
        """Return the mean of values over each cell; NaN for a cell without curves."""
        count = np.bincount(self.cell, minlength=2 * len(self.devices))
        return np.bincount(self.cell, values, count.size) / np.where(count, count, np.nan)

    def less_cell(self, values: npt.NDArray[Any]) -> Array:
        """Return values less the mean of their cell."""
        return values - self.by_cell(values)[self.cell]

    def trends(self, values: Array, least: npt.ArrayLike) -> tuple[Array, Array]:
        """Return the change of values of each device from curve to curve, and in all.

        The change in all is 0 if it is less than a least one, or may come by chance (F test).
        """
        time = self.less_cell(self.order)
        away = self.less_cell(values)
        count = len(self.devices)
        length = np.maximum(np.bincount(self.device, time**2), 1e-9)
        slopes = np.bincount(self.device, time * away) / length
        left = max(float(np.sum((away - slopes[self.device] * time) ** 2)), 1e-300)
        freedom = values.size - np.unique(self.cell).size - count
        explained = float(slopes**2 @ length) / count
        sure = freedom > 0 and stats.f.sf(explained * freedom / left, count, freedom) < CHANCE
        change = slopes * (np.bincount(self.device) - 1)
        return slopes, np.where(sure & (np.abs(change) > least), change, 0.0)
