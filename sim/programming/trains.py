"""Trains of pulses from saturation: what they reach, and which one each state gets.

Every write of a cell is such a train, so it has one polarity: potentiation after saturation
at the lowest R_AH, depression after saturation at the highest.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import MAX_SPREAD, SPREAD_BITS, WriteTable, write_table
from allspin.sim.device.synapse import Synapse
from allspin.sim.device.synapse_response import Array, Polarity
from allspin.sim.programming.schemes import Programming


@dataclass(frozen=True, eq=False)
class Reach:
    """What trains of whole pulses from saturation make of the mean device.

    Attributes
    ----------
    mean : tuple of two ndarray of float64, each (pulses + 1,)
        By polarity and number of pulses: R_AH, in the synapse's unit.
    cycle, device : tuple of two ndarray of float64, each (pulses + 1,)
        Standard deviation of a write, and change for a device one standard deviation up.
        An empty train is a write too: it counts as one pulse.
    """

    mean: tuple[Array, Array]
    cycle: tuple[Array, Array]
    device: tuple[Array, Array]


@lru_cache(maxsize=8)
def reach(synapse: Synapse) -> Reach:
    """Work out what trains of whole pulses reach."""
    mean, cycle, device = [], [], []
    for polarity in Polarity:
        start, end = (synapse.high, synapse.low) if polarity else (synapse.low, synapse.high)
        pulses = np.arange(math.ceil(float(synapse.pulses_to(polarity, end))) + 1)
        mean.append(synapse.curve(polarity, pulses))
        cycle.append(
            synapse.cycle_deviation(polarity, np.full(len(pulses), start), np.maximum(pulses, 1))
        )
        device.append(synapse.device_deviation(polarity, pulses))
    return Reach(tuple(mean), tuple(cycle), tuple(device))


def quieter(synapse: Synapse) -> Polarity:
    """The polarity whose writes vary less in the middle of the range."""
    trains = reach(synapse)
    middle = (synapse.low + synapse.high) / 2
    spread = []
    for polarity in Polarity:
        place = int(np.argmin(np.abs(trains.mean[polarity] - middle)))
        spread.append(float(trains.cycle[polarity][place]))
    return Polarity.POTENTIATION if spread[0] < spread[1] else Polarity.DEPRESSION


@dataclass(frozen=True, eq=False)
class Plan:
    """The open-loop train of each state of a layer.

    Attributes
    ----------
    polarity : ndarray of int8, shape (states,)
        `Polarity` of its pulses.
    widths : ndarray of float64, shape (states,)
        Pulses, in pulses of nominal width.
    pulses : ndarray of int64, shape (states,)
        Pulses of any width.
    table : WriteTable
        What the train makes of each state, by either polarity.
    """

    polarity: npt.NDArray[np.int8]
    widths: Array
    pulses: npt.NDArray[np.int64]
    table: WriteTable

    def deviation(self) -> Array:
        """Standard deviation of a write of each state, in words, shape (states,)."""
        return self.table.c2c[self.polarity, np.arange(len(self.polarity))] / 2**SPREAD_BITS


def level_targets(synapse: Synapse, levels: npt.NDArray[np.int16]) -> tuple[Array, float]:
    """R_AH of each level, and words a unit of R_AH."""
    scale = (int(levels[-1]) - int(levels[0])) / synapse.span
    return synapse.low + (levels.astype(np.float64) - float(levels[0])) / scale, scale


def penalty(miss: Array, variance: Array) -> Array:
    """The less, the likelier a write ends at its level: -2 log of the density, and a constant."""
    return miss**2 / variance + np.log(variance)


def ruled_out(polarity: str, targets: Array, middle: float) -> tuple[Array, Array]:
    """What is added to either polarity's penalty to leave the choice or to rule it out."""
    nothing, never = np.zeros(targets.shape), np.full(targets.shape, np.inf)
    match polarity:
        case "depression":
            return never, nothing
        case "potentiation":
            return nothing, never
        case "halves":
            upper = targets > middle
            return np.where(upper, 0.0, np.inf), np.where(upper, np.inf, 0.0)
    return nothing, nothing


def plan_layer(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    programming: Programming,
    mean_device: bool = False,
) -> Plan:
    """Compute the open-loop train of each state.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : ndarray of int16, shape (states,)
        R_AH words; the outermost stand for the ends of the device's range.
    programming : Programming
        Scheme and polarity.
    mean_device : bool
        Whether polarities are chosen as for the mean device, without regard to D2D.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        If the last level is not above the first.
    """
    exact = write_table(synapse, levels)
    targets, scale = level_targets(synapse, levels)
    trains = reach(synapse)
    allowed = ruled_out(programming.polarity, targets, (synapse.low + synapse.high) / 2)
    penalties, widths, reached, spreads = [], [], [], []
    for polarity in Polarity:
        if programming.scheme == "pulse-width":
            n = synapse.pulses_to(polarity, targets)
            # Not the target itself: one polarity's range may be the narrower one.
            mean = synapse.curve(polarity, n)
            cycle, device = exact.c2c[polarity], exact.d2d[polarity]
        else:
            n = np.abs(trains.mean[polarity] - targets[:, None]).argmin(axis=1)
            mean = trains.mean[polarity][n]
            cycle, device = (
                np.clip(
                    np.rint(spread[polarity][n] * scale * 2**SPREAD_BITS), -MAX_SPREAD, MAX_SPREAD
                )
                for spread in (trains.cycle, trains.device)
            )
        sigma = np.hypot(cycle, 0 if mean_device else device) / (scale * 2**SPREAD_BITS)
        variance = np.maximum(sigma, 1e-6 * synapse.span) ** 2
        penalties.append(penalty(mean - targets, variance) + allowed[polarity])
        widths.append(n.astype(np.float64))
        reached.append(mean)
        spreads.append((cycle, device))
    chosen = np.argmin(penalties, axis=0).astype(np.int8)
    place = np.arange(len(levels))
    n = np.array(widths)[chosen, place]
    steps = np.where(chosen == Polarity.DEPRESSION, place[::-1], place)
    words = np.rint((np.array(reached)[chosen, place] - synapse.low) * scale) + int(levels[0])
    table = WriteTable(
        words.astype(np.int16),
        np.array([cycle for cycle, _ in spreads]).astype(np.int32),
        np.array([device for _, device in spreads]).astype(np.int32),
    )
    pulses = steps if programming.scheme == "pulse-width" else n
    return Plan(chosen, n, pulses.astype(np.int64), table)
