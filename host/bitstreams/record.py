"""What is known of a board's build: its record, and the images/s of the machine in it.

The record is the object that ``allspin build --json`` prints. It is kept in the cache, written into
``docs/boards.json``, and printed in tables; whoever reads it from a file checks it here first.
"""

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.boards.catalogue import find_boards
from allspin.hdl.cache import kept_folder, note_path, read_note, write_note
from allspin.hdl.cache.process import Progress, no_progress
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.link.protocol import ANSWER_HEADER_BYTES, CRC_BYTES, HEADER_BYTES, Feature
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.datasets import load_test_set
from allspin.host.link.image_requests import image_bytes
from allspin.host.link.transport import BITS_PER_BYTE
from allspin.host.machines.opening import open_virtual
from allspin.host.machines.resident import VIRTUAL_RESIDENT
from allspin.host.show.say import warn
from allspin.host.virtual.activity_tap import read_trace
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes
from allspin.sim.network.network import Network


def is_older(record: Mapping[str, Any], network: Network, progress: Progress = no_progress) -> bool:
    """Whether a build is of other gateware than these sources make, at the clock that is told now.

    A build that says no gateware is from before builds did. Otherwise the machine is elaborated,
    once after each change of the sources: some ten seconds for an ECP5's, so it is asked only of
    machines that were built.

    Parameters
    ----------
    record : mapping
        What ``allspin build --json`` says of the build.
    network : Network
        What was built.
    progress : callable
        Told what is being done, and for how many seconds now.
    """
    if not record.get("gateware"):
        return True
    board = find_boards().get(record["board"])
    if board is None or record["profile"] not in board.profiles:
        return True
    from allspin.boards.build.gateware import gateware_of
    from allspin.boards.shell import ShellParameters

    try:
        running = board.running(record["profile"])
        # With the lanes and rows per clock of the build.
        changes = {name: record[name] for name in ("lanes", "rows_per_clock")}
        profile = replace(running.profile().hardware, **changes)
        parameters = ShellParameters.from_network(running, network, profile)
    except (UserError, ValueError):
        return True
    return record["gateware"] != gateware_of(parameters, progress=progress)


Number = int | float
FIELDS: Mapping[str, Any] = {
    **dict.fromkeys(("board", "part", "profile", "network"), str),
    **dict.fromkeys(("lanes", "rows_per_clock", "luts", "cells", "memories"), int),
    **dict.fromkeys(("fits", "meets_timing"), bool),
    **dict.fromkeys(("fmax_mhz", "worst_fmax_mhz", "cycles_per_image"), Number | None),
    **dict.fromkeys(("need_mhz", "luts_share", "cells_share", "memories_share", "seconds"), Number),
    "images_per_second": Number | None,
    "seeds": list,
    "tools": Mapping,
    "shortfall": str | None,
    "gateware": str | None,
}
"""What each record has, and of which type; there is more that nobody relies on."""


def check_record(value: Any) -> dict[str, Any]:
    """A record, if it is one.

    Parameters
    ----------
    value : object
        What a file says.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not isinstance(value, Mapping):
        raise ValueError("it is not what allspin build says of a board")
    if not value.keys() >= FIELDS.keys():
        raise ValueError(f"it lacks {', '.join(sorted(FIELDS.keys() - value.keys()))}")
    for name, kind in FIELDS.items():
        if not isinstance(value[name], kind):
            raise ValueError(f"its {name} is not what allspin build says of a board")
    if value["fits"] and (value["fmax_mhz"] is None or value["worst_fmax_mhz"] is None):
        raise ValueError("it fits, but has no fmax_mhz or worst_fmax_mhz")
    return dict(value)


BUILT, FLASHED = "built", "flashed"
"""Folders of the cache: what was built here, and what was put on boards here."""


def remember(figures: Mapping[str, Any], folder: str = BUILT) -> None:
    """Keep the figures of a board; those of the same board, profile and network go.

    Parameters
    ----------
    figures : mapping
        What ``allspin build --json`` prints.
    folder : str
        `BUILT` or `FLASHED`.

    Raises
    ------
    ValueError
        If it is something else.
    UserError
        If the cache cannot be written.
    """
    name = f"{figures['board']}.{figures['profile']}.{Path(figures['network']).stem}.json"
    write_note(kept_folder(folder) / name, check_record(figures))


def recall(folder: str = BUILT) -> list[dict[str, Any]]:
    """All figures that are kept, the latest first; of damaged ones a line on stderr tells."""
    found = []
    for path in kept_folder(folder).glob("*.json"):
        try:
            age = path.stat().st_mtime
            found.append((age, check_record(read_note(path))))
        except (OSError, ValueError) as error:
            warn(f"{path} is left out: {error}")
    return [figures for _, figures in sorted(found, key=lambda pair: -pair[0])]


def recall_one(
    board: str, profile: str | None = None, network: str | None = None
) -> dict[str, Any] | None:
    """The latest figures of a board, of one profile or network if that is asked for."""
    for figures in recall():
        if (
            figures["board"] == board
            and profile in (None, figures["profile"])
            and network in (None, figures["network"])
        ):
            return figures
    return None


SOME = 1000
"""Images that tell whether the link is slower than the engine."""
FRAMED = 1.1
"""A frame's bytes for each of an image, at most."""


def count_cycles(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer],
    progress: Progress = no_progress,
    made_for: Network | None = None,
) -> float:
    """Mean cycles of an image, by the counters of a virtual board that runs all of them; once.

    It is the engine whose clocks are counted. The link's decoder takes a byte a clock, so images
    come over the link to engines that take longer than an image has bytes, and wait on the board
    for faster ones and for machines that keep images.

    Parameters
    ----------
    network : Network
        What runs.
    profile : HardwareProfile
        What it runs on, its memory and its variation included.
    images, labels : ndarray
        The test set, as of `allspin.host.machines.resident.ResidentImages.load`.
    progress : callable
        Told what is being done, and for how many seconds now.
    made_for : Network, optional
        What the machine is made for, where it runs a network that fits; the network itself.

    Raises
    ------
    UserError
        If there is no such machine, or no compiler to make the virtual board.
    """
    from allspin.boards.top import sources_digest

    # Whether an image has more bytes on the link than it takes clocks in the engine at least, or
    # nearly so: its frame has some more.
    some = images[:SOME]
    bound = cycle_bounds(network, EngineParameters.from_network(network, profile), some).mean()
    if FRAMED * image_bytes(some, network.pixel_bits) > bound:
        profile = replace(profile, resident=profile.resident or VIRTUAL_RESIDENT)
    made_for = made_for or network
    parts = (
        images.tobytes(),
        labels.tobytes(),
        *map(network_to_bytes, (network, made_for)),
        repr(profile),
    )
    note = note_path("cycles-per-image", sources_digest(), *parts)
    with contextlib.suppress(OSError, ValueError, TypeError):
        return float(read_note(note))
    with open_virtual(made_for, profile, progress=progress) as machine:
        progress(f"counting the clocks of {len(images):,} images", 0.0)
        machine.program(network)
        if profile.resident:
            cycles = machine.resident_images().run_all(images, labels).cycles
        else:
            machine.stream(images)
            cycles = machine.counters().cycles
    write_note(note, cycles / len(images))
    return cycles / len(images)


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
        As of `allspin.host.virtual.activity_tap.read_trace`.
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


def has_maps(network: Network) -> bool:
    """Whether a layer is used at several positions of an image, a small image each."""
    return any(layer.kind.positions > 1 for layer in network.layers)


def measure_latency(
    network: Network,
    profile: HardwareProfile,
    images: npt.NDArray[np.uint8],
    progress: Progress = no_progress,
    made_for: Network | None = None,
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
    made_for : Network, optional
        What the machine is made for, where it runs a network that fits; the network itself.

    Returns
    -------
    ndarray of int64, shape (images,)
        Cycles of each.

    Raises
    ------
    UserError
        If there is no such machine, no compiler to make the virtual board, or images overlap;
        and if the network has convolutions.
    """
    from allspin.boards.top import sources_digest

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
    bounds = cycle_bounds(network, EngineParameters.from_network(network, profile), images)
    clocks = int(bounds.sum()) * len(network.layers) + SPARE_CLOCKS * len(images)
    with tempfile.TemporaryDirectory(prefix="allspin-") as folder:
        trace = Path(folder) / "activity"
        with open_virtual(made_for, profile, trace=(trace, clocks), progress=progress) as machine:
            progress(f"counting the cycles of {len(images)} images, one at a time", 0.0)
            machine.program(network)
            resident = machine.resident_images()
            count = resident.load(images, np.zeros(len(images), np.int64))
            resident.logits()
            # As an SDRAM's words are checked, one image passes.
            checked = int(Feature.SDRAM in machine.identity.features)
        try:
            found = latencies(read_trace(trace), len(made_for.layers))[checked:]
        except ValueError as error:
            raise UserError(f"latency cannot be told: {error}") from error
    if len(found) != count or count != len(images):
        raise UserError(f"latency cannot be told: {len(found)} of {len(images)} images passed")
    write_note(note, found.tolist())
    return found


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
    cycles : float
        Mean clocks of an image that its engine takes, counted.
    link_bytes : float
        Mean bytes an image of the busier of the UART's two wires, frames included.
    latency : float or None
        Mean cycles from the first event to the last logit of an image alone; None of a network
        with convolutions.
    """

    cycles: float
    link_bytes: float
    latency: float | None


USB_RATE = 8_500_000
"""Bits a second of a UART that is as fast as USB at full speed: an image of 125 bytes and its
answer of 42 take 1,770 bit times there, simulated."""


def link_rate(baud: int, bytes_per_image: float) -> float:
    """Images/s that a UART can carry at most."""
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
        What runs.
    profile : HardwareProfile
        What it runs on.
    progress : callable
        Told what is being done, and for how many seconds now.
    made_for : Network, optional
        What the machine is made for, where it runs a network that fits; the network itself.

    Returns
    -------
    Throughput or None
        None where the network takes other images.

    Raises
    ------
    UserError
        As `count_cycles`.
    """
    images, labels = load_test_set()
    if network.layers[0].inputs != images[0].size:
        return None
    cycles = count_cycles(network, profile, images, labels, progress, made_for)
    alone = None
    if not has_maps(network):
        alone = float(measure_latency(network, profile, images[:ALONE], progress, made_for).mean())
    # The wire that carries more.
    engine = EngineParameters.from_network(made_for or network, profile)
    asked = HEADER_BYTES + image_bytes(images, network.pixel_bits)
    answered = ANSWER_HEADER_BYTES + engine.classes * engine.logit_bytes + CLASS_BYTES
    link_bytes = max(asked, answered) + CRC_BYTES + FRAMING_BYTES
    return Throughput(cycles, link_bytes, alone)
