"""Cycles that stand apart from the others of their device, and points from their neighbours.

A cycle of a film that is not yet run in is another than the rest. Each is compared with the median
of its device's cycles, point by point: how far most of its points are away, against how far those
of other cycles are, of all devices. Such cycles are set aside first.

Single points are spikes of a meter. A point is compared with the running median of its cycle,
after what cycles of its device have in common (their median) is taken off. Slow deviations, which
C2C that is drawn on each pulse has, and steps are not spikes. A curve that does the same at one
pulse in most cycles is no outlier.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.host.fit.cycles import find_unusable
from allspin.host.lab.curves import Curve, Measurement, aligned, by_device
from allspin.host.lab.quantities import SHOWN
from allspin.host.lab.turns import LEAST_POINTS
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

Far = npt.NDArray[np.bool_]
"""Which points of a curve, or which curves, are outliers."""

LEAST = 0.02
"""Of the range: what is nearer changes no figure."""
FEW_CYCLES = 3
"""Cycles whose median one spike does not move; from one more on a cycle can be an outlier."""
HALF = 3
"""Neighbours on either side: two spikes side by side are still told."""
FAR, USUAL = 4.5, 0.9
"""A point is an outlier that is so many times as far away as this share of points is: of normal
ones hardly any is. Many are no way from a median, so that its own distance would not do."""
PARTS = 10
"""Parts of a curve whose scatter may differ."""


@dataclass(frozen=True)
class Outlier:
    """A point, or a whole cycle, that was set aside.

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
        """As plain values."""
        polarity = self.curve.polarity
        return {
            "device": self.curve.device,
            "cycle": self.curve.cycle,
            "polarity": None if polarity is None else polarity.name.lower(),
            "at": self.x,
            "resistance": self.resistance,
        }

    def __str__(self) -> str:
        curve, way = self.curve, self.curve.polarity
        name, at = ("", "current") if way is None else (f" {way.name.lower()}", "pulse")
        place = ", the whole cycle" if self.x is None else f" {at} {self.x:.4g}"
        return f"{curve.device}{f' cycle {curve.cycle}' * bool(curve.cycle)}{name}{place}"


def _usual_range(curves: Sequence[Curve]) -> float:
    """The range of R_AH that most curves have."""
    return float(
        np.median([np.subtract(*np.percentile(one.resistance, [98, 2])) for one in curves])
    )


def _less_common(curves: Sequence[Curve], least: int) -> dict[int, Array]:
    """Points less the median of the device's cycles that have a point there.

    They are those of devices of so many cycles at least, by the places of their curves.
    """
    found = {}
    for places in (places for places in by_device(curves).values() if len(places) >= least):
        own = [curves[place] for place in places]
        x, table = aligned([one.x for one in own], [one.resistance for one in own])
        common = np.nanmedian(table, axis=0)
        found |= {
            place: one.resistance - common[np.searchsorted(x, one.x)]
            for place, one in zip(places, own, strict=True)
        }
    return found


def outlying_cycles(curves: Sequence[Curve]) -> Far:
    """Which of some curves of one polarity, or of neurons, are outlying as a whole.

    Parameters
    ----------
    curves : sequence of Curve
        Of any number of devices and cycles; devices of fewer than four cycles have none.

    Returns
    -------
    ndarray of bool, shape (curves,)
    """
    # A cycle is as far away as three quarters of its points are at most: spikes are few.
    away = {
        place: float(np.quantile(np.abs(rest), 0.75))
        for place, rest in _less_common(curves, FEW_CYCLES + 1).items()
    }
    far = np.zeros(len(curves), bool)
    for places in by_device(curves).values() if away else ():
        own = [place for place in places if place in away]
        distances = np.array([away[place] for place in own])
        usual = float(np.median(distances)) if own else 0.0
        # Five standard deviations of the logarithms, of which the usual distance is the median,
        # but 3 to 6 times that distance; of few cycles it is not well known.
        logs = np.log(np.maximum(distances, 1e-3 * usual) / usual) if usual else np.zeros(1)
        ratio = np.exp(5 * 1.4826 * float(np.median(np.abs(logs)))) - 15 / max(len(own), 1)
        limit = (float(np.clip(ratio, 3, 6)) + 15 / max(len(own), 1)) * usual
        far[own] = distances > max(limit, LEAST * _usual_range(curves))
        count = int(far[own].sum())
        if count > len(own) / 3:  # nobody can say which are the good ones
            raise UserError(
                f"{count} of {len(own)} cycles stand apart from the others of their device, too "
                f"many for outliers, {Outlier(curves[int(np.argmax(far))])}, among them; choose "
                'those that are good, such as --where "cycle=3..10", or keep all with '
                "--keep-outliers"
            )
    return far


def _running_median(values: Array, shrink: bool) -> Array:
    """Median of neighbours; at the ends of fewer: as many on either side, or whatever there is."""
    padded = np.pad(values, HALF, constant_values=np.nan)
    medians = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 2 * HALF + 1), axis=1)
    for end in range(min(HALF, values.size) if shrink else 0):
        medians[end] = np.median(values[: 2 * end + 1])
        medians[-1 - end] = np.median(values[values.size - 2 * end - 1 :])
    return medians


def _spiked_ends(curve: Curve, limit: Array) -> list[int]:
    """Ends that lie beyond their next points, against the way of the curve: 0, -1, or both.

    The running median cannot tell an end from a fast first pulse. A monotone curve, though, never
    begins beyond its next points.
    """
    found = []
    for end, inwards in ((0, 1), (-1, -1)) if curve.x.size > LEAST_POINTS else ():
        v = curve.resistance[::inwards]
        # A neuron's curve may fall at one end and rise at the other.
        rises = v[3] - v[1] if curve.polarity is None else inwards * (1 - 2 * curve.polarity)
        if (v[0] - np.median(v[1:4])) * np.sign(rises) > limit[end]:
            found.append(end)
    return found


def _far(curve: Curve, rest: Array, limit: Array, few: bool) -> Far:
    """Which points of a curve are outliers by themselves."""
    ends = _spiked_ends(curve, limit) if few else []
    # On a slope such an end makes the points beside it seem far.
    rest = rest.copy()
    for end in ends:
        rest[end] = rest[1 if end == 0 else -2]
    far = np.abs(rest - _running_median(rest, few)) > limit
    if far.any() and not far.all():
        # On a slope a spike draws the median with it, and points beside it seem far: only those
        # are that are far from the line between the neighbours that are not.
        places = np.arange(rest.size)
        far &= np.abs(rest - np.interp(places, places[~far], rest[~far])) > limit
    far[ends] = True
    return far


def _limits(curves: Sequence[Curve], distances: Sequence[Array]) -> list[Array]:
    """The distance from which each point is an outlier, by the scatter of its part of the curve."""
    every = np.abs(np.concatenate(distances))
    whole = float(np.quantile(every, USUAL))
    top = max(float(np.abs(curve.x).max()) for curve in curves) or 1.0
    shares = [(np.abs(curve.x) / top * PARTS).astype(int) for curve in curves]
    parts = [np.minimum(share, PARTS - 1) for share in shares]
    which, scales = np.concatenate(parts), np.full(PARTS, whole)
    # A part of 50 points tells its scatter by itself.
    for part in np.flatnonzero(np.bincount(which, minlength=PARTS) >= 50):
        scales[part] = max(float(np.quantile(every[which == part], USUAL)), whole / 2)
    least = LEAST * _usual_range(curves)
    return [np.maximum(FAR * scales, least)[own] for own in parts]


def find_outliers(curves: Sequence[Curve]) -> list[Far]:
    """Which points of some curves of one polarity, or of neurons, are outliers.

    Parameters
    ----------
    curves : sequence of Curve
        Of any number of devices and cycles.

    Returns
    -------
    list of ndarray of bool
        For each curve.
    """
    if not curves:
        return []
    common = _less_common(curves, FEW_CYCLES)
    few = [place not in common for place in range(len(curves))]
    rests = [common.get(place, curve.resistance) for place, curve in enumerate(curves)]
    distances = [rest - _running_median(rest, own) for rest, own in zip(rests, few, strict=True)]
    far = list(map(_far, curves, rests, _limits(curves, distances), few))
    # What most curves do at one place is no outlier.
    x, which = np.unique(np.concatenate([curve.x for curve in curves]), return_inverse=True)
    counts = np.bincount(which)
    often = np.bincount(which, np.concatenate(far)) > counts / 2
    usual = x[often & (counts >= FEW_CYCLES)]
    return [own & ~np.isin(curve.x, usual) for own, curve in zip(far, curves, strict=True)]


def set_aside(measurement: Measurement) -> tuple[Measurement, list[Outlier]]:
    """A measurement without its outliers, and these: whole cycles first, then points.

    Raises
    ------
    UserError
        If so many points or cycles stand apart that they are no outliers.
    """
    away, said = find_unusable(measurement.curves)
    notes = [*measurement.notes, *said]
    left_out = [Outlier(measurement.curves[n]) for n in sorted(away)]
    curves, cycles, outliers = measurement.curves, list[Outlier](), list[Outlier]()
    kept: dict[int, Curve] = {}
    for polarity in (*Polarity, None):
        places = [n for n, one in enumerate(curves) if one.polarity is polarity and n not in away]
        bad = outlying_cycles([curves[n] for n in places])
        cycles += [Outlier(curves[n]) for n, far in zip(places, bad, strict=True) if far]
        good = [n for n, far in zip(places, bad, strict=True) if not far]
        for n, far in zip(good, find_outliers([curves[n] for n in good]), strict=True):
            one, some = curves[n], bool(far.any() and np.sum(~far) >= LEAST_POINTS)
            kept[n] = one.at(np.flatnonzero(~far)) if some else one
            pairs = zip(one.x[far].tolist(), one.resistance[far].tolist(), strict=True)
            outliers += [Outlier(one, *pair) for pair in pairs] * some
    count = len(outliers) + sum(curve.x.size for curve in kept.values())
    if len(outliers) > 0.05 * count:  # a distribution with wide tails has as many
        raise UserError(
            f"{len(outliers):,} of {count:,} points stand apart from their neighbours, too many "
            f"for outliers, {outliers[0]} among them; keep them with --keep-outliers, or choose "
            "the rows that are good"
        )
    whole = f"{len(curves):,} cycles are set aside, which stand apart from the others of their"
    for some, what in (
        (cycles, f"{whole} device"),
        (outliers, f"{count:,} points are set aside as outliers"),
    ):
        if some:
            shown = "; ".join(map(str, some[:SHOWN]))
            shown += f" and {len(some) - SHOWN:,} more" if len(some) > SHOWN else ""
            notes.append(f"{len(some):,} of {what}: {shown} (--keep-outliers keeps them)")
    curves = [kept[place] for place in sorted(kept)]
    return replace(measurement, curves=curves, notes=notes), left_out + cycles + outliers
