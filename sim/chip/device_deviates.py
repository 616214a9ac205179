"""D2D deviates of the devices of a crossbar, drawn from the chip's seed."""

import math
from typing import Any

import numpy.typing as npt

from allspin.sim.chip.generator import FRACTION_BITS, Purpose, cell_normals
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import Synapse

UNIT = 2.0**-FRACTION_BITS
"""A standard deviation in a normal value of `allspin.sim.chip.generator`."""

D2D = {
    Polarity.POTENTIATION: Purpose.D2D_POTENTIATION,
    Polarity.DEPRESSION: Purpose.D2D_DEPRESSION,
}
"""Purpose of a cell's D2D draw, by polarity."""


def correlated(
    potentiation: npt.NDArray[Any], depression: npt.NDArray[Any], correlation: float
) -> npt.NDArray[Any]:
    """Make deviates of depression that correlate with those of potentiation."""
    return correlation * potentiation + math.sqrt(1 - correlation**2) * depression


def device_deviates(
    synapse: Synapse, seed: int, layer: int, shape: tuple[int, int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return each cell's D2D deviate in potentiation and in depression, in standard deviations.

    Parameters
    ----------
    synapse : Synapse
        Synapse, for its correlation between polarities.
    seed, layer : int
        Chip and layer.
    shape : tuple of int
        Rows and columns.
    """
    up = cell_normals(seed, layer, Purpose.D2D_POTENTIATION, shape) * UNIT
    down = cell_normals(seed, layer, Purpose.D2D_DEPRESSION, shape) * UNIT
    return up, correlated(up, down, synapse.correlation)
