"""What writes leave: mean and deviations, and the normal law that a chip draws them from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.parameters import Brief
from allspin.sim.synapse.pulse_changes import Array, normal_values

# A normal distribution that is cut at two ends: what lies beyond an end is at the end.
#
# So does a film that is saturated, and so does an R_AH word. Everything is in shares of the
# range: the ends are 0 and 1.

STEPS = 60
"""Steps of Newton's method, of which a few are enough where there is a solution."""
NEAR = 1e-12
"""Miss of a mean, or of a mean square, that is none."""
FARTHEST = 100.0
"""How far beyond the ends a mean is looked for, in ranges: in words of 8 bits it has 16."""
FARTHEST_DEVIATION = 100.0
"""Largest deviation of a mean that far, in ranges."""
MOST = 0.98
"""Share of the largest deviation, that of films at both ends, which is taken at most."""
LEAST = 1e-9
"""Deviations below this are none."""


def cut_moments(mean: Array, deviation: Array) -> tuple[Array, Array]:
    """Mean and standard deviation after the cut.

    Parameters
    ----------
    mean, deviation : ndarray of float64, of one shape
        Of the normal distribution, in shares of the range.
    """
    first, second, _ = _integrals(mean, np.maximum(deviation, LEAST))
    first = np.where(deviation < LEAST, np.clip(mean, 0, 1), first)
    variance = np.where(deviation < LEAST, 0.0, second - first**2)
    return first, np.sqrt(np.maximum(variance, 0.0))


def _integrals(mean: Array, deviation: Array) -> tuple[Array, Array, Array]:
    """Mean and mean square after the cut, and their derivatives by mean and deviation (2, 2)."""
    from scipy.special import ndtr

    low, high = -mean / deviation, (1 - mean) / deviation
    at_low, at_high = (np.exp(-(end**2) / 2) / np.sqrt(2 * np.pi) for end in (low, high))
    above = ndtr(-high)
    inside = ndtr(high) - ndtr(low)
    # Means of z and of z^2 over what is inside.
    z = at_low - at_high
    z_square = inside + low * at_low - high * at_high
    first = above + mean * inside + deviation * z
    second = above + mean**2 * inside + 2 * mean * deviation * z + deviation**2 * z_square
    slopes = np.array(
        [[inside, z], [2 * (mean * inside + deviation * z), 2 * (mean * z + deviation * z_square)]]
    )
    return first, second, slopes


def uncut(mean: Array, deviation: Array, farthest: float = FARTHEST) -> tuple[Array, Array]:
    """The normal distribution that has a mean and a standard deviation after the cut.

    Parameters
    ----------
    mean, deviation : ndarray of float64, of one shape
        After the cut, in shares of the range.
    farthest : float
        How far beyond an end the mean may be, in ranges.

    Returns
    -------
    mean, deviation : ndarray of float64, of that shape
        Where the mean would have to be further away, for films most of which are saturated and few
        far from it, that after the cut is kept, and the deviation is less.
    """
    # Of films at both ends and none between no normal distribution is the law.
    deviation = np.minimum(deviation, MOST * np.sqrt(mean * (1 - mean)))
    m, s = np.array(mean, np.float64), np.maximum(deviation, LEAST)
    wanted = np.asarray(mean, np.float64), deviation**2 + mean**2
    for _ in range(STEPS):
        first, second, slopes = _integrals(m, s)
        miss = wanted[0] - first, wanted[1] - second
        if np.all(np.hypot(*miss) < NEAR):
            break
        (a, b), (c, d) = slopes
        scale = a * d - b * c
        safe = np.where(np.abs(scale) > 1e-300, scale, np.inf)
        step_m, step_s = (d * miss[0] - b * miss[1]) / safe, (a * miss[1] - c * miss[0]) / safe
        # A step never more than halves or doubles a deviation.
        part = np.minimum(1.0, s / 2 / np.maximum(np.abs(step_s), np.abs(step_m) / 2 + 1e-300))
        m = np.clip(m + part * step_m, -FARTHEST, 1 + FARTHEST)
        s = s + part * step_s
    m, s = _mean_kept(np.clip(m, -farthest, 1 + farthest), s, wanted[0], farthest)
    still = deviation < LEAST
    return np.where(still, mean, m), np.where(still, 0.0, s)


def _mean_kept(
    mean: Array, deviation: Array, wanted: Array, farthest: float
) -> tuple[Array, Array]:
    """Deviations which, at the farthest means, leave the mean that is wanted after the cut."""
    low, high = np.zeros_like(deviation), np.full_like(deviation, FARTHEST_DEVIATION)
    far = (mean <= -farthest) | (mean >= 1 + farthest)
    if not far.any():
        return mean, deviation
    for _ in range(STEPS):
        middle = (low + high) / 2
        first = _integrals(mean, np.maximum(middle, LEAST))[0]
        # Beyond the upper end a larger deviation takes the mean down.
        more = np.where(mean > 0.5, first > wanted, first < wanted)
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return mean, np.where(far, high, deviation)


Normals = npt.NDArray[np.floating[Any]]

CLOSE = 0.03
"""Share of a deviation by which it may be wrong where its mean need not be beyond an end then."""


@dataclass(frozen=True, eq=False)
class Law(Brief):
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

    def uncut(self, low: float, high: float, least: float = 0.0) -> "Law":
        """The normal law that, cut at two ends, has these moments.

        Both deviations are in proportion to those after the cut. Its mean is beyond an end only
        where the deviation would else be wrong by more than 3 %, and more than `least`.

        See also `allspin.sim.synapse.written.uncut`.
        """
        span = high - low
        total = np.hypot(self.cycle, self.device)
        aim = np.clip((self.mean - low) / span, 0, 1), total / span
        mean, deviation = uncut(*aim)
        inside = uncut(*aim, farthest=0.0)
        missed = np.abs(cut_moments(*inside)[1] - aim[1])
        near = missed <= np.maximum(CLOSE * aim[1], least / span)
        mean, deviation = np.where(near, inside, (mean, deviation))
        factor = np.divide(deviation * span, total, out=np.ones_like(total), where=total > 0)
        return Law(low + mean * span, self.cycle * factor, self.device * factor)


@dataclass(frozen=True, eq=False)
class Written(Brief):
    """What some writes leave: what films bound, and what is normally distributed beside it.

    Attributes
    ----------
    film : Law
        What films hold; they deviate over cycles or between devices.
    ends : (float, float) or None
        R_AH beyond which no film is; None where what they hold is normally distributed.
    cycle, device : ndarray of float64, or None
        Standard deviation beside it, over cycles or between devices.
    """

    film: Law
    ends: tuple[float, float] | None = None
    cycle: Array | None = None
    device: Array | None = None

    @property
    def law(self) -> Law:
        """What a meter finds."""
        film = self.film
        return Law(
            film.mean,
            film.cycle if self.cycle is None else self.cycle,
            film.device if self.device is None else self.device,
        )

    def at(self, places: npt.NDArray[np.integer]) -> "Written":
        """What some of the writes leave."""
        cycle, device = (None if one is None else one[places] for one in (self.cycle, self.device))
        return Written(self.film.at(places), self.ends, cycle, device)

    def drawn_film(self) -> Law:
        """The normal law that films are drawn from, and then cut at their ends."""
        return self.film if self.ends is None else self.film.uncut(*self.ends)

    def read(self, film: Law, cycle: Normals, device: Normals) -> Array:
        """R_AH that is drawn.

        Parameters
        ----------
        film : Law
            `drawn_film`, or that of some writes.
        cycle, device : ndarray of float64
            Normal values of the cycle and of the device.
        """
        read = np.asarray(film.mean + film.cycle * cycle + film.device * device, np.float64)
        if self.ends is not None:
            read = np.clip(read, *self.ends)
        if self.cycle is not None:
            read = read + self.cycle * cycle
        return read if self.device is None else read + self.device * device

    def drawn(self, ends: tuple[float, float], least: float = 0.0) -> Law:
        """The normal law which, cut at some ends, has mean and deviations of what is read there.

        Parameters
        ----------
        ends : (float, float)
            Where whoever reads it sees nothing more.
        least : float
            As of `Law.uncut`.
        """
        if self.ends is None:
            return self.law
        beside = [one for one in (self.cycle, self.device) if one is not None and one.any()]
        if not beside:
            return self.film.uncut(*ends, least)
        values = normal_values()
        cycles, devices = values[:, np.newaxis, np.newaxis], values[:, np.newaxis]
        read = np.clip(self.read(self.drawn_film(), cycles, devices), *ends)
        # Over cycles (the first axis) for each device, and between the devices' means.
        own = read.mean(axis=0)
        law = Law(own.mean(axis=0), np.sqrt(read.var(axis=0).mean(axis=0)), own.std(axis=0))
        sign = np.copysign(1.0, self.law.device)
        return Law(law.mean, law.cycle, sign * law.device).uncut(*ends, least)


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
        R_AH beyond which whoever reads it sees nothing more.

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
