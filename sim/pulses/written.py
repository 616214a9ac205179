"""What writes leave: mean and deviations, and the normal law that a chip draws them from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.sim.pulses.changes import Array
from allspin.sim.pulses.cut_normal import cut_moments, uncut


@dataclass(frozen=True, eq=False)
class Law:
    """Mean and deviations of R_AH, of one shape each.

    Attributes
    ----------
    mean : ndarray of float64
        Over cycles and devices.
    cycle : ndarray of float64
        Standard deviation over cycles.
    device : ndarray of float64
        Standard deviation between devices; negative where a device one deviation up has less.
    """

    mean: Array
    cycle: Array
    device: Array

    def at(self, places: npt.NDArray[np.integer]) -> "Law":
        """Those of some writes."""
        return Law(self.mean[places], self.cycle[places], self.device[places])

    def scaled(self, low: float, factor: float, start: float) -> "Law":
        """The same where `low` is `start`, and a unit is `factor` others."""
        return Law(start + (self.mean - low) * factor, self.cycle * factor, self.device * factor)

    def uncut(self, low: float, high: float) -> "Law":
        """The normal law that, cut at two ends, has these moments.

        Both deviations are in proportion to those after the cut. See
        `allspin.sim.pulses.cut_normal.uncut`.
        """
        span = high - low
        total = np.hypot(self.cycle, self.device)
        mean, deviation = uncut(np.clip((self.mean - low) / span, 0, 1), total / span)
        factor = np.divide(deviation * span, total, out=np.ones_like(total), where=total > 0)
        return Law(low + mean * span, self.cycle * factor, self.device * factor)


@dataclass(frozen=True, eq=False)
class Written:
    """What some writes leave.

    Attributes
    ----------
    law : Law
        Mean and deviations as a meter finds them.
    ends : (float, float) or None
        R_AH beyond which no film is; None where writes are normally distributed.
    """

    law: Law
    ends: tuple[float, float] | None = None

    def at(self, places: npt.NDArray[np.integer]) -> "Written":
        """What some of the writes leave."""
        return Written(self.law.at(places), self.ends)

    def drawn(self, ends: tuple[float, float] | None = None) -> Law:
        """The normal law of which R_AH is drawn: cut at its ends it has the mean and deviations.

        Parameters
        ----------
        ends : (float, float), optional
            Where what is drawn is cut; by default where films end.
        """
        if self.ends is None:
            return self.law
        return self.law.uncut(*(ends or self.ends))


def over_devices(
    curves: Array, cycle: Array, deviates: Array, ends: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Moments of what writes leave where devices follow different curves.

    Parameters
    ----------
    curves : ndarray of float64, shape (deviates, writes)
        R_AH that each device's curve leads to.
    cycle : ndarray of float64, shape (writes,)
        Standard deviation over cycles, about each of them.
    deviates : ndarray of float64, shape (deviates,)
        The devices' deviates, of equal probability and rising.
    ends : (float, float)
        The ends of the range, at which a film is saturated.

    Returns
    -------
    mean, cycle, device : ndarray of float64, each (writes,)
        As of `Law`.
    """
    low, span = ends[0], ends[1] - ends[0]
    spread = np.broadcast_to(cycle / span, curves.shape)
    own, spread = cut_moments((curves - low) / span, spread)
    mean = own.mean(axis=0)
    # A device one deviation up has more or less, by what goes along with the deviate.
    sign = np.where(deviates @ (own - mean) < 0, -1.0, 1.0)
    cycle = np.sqrt(np.mean(spread**2, axis=0))
    return low + mean * span, cycle * span, sign * own.std(axis=0) * span
