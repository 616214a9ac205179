"""Jobs and rows of a sweep: one chip to measure, and its result."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from allspin.host.chips.accuracy import ChipScore, Lot, TestSet
from allspin.host.machines.opening import GOLDEN
from allspin.host.sweep.material import (
    Material,
    open_checked_network,
    open_test_set,
    open_tiled_network,
    open_varied_device,
)
from allspin.host.sweep.point import Point
from allspin.sim.device.device import Device
from allspin.sim.errors import refused
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.program import ProgrammedChip
from allspin.sim.programming.schemes import VERIFYING


@dataclass(frozen=True, eq=False)
class Job:
    """Chip to measure.

    Parameters
    ----------
    point : Point
        Device, network and scheme of the chip.
    chip : int
        Seed of the chip.
    images : int or None
        Number of test images; None for all.
    on : str
        Machine.
    material : Material
        Digests of the files.
    """

    point: Point
    chip: int
    images: int | None
    on: str
    material: Material

    @property
    def learns(self) -> bool:
        """True if the chip learns in the array, False if it is programmed."""
        return self.material.learn is not None

    def network(self) -> Network:
        """Open the network, cut into the point's tiles."""
        name = self.point.network
        data, _ = self.material.data
        return open_tiled_network(
            name,
            self.material.networks[name],
            self.point.tiles,
            data,
            self.material.calibration,
        )

    def device(self) -> Device:
        """Open the device, with the point's variation."""
        digest = self.material.devices[self.point.device]
        return open_varied_device(self.point, digest, self.learns)

    def test_set(self) -> TestSet:
        """Load the test images and their labels."""
        images, labels = open_test_set(*self.material.data)
        return images[: self.images], labels[: self.images]


@dataclass(frozen=True)
class Row(Brief):
    """Result of one chip: a row of the table.

    Parameters
    ----------
    point : Point
        Point that the chip belongs to.
    chip : int
        Seed of the chip.
    images, correct : int
        Images shown, and images classified correctly.
    pulses_per_cell, reads_per_cell : float
        Cost of programming.
    unconverged : float
        Share of the cells that programming left outside the band.
    resent, damaged : int
        Requests that were sent again and frames that came damaged. The table leaves them out:
        they belong to the line and not to the chip.
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

    @classmethod
    def from_score(cls, point: Point, score: ChipScore) -> Self:
        """Return the row of a chip's score."""
        counts = score.counts
        return cls(
            point,
            score.seed,
            score.images,
            score.correct,
            counts.pulses / counts.cells,
            counts.reads / counts.cells,
            counts.unconverged / counts.cells,
            score.resent,
            score.damaged,
        )

    @property
    def accuracy(self) -> float:
        """Share of the images that were classified correctly."""
        return self.correct / self.images


Rows = Generator[Row, None, None]
"""Rows of jobs, in any order."""


def make_chips(jobs: Sequence[Job]) -> Iterator[ProgrammedChip]:
    """Program the chips of jobs of one point, one after another.

    Raises
    ------
    UserError
        If a file is not the sweep's, or the network cannot be programmed.
    """
    point = jobs[0].point
    network = jobs[0].network()
    device = jobs[0].device()
    seeds = [job.chip for job in jobs]
    with refused(f"{point.network} on {point.device}: "):
        lot = Lot(device, seeds, point.programming(network), point.calibrate)
        yield from lot.chips(network)


def make_chip(job: Job) -> ProgrammedChip:
    """Program the chip of a job; raises as `make_chips` does."""
    return next(make_chips([job]))


def expected_counts(point: Point, material: Material) -> Counts:
    """Return the known part of a point's programming cost, before any chip is made.

    For schemes that read cells only the number of cells is known; for others the cost is the same
    on every chip.
    """
    if point.program not in VERIFYING:
        return make_chip(Job(point, 0, None, GOLDEN, material)).counts
    network = open_checked_network(point.network, material.networks[point.network])
    return Counts(cells=sum(layer.states.size for layer in network.layers))
