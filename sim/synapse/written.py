"""Distributions of R_AH after writes, and the normal distributions that a chip draws from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.parameters import Brief
from allspin.sim.synapse.cut_normal import cut_moments, uncut
from allspin.sim.synapse.normal_sample import Array, normal_values

Normals = npt.NDArray[np.floating[Any]]

CLOSE = 0.03
"""Relative error of a deviation that is accepted to keep the mean within the ends."""


@dataclass(frozen=True, eq=False)
class Law(Brief):
    """Mean and deviations of R_AH, of one shape each.

    Attributes
    ----------
    mean : ndarray of float64
        Mean over cycles and devices.
    cycle : ndarray of float64
        Standard deviation over cycles.
    device : ndarray of float64
        Standard deviation between devices; negative if R_AH falls with a device's deviate.
    """

    mean: Array
    cycle: Array
    device: Array

    def at(self, places: npt.NDArray[np.integer]) -> "Law":
        """Return the moments of some writes."""
        return Law(self.mean[places], self.cycle[places], self.device[places])

    def scaled(self, low: float, factor: float, start: float) -> "Law":
        """Convert to another unit: multiply by `factor`, and map `low` to `start`."""
        return Law(start + (self.mean - low) * factor, self.cycle * factor, self.device * factor)

    def uncut(self, low: float, high: float, least: float = 0.0) -> "Law":
        """Return the normal distribution that has these moments after it is cut at two ends.

        Both deviations are in proportion to those after the cut. The mean lies beyond an end only
        if the deviation would otherwise be wrong by more than 3 %, and by more than `least`.

        See also `allspin.sim.synapse.cut_normal.uncut`.
        """
        span = high - low
        total = np.hypot(self.cycle, self.device)
        aim_mean = np.clip((self.mean - low) / span, 0, 1)
        aim_deviation = total / span
        anywhere = uncut(aim_mean, aim_deviation)
        inside = uncut(aim_mean, aim_deviation, farthest=0.0)
        missed = np.abs(cut_moments(*inside)[1] - aim_deviation)
        near = missed <= np.maximum(CLOSE * aim_deviation, least / span)
        mean, deviation = np.where(near, inside, anywhere)
        factor = np.divide(deviation * span, total, out=np.ones_like(total), where=total > 0)
        return Law(low + mean * span, self.cycle * factor, self.device * factor)


@dataclass(frozen=True, eq=False)
class Written(Brief):
    """Distribution of R_AH after writes: a bounded stored part, and a normal part of the read.

    Attributes
    ----------
    stored : Law
        R_AH that devices store.
    ends : (float, float) or None
        Bounds of the stored R_AH; None if it is normally distributed.
    cycle, device : ndarray of float64, or None
        Standard deviation of the normal part, over cycles or between devices.
    """

    stored: Law
    ends: tuple[float, float] | None = None
    cycle: Array | None = None
    device: Array | None = None

    @property
    def law(self) -> Law:
        """Moments of the R_AH that is read."""
        stored = self.stored
        return Law(
            stored.mean,
            stored.cycle if self.cycle is None else self.cycle,
            stored.device if self.device is None else self.device,
        )

    def at(self, places: npt.NDArray[np.integer]) -> "Written":
        """Return the distributions of some writes."""
        cycle = None if self.cycle is None else self.cycle[places]
        device = None if self.device is None else self.device[places]
        return Written(self.stored.at(places), self.ends, cycle, device)

    def stored_normal(self) -> Law:
        """Return the normal distribution of the stored R_AH before it is cut at the ends."""
        return self.stored if self.ends is None else self.stored.uncut(*self.ends)

    def read(self, normal: Law, cycle: Normals, device: Normals) -> Array:
        """Return the R_AH that is read, for given normal deviates.

        Parameters
        ----------
        normal : Law
            `stored_normal`, or its part for some writes.
        cycle, device : ndarray of float64
            Normal deviates of the cycle and of the device.
        """
        read = np.asarray(normal.mean + normal.cycle * cycle + normal.device * device, np.float64)
        if self.ends is not None:
            read = np.clip(read, *self.ends)
        if self.cycle is not None:
            read = read + self.cycle * cycle
        return read if self.device is None else read + self.device * device

    def drawn(self, ends: tuple[float, float], least: float = 0.0) -> Law:
        """Return the normal distribution that has the moments of the read R_AH within some ends.

        Parameters
        ----------
        ends : (float, float)
            R_AH at which the reader saturates.
        least : float
            See `Law.uncut`.
        """
        if self.ends is None:
            return self.law
        normal_parts = (self.cycle, self.device)
        if not any(part is not None and part.any() for part in normal_parts):
            return self.stored.uncut(*ends, least)
        values = normal_values()
        cycles = values[:, np.newaxis, np.newaxis]
        devices = values[:, np.newaxis]
        read = np.clip(self.read(self.stored_normal(), cycles, devices), *ends)
        # Moments over cycles (the first axis) for each device, and between the devices' means.
        own = read.mean(axis=0)
        law = Law(own.mean(axis=0), np.sqrt(read.var(axis=0).mean(axis=0)), own.std(axis=0))
        sign = np.copysign(1.0, self.law.device)
        return Law(law.mean, law.cycle, sign * law.device).uncut(*ends, least)


def over_devices(
    curves: Array, cycle: Array, deviates: Array, ends: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Return the moments of R_AH after writes of devices that follow different curves.

    Parameters
    ----------
    curves : ndarray of float64, shape (deviates, writes)
        R_AH of each device's curve.
    cycle : ndarray of float64, shape (writes,)
        Standard deviation over cycles about each curve.
    deviates : ndarray of float64, shape (deviates,)
        Equally probable, rising deviates of the devices.
    ends : (float, float)
        R_AH at which the reader saturates.

    Returns
    -------
    mean, cycle, device : ndarray of float64, each (writes,)
        Moments as in `Law`.
    """
    low = ends[0]
    span = ends[1] - ends[0]
    spread = np.broadcast_to(cycle / span, curves.shape)
    own, spread = cut_moments((curves - low) / span, spread)
    mean = own.mean(axis=0)
    # The sign of the device deviation is that of the correlation with the deviate.
    sign = np.where(deviates @ (own - mean) < 0, -1.0, 1.0)
    cycle = np.sqrt(np.mean(spread**2, axis=0))
    return low + mean * span, cycle * span, sign * own.std(axis=0) * span
