"""Images per second of a machine, by its own counters on a virtual board."""

import contextlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.hdl.cache import note_path, read_note, write_note
from allspin.hdl.cache.process import Progress, no_progress
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, CRC_BYTES, HEADER_BYTES
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.latency import ALONE, has_maps, measure_latency
from allspin.host.data.datasets import load_test_set
from allspin.host.link.image_requests import image_bytes
from allspin.host.link.transport import BITS_PER_BYTE
from allspin.host.machines.opening import open_virtual
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network

SOME = 1000
"""Images that show whether the link is slower than the engine."""
FRAMED = 1.1
"""Largest ratio of a frame's bytes to its image's."""
FRAMING_BYTES = 2
"""Bytes of COBS: the first code and the closing zero."""
CLASS_BYTES = 2
USB_RATE = 8_500_000
"""Baud rate of a UART that is as fast as USB at full speed: an image of 125 bytes and its answer of
42 take 1,770 bit times there, simulated."""


@dataclass(frozen=True)
class Throughput:
    """Cycles and bytes of MNIST's test images on a machine.

    Attributes
    ----------
    cycles : float
        Mean clocks of an image in the engine, counted.
    link_bytes : float
        Mean bytes per image on the busier of the UART's two wires, frames included.
    latency : float or None
        Mean cycles from the first event to the last logit of an image alone; None for a network
        with convolutions.
    """

    cycles: float
    link_bytes: float
    latency: float | None


def link_rate(baud: int, bytes_per_image: float) -> float:
    """Return the largest rate of a UART in images/s."""
    return baud / BITS_PER_BYTE / bytes_per_image


def measure_throughput(
    network: Network,
    profile: HardwareProfile,
    progress: Progress = no_progress,
    made_for: Network | None = None,
) -> Throughput | None:
    """Run all of MNIST's test images on a virtual board of a machine.

    Parameters
    ----------
    network : Network
        Network that runs.
    profile : HardwareProfile
        Profile of the machine.
    progress : callable
        Called with the step and the seconds since it began.
    made_for : Network, optional
        Network that the machine is made for, if it is another.

    Returns
    -------
    Throughput or None
        None for a network with other images.

    Raises
    ------
    UserError
        If the machine is unknown, or the virtual board's compiler is missing.
    """
    images, labels = load_test_set()
    if network.layers[0].inputs != images[0].size:
        return None
    cycles = count_cycles(network, profile, images, labels, progress, made_for)
    alone = None
    if not has_maps(network):
        latency = measure_latency(network, profile, images[:ALONE], progress, made_for)
        alone = float(latency.mean())
    engine = EngineParameters.from_network(made_for or network, profile)
    request = HEADER_BYTES + image_bytes(images, network.pixel_bits)
    answer = ANSWER_HEADER_BYTES + engine.classes * engine.logit_bytes + CLASS_BYTES
    link_bytes = max(request, answer) + CRC_BYTES + FRAMING_BYTES
    return Throughput(cycles, link_bytes, alone)


def count_cycles(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer],
    progress: Progress = no_progress,
    made_for: Network | None = None,
) -> float:
    """Count the mean cycles of an image on a virtual board; the cache remembers the result.

    The count is the engine's. The link's decoder takes a byte a clock, so images come over the
    link to engines that take longer than an image has bytes, and lie on the board for faster
    engines and for machines that keep images.

    Parameters
    ----------
    network : Network
        Network that runs.
    profile : HardwareProfile
        Profile of the machine, with its memory and variation.
    images, labels : ndarray
        The test set, as for `allspin.host.machines.resident.ResidentImages.load`.
    progress : callable
        Called with the step and the seconds since it began.
    made_for : Network, optional
        Network that the machine is made for, if it is another.

    Raises
    ------
    UserError
        If the machine is unknown, or the virtual board's compiler is missing.
    """
    # The virtual board needs Amaranth, without which a board is flashed.
    from allspin.boards.sources import sources_digest

    made_for = made_for or network
    if _link_is_slower(network, profile, images[:SOME]):
        profile = replace(profile, resident=profile.resident or VIRTUAL_RESIDENT)
    networks = map(network_to_bytes, (network, made_for))
    parts = (images.tobytes(), labels.tobytes(), *networks, repr(profile))
    note = note_path("cycles-per-image", sources_digest(), *parts)
    with contextlib.suppress(OSError, ValueError, TypeError):
        return float(read_note(note))
    with open_virtual(made_for, profile, progress=progress) as machine:
        progress(f"counting the clocks of {len(images):,} images", 0.0)
        machine.load(network)
        if profile.resident:
            cycles = machine.resident_images().run_all(images, labels).cycles
        else:
            machine.stream(images)
            cycles = machine.counters().cycles
    mean = cycles / len(images)
    write_note(note, mean)
    return mean


def _link_is_slower(
    network: Network, profile: HardwareProfile, images: npt.NDArray[np.uint8]
) -> bool:
    """True if an image's frame has about as many bytes as the engine takes clocks, or more."""
    engine = EngineParameters.from_network(network, profile)
    bound = cycle_bounds(network, engine, images).mean()
    return bool(FRAMED * image_bytes(images, network.pixel_bits) > bound)
