"""Outliers: cycles that stand apart from those of their device, and points from their neighbours.

Each cycle is compared with the median of its device's cycles, point by point: the distance of most
of its points, against that of other cycles of all devices. Outlying cycles, such as those of a
device that is not yet run in, are set aside first.

Single points are spikes of a meter. A point is compared with the running median of its cycle, after
the median of its device's cycles is subtracted. Slow deviations, which C2C that is drawn on each
pulse has, and steps are not spikes. A deviation at one pulse in most cycles is no outlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.host.estimate.unusable import find_unusable
from allspin.host.lab.curves import LEAST_POINTS, Curve, Measurement, align, by_device
from allspin.host.lab.quantities import SHOWN
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

Far = npt.NDArray[np.bool_]
"""True for outliers among the points of a curve, or among curves."""

LEAST = 0.02
"""Share of the range below which a distance changes no result."""
FEW_CYCLES = 3
"""Cycles whose median one spike does not move; with one more, a cycle can be an outlier."""
HALF = 3
"""Neighbours on either side; the median of seven excludes two spikes side by side."""
USUAL = 0.9
"""Quantile of the distances that is the scale; many points are no distance from a median."""
FAR = 4.5
"""Number of these scales from which a point is an outlier: hardly any normal value is."""
FAR_CYCLE = 5.0
"""Times the median distance of a device's cycles from which a cycle is an outlier."""
MOST = 0.05
"""Largest share of points that may be outliers."""


@dataclass(frozen=True)
class Outlier:
    """Point, or whole cycle, that is set aside.

    Attributes
    ----------
    curve : Curve
        The cycle.
    x, resistance : float or None
        The point; None for the whole cycle.
    """

    curve: Curve
    x: float | None = None
    resistance: float | None = None

    def to_dict(self) -> dict[str, str | float | None]:
        """Return the outlier as plain values."""
        polarity = self.curve.polarity
        return {
            "device": self.curve.device,
            "cycle": self.curve.cycle,
            "polarity": None if polarity is None else polarity.name.lower(),
            "at": self.x,
            "resistance": self.resistance,
        }

    def __str__(self) -> str:
        curve = self.curve
        text = curve.device
        if curve.cycle:
            text += f" cycle {curve.cycle}"
        if curve.polarity is not None:
            text += f" {curve.polarity.name.lower()}"
        if self.x is None:
            return f"{text}, the whole cycle"
        abscissa = "current" if curve.polarity is None else "pulse"
        return f"{text} {abscissa} {self.x:.4g}"


def _usual_range(curves: Sequence[Curve]) -> float:
    """Return the median of the curves' ranges of R_AH."""
    ranges = [np.subtract(*np.percentile(one.resistance, [98, 2])) for one in curves]
    return float(np.median(ranges))


def _less_common(curves: Sequence[Curve], least: int) -> dict[int, Array]:
    """Return curves less the median of their device's cycles, by their places.

    Devices of fewer than a least number of cycles are left out.
    """
    found = {}
    for places in by_device(curves).values():
        if len(places) < least:
            continue
        own = [curves[place] for place in places]
        x, table = align(own)
        common = np.nanmedian(table, axis=0)
        for place, curve in zip(places, own, strict=True):
            found[place] = curve.resistance - common[np.searchsorted(x, curve.x)]
    return found


def outlying_cycles(curves: Sequence[Curve]) -> Far:
    """Return True for each curve, of one polarity or of neurons, that is outlying as a whole.

    Parameters
    ----------
    curves : sequence of Curve
        Curves of any number of devices and cycles; devices of fewer than four cycles have none.

    Returns
    -------
    ndarray of bool, shape (curves,)
    """
    # The 75th percentile of the points' distances, so that single spikes do not count.
    rests = _less_common(curves, FEW_CYCLES + 1)
    distances = {place: float(np.quantile(np.abs(one), 0.75)) for place, one in rests.items()}
    far = np.zeros(len(curves), bool)
    if not distances:
        return far
    least = LEAST * _usual_range(curves)
    for places in by_device(curves).values():
        own = [place for place in places if place in distances]
        if not own:
            continue
        mine = np.array([distances[place] for place in own])
        # Few distances do not tell the usual one well.
        limit = (FAR_CYCLE + 15 / mine.size) * float(np.median(mine))
        far[own] = mine > max(limit, least)
        count = int(far[own].sum())
        if count > len(own) / 3:  # the good cycles cannot be told from the bad ones
            raise UserError(
                f"{count} of {len(own)} cycles stand apart from the others of their device, too "
                f"many for outliers, {Outlier(curves[int(np.argmax(far))])}, among them; choose "
                'those that are good, such as `where` "cycle=3..10", or keep all with '
                "`keep_outliers`"
            )
    return far


def _running_median(values: Array, shrink: bool) -> Array:
    """Return medians of neighbours; windows at the ends are cut, or shrink and stay symmetric."""
    padded = np.pad(values, HALF, constant_values=np.nan)
    medians = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * HALF + 1), axis=1)
    if shrink:
        for end in range(min(HALF, values.size)):
            medians[end] = np.median(values[: 2 * end + 1])
            medians[-1 - end] = np.median(values[values.size - 2 * end - 1 :])
    return medians


def _spiked_ends(curve: Curve, limit: float) -> list[int]:
    """Return the ends that lie beyond their next points, against the way of the curve: 0, -1.

    The running median cannot tell an end from a fast first pulse. A monotone curve never begins
    beyond its next points.
    """
    found = []
    if curve.x.size <= LEAST_POINTS:
        return found
    for end, inwards in ((0, 1), (-1, -1)):
        values = curve.resistance[::inwards]
        if curve.polarity is None:
            # A neuron's curve may fall at one end and rise at the other.
            rises = values[3] - values[1]
        else:
            rises = inwards * (1 - 2 * curve.polarity)
        if (values[0] - np.median(values[1:4])) * np.sign(rises) > limit:
            found.append(end)
    return found


def _outlying_points(curve: Curve, rest: Array, limit: float, few: bool) -> Far:
    """Return True for each point of a curve that is an outlier by itself.

    Parameters
    ----------
    curve : Curve
        The curve.
    rest : ndarray of float64, shape (points,)
        R_AH, or its difference from the median of the device's cycles.
    limit : float
        Distance from which a point is an outlier.
    few : bool
        True if the device has few cycles, so that `rest` is R_AH itself.
    """
    ends = _spiked_ends(curve, limit) if few else []
    rest = rest.copy()
    # On a slope a spike at an end makes the points beside it seem far.
    for end in ends:
        rest[end] = rest[1 if end == 0 else -2]
    far = np.abs(rest - _running_median(rest, few)) > limit
    if far.any() and not far.all():
        # On a slope a spike draws the median with it: points must also be far from the line
        # between the neighbours that are not.
        places = np.arange(rest.size)
        far &= np.abs(rest - np.interp(places, places[~far], rest[~far])) > limit
    far[ends] = True
    return far


def find_outliers(curves: Sequence[Curve]) -> list[Far]:
    """Return True for each outlying point of curves of one polarity, or of neurons.

    Parameters
    ----------
    curves : sequence of Curve
        Curves of any number of devices and cycles.

    Returns
    -------
    list of ndarray of bool
        One for each curve.
    """
    if not curves:
        return []
    common = _less_common(curves, FEW_CYCLES)
    few = [place not in common for place in range(len(curves))]
    rests = [common.get(place, curve.resistance) for place, curve in enumerate(curves)]
    distances = [rest - _running_median(rest, own) for rest, own in zip(rests, few, strict=True)]
    scale = float(np.quantile(np.abs(np.concatenate(distances)), USUAL))
    limit = max(FAR * scale, LEAST * _usual_range(curves))
    triples = zip(curves, rests, few, strict=True)
    far = [_outlying_points(curve, rest, limit, own) for curve, rest, own in triples]
    # A deviation of most curves at one place belongs to the curve.
    x, which = np.unique(np.concatenate([curve.x for curve in curves]), return_inverse=True)
    counts = np.bincount(which)
    often = np.bincount(which, np.concatenate(far)) > counts / 2
    usual = x[often & (counts >= FEW_CYCLES)]
    return [own & ~np.isin(curve.x, usual) for own, curve in zip(far, curves, strict=True)]


def set_aside(measurement: Measurement) -> tuple[Measurement, list[Outlier]]:
    """Return a measurement without its outliers, and these: whole cycles first, then points.

    Raises
    ------
    UserError
        If too many points or cycles stand apart to be outliers.
    """
    curves = measurement.curves
    unusable, notes = find_unusable(curves)
    cycles: list[Outlier] = []
    points: list[Outlier] = []
    kept: dict[int, Curve] = {}
    for polarity in (*Polarity, None):
        places = []
        for place, curve in enumerate(curves):
            if curve.polarity is polarity and place not in unusable:
                places.append(place)
        outlying = outlying_cycles([curves[place] for place in places])
        cycles += [Outlier(curves[n]) for n, far in zip(places, outlying, strict=True) if far]
        good = [place for place, far in zip(places, outlying, strict=True) if not far]
        for place, far in zip(good, find_outliers([curves[n] for n in good]), strict=True):
            kept[place], own = _without(curves[place], far)
            points += own
    count = len(points) + sum(curve.x.size for curve in kept.values())
    if len(points) > MOST * count:  # a distribution with wide tails has as many
        raise UserError(
            f"{len(points):,} of {count:,} points stand apart from their neighbours, too many "
            f"for outliers, {points[0]} among them; keep them with `keep_outliers`, or choose "
            "the rows that are good"
        )
    notes = [
        *measurement.notes,
        *notes,
        *_note(
            cycles,
            f"{len(curves):,} cycles are set aside, which stand apart from the others of their "
            "device",
        ),
        *_note(points, f"{count:,} points are set aside as outliers"),
    ]
    unused = [Outlier(curves[place]) for place in sorted(unusable)]
    measurement = replace(measurement, curves=[kept[n] for n in sorted(kept)], notes=notes)
    return measurement, unused + cycles + points


def _without(curve: Curve, far: Far) -> tuple[Curve, list[Outlier]]:
    """Return a curve without its outlying points, and these; a short curve keeps all."""
    if not far.any() or np.sum(~far) < LEAST_POINTS:
        return curve, []
    pairs = zip(curve.x[far].tolist(), curve.resistance[far].tolist(), strict=True)
    return curve.at(np.flatnonzero(~far)), [Outlier(curve, x, value) for x, value in pairs]


def _note(outliers: list[Outlier], words: str) -> list[str]:
    """Return a note that lists the first of some outliers."""
    if not outliers:
        return []
    shown = "; ".join(map(str, outliers[:SHOWN]))
    if len(outliers) > SHOWN:
        shown += f" and {len(outliers) - SHOWN:,} more"
    return [f"{len(outliers):,} of {words}: {shown} (`keep_outliers` keeps them)"]
