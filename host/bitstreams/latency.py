"""Latency of images that pass an engine one at a time, by the trace of a virtual board."""

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.hdl.cache import note_path, read_note, write_note
from allspin.hdl.cache.process import Progress, no_progress
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.machines.opening import open_virtual
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.host.virtual.activity_tap import read_trace
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network

LAYER_BITS = 4
"""Bits of a layer in a word of the engine's activity."""
EVENT = np.uint64(1)
"""The layer took an event."""
LAST_EVENT = np.uint64(2)
"""The layer took an image's last event."""
LAST_SUM = np.uint64(8)
"""The layer's last sum of an image left."""
SPARE_CLOCKS = 1000
"""Clocks of each image besides its layers: reading it, and asking for the next."""

ALONE = 100
"""Images of a mean latency."""


def has_maps(network: Network) -> bool:
    """Return True if a layer is used at several positions of an image."""
    return any(layer.kind.positions > 1 for layer in network.layers)


def measure_latency(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    progress: Progress = no_progress,
    made_for: Network | None = None,
) -> npt.NDArray[np.int64]:
    """Run images one at a time on a virtual board that keeps them; the cache has the result.

    Images come from the board's memory, so that the link does not slow the engine.

    Parameters
    ----------
    network : Network
        Network that runs.
    profile : HardwareProfile
        Profile of the machine.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    progress : callable
        Called with the step and the seconds since it began.
    made_for : Network, optional
        Network that the machine is made for, if it is another.

    Returns
    -------
    ndarray of int64, shape (images,)
        Cycles of each image.

    Raises
    ------
    UserError
        If the machine is unknown, the virtual board's compiler is missing, images overlap, or the
        network has convolutions.
    """
    # The virtual board needs Amaranth, without which a board is flashed.
    from allspin.boards.sources import sources_digest

    if has_maps(network):
        raise UserError(
            "latency of a network with convolutions is not told: when an image's map begins to "
            "come is not recorded"
        )
    profile = replace(profile, resident=profile.resident or VIRTUAL_RESIDENT)
    made_for = made_for or network
    parts = (*map(network_to_bytes, (network, made_for)), repr(profile))
    note = note_path("latency", sources_digest(), images.tobytes(), *parts)
    with contextlib.suppress(OSError, ValueError, TypeError):
        return np.array(read_note(note), np.int64)
    cycles = _run(network, profile, images, progress, made_for)
    write_note(note, cycles.tolist())
    return cycles


def _run(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    progress: Progress,
    made_for: Network,
) -> npt.NDArray[np.int64]:
    """Cycles of each image on a virtual board."""
    bounds = cycle_bounds(network, EngineParameters.from_network(network, profile), images)
    clocks = int(bounds.sum()) * len(network.layers) + SPARE_CLOCKS * len(images)
    with tempfile.TemporaryDirectory(prefix="allspin-") as folder:
        trace = Path(folder) / "activity"
        with open_virtual(made_for, profile, trace=(trace, clocks), progress=progress) as machine:
            progress(f"counting the cycles of {len(images)} images, one at a time", 0.0)
            machine.load(network)
            resident = machine.resident_images()
            count = resident.load(images, np.zeros(len(images), np.int64))
            resident.logits()
            # One image passes while an SDRAM's words are checked.
            checked = int(Feature.SDRAM in machine.identity.features)
        try:
            cycles = latencies(read_trace(trace), len(made_for.layers))[checked:]
        except ValueError as error:
            raise UserError(f"latency cannot be told: {error}") from error
    if len(cycles) != count or count != len(images):
        raise UserError(f"latency cannot be told: {len(cycles)} of {len(images)} images passed")
    return cycles


def latencies(activity: npt.NDArray[np.uint64], layers: int) -> npt.NDArray[np.int64]:
    """Return the cycles of each image that passed alone, from the engine's activity.

    Parameters
    ----------
    activity : ndarray of uint64, shape (clocks,)
        Trace of `allspin.host.virtual.activity_tap.read_trace`.
    layers : int
        Layers of the engine.

    Returns
    -------
    ndarray of int64, shape (images,)
        Clocks from the one in which the first layer takes an image's first event to the one in
        which the last layer's last sum leaves, both counted.

    Raises
    ------
    ValueError
        If an image began before the previous one had ended.
    """
    begins = np.flatnonzero(activity & EVENT)
    ends = np.flatnonzero(activity >> np.uint64(LAYER_BITS * (layers - 1)) & LAST_SUM)
    driven = np.flatnonzero(activity & LAST_EVENT)[: len(ends)]
    # An image's last event lies between the end of the previous image and its own.
    if len(driven) < len(ends) or np.any(driven > ends) or np.any(driven[1:] < ends[:-1]):
        raise ValueError("images overlap")
    before = np.concatenate([[-1], ends])[: len(ends)]
    starts = begins[np.searchsorted(begins, before, side="right")]
    return ends - starts + 1
