"""Estimate of each device's deviate z from its reads, in one polarity.

A write j has the mean m_j for the mean device, the C2C deviation s_j, and a change d_j per standard
deviation between devices. With a standard normal prior, the mean of the posterior after reads r_j
is::

    z = sum(d_j (r_j - m_j) / s_j^2) / (1 + sum(d_j^2 / s_j^2))

The denominator is the reciprocal of the posterior's variance.
"""

import numpy as np
import numpy.typing as npt

from allspin.sim.synapse.response import Array
from allspin.sim.synapse.written import Law

MAX_DEVIATE = 4.0
"""Largest estimate, in standard deviations."""
STEPS = 16
"""Trains are planned for every 16th of a standard deviation."""


class DeviateEstimate:
    """Estimates of the deviates of a layer's devices.

    Parameters
    ----------
    law : Law
        Mean and C2C of the read R_AH, by the number of pulses after saturation.
    spread : ndarray of float64
        Change of the read R_AH per standard deviation between devices, likewise.
    cells : int
        Number of cells.
    least : float
        Smallest C2C deviation, which keeps weights finite.

    Attributes
    ----------
    grid : ndarray of float64
        Deviates that trains are planned for: 0 alone if devices do not differ.
    """

    def __init__(self, law: Law, spread: Array, cells: int, least: float) -> None:
        self._law = law
        self.spread = spread
        self._least = least
        self._differs = bool(np.any(spread))
        self._numerator = np.zeros(cells)
        self._denominator = np.ones(cells)
        half = int(MAX_DEVIATE * STEPS) if self._differs else 0
        self.grid = np.arange(-half, half + 1) / STEPS

    def estimate(
        self, cells: npt.NDArray[np.int64]
    ) -> tuple[Array, npt.NDArray[np.int64], Array | float]:
        """Return cells' estimated deviates, their places on the grid, and their variances."""
        if not self._differs:
            return np.zeros(cells.size), np.zeros(cells.size, np.int64), 0.0
        denominator = self._denominator[cells]
        mean = np.clip(self._numerator[cells] / denominator, -MAX_DEVIATE, MAX_DEVIATE)
        place = np.rint((mean + MAX_DEVIATE) * STEPS).astype(np.int64)
        return mean, place, 1 / denominator

    def update(
        self, cells: npt.NDArray[np.int64], pulses: npt.NDArray[np.int64], read: Array
    ) -> None:
        """Take the reads of cells after trains that started at saturation.

        Parameters
        ----------
        cells, pulses : ndarray of int64
            Cells, and the number of pulses of the train of each.
        read : ndarray of float64
            R_AH that was read.
        """
        if not self._differs:
            return
        spread = self.spread[pulses]
        variance = self._law.cycle[pulses] ** 2 + self._least**2
        missed = read - self._law.mean[pulses]
        self._numerator[cells] += spread * missed / variance
        self._denominator[cells] += spread**2 / variance
