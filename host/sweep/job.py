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
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.chip_options import MadeChip
from allspin.host.chips.tiles import calibration_images, needs_cut
from allspin.host.data.catalogue import Held, device_path, network_path
from allspin.host.data.datasets import Dataset, check_fit, load_dataset, load_test_set
from allspin.host.data.files import load_extensions
from allspin.host.learn.learning import learn
from allspin.host.link.memories import Memories
from allspin.host.machines.gateware_chips import (
    ChipMaker,
    ResidentChips,
    tile_offsets,
)
from allspin.host.machines.machine import GoldenMachine, Machine, Maker, programmed_anew
from allspin.host.machines.opening import GOLDEN, VIRTUAL, open_machine
from allspin.host.show.say import warn
from allspin.host.sweep.grid import Point
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_from_bytes
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file
from allspin.sim.network.netfile import MAX_BYTES as MAX_NETWORK, network_from_bytes
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut
from allspin.sim.parameters import Brief
from allspin.sim.plain_values import MAX_TOML
from allspin.sim.programming.schemes import VERIFYING, Counts

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
    given = {"hidden": hidden, "seed": job.chip, "progress": False}
    with refused("learn: ", kinds=(ValueError, TypeError)):
        found: Any = learn(dataset, device=device, **words | given)
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


def make_chip(job: Job) -> MadeChip:
    """Make and program the chip of a job.

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
        return MadeChip.of(
            Chip(device, job.chip),
            network,
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


# A machine, which a worker keeps open from chip to chip.


_kept: dict[Any, Machine] = {}
"""The machine that this process keeps open, by what it was opened as; at most one."""
_makers: dict[Point, Maker] = {}
"""What makes the chips of the last point there: it has sent its network's states already."""
_kept_lock = threading.Lock()


def close_machines() -> None:
    """Close what this process has open."""
    _makers.clear()
    while _kept:
        _kept.popitem()[1].close()


def _machine(on: str, made: MadeChip) -> Machine:
    """A board for a chip, real or virtual: one that is open already, or a new one."""
    if made.network.beyond_words is not None:
        raise UserError(f"no gateware can run {made.network.beyond_words}; run it on golden")
    # A virtual board is built for its engine; what is on a port is what it is.
    profile, engine = None, None
    if on == VIRTUAL:
        profile = HardwareProfile(variation=made.gateware, tile_offsets=tile_offsets(made.device))
        engine = EngineParameters.from_network(made.base, profile)
    key = (on, engine, profile)
    if key not in _kept:
        close_machines()
        _kept[key] = open_machine(on, made.base, profile)
    return _kept[key]


@contextmanager
def kept_machine(job: Job, made: MadeChip) -> Iterator[tuple[Machine, Maker]]:
    """The machine for a job's chip, and what makes the chip, for one worker at a time.

    A worker of Dask may have several threads, a machine takes one network at a time. Where what is
    done with it fails, it is closed: in whatever state it is then, the next job shall not find it
    so.
    """
    given = made.base, made.device, made.programming
    if job.on == GOLDEN:
        golden = GoldenMachine()
        yield golden, golden.chip_maker(*given)
        return
    with _kept_lock:
        try:
            machine = _machine(job.on, made)
            if job.point not in _makers:
                _makers.clear()
                _makers[job.point] = machine.chip_maker(*given)
            yield machine, _makers[job.point]
        except BaseException:
            close_machines()
            raise


def build_machines(jobs: Sequence[Job]) -> None:
    """Have each virtual board that some jobs need built, and leave none running."""
    try:
        for job in {job.point: job for job in jobs}.values():
            _machine(job.on, make_chip(job))
    finally:
        close_machines()


# Chips are measured one by one, or those of a point together on a board that keeps images: there
# each batch is sent once for all of them.


def answers_of(job: Job) -> tuple[Integers, Row]:
    """Make, program and ask the chip of a job: the class of each image, and what that comes to.

    Raises
    ------
    UserError
        If a file is not the sweep's, the network cannot be programmed, or the machine fails.
    """
    return programmed_anew(partial(_answers_of, job), warn)


def _answers_of(job: Job) -> tuple[Integers, Row]:
    load_extensions()  # which a worker's process has not done yet
    if job.material.learn is not None:
        return _learnt(job, job.material.learn)
    images, labels = shown(job)
    # One job a core: threads of its own would only take them from the others.
    with threadpool_limits(1):
        made = make_chip(job)
        check_fit(made.network, images.shape[1:], labels)
        with kept_machine(job, made) as (machine, maker):
            resent, damaged = machine.resent, machine.damaged
            maker.make(made.chip, made.network)
            classes = machine.stream(images).classes
            faults = machine.resent - resent, machine.damaged - damaged
    correct = int(np.sum(classes == labels))
    return classes, row_of(job, len(labels), correct, made.counts, *faults)


def measure(job: Job) -> Row:
    """Make, program and measure the chip of a job; raises as `answers_of` does."""
    return answers_of(job)[1]


def measure_here(jobs: Sequence[Job], watch: Watch = lambda chips: None) -> Rows:
    """Measure jobs in this process, in their order.

    Parameters
    ----------
    jobs : sequence of Job
        Neighbours of one point are measured together where the machine can.
    watch : callable
        Told of chips that are measured together how far they are.
    """
    try:
        for _, same in groupby(jobs, lambda job: job.point):
            several = list(same)
            for first in range(0, len(several), LOT):
                lot = several[first : first + LOT]
                together = programmed_anew(partial(_together, lot, watch), warn)
                yield from together or map(measure, lot)
    finally:
        close_machines()


def _together(lot: Sequence[Job], watch: Watch) -> list[Row] | None:
    """What the chips of a point did, if they are several and the machine can have them together."""
    if len(lot) == 1 or lot[0].on in (GOLDEN, VIRTUAL):
        return None
    load_extensions()
    with threadpool_limits(1):
        made = make_chip(lot[0])
        with kept_machine(lot[0], made) as (machine, maker):
            if not isinstance(machine, Memories) or not isinstance(maker, ChipMaker):
                return None
            many = ResidentChips(machine, maker)
            if not many.possible:
                return None
            images, labels = shown(lot[0])
            check_fit(made.network, images.shape[1:], labels)
            chips = [made, *(make_chip(job) for job in lot[1:])]
            faults = -machine.resent, -machine.damaged
            found = many.run(
                [(each.chip, each.network) for each in chips],
                images,
                labels,
                lambda count: watch(count / len(images)),
            )
            faults = faults[0] + machine.resent, faults[1] + machine.damaged
    # The line's faults are of all chips together: the first has them.
    of_each = [faults, *[(0, 0)] * (len(lot) - 1)]
    return [
        row_of(job, counts.images, counts.correct, each.counts, *its)
        for job, each, counts, its in zip(lot, chips, found, of_each, strict=True)
    ]
