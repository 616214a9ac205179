"""Unusable devices: those that do not switch, or scatter far more than the others.

A device that stops switching keeps its good cycles. Telegraph noise, which lets R_AH jump between
two levels at random, is one reason of a large scatter.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from allspin.host.estimate.lines import CurveLines
from allspin.host.lab.curves import DEAD, Curve, by_device, medians, scatter_of, usual_swing
from allspin.host.lab.quantities import few
from allspin.sim.errors import UserError

NOISY = 2.5
"""Times the scatter of the median device, from which a device is no usual one."""


def find_unusable(curves: Sequence[Curve]) -> tuple[set[int], list[str]]:
    """Return places of curves of unusable devices, and notes.

    Raises
    ------
    UserError
        If R_AH follows neither pulses nor currents.
    """
    unusable: set[int] = set()
    notes: list[str] = []
    for pulsed in (True, False):
        places = [n for n, one in enumerate(curves) if (one.polarity is not None) is pulsed]
        if not places:
            continue
        some = [curves[place] for place in places]
        usual = usual_swing(some)
        if usual < 3 * scatter_of([one.resistance for one in some]):
            raise UserError(
                f"R_AH changes by {usual:.3g} along its curves, which is no more than its scatter; "
                "is it the right column?"
            )
        dead = {n for n, one in enumerate(some) if one.swing < DEAD * usual}
        living = [one for n, one in enumerate(some) if n not in dead]
        noisy = set()
        for device, ratio in _noise_ratios(living, usual).items():
            if ratio > NOISY:
                noisy.add(device)
                notes.append(
                    f"{device} scatters {ratio:.2g} times as much as the others (noise, or jumps "
                    "between two levels); it is left out"
                )
        notes += _dead_notes(some, dead)
        for n, place in enumerate(places):
            if n in dead or some[n].device in noisy:
                unusable.add(place)
    return unusable, notes


def _dead_notes(curves: list[Curve], dead: set[int]) -> list[str]:
    """Return notes on devices with curves that do not switch."""
    notes = []
    for device, own in by_device(curves).items():
        still = [curves[n].cycle for n in own if n in dead]
        kept = len(own) - len(still)
        if still and kept:
            notes.append(
                f"{device} does not switch in cycle {few(still)}; {kept} of its {len(own)} curves "
                "are kept"
            )
        elif still:
            notes.append(f"{device} does not switch and is left out")
    return notes


def _noise_ratios(curves: list[Curve], usual: float) -> dict[str, float]:
    """Return each device's noise over that of the median device, if there are three or more.

    The noise is the larger ratio of two: of the scatter of neighbours, and of the distance from
    straight lines of the mean curve. Running medians exclude spikes, which tilt the lines.
    """
    groups = by_device(curves)
    if len(groups) < 3:
        return {}
    lines = CurveLines([replace(one, resistance=medians(one.resistance)) for one in curves])
    noises = {}
    for device, own in groups.items():
        rest = float(np.median(np.abs(np.concatenate([lines.residuals[n] for n in own]))))
        noises[device] = np.array([scatter_of([curves[n].resistance for n in own]), rest])
    typical = np.maximum(np.median(list(noises.values()), axis=0), 1e-3 * usual)
    return {device: float(np.max(noise / typical)) for device, noise in noises.items()}
