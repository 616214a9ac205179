"""The number formats that a network is trained for, and its neuron as training sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Layer, Network
from allspin.sim.network.neuron_kind import Neuron

Array = npt.NDArray[np.float32]

FINE = 4096
"""Entries of the tables that stand for a neuron's smooth response and its slope."""
GRID = 8193
"""Places of a weight that are told apart where levels are a device's own: an eighth of the
least step between R_AH words at most."""


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
    """

    neuron: Neuron
    states: int
    pixel_bits: int
    hidden_bits: int
    rah_bits: int
    current_bits: int
    own_levels: tuple[int, ...] | None = None

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
    def _response(self) -> tuple[Array, Array]:
        currents = np.arange(FINE) / (FINE - 1)
        response = self.neuron.response(currents)
        return response.astype(np.float32), np.gradient(response, currents).astype(np.float32)

    def respond(self, currents: Array) -> tuple[Array, Array]:
        """Response of the neuron without rounding, and its slope.

        Parameters
        ----------
        currents : ndarray of float32
            From 0 to 1.
        """
        place = (currents * np.float32(FINE - 1) + np.float32(0.5)).astype(np.intp)
        response, slope = self._response
        return response[place], slope[place]

    def respond_only(self, currents: Array) -> Array:
        """Response of the neuron without rounding, where the slope is not asked for.

        Parameters
        ----------
        currents : ndarray of float32
            From 0 to 1; overwritten.
        """
        currents *= np.float32(FINE - 1)
        currents += np.float32(0.5)
        return self._response[0].take(currents.astype(np.intp), mode="clip")

    @cached_property
    def table_slope(self) -> Array:
        """Slope of the response without rounding at each input current."""
        return self.respond(
            (np.arange(2**self.current_bits) / self.current_top).astype(np.float32)
        )[1]

    @cached_property
    def padded_table(self) -> tuple[Array, Array]:
        """`table` and `table_slope` with one place more at either end, of slope 0."""
        activations = np.pad(self.table.astype(np.float32), 1, mode="edge")
        return activations, np.pad(self.table_slope, 1)

    def network(
        self,
        layers: Sequence[Layer],
        image_shape: tuple[int, int],
        provenance: Mapping[str, Any],
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
        )
