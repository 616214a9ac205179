"""Cycles per image of a machine's engine, counted by the gateware over all test images."""

import contextlib
import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allspin.boards.sources import sources_digest
from allspin.hdl.cache import note_path, read_note, write_note
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.machines.opening import BuildProgress, no_progress, open_virtual
from allspin.host.link.machines.resident import VIRTUAL_RESIDENT
from allspin.host.link.payloads.images import image_bytes
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network

SOME = 1000
"""Images that tell whether the link is slower than the engine."""


@dataclass(frozen=True)
class EngineCycles:
    """What the counters of a virtual board said.

    Attributes
    ----------
    images : int
        How many ran.
    per_image : float
        Mean cycles per image.
    resident : bool
        Whether the images waited on the board; else they came over the link.
    """

    images: int
    per_image: float
    resident: bool


def count_cycles(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer],
    progress: BuildProgress = no_progress,
) -> EngineCycles:
    """Run images on a virtual board of a machine, and read its counters; once.

    It is the engine whose clocks are counted. The link's decoder takes a byte a clock, so images
    come over the link to engines that take longer than an image has bytes, and wait on the board
    for faster ones.

    Parameters
    ----------
    network : Network
        What runs.
    profile : HardwareProfile
        What it runs on, its memory and its variation included.
    images, labels : ndarray
        The test set, as of `allspin.host.link.machines.resident.ResidentImages.load`.
    progress : callable
        Told what is being done, and for how many seconds now.

    Raises
    ------
    UserError
        If there is no such machine, or no compiler to make the virtual board.
    """
    resident = _link_is_slower(network, profile, images)
    kept = profile.resident or (VIRTUAL_RESIDENT if resident else None)
    profile = dataclasses.replace(profile, resident=kept)
    parts = (images.tobytes(), labels.tobytes(), network_to_bytes(network), repr(profile))
    note = note_path("cycles", sources_digest(), *parts)
    with contextlib.suppress(OSError, ValueError, TypeError):
        return EngineCycles(**read_note(note))
    with open_virtual(network, profile, progress=progress) as machine:
        progress(f"counting the clocks of {len(images):,} images", 0.0)
        machine.program(network)
        if resident:
            cycles = machine.resident_images().run_all(images, labels).cycles
        else:
            machine.stream(images)
            cycles = machine.counters().cycles
    found = EngineCycles(len(images), cycles / len(images), resident)
    write_note(note, dataclasses.asdict(found))
    return found


def _link_is_slower(
    network: Network, profile: HardwareProfile, images: npt.NDArray[np.uint8]
) -> bool:
    """Whether an image has more bytes on the link than it takes clocks in the engine at least."""
    some = images[:SOME]
    bound = cycle_bounds(network, EngineParameters.from_network(network, profile), some).mean()
    return bool(image_bytes(some, network.pixel_bits) > bound)
