"""The slowest stage of an engine, which bounds the throughput of a pipeline."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief


@dataclass(frozen=True, eq=False)
class SlowestStage(Brief):
    """Cycles per image of an engine's slowest stage, counted at first access.

    Attributes
    ----------
    network : Network
        Network that was run.
    fitted : Network
        Network in the sizes of the machine, whose layers may be larger.
    profile : HardwareProfile
        Lanes and rows per clock of the machine.
    noise : ColumnNoise or None
        Noise at each use, which the machine draws.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    """

    network: Network
    fitted: Network
    profile: HardwareProfile
    noise: ColumnNoise | None
    images: npt.NDArray[np.uint8]

    @cached_property
    def cycles(self) -> float:
        """Mean cycles per image in this machine."""
        return self._mean_cycles(self.fitted)

    @property
    def fitted_into(self) -> tuple[int, ...] | None:
        """Widths that the network was padded to; None if the machine has the network's sizes."""
        widths = self.fitted.topology
        return None if widths == self.network.topology else widths

    @cached_property
    def unfitted_cycles(self) -> float | None:
        """Mean cycles in a machine of the network's own sizes; None if this machine has them."""
        return None if self.fitted_into is None else self._mean_cycles(self.network)

    def _mean_cycles(self, network: Network) -> float:
        """Compute the mean bound of the images in a machine of a network's sizes."""
        flat = self.images.reshape(len(self.images), -1)
        missing = network.topology[0] - flat.shape[1]
        padded = np.pad(flat, [(0, 0), (0, missing)])
        engine = EngineParameters.from_network(network, self.profile)
        return float(cycle_bounds(network, engine, padded, self.noise).mean())
