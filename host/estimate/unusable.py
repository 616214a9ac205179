"""Unusable devices: those that do not switch, jump between two levels, or scatter far too much.

A device that stops switching keeps its good cycles. R_AH that jumps by one size at random is
telegraph noise. If half of the devices or more jump or scatter, all are kept with a note, because
the data do not tell the usual behaviour.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from allspin.host.estimate.lines import CurveLines, straight_line
from allspin.host.estimate.response import DeviceCurves, fit_device, stack
from allspin.host.lab.curves import DEAD, Curve, by_device, medians, scatter_of, usual_swing
from allspin.host.lab.quantities import few
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity

LEAST_JUMP = 0.02
"""Share of the usual swing below which a step is no jump."""
FAR_STEP = 6
"""Times the usual step, from which a step is a jump."""
FEWEST_JUMPS = 5
OFTEN = 0.01
"""Share of the pulses up to which jumps are spikes."""
ALIKE = 0.35
"""Largest relative deviation of the sizes of jumps between two levels."""
ONE_WAY = 0.7
"""Largest excess of jumps in one direction."""
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
        odd = _odd_devices(living, usual)
        # Where many do, the usual behaviour is not known.
        are_few = len(odd) < len(by_device(living)) / 2
        consequence = "it is left out" if are_few else "its C2C has it"
        notes += _dead_notes(some, dead)
        notes += [f"{device} {reason}; {consequence}" for device, reason in odd.items()]
        for n, place in enumerate(places):
            if n in dead or (are_few and some[n].device in odd):
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


def _odd_devices(curves: list[Curve], usual: float) -> dict[str, str]:
    """Return devices that scatter far more than others or jump, each with the reason."""
    groups = by_device(curves)
    odd = {}
    for device, ratio in _noise_ratios(curves, groups, usual).items():
        if ratio > NOISY:
            odd[device] = f"scatters {ratio:.2g} times as much as the others"
    for device, own in groups.items():
        if jump := _telegraph_noise([curves[n] for n in own], LEAST_JUMP * usual):
            odd[device] = jump
    return odd


def _noise_ratios(
    curves: list[Curve], groups: dict[str, list[int]], usual: float
) -> dict[str, float]:
    """Return each device's noise over that of the median device, if there are three or more.

    The noise is the larger ratio of two: of the scatter of neighbours, and of the distance from
    straight lines of the mean curve. Running medians exclude spikes, which tilt the lines.
    """
    if len(groups) < 3:
        return {}
    lines = CurveLines([replace(one, resistance=medians(one.resistance)) for one in curves])
    noises = {}
    for device, own in groups.items():
        rest = float(np.median(np.abs(np.concatenate([lines.residuals[n] for n in own]))))
        noises[device] = np.array([scatter_of([curves[n].resistance for n in own]), rest])
    typical = np.maximum(np.median(list(noises.values()), axis=0), 1e-3 * usual)
    return {device: float(np.max(noise / typical)) for device, noise in noises.items()}


def _telegraph_noise(curves: Sequence[Curve], least: float) -> str:
    """Return a description of a device's telegraph noise; empty if it has none."""
    jumps = [np.zeros(0)]
    count = 0
    twice = 0
    for polarity in Polarity:
        for device in stack([one for one in curves if one.polarity is polarity]):
            steps = _steps(device)
            far = np.abs(steps) > _limits(steps, least)
            jumps.append(steps[far])
            count += np.isfinite(steps).sum()
            twice += 2 * np.count_nonzero(far[:, 1:] & far[:, :-1])
    found = np.concatenate(jumps)
    sizes = np.abs(found)
    # A spike goes back at once, so that its steps come in pairs.
    if sizes.size < max(FEWEST_JUMPS, OFTEN * count) or twice > sizes.size / 2:
        return ""
    if sizes.std() > ALIKE * sizes.mean() or abs(np.sign(found).mean()) > ONE_WAY:
        return ""
    return (
        f"jumps by {np.median(sizes):.3g} at {sizes.size / count:.0%} of its pulses (telegraph "
        "noise)"
    )


def _steps(device: DeviceCurves) -> Array:
    """Return steps of cycles between neighbours, shape (cycles, points - 1), less those of the way.

    The way is the fitted curve with the residuals that neighbours have in common; each cycle's own
    swing and height are fitted to it.
    """
    rest = fit_device(device, int(device.pulses[-1]) or 1).residuals
    way = device.mean - rest + uniform_filter1d(rest, 7, mode="nearest")
    rows = []
    for row in device.resistance:
        known = np.isfinite(row)
        rows.append(row - np.polyval(straight_line(way[known], row[known]), way))
    return np.diff(rows, axis=1)


def _limits(steps: Array, least: float) -> Array:
    """Return the size from which each step is a jump.

    Cycles that have faded scatter less, and so may the ends of all cycles.
    """
    sizes = np.abs(steps)
    along = np.nanmedian(sizes, axis=0)
    of_cycle = np.nanmedian(sizes, axis=1, keepdims=True)
    usual = uniform_filter1d(along, sizes.shape[1] // 3 + 1, mode="nearest") * of_cycle
    return np.maximum(FAR_STEP * usual / max(np.nanmedian(sizes), 1e-300), least)
