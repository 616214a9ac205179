"""Cycles from an image's first event to its last logit, counted by the gateware for one alone."""

import contextlib
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.boards.sources import sources_digest
from allspin.hdl.cache import note_path, read_note, write_note
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.machines.opening import BuildProgress, no_progress, open_virtual
from allspin.host.link.machines.resident import VIRTUAL_RESIDENT
from allspin.host.link.virtual.board import read_trace
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network

LAYER_BITS = 4
EVENT, LAST_EVENT, LAST_SUM = (np.uint64(bit) for bit in (1, 2, 8))
"""Of a layer's bits in the engine's activity: an event was taken, an image's last one, its last
sum."""
SPARE_CLOCKS = 1000
"""For each image, besides its layers: reading it out, and asking for the next."""


def latencies(activity: npt.NDArray[np.uint64], layers: int) -> npt.NDArray[np.int64]:
    """Cycles of each image that passed alone, by what the engine did.

    Parameters
    ----------
    activity : ndarray of uint64, shape (clocks,)
        As of `allspin.host.link.virtual.board.read_trace`.
    layers : int
        How many the engine has.

    Returns
    -------
    ndarray of int64, shape (images,)
        From the clock in which the first layer takes an image's first event to that in which the
        last layer's last sum leaves, both counted.

    Raises
    ------
    ValueError
        If an image began before the one before it had ended.
    """
    begins = np.flatnonzero(activity & EVENT)
    ends = np.flatnonzero(activity >> np.uint64(LAYER_BITS * (layers - 1)) & LAST_SUM)
    driven = np.flatnonzero(activity & LAST_EVENT)[: len(ends)]
    # An image's last event lies between the end of the image before and its own.
    if len(driven) < len(ends) or np.any(driven > ends) or np.any(driven[1:] < ends[:-1]):
        raise ValueError("images overlap")
    before = np.concatenate([[-1], ends])[: len(ends)]
    starts = begins[np.searchsorted(begins, before, side="right")]
    return ends - starts + 1


def measure_latency(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    progress: BuildProgress = no_progress,
) -> npt.NDArray[np.int64]:
    """Run images one at a time on a virtual board that keeps them; once.

    They come from the board's memory, so that a link does not hold the engine up.

    Parameters
    ----------
    network : Network
        What runs.
    profile : HardwareProfile
        What it runs on.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    progress : callable
        Told what is being done, and for how many seconds now.

    Returns
    -------
    ndarray of int64, shape (images,)
        Cycles of each.

    Raises
    ------
    UserError
        If there is no such machine, no compiler to make the virtual board, or images overlap.
    """
    kept = profile.resident or VIRTUAL_RESIDENT
    profile = dataclasses.replace(profile, resident=kept)
    parts = (images.tobytes(), network_to_bytes(network), repr(profile))
    note = note_path("latency", sources_digest(), *parts)
    with contextlib.suppress(OSError, ValueError, TypeError):
        return np.array(read_note(note), np.int64)
    bounds = cycle_bounds(network, EngineParameters.from_network(network, profile), images)
    clocks = int(bounds.sum()) * len(network.layers) + SPARE_CLOCKS * len(images)
    with tempfile.TemporaryDirectory(prefix="allspin-") as folder:
        trace = Path(folder) / "activity"
        with open_virtual(network, profile, trace=(trace, clocks), progress=progress) as machine:
            progress(f"counting the cycles of {len(images)} images, one at a time", 0.0)
            machine.program(network)
            resident = machine.resident_images()
            count = resident.load(images, np.zeros(len(images), np.int64))
            resident.logits()
        try:
            found = latencies(read_trace(trace), len(network.layers))
        except ValueError as error:
            raise UserError(f"latency cannot be told: {error}") from error
    if len(found) != count or count != len(images):
        raise UserError(f"latency cannot be told: {len(found)} of {len(images)} images passed")
    write_note(note, found.tolist())
    return found
