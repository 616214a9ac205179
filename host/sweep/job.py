"""One chip of a sweep, made and measured; it runs wherever a worker does."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from hdl.parameters import EngineParameters
from host.catalogue import device_path, network_path
from host.datasets import check_fit, load_test_set
from host.link.device import Device as Machine
from host.link.golden_device import GoldenDevice
from host.link.machines import GOLDEN, VIRTUAL, open_device
from host.sweep.point import Point
from sim.calibration import calibrate
from sim.chip import Chip, ColumnNoise
from sim.device import Device
from sim.device_file import device_from_toml
from sim.errors import UserError
from sim.netfile import network_from_bytes
from sim.network import Network
from sim.programming import chip_network, program_chip
from sim.schemes import Counts

MACHINES_KEPT = 4
"""Virtual boards that a worker keeps running, one for each shape of network."""

Images = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Material:
    """What a sweep's numbers come from, by name and by content.

    Parameters
    ----------
    networks, devices : tuple of (str, str)
        Name and SHA-256 of the file of each.
    data : tuple of (str or None, str)
        Folder and SHA-256 of the test set.
    """

    networks: tuple[tuple[str, str], ...]
    devices: tuple[tuple[str, str], ...]
    data: tuple[str | None, str]


@dataclass(frozen=True)
class Job:
    """One chip.

    Parameters
    ----------
    point : Point
        What it is made of and how it is programmed.
    chip : int
        Its seed.
    images : int or None
        How many test images.
    on : str
        Machine.
    material : Material
        Files that a worker must find to be the same.
    """

    point: Point
    chip: int
    images: int | None
    on: str
    material: Material


@dataclass(frozen=True)
class Outcome:
    """What a chip did.

    Parameters
    ----------
    images, correct : int
        Images shown, and those that were classified rightly.
    pulses_per_cell, reads_per_cell : float
        What programming took.
    unconverged : float
        Share of the cells that were never within the band.
    """

    images: int
    correct: int
    pulses_per_cell: float
    reads_per_cell: float
    unconverged: float

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified rightly."""
        return self.correct / self.images


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error


def network_file(name: str) -> bytes:
    """Content of a network's file."""
    return _content(network_path(name))


def device_file(name: str) -> bytes:
    """Content of a device's file."""
    return _content(device_path(name))


def digest_of(*contents: bytes) -> str:
    """SHA-256 of contents, one after another."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def _same(what: str, found: str, wanted: str) -> None:
    if found != wanted:
        raise UserError(
            f"{what} is another file for this worker than for the sweep; give all of them the "
            "same files under the same names, and do not change them while it runs"
        )


@lru_cache(maxsize=32)
def _network(name: str, digest: str) -> Network:
    content = network_file(name)
    _same(f"network {name}", digest_of(content), digest)
    return network_from_bytes(content)


@lru_cache(maxsize=32)
def _device(name: str, digest: str) -> Device:
    content = device_file(name)
    _same(f"device {name}", digest_of(content), digest)
    return device_from_toml(content.decode())


def images_digest(images: Images, labels: Integers) -> str:
    """SHA-256 of a test set."""
    return digest_of(str(images.shape).encode(), images.tobytes(), labels.tobytes())


@lru_cache(maxsize=1)
def _test_set(data: str | None, digest: str) -> tuple[Images, Integers]:
    images, labels = load_test_set(None if data is None else Path(data))
    _same("the data set", images_digest(images, labels), digest)
    return images, labels


@dataclass(frozen=True, eq=False)
class MadeChip:
    """A chip of a job, programmed.

    Attributes
    ----------
    network : Network
        With its words, V-I converters and neurons.
    noise : ColumnNoise or None
        What it adds at each use.
    counts : Counts
        What programming took.
    """

    network: Network
    noise: ColumnNoise | None
    counts: Counts


def make_chip(job: Job) -> MadeChip:
    """Make and program the chip of a job.

    Raises
    ------
    UserError
        If a file is not the sweep's, or the network cannot be programmed.
    """
    point, material = job.point, job.material
    network = _network(point.network, dict(material.networks)[point.network])
    device = point.made_of(_device(point.device, dict(material.devices)[point.device]))
    chip = Chip(device, job.chip)
    try:
        programmed = program_chip(chip, network, point.programming(network))
    except ValueError as error:
        raise UserError(f"{point.network} on {point.device}: {error}") from error
    final = calibrate(chip, network).network if point.calibrate else network
    return MadeChip(
        chip_network(chip, final, programmed.words), chip.noise(network), programmed.counts
    )


_machines: OrderedDict[Any, Machine | GoldenDevice] = OrderedDict()
"""Machines that this process keeps open, the one used last at the end."""


def close_machines() -> None:
    """Close what this process has open."""
    while _machines:
        _machines.popitem()[1].close()


def _machine(on: str, network: Network, noise: ColumnNoise | None) -> Machine | GoldenDevice:
    """A machine for a network: one that is open already, or a new one."""
    if on == GOLDEN:
        return GoldenDevice(noise)
    # A virtual board is built for its engine; what is on a port is what it is.
    key = (on, EngineParameters.from_network(network) if on == VIRTUAL else None)
    if key not in _machines:
        while len(_machines) >= MACHINES_KEPT:
            _machines.popitem(last=False)[1].close()
        _machines[key] = open_device(on, network, noise=noise)
    _machines.move_to_end(key)
    machine = _machines[key]
    machine.check(network)
    return machine


def answers_of(job: Job) -> tuple[Integers, Integers, Counts]:
    """What a job's chip answers to each image.

    Returns
    -------
    answers, labels : ndarray of int64, shape (images,)
        Classes that it says, and the right ones.
    counts : Counts
        What programming took.

    Raises
    ------
    UserError
        If a file is not the sweep's, the network cannot be programmed, or the machine fails.
    """
    images, labels = _test_set(*job.material.data)
    images, labels = images[: job.images], labels[: job.images]
    # One job a core: threads of its own would only take them from the others.
    with threadpool_limits(1):
        made = make_chip(job)
        check_fit(made.network, images, labels)
        try:
            machine = _machine(job.on, made.network, made.noise)
            machine.program(made.network)
            answers = machine.stream(images)
        except BaseException:
            # In whatever state they are now, the next job shall not find them so.
            close_machines()
            raise
    return answers.classes, labels, made.counts


def measure(job: Job) -> Outcome:
    """Make, program and measure the chip of a job; raises as `answers_of` does."""
    answers, labels, counts = answers_of(job)
    return Outcome(
        images=len(labels),
        correct=int(np.sum(answers == labels)),
        pulses_per_cell=counts.pulses / counts.cells,
        reads_per_cell=counts.reads / counts.cells,
        unconverged=counts.unconverged / counts.cells,
    )
