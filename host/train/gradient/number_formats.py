"""Number formats of a network in training, and how its neurons answer."""

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
"""Entries of the tables that stand for a neuron's smooth response and its slope."""
GRID = 8193
"""Places of a weight that are told apart where levels are a device's own: an eighth of the
least step between R_AH words at most."""


def looked_up(table: Array, place: npt.NDArray[np.intp]) -> Array:
    """Entries of a table at some places, in the places' own order in memory."""
    return table.take(place.T).T if place.flags.fnc else table.take(place)


def smooth_response(neuron: Neuron) -> tuple[npt.NDArray[np.float64], Array]:
    """Response of a neuron without rounding at `FINE` currents from 0 to 1, and its slope."""
    currents = np.arange(FINE) / (FINE - 1)
    response = neuron.response(currents)
    return response, np.gradient(response, currents).astype(np.float32)


@dataclass(frozen=True)
class NumberFormats:
    """Number formats of a network.

    Parameters
    ----------
    neuron : Neuron
        Of the hidden layers.
    states : int
        States of a synapse.
    pixel_bits, hidden_bits, rah_bits, current_bits : int
        As `allspin.sim.network.network.Network` has them.
    own_levels : tuple of int, optional
        R_AH word of each state where they are a device's own; uniform ones by default.
    straight_through : bool
        Whether each use of a neuron that switches by chance is drawn in training.
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
        """Largest value that drives the rows of a layer."""
        return 2 ** (self.pixel_bits if layer == 0 else self.hidden_bits) - 1

    @cached_property
    def levels(self) -> npt.NDArray[np.int16]:
        """R_AH word of each state."""
        if self.own_levels is not None:
            return np.array(self.own_levels, np.int16)
        return uniform_levels(self.states, self.rah_bits)

    @cached_property
    def nearest_states(self) -> npt.NDArray[np.uint8]:
        """State whose level is nearest, at `GRID` places from lowest to highest level."""
        low, high = float(self.levels[0]), float(self.levels[-1])
        middles = (self.levels[:-1] + self.levels[1:].astype(np.float64)) / 2
        return np.searchsorted(middles, np.linspace(low, high, GRID)).astype(np.uint8)

    @cached_property
    def outermost(self) -> int:
        """Largest R_AH word: a weight of 1."""
        return int(self.levels[-1])

    @property
    def current_top(self) -> int:
        """Largest input current of a neuron: a current of 1."""
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
        """Response of the neuron without rounding, and its slope.

        Parameters
        ----------
        currents : ndarray of float32
            From 0 to 1.
        """
        place = (currents * np.float32(FINE - 1) + np.float32(0.5)).astype(np.intp)
        response, slope = self.smooth
        return looked_up(response, place), looked_up(slope, place)

    @cached_property
    def padded_table(self) -> tuple[Array, Array]:
        """`table` and its slope without rounding, each with one place more at either end.

        There the neuron is beyond its table and has no slope.
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
        """A network of these formats.

        Parameters
        ----------
        layers : sequence of Layer
            From the pixels on.
        image_shape : tuple of int
            Height and width of an image.
        provenance : mapping
            Where the network comes from.
        neuron_per : str
            As of `allspin.sim.network.network.Network`.
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
