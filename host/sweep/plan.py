"""Plan of a sweep: a grid whose files were found and fit one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allspin.host.chips.cutting import calibration_images, needs_cut
from allspin.host.data.datasets import load_dataset, load_test_set
from allspin.host.show.version import commit
from allspin.host.sweep.grid import Grid
from allspin.host.sweep.job import Job
from allspin.host.sweep.material import (
    Material,
    device_file,
    digest_of,
    images_digest,
    network_file,
    open_checked_network,
    open_varied_device,
)
from allspin.host.sweep.point import Point
from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown


@dataclass(frozen=True, eq=False)
class SweepPlan(Shown):
    """Grid whose files were found and fit one another.

    Attributes
    ----------
    grid : Grid
        The grid.
    points : list of Point
        Points of the grid.
    material : Material
        Names and digests of the files.
    images : int
        Number of test images.
    """

    grid: Grid
    points: list[Point]
    material: Material
    images: int

    def job(self, point: Point, chip: int) -> Job:
        """Return the job that measures a chip of a point."""
        return Job(point, chip, self.images, self.grid.on, self.material)

    def record(self) -> dict[str, Any]:
        """Return the record that lies beside the table of results."""
        return {
            "grid": {**self.grid.to_dict(), "images": self.images},
            "networks": self.material.networks,
            "devices": self.material.devices,
            "data": self.material.data[1],
            "calibration_images": self.material.calibration,
            "commit": commit(),
        }


def make_plan(grid: Grid) -> SweepPlan:
    """Find a grid's files, and check that all of its points can be measured.

    Raises
    ------
    UserError
        If a file is missing or damaged, or does not fit the others.
    """
    points = grid.points()
    names = [] if grid.learn else grid.networks()
    network_digests = {name: digest_of(network_file(name)) for name in names}
    device_digests = {name: digest_of(device_file(name)) for name in grid.factors["device"]}
    networks = {
        name: open_checked_network(name, digest) for name, digest in network_digests.items()
    }
    for point in points:
        open_varied_device(point, device_digests[point.device], bool(grid.learn))
        if not grid.learn:
            point.programming(networks[point.network])
    data = None if grid.data is None else Path(grid.data)
    images, labels = load_test_set(data, networks.values(), grid.images)
    if grid.learn:
        dataset = load_dataset(data)
        calibration = images_digest(dataset.train_images, dataset.train_labels)
    else:
        calibration = _calibration_digest(grid, points, networks)
    material = Material(
        network_digests,
        device_digests,
        (grid.data, images_digest(images, labels)),
        calibration,
        _learning_options(grid),
    )
    return SweepPlan(grid, points, material, len(images) if grid.images is None else grid.images)


def _calibration_digest(
    grid: Grid, points: Sequence[Point], networks: Mapping[str, Network]
) -> str | None:
    """Return the digest of the images that choose the steps of tiles; None if none are cut."""
    digest = None
    cut = [point.network for point in points if needs_cut(networks[point.network], point.tiles)]
    for name in dict.fromkeys(cut):
        # The same images for each network, which they must fit.
        digest = images_digest(*calibration_images(networks[name], grid.data))
    return digest


def _learning_options(grid: Grid) -> dict[str, Any] | None:
    """Return the options of chips that learn; None if they are programmed."""
    if not grid.learn:
        return None
    return dict(grid.learn) if isinstance(grid.learn, Mapping) else {}
