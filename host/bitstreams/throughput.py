"""Images/s that a machine answers on a board: what its engine does, and its UART carries."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, CRC_BYTES, HEADER_BYTES
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.engine_cycles import EngineCycles, count_cycles
from allspin.host.bitstreams.engine_latency import measure_latency
from allspin.host.data.datasets import load_test_set
from allspin.host.link.machines.opening import BuildProgress, no_progress
from allspin.host.link.payloads.images import image_bytes
from allspin.host.link.wire.transport import BITS_PER_BYTE
from allspin.sim.network.network import Network

FRAMING_BYTES = 2
"""Of COBS: the first code and the closing zero."""
CLASS_BYTES = 2
ALONE = 100
"""Images that latency is the mean of."""


@dataclass(frozen=True)
class Throughput:
    """What MNIST's test images come to on a machine.

    Attributes
    ----------
    cycles : EngineCycles
        Clocks that its engine takes, counted.
    link_bytes : float
        Mean bytes an image of the busier of the UART's two wires, frames included.
    latency : float
        Mean cycles from the first event to the last logit of an image alone.
    """

    cycles: EngineCycles
    link_bytes: float
    latency: float

    def engine_rate(self, frequency: float) -> float:
        """Images/s of the engine by itself, at a clock in Hz."""
        return frequency / self.cycles.per_image


def link_rate(baud: int, bytes_per_image: float) -> float:
    """Images/s that a UART can carry at most."""
    return baud / BITS_PER_BYTE / bytes_per_image


def measure_throughput(
    network: Network, profile: HardwareProfile, progress: BuildProgress = no_progress
) -> Throughput | None:
    """Run all of MNIST's test images on a virtual board of a machine.

    Parameters
    ----------
    network : Network
        What runs.
    profile : HardwareProfile
        What it runs on.
    progress : callable
        Told what is being done, and for how many seconds now.

    Returns
    -------
    Throughput or None
        None where the network takes other images.

    Raises
    ------
    UserError
        As `allspin.host.bitstreams.engine_cycles.count_cycles`.
    """
    images, labels = load_test_set()
    if network.layers[0].rows != images[0].size:
        return None
    parameters = EngineParameters.from_network(network, profile)
    cycles = count_cycles(network, profile, images, labels, progress)
    alone = measure_latency(network, profile, images[:ALONE], progress)
    return Throughput(cycles, _busier_wire(network, parameters, images), float(alone.mean()))


def _busier_wire(
    network: Network, parameters: EngineParameters, images: npt.NDArray[np.uint8]
) -> float:
    """Mean bytes an image on the wire that carries more."""
    asked = HEADER_BYTES + image_bytes(images, network.pixel_bits)
    logits = parameters.classes * parameters.logit_bytes + CLASS_BYTES
    return max(asked, ANSWER_HEADER_BYTES + logits) + CRC_BYTES + FRAMING_BYTES
