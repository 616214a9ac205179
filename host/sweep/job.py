"""One chip of a sweep, made and measured; it runs wherever a worker does."""

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.chips.tiles import calibration_images, needs_cut
from allspin.host.data.catalogue import Held, device_path, network_path
from allspin.host.data.datasets import Dataset, check_fit, load_dataset, load_test_set
from allspin.host.data.extensions import load_extensions
from allspin.host.learn.learning import learn
from allspin.host.learn.parameters import LearnParameters
from allspin.host.link.line import (
    Undone,
)
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.machine import ATTEMPTS, Machine, programmed_anew
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_machine
from allspin.host.machines.programmer import chip_profile
from allspin.host.show.say import warn
from allspin.host.sweep.grid import Point
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_from_bytes
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file
from allspin.sim.network.netfile import MAX_BYTES as MAX_NETWORK, network_from_bytes
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut
from allspin.sim.parameters import Brief
from allspin.sim.plain_values import MAX_TOML
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import VERIFYING

LOT = 100
"""Chips that are shown the same batches: what an interrupted sweep measures again, at most."""

Images = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Watch = Callable[[float], None]
"""Told how many chips' images were shown, beyond the chips that are done."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a sweep's numbers come from, by name and by content.

    Parameters
    ----------
    networks, devices : dict of str to str
        SHA-256 of the file of each, by name.
    data : tuple of (str or None, str)
        Folder and SHA-256 of the test set.
    calibration : str or None
        SHA-256 of the images that choose the steps of tiles, or that are learnt; None where no
        network is cut, and none learns.
    learn : dict or None
        Options with which chips learn; None where they are programmed.
    """

    networks: dict[str, str]
    devices: dict[str, str]
    data: tuple[str | None, str]
    calibration: str | None = None
    learn: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
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
class Row(Brief):
    """What a chip did: a line of the table.

    Parameters
    ----------
    point : Point
        What the chip was made of.
    chip : int
        Its seed.
    images, correct : int
        Images shown, and those that were classified rightly.
    pulses_per_cell, reads_per_cell : float
        What programming took.
    unconverged : float
        Share of the cells that were never within the band.
    resent, damaged : int
        Requests that were sent again and frames that came damaged; not in the table, since they
        are the line's and not the chip's.
    """

    point: Point
    chip: int
    images: int
    correct: int
    pulses_per_cell: float
    reads_per_cell: float
    unconverged: float
    resent: int = field(default=0, compare=False)
    damaged: int = field(default=0, compare=False)

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified rightly."""
        return self.correct / self.images


def row_of(job: Job, images: int, correct: int, counts: Counts, *faults: int) -> Row:
    """What the chip of a job did, of what programming took in all and the faults of the line."""
    cells = counts.cells
    shares = counts.pulses / cells, counts.reads / cells, counts.unconverged / cells
    return Row(job.point, job.chip, images, correct, *shares, *faults)


Rows = Generator[Row, None, None]
"""Rows of jobs, in whatever order they come."""


# Files, which a worker opens by name and finds to be the sweep's by their digests.


def network_file(name: str) -> bytes:
    """Content of a network's file."""
    return (
        name.content
        if isinstance(name, Held)
        else read_file(network_path(name), "network", MAX_NETWORK)
    )


def device_file(name: str) -> bytes:
    """Content of a device's file."""
    return (
        name.content if isinstance(name, Held) else read_file(device_path(name), "device", MAX_TOML)
    )


def digest_of(*contents: bytes | memoryview) -> str:
    """SHA-256 of contents, one after another."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def images_digest(images: Images, labels: Integers) -> str:
    """SHA-256 of a test set."""
    return digest_of(str(images.shape).encode(), images.data, labels.data)


def _same(what: str, found: str, wanted: str | None) -> None:
    if found != wanted:
        raise UserError(
            f"{what} is another file for this worker than for the sweep; give all of them the "
            "same files under the same names, and do not change them while it runs"
        )


@lru_cache(maxsize=32)
def network_of(name: str, digest: str) -> Network:
    """The network of a file of that digest, or an error that names it."""
    content = network_file(name)
    _same(f"network {name}", digest_of(content), digest)
    with refused(f"{name} is not a network file: "):
        return network_from_bytes(content)


@lru_cache(maxsize=256)
def device_of(point: Point, digest: str, learns: bool = False) -> Device:
    """The device of a point, of a file of that digest, or an error that names it."""
    content = device_file(point.device)
    _same(f"device {point.device}", digest_of(content), digest)
    device = device_from_bytes(content, point.device, point.taken_at())
    return point.made_of(device, point.states if learns else None)


@lru_cache(maxsize=32)
def _cut(
    name: str, digest: str, tiles: Tiles | None, data: str | None, calibration: str | None
) -> Network:
    """A network, cut into a point's tiles."""
    network = network_of(name, digest)
    if tiles is None or not needs_cut(network, tiles):
        return network
    images, labels = calibration_images(network, data)
    _same("the data set", images_digest(images, labels), calibration)
    return cut(network, tiles, images, labels)


@lru_cache(maxsize=1)
def _test_set(data: str | None, digest: str) -> tuple[Images, Integers]:
    images, labels = load_test_set(None if data is None else Path(data))
    _same("the data set", images_digest(images, labels), digest)
    return images, labels


@lru_cache(maxsize=1)
def _learning_set(data: str | None, digest: str | None) -> Dataset:
    dataset = load_dataset(None if data is None else Path(data))
    found = images_digest(dataset.train_images, dataset.train_labels)
    _same("the data set", found, digest)
    return dataset


def _learnt(job: Job, words: dict[str, Any]) -> tuple[Integers, Row]:
    """Let the chip of a job learn, and ask it."""
    point, material, (images, labels) = job.point, job.material, shown(job)
    device = device_of(point, material.devices[point.device], True)
    dataset = _learning_set(material.data[0], material.calibration)
    dataset = replace(dataset, test_images=images, test_labels=labels)
    hidden = tuple(map(int, point.network.split(",")))
    with refused("learn: ", kinds=(ValueError, TypeError)):
        learning = LearnParameters.from_options(words, device, hidden=hidden, seed=job.chip)
        found = learn(dataset, learning, progress=False)
    if found.interrupted:
        raise KeyboardInterrupt
    right = int(np.sum(found.classes == labels))
    return found.classes, Row(
        point, job.chip, len(labels), right, found.facts["pulses_per_device"], 0.0, 0.0
    )


def shown(job: Job) -> tuple[Images, Integers]:
    """The images that the chip of a job is shown, and their classes."""
    images, labels = _test_set(*job.material.data)
    return images[: job.images], labels[: job.images]


def make_chip(job: Job) -> ProgrammedChip:
    """Program the chip of a job.

    Raises
    ------
    UserError
        If a file is not the sweep's, or the network cannot be programmed.
    """
    point, material = job.point, job.material
    digest = material.networks[point.network]
    network = _cut(point.network, digest, point.tiles, material.data[0], material.calibration)
    device = device_of(point, material.devices[point.device])
    with refused(f"{point.network} on {point.device}: "):
        return program(
            network,
            device,
            job.chip,
            point.programming(network),
            calibrated=point.calibrate,
        )


def counts_of(point: Point, material: Material) -> Counts:
    """What is known of what programming takes before a chip is made.

    All of it where it is the same on every chip; where cells are read only how many there are.
    """
    if point.program not in VERIFYING:
        return make_chip(Job(point, 0, None, GOLDEN, material)).counts
    network = network_of(point.network, material.networks[point.network])
    return Counts(cells=sum(layer.states.size for layer in network.layers))


# The machine that a process keeps open from chip to chip.

_kept: dict[Any, Machine] = {}
"""The machine by the arguments that it was opened with; at most one."""
_kept_lock = threading.Lock()


def close_machines() -> None:
    """Close the machine that this process has open."""
    while _kept:
        _kept.popitem()[1].close()


def _machine(on: str, chip: ProgrammedChip) -> Machine:
    """A board for a chip, real or virtual: the one that is open already, or a new one."""
    if chip.network.beyond_words is not None:
        raise UserError(f"no gateware can run {chip.network.beyond_words}; run it on golden")
    # A virtual board is built for its engine; a board on a port is the same for all chips.
    key: tuple[Any, ...] = (on,)
    if on == VIRTUAL:
        profile = chip_profile(chip, None)
        key = (on, EngineParameters.from_network(chip.base, profile), profile)
    if key not in _kept:
        close_machines()
        _kept[key] = open_machine(on, chip)
    return _kept[key]


@contextmanager
def kept_machine(on: str, chip: ProgrammedChip) -> Iterator[Machine]:
    """Yield the machine for a chip, to one thread at a time.

    A worker of Dask may have several threads, and a machine takes one network at a time. If the
    work with a machine fails, the machine is closed, so that the next job opens it anew.
    """
    if on == GOLDEN:
        yield GoldenMachine()
        return
    with _kept_lock:
        try:
            yield _machine(on, chip)
        except BaseException:
            close_machines()
            raise


def build_machines(jobs: Sequence[Job]) -> None:
    """Build each virtual board that some jobs need, and leave none running."""
    try:
        for job in {job.point: job for job in jobs}.values():
            _machine(job.on, make_chip(job))
    finally:
        close_machines()


# Measurement of jobs.


def answers_of(job: Job) -> Integers:
    """Program the chip of a job, and return the class that it gives to each image.

    Raises
    ------
    UserError
        If a file is not the sweep's, the network cannot be programmed, or the machine fails.
    """
    return programmed_anew(partial(_answers_of, job), warn)


def _answers_of(job: Job) -> Integers:
    """Class of each image, without a second attempt."""
    load_extensions()  # a worker's process has not loaded them yet
    if job.material.learn is not None:
        return _learnt(job, job.material.learn)[0]
    images, labels = shown(job)
    # One job a core: threads of its own would only take cores from the others.
    with threadpool_limits(1):
        chip = make_chip(job)
        check_fit(chip.network, images.shape[1:], labels)
        with kept_machine(job.on, chip) as machine:
            machine.load(chip)
            return machine.stream(images).classes


def measure(job: Job) -> Row:
    """Program and measure the chip of a job; raises as `answers_of` does."""
    (row,) = _measure_again([job], lambda chips: None)
    return row


def measure_here(jobs: Sequence[Job], watch: Watch = lambda chips: None) -> Rows:
    """Measure jobs in this process, in their order.

    Parameters
    ----------
    jobs : sequence of Job
        Neighbours of one point are given to the machine together.
    watch : callable
        Called with the progress of chips that the machine measures together.
    """
    try:
        for _, same in groupby(jobs, lambda job: job.point):
            several = list(same)
            for first in range(0, len(several), LOT):
                yield from _measure_again(several[first : first + LOT], watch)
    finally:
        close_machines()


def _measure_again(lot: Sequence[Job], watch: Watch) -> Rows:
    """Measure chips of a point; those that are left again if the machine may have changed."""
    left = list(lot)
    attempts = ATTEMPTS
    while left:
        try:
            for row in _measure_lot(tuple(left), watch):
                left.pop(0)
                attempts = ATTEMPTS
                yield row
        except Undone as error:
            attempts -= 1
            if not attempts:
                raise
            warn(f"{error}".replace("run this again", "it is programmed again"))


def _measure_lot(lot: Sequence[Job], watch: Watch) -> Rows:
    """Measure the chips of a point on one machine, without a second attempt."""
    load_extensions()  # a worker's process has not loaded them yet
    if lot[0].material.learn is not None:
        for job in lot:
            yield _learnt(job, job.material.learn or {})[1]
        return
    images, labels = shown(lot[0])
    # One job a core: threads of its own would only take cores from the others.
    with threadpool_limits(1):
        first = make_chip(lot[0])
        check_fit(first.network, images.shape[1:], labels)
        counts: list[Counts] = []

        def chips() -> Iterator[ProgrammedChip]:
            for number, job in enumerate(lot):
                chip = make_chip(job) if number else first
                counts.append(chip.counts)
                yield chip

        def tell(done: int) -> None:
            watch(done / len(images))

        with kept_machine(lot[0].on, first) as machine:
            resent = machine.resent
            damaged = machine.damaged
            scored = machine.score_chips(chips(), images, labels, tell)
            for number, (job, correct) in enumerate(zip(lot, scored, strict=True)):
                # Faults of the line are those since the last row: of chips that were measured
                # together, the first has all.
                faults = machine.resent - resent, machine.damaged - damaged
                resent += faults[0]
                damaged += faults[1]
                yield row_of(job, len(labels), correct, counts[number], *faults)
