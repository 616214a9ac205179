"""A neuron and a synapse's response, as a user writes them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import allspin


@allspin.register_neuron
@dataclass(frozen=True)
class ClippedNeuron(allspin.Neuron):
    """A straight line from no current on, cut off where it reaches full scale."""

    full: float = 0.5

    name: ClassVar[str] = "clipped"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"full": (0.05, 1.0)}

    def response(self, current):
        return np.clip(np.asarray(current, np.float64) / self.full, 0.0, 1.0)


@allspin.register_response
@dataclass(frozen=True)
class PowerResponse(allspin.Response):
    """R_AH goes with a power of the pulses."""

    exponent: float
    pulses: int
    low: float = -1.0
    high: float = 1.0
    kind: ClassVar[str] = "power"

    def moved(self, pulses, stretch=1.0):
        return (np.asarray(pulses, np.float64) / self.pulses) ** self.exponent
