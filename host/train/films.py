"""The films of a crossbar that learns: where each is, what pulses do to it, what is read of it.

A film is continuous and walks its own curve or table from wherever it is
(`allspin.sim.synapse.synapse.Synapse.walked`). D2D is the chip's own, and so are stuck cells; all
else that is drawn in training is not numbered by a chip's generator, since a cell may get more
pulses than that numbers.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.number_formats import Array
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.words import WORD_BITS, device_deviates
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.levels import full_scale
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import Synapse

Cells = npt.NDArray[np.intp]

FINE_RANGE = 4096
"""Places of the range at which a symmetry point is looked for."""
ALIKE = 9
"""Digits, as shares of the range, to which two steps are alike."""


def mean_steps(synapse: Synapse) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What a pulse moves the mean device by, from one end of the range to the other.

    Returns
    -------
    ndarray of float64, shape (places,)
        R_AH.
    ndarray of float64, shape (2, places)
        Mean change by one pulse of each polarity there.
    """
    places = np.linspace(synapse.low, synapse.high, FINE_RANGE + 1)
    return places, np.array(
        [np.asarray(synapse.advance(polarity, places)) - places for polarity in Polarity]
    )


def symmetry_point(synapse: Synapse) -> float | None:
    """R_AH where a pulse up and a pulse down move the film equally far; None if nowhere.

    Pulses of both polarities in turn lead a film there (T. Gokmen, W. Haensch, Front. Neurosci.
    14, 103, 2020). Of several the one nearest to the middle of the range is taken.
    """
    places, steps = mean_steps(synapse)
    more = np.round(steps.sum(axis=0) / synapse.span, ALIKE)
    found = places[:-1][more[:-1] * more[1:] <= 0]
    away = np.abs(found - (synapse.low + synapse.high) / 2)
    return float(found[away.argmin()]) if found.size else None


def asymmetry(synapse: Synapse) -> float:
    """How unlike pulses up and down are over the range: 0 for equal steps, 1 for one way only.

    Where an end of the range cuts a step is left out, unless that is everywhere.
    """
    places, steps = mean_steps(synapse)
    ends = places + steps
    whole = np.all((ends > synapse.low) & (ends < synapse.high), axis=0)
    steps = steps[:, whole] if whole.any() else steps
    return float(np.abs(steps.sum(axis=0)).sum() / max(np.abs(steps).sum(), 1e-300))


def zero_of(synapse: Synapse, reference: str) -> float:
    """R_AH that reads as a weight of 0.

    Parameters
    ----------
    synapse : Synapse
        The device.
    reference : str
        ``middle`` of the range, ``symmetry`` for the symmetry point, or R_AH itself.

    Raises
    ------
    UserError
        If there is no such point, or it is outside the range.
    """
    points = {"middle": (synapse.low + synapse.high) / 2, "symmetry": symmetry_point(synapse)}
    try:
        found = points[reference] if reference in points else float(reference)
    except ValueError:
        found = math.nan
    if found is None:
        raise UserError(
            "the device has no symmetry point: pulses of one polarity move it farther from "
            "wherever it is; take `reference` middle, or `pair`"
        )
    if not synapse.low < found < synapse.high:
        raise UserError(
            f"`reference` must be middle, symmetry or R_AH between {synapse.low:g} and "
            f"{synapse.high:g}, not {reference}"
        )
    return found


class Films:
    """Cells of one crossbar, one device each.

    Parameters
    ----------
    synapse : Synapse
        The device.
    film : ndarray of float, shape (rows, columns)
        R_AH that each film holds to begin with.
    chip, layer : int
        Chip and crossbar, which name the draws that are the chip's.
    rng : numpy.random.Generator
        All other draws.
    device : Device, optional
        Whose stuck cells there are.

    Attributes
    ----------
    film : ndarray of float32, shape (rows, columns)
        R_AH that each film holds.
    last : ndarray of int8, shape (rows, columns)
        Polarity of each cell's last pulse; at first depression, since a cycle begins with
        the film saturated at the highest R_AH.
    resistance : ndarray of float32, shape (rows, columns)
        R_AH that is read: `film` itself where devices are equal.
    given : ndarray of uint32, shape (rows, columns)
        Pulses that each cell got.
    widths : list of two float
        Pulses by polarity, in pulses of nominal width.
    saturations : int
        Times that a film was saturated in training.
    """

    def __init__(
        self,
        synapse: Synapse,
        film: npt.NDArray[Any],
        chip: int,
        layer: int,
        rng: np.random.Generator,
        device: Device | None = None,
    ) -> None:
        self.synapse, self._rng, self._place = synapse, rng, (chip, layer)
        self.film = film.astype(np.float32)
        self.last = np.full(film.shape, Polarity.DEPRESSION, np.int8)
        self.given = np.zeros(film.shape, np.uint32)
        self.widths, self.saturations = [0.0, 0.0], 0
        self._own = self.deviates(synapse) if synapse.devices_differ else None
        self._free: npt.NDArray[np.bool_] | None = None
        if device is not None and device.imperfections.stuck:
            self._stick(Chip(device, chip), layer)
        self.resistance = self.film if self._own is None else self.read(synapse, self._own)

    def _stick(self, chip: Chip, layer: int) -> None:
        """Hold the chip's stuck cells where they are, as mean devices."""
        top, (rows, columns) = full_scale(8), self.film.shape
        opened = chip.open_cell(np.array([-top, top], np.int16))
        there, held = chip.stuck(layer, (rows, columns), (-top, top), opened)
        places = (held / 2.0**WORD_BITS + top) / (2 * top)
        self.film[there] = (self.synapse.low + places * self.synapse.span)[there]
        self._free = ~there.ravel()
        for own in self._own or ():
            own[there] = 0

    def deviates(self, synapse: Synapse) -> tuple[Array, Array]:
        """The chip's own D2D deviates of either polarity, were its cells of a given synapse."""
        rows, columns = self.film.shape
        up, down = device_deviates(synapse, *self._place, (rows, columns))
        return up.astype(np.float32), down.astype(np.float32)

    def read(self, synapse: Synapse, own: tuple[Array, Array]) -> Array:
        """R_AH that is read where cells have given D2D deviates of a given synapse."""
        potentiated, depressed = (
            synapse.read(polarity, self.film, own[polarity]) for polarity in Polarity
        )
        return np.where(self.last == Polarity.DEPRESSION, depressed, potentiated).astype(np.float32)

    def settle(self) -> None:
        """Make what is read that of the films."""
        if self._own is not None:
            self.resistance[:] = self.read(self.synapse, self._own)

    def pulse(self, polarity: Polarity, cells: Cells, pulses: npt.ArrayLike, many: bool) -> None:
        """Give pulses of one polarity.

        Parameters
        ----------
        polarity : Polarity
            Of all of them.
        cells : ndarray of int, shape (cells,)
            Which cells, counted row by row.
        pulses : array_like of float, shape (cells,)
            Pulses of nominal width for each.
        many : bool
            Whether these are so many pulses; else each cell gets one pulse, as wide.
        """
        n = np.asarray(pulses)
        self.given.ravel()[cells] += n.astype(np.uint32) if many else np.uint32(1)
        self.widths[polarity] += float(n.sum())
        own = 0.0 if self._own is None else self._own[polarity].ravel()[cells]
        film: Any = self.film.ravel()[cells]
        after = self.synapse.walked(polarity, film, n, own, self._rng)
        self._hold(polarity, cells, after, own)

    def saturate(self, cells: Cells) -> None:
        """Switch films whole, to the lowest R_AH."""
        self.saturations += cells.size
        own = 0.0 if self._own is None else self._own[Polarity.DEPRESSION].ravel()[cells]
        self._hold(Polarity.DEPRESSION, cells, np.full(cells.shape, self.synapse.low), own)

    def _hold(
        self, polarity: Polarity, cells: Cells, film: npt.NDArray[np.float64], own: Array | float
    ) -> None:
        if self._free is not None:  # pulses leave stuck cells as they are
            film = np.where(self._free[cells], film, self.film.ravel()[cells])
        self.film.ravel()[cells] = film
        self.last.ravel()[cells] = polarity
        if self._own is not None:
            self.resistance.ravel()[cells] = self.synapse.read(polarity, film, own)
