"""Cycles that stand apart from the others of their device: of a film that is not yet run in.

A cycle is compared with the median of its device's cycles, point by point. How far most of its
points are away is compared with how far those of other cycles are, of all devices.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from allspin.host.study.fit.reading.curve import Curve
from allspin.sim.device.synapse.response import Array

FEW = 4
"""Cycles from which one of them can be told to be another than the rest."""
MOST_POINTS = 0.75
"""Share of a cycle's points that are nearer than the cycle is away; spikes are few."""
SURE = 5.0
"""Deviations of the logarithm of that distance from which a cycle is outlying."""
RATIOS = (3.0, 6.0)
"""Times the usual distance from which it is, whatever that deviation: at least, and at most."""
UNSURE = 15.0
"""Added to both, over the number of cycles: of few the usual distance is not well known."""
LEAST = 0.02
"""Of the range: what is nearer changes no figure."""
MAD = 1.4826
"""Standard deviation of normal values over their median distance from the median."""


def align(curves: Sequence[Curve]) -> list[npt.NDArray[np.intp]]:
    """For each curve, its points' places on a list that all cycles of the device share."""
    if all(np.array_equal(curve.x, curves[0].x) for curve in curves):
        return [np.arange(curve.x.size, dtype=np.intp) for curve in curves]
    places = np.unique(np.concatenate([curve.x for curve in curves]))
    return [np.searchsorted(places, curve.x) for curve in curves]


def less_common(curves: Sequence[Curve]) -> list[Array]:
    """Points of one device's cycles less the median of the cycles that have a point there."""
    where = align(curves)
    table = np.full((len(curves), 1 + max(int(one.max()) for one in where)), np.nan)
    for row, curve, own in zip(table, curves, where, strict=True):
        row[own] = curve.resistance
    there = np.isfinite(table).any(axis=0)
    common = np.zeros(table.shape[1])
    common[there] = np.nanmedian(table[:, there], axis=0)
    return [curve.resistance - common[own] for curve, own in zip(curves, where, strict=True)]


def _limit(distances: Array, span: float) -> float:
    """From which distance a cycle is outlying."""
    usual = float(np.median(distances))
    if not usual:
        return LEAST * span
    logs = np.log(np.maximum(distances, 1e-3 * usual) / usual)
    spread = MAD * float(np.median(np.abs(logs)))
    least, most = (ratio + UNSURE / distances.size for ratio in RATIOS)
    return max(float(np.clip(np.exp(SURE * spread), least, most)) * usual, LEAST * span)


def outlying_cycles(curves: Sequence[Curve]) -> npt.NDArray[np.bool_]:
    """Which of some curves of one polarity, or of neurons, are outlying as a whole.

    Parameters
    ----------
    curves : sequence of Curve
        Of any number of devices and cycles; devices of fewer than four cycles have none.

    Returns
    -------
    ndarray of bool, shape (curves,)
    """
    devices: dict[str, list[int]] = {}
    for place, curve in enumerate(curves):
        devices.setdefault(curve.device, []).append(place)
    distances = np.full(len(curves), np.nan)
    for places in devices.values():
        if len(places) >= FEW:
            rests = less_common([curves[place] for place in places])
            distances[places] = [np.quantile(np.abs(rest), MOST_POINTS) for rest in rests]
    tested = np.isfinite(distances)
    if not tested.any():
        return tested
    spans = [np.subtract(*np.percentile(curve.resistance, [98, 2])) for curve in curves]
    limit = _limit(distances[tested], float(np.median(spans)))
    return tested & (np.nan_to_num(distances) > limit)
