"""Trains by pairs: what each pulse did to R_AH from where it was, and what many of them lead to.

Cycles that were measured tell the deviation after each number of pulses themselves. Where there are
few cycles, or they do not begin where a write does, the changes by single pulses tell more.
"""

from collections.abc import Sequence

import numpy as np

from allspin.host.study.fit.model.response import DeviceCurves
from allspin.sim.device.synapse.response import Array
from allspin.sim.device.synapse.table import TableResponse, mean_device
from allspin.sim.errors import UserError
from allspin.sim.pulses.chain import after
from allspin.sim.pulses.changes import LEAST_PAIRS, Changes


def _pairs(device: DeviceCurves) -> tuple[Array, Array]:
    """R_AH before and after each single pulse, of all cycles."""
    next_to = np.diff(device.pulses) == 1
    before, behind = device.resistance[:, :-1][:, next_to], device.resistance[:, 1:][:, next_to]
    there = np.isfinite(before) & np.isfinite(behind)
    return before[there], behind[there]


def pair_response(
    devices: Sequence[DeviceCurves], pulses: int, meter: float, ends: tuple[float, float]
) -> TableResponse:
    """The table of one polarity that the changes by single pulses lead to.

    Parameters
    ----------
    devices : sequence of DeviceCurves
        The data.
    pulses : int
        The table's last pulse.
    meter : float
        Deviation of a point by the meter's noise.
    ends : (float, float)
        The lowest and the highest R_AH of a film.

    Raises
    ------
    UserError
        If a device has too few pairs.
    """
    found = []
    for device in devices:
        before, behind = _pairs(device)
        if before.size < LEAST_PAIRS:
            raise UserError(
                f"device {device.device} has {before.size} pairs of R_AH before and after a pulse, "
                f"and --c2c-occasion pulse of a table needs {LEAST_PAIRS}; take write"
            )
        changes = Changes.of_pairs(before, behind, ends, meter)
        start = float(np.clip(device.mean[0], *ends))
        way, spread = after(changes, start, np.arange(pulses + 1))
        found.append(TableResponse(way, spread, np.zeros(way.size)))
    return mean_device(found)
