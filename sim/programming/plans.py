"""Open-loop plans: the train of pulses of each state of a layer.

A train has one polarity. All but the further trains of ``incremental`` start at saturation:
potentiation after saturation at the lowest R_AH, depression after saturation at the highest.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.words import SPREAD_BITS
from allspin.sim.chip.write_table import MAX_SPREAD, WriteTable
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.written import Law, Written

CLOSE = 0.1
"""Words by which a deviation may be wrong for a level to be within the words' range."""
LEAST_PULSES = 4
"""Smallest number of pulses across the range, by the finer polarity, for addressable states."""
UNLIMITED = 2**31 - 1
"""Deviation that no write has, in units of a `WriteTable`."""


def is_addressable(synapse: Synapse) -> bool:
    """Return True if pulses of a polarity stop at states between the ends of the range."""
    return max(synapse.pulses_across(polarity) for polarity in Polarity) >= LEAST_PULSES


def quieter(synapse: Synapse) -> Polarity:
    """Return the polarity whose writes vary less in the middle of the range."""
    middle = (synapse.low + synapse.high) / 2
    spread = []
    for written in synapse.trains:
        place = int(np.argmin(np.abs(written.law.mean - middle)))
        spread.append(float(written.law.cycle[place]))
    return Polarity.POTENTIATION if spread[0] < spread[1] else Polarity.DEPRESSION


@dataclass(frozen=True, eq=False)
class OpenLoopPlan:
    """The open-loop train of each state of a layer.

    Attributes
    ----------
    polarity : ndarray of int8, shape (states,)
        `Polarity` of its pulses.
    widths : ndarray of float64, shape (states,)
        Pulses, in pulses of nominal width.
    pulses : ndarray of int64, shape (states,)
        Pulses of any width.
    reached : ndarray of int16, shape (states,)
        R_AH word that the train reaches on average.
    cycle : ndarray of float64, shape (states,)
        Standard deviation of the reached word over cycles, in words.
    table : WriteTable
        Distributions from which each state's train is drawn, by polarity.
    """

    polarity: npt.NDArray[np.int8]
    widths: Array
    pulses: npt.NDArray[np.int64]
    reached: npt.NDArray[np.int16]
    cycle: Array
    table: WriteTable


def level_targets(synapse: Synapse, levels: npt.NDArray[np.int16]) -> tuple[Array, float]:
    """Return the R_AH of each level, and the number of words per unit of R_AH."""
    scale = (int(levels[-1]) - int(levels[0])) / synapse.span
    return synapse.low + (levels.astype(np.float64) - float(levels[0])) / scale, scale


def penalty(miss: Array, variance: Array) -> Array:
    """Compute -2 log of the density at the level, less a constant: small if a write likely hits."""
    return miss**2 / variance + np.log(variance)


def ruled_out(polarity: str, targets: Array, middle: float) -> tuple[Array, Array]:
    """Return the term that each polarity's penalty gets: 0, or infinity to exclude it."""
    allowed = np.zeros(targets.shape)
    excluded = np.full(targets.shape, np.inf)
    match polarity:
        case "depression":
            return excluded, allowed
        case "potentiation":
            return allowed, excluded
        case "halves":
            upper = targets > middle
            return np.where(upper, 0.0, np.inf), np.where(upper, np.inf, 0.0)
    return allowed, allowed


def drawn_words(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    pulses: npt.NDArray[np.float64],
    rah_bits: int = 8,
) -> tuple[Law, Law]:
    """Return the normal distributions, in words, from which writes are drawn.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : ndarray of int16, shape (states,)
        The outermost stand for the ends of the range.
    pulses : ndarray of float64, shape (2, states)
        Pulses of each write, by polarity.
    rah_bits : int
        Width of a word; draws are cut at the ends of its range.
    """
    top = full_scale(rah_bits)
    scale = (int(levels[-1]) - int(levels[0])) / synapse.span
    ends = [synapse.low + (end - float(levels[0])) / scale for end in (-top, top)]
    found = []
    for polarity in Polarity:
        written = synapse.written(polarity, pulses[polarity], (ends[0], ends[1]))
        law = written.drawn((ends[0], ends[1]), CLOSE / scale)
        found.append(law.scaled(synapse.low, scale, float(levels[0])))
    return found[0], found[1]


def spread_units(words: npt.NDArray[np.float64], most: int = MAX_SPREAD) -> npt.NDArray[np.int32]:
    """Convert deviations to the unit of a `WriteTable`, limited to its range."""
    return np.clip(np.rint(words * 2**SPREAD_BITS), -most, most).astype(np.int32)


def plan_layer(
    synapse: Synapse,
    levels: npt.NDArray[np.int16],
    programming: Programming,
    rah_bits: int = 8,
    mean_device: bool = False,
) -> OpenLoopPlan:
    """Compute the open-loop train of each state.

    Parameters
    ----------
    synapse : Synapse
        The device.
    levels : ndarray of int16, shape (states,)
        R_AH words; the outermost stand for the ends of the device's range.
    programming : Programming
        Scheme and polarity.
    rah_bits : int
        Width of a word.
    mean_device : bool
        Choose polarities as for the mean device, without regard to D2D.

    Returns
    -------
    OpenLoopPlan

    Raises
    ------
    ValueError
        If the last level is not above the first.
    """
    if int(levels[-1]) <= int(levels[0]):
        raise ValueError("the last level must be above the first")
    targets, scale = level_targets(synapse, levels)
    trains = [_trains(synapse, polarity, targets, programming.scheme) for polarity in Polarity]
    laws = [written.law for _, written in trains]
    chosen = _choose_polarity(synapse, programming, laws, targets, scale, mean_device)
    place = np.arange(len(levels))

    def of_chosen(tables: list[Array]) -> Array:
        """Take the table of the chosen polarity for each state."""
        return np.array(tables)[chosen, place]

    widths = of_chosen([pulses for pulses, _ in trains])
    if programming.scheme == "pulse-width":
        pulses = np.where(chosen == Polarity.DEPRESSION, place[::-1], place)
    else:
        pulses = widths
    words = [law.scaled(synapse.low, scale, float(levels[0])) for law in laws]
    drawn = drawn_words(synapse, levels, np.array([pulses for pulses, _ in trains]), rah_bits)
    table = _drawn_table(levels, drawn, of_chosen([law.mean for law in drawn]), rah_bits)
    return OpenLoopPlan(
        polarity=chosen,
        widths=widths,
        pulses=pulses.astype(np.int64),
        reached=np.rint(of_chosen([law.mean for law in words])).astype(np.int16),
        cycle=spread_units(of_chosen([law.cycle for law in words])) / 2**SPREAD_BITS,
        table=replace(table, correlation=synapse.correlation),
    )


def _choose_polarity(
    synapse: Synapse,
    programming: Programming,
    laws: list[Law],
    targets: Array,
    scale: float,
    mean_device: bool,
) -> npt.NDArray[np.int8]:
    """Choose the polarity of each state whose train most likely ends at the state's level."""
    excluded = ruled_out(programming.polarity, targets, (synapse.low + synapse.high) / 2)
    penalties = []
    for law, added in zip(laws, excluded, strict=True):
        # Deviations are rounded as the gateware's table has them.
        cycle = spread_units(law.cycle * scale)
        device = 0 if mean_device else spread_units(law.device * scale)
        sigma = np.hypot(cycle, device) / (scale * 2**SPREAD_BITS)
        variance = np.maximum(sigma, 1e-6 * synapse.span) ** 2
        penalties.append(penalty(law.mean - targets, variance) + added)
    return np.argmin(penalties, axis=0).astype(np.int8)


def plan_layers(synapse: Synapse, network: Network, programming: Programming) -> list[OpenLoopPlan]:
    """Plan the trains of every layer; layers of the same levels share a plan.

    Raises
    ------
    ValueError
        If a layer's levels do not rise from first to last, or the device's states are not
        addressable.
    """
    if not is_addressable(synapse):
        up, down = (synapse.pulses_across(polarity) for polarity in Polarity)
        raise ValueError(
            f"the states of this device cannot be programmed: its range takes {up} of the pulses "
            f"of potentiation and {down} of depression, and programming needs {LEAST_PULSES} or "
            "more of one of them; allspin learn takes it"
        )
    made: dict[bytes, OpenLoopPlan] = {}
    for layer in network.layers:
        levels = layer.levels.tobytes()
        if levels not in made:
            made[levels] = plan_layer(synapse, layer.levels, programming, network.rah_bits)
    return [made[layer.levels.tobytes()] for layer in network.layers]


def _drawn_table(
    levels: npt.NDArray[np.int16], drawn: tuple[Law, Law], means: Array, rah_bits: int
) -> WriteTable:
    """Return the write table about the mean words of the chosen trains."""
    aimed = np.rint(means).astype(np.int16)
    cycle = spread_units(np.array([law.cycle for law in drawn]), UNLIMITED)
    device = spread_units(np.array([law.device for law in drawn]), UNLIMITED)
    widest = max(np.abs(cycle).max(), np.abs(device).max())
    beyond = np.abs(aimed).max() > full_scale(rah_bits) or widest > MAX_SPREAD
    ends = (int(levels[0]), int(levels[-1])) if beyond else None
    return WriteTable(aimed, cycle, device, beyond=ends, fractions=spread_units(means - aimed))


def _trains(
    synapse: Synapse, polarity: Polarity, targets: Array, scheme: str
) -> tuple[Array, Written]:
    """Return pulses of one polarity for each target, and the words after them."""
    if scheme == "pulse-width":
        # The mean may miss the target: one polarity's range may be narrower than the other's.
        pulses = synapse.pulses_to(polarity, targets)
        return pulses, synapse.written(polarity, pulses)
    written = synapse.trains[polarity]
    pulses = np.abs(written.law.mean - targets[:, None]).argmin(axis=1)
    return pulses.astype(np.float64), written.at(pulses)
