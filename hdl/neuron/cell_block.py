"""A neuron's logic alone, as standard cells take it: without the engine around it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

Currents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CellBlock:
    """A block that makes an activation of a current, and how a current reaches its ports.

    Attributes
    ----------
    component : Component
        The block; its port ``activation`` gives the answer.
    stimulus : dict of ndarray of int64
        What each input is driven with, by its name: shape (uses, neurons), a use a clock.
    registered : bool
        Whether the activation is there a clock later; else at once.
    """

    component: wiring.Component
    stimulus: dict[str, Currents]
    registered: bool
