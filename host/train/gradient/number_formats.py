"""Number formats of a network in training, and the response of its neurons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron_base import Neuron

Array = npt.NDArray[np.float32]

FINE = 4096
"""Entries of the tables of a neuron's smooth response and of its slope."""
GRID = 8193
"""Places of a weight that are distinguished if levels are a device's own: at most an eighth of the
least step between R_AH words."""


def look_up(table: Array, place: npt.NDArray[np.intp]) -> Array:
    """Return entries of a table, in the memory order of the places."""
    return table.take(place.T).T if place.flags.fnc else table.take(place)


def smooth_response(neuron: Neuron) -> tuple[npt.NDArray[np.float64], Array]:
    """Compute a neuron's unrounded response at `FINE` currents from 0 to 1, and its slope."""
    currents = np.arange(FINE) / (FINE - 1)
    response = neuron.response(currents)
    return response, np.gradient(response, currents).astype(np.float32)


@dataclass(frozen=True)
class NumberFormats:
    """Number formats of a network.

    Parameters
    ----------
    neuron : Neuron
        Neuron of the hidden layers.
    states : int
        States of a synapse.
    pixel_bits, hidden_bits, rah_bits, current_bits : int
        Widths in bits: see `allspin.sim.network.network.Network`.
    own_levels : tuple of int, optional
        R_AH word of each state of a device; uniform levels by default.
    straight_through : bool
        True if training draws each use of a neuron that switches by chance.
    """

    neuron: Neuron
    states: int
    pixel_bits: int
    hidden_bits: int
    rah_bits: int
    current_bits: int
    own_levels: tuple[int, ...] | None = None
    straight_through: bool = False

    def input_top(self, layer: int) -> int:
        """Return the largest row value of a layer."""
        return 2 ** (self.pixel_bits if layer == 0 else self.hidden_bits) - 1

    @cached_property
    def levels(self) -> npt.NDArray[np.int16]:
        """R_AH word of each state."""
        if self.own_levels is not None:
            return np.array(self.own_levels, np.int16)
        return uniform_levels(self.states, self.rah_bits)

    @cached_property
    def nearest_states(self) -> npt.NDArray[np.uint8]:
        """State with the nearest level, at `GRID` places from the lowest to the highest level."""
        low, high = float(self.levels[0]), float(self.levels[-1])
        middles = (self.levels[:-1] + self.levels[1:].astype(np.float64)) / 2
        return np.searchsorted(middles, np.linspace(low, high, GRID)).astype(np.uint8)

    @cached_property
    def outermost(self) -> int:
        """Largest R_AH word, which is a weight of 1."""
        return int(self.levels[-1])

    @property
    def current_top(self) -> int:
        """Largest input current of a neuron, which is a current of 1."""
        return 2**self.current_bits - 1

    @cached_property
    def table(self) -> npt.NDArray[np.uint8]:
        """Activation at each input current, shape (2**current_bits,)."""
        return self.neuron.table(self.current_bits, self.hidden_bits)

    @cached_property
    def smooth(self) -> tuple[Array, Array]:
        """`smooth_response` of the neuron in single precision."""
        response, slope = smooth_response(self.neuron)
        return response.astype(np.float32), slope

    def respond(self, currents: Array) -> tuple[Array, Array]:
        """Compute the neuron's response without rounding, and its slope.

        Parameters
        ----------
        currents : ndarray of float32
            Currents from 0 to 1.
        """
        place = (currents * np.float32(FINE - 1) + np.float32(0.5)).astype(np.intp)
        response, slope = self.smooth
        return look_up(response, place), look_up(slope, place)

    @cached_property
    def padded_table(self) -> tuple[Array, Array]:
        """`table` and its slope without rounding, with one more entry at either end.

        The added entries are for currents beyond the table, where the neuron has no slope.
        """
        currents = (np.arange(2**self.current_bits) / self.current_top).astype(np.float32)
        activations = np.pad(self.table.astype(np.float32), 1, mode="edge")
        return activations, np.pad(self.respond(currents)[1], 1)

    def network(
        self,
        layers: Sequence[Layer],
        image_shape: tuple[int, ...],
        provenance: Mapping[str, Any],
        neuron_per: str = "column",
    ) -> Network:
        """Return a network of these formats.

        Parameters
        ----------
        layers : sequence of Layer
            The layers, first to last.
        image_shape : tuple of int
            Height and width of an image.
        provenance : mapping
            Origin of the network.
        neuron_per : str
            ``column`` or ``position``: see `allspin.sim.network.network.Network`.
        """
        return Network(
            layers=tuple(layers),
            neuron=self.neuron,
            image_shape=image_shape,
            pixel_bits=self.pixel_bits,
            hidden_bits=self.hidden_bits,
            rah_bits=self.rah_bits,
            current_bits=self.current_bits,
            provenance=dict(provenance),
            neuron_per=neuron_per,
        )
