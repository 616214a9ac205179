"""Subject of a report, and the commands about it."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.host.chips.cutting import cut_network
from allspin.host.data.catalogue import (
    network_name,
    open_device,
    operating_point,
    split_point,
)
from allspin.host.data.datasets import load_test_set
from allspin.host.show.progress import shows_progress
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import check_range
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Shown

CHIPS = 20
QUICK_CHIPS = 5
MAX_CHIPS = 1000
QUICK_IMAGES = 2000
CUTTING = ("run", "chips", "compare", "report")
"""Commands that cut a network into tiles."""


@dataclass(frozen=True, eq=False)
class ReportSubject(Shown):
    """Subject of a report: network, device, test images and chips.

    Parameters
    ----------
    name : str
        Name that the user gave: a network that ships, or a file.
    network : Network
        The network.
    device_name : str
        Name that the user gave.
    device : Device
        Device of the chips.
    data : Path or None
        Folder or archive of the data set; None for the MNIST that ships.
    images : ndarray of uint8, shape (images, height, width)
        Test images, grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    whole : int
        Number of the data set's test images.
    chips : int
        Number of chips, from chip 0 on.
    at : str or None
        Operating point of the device; None for its file's default.
    tiles : Tiles or None
        Tiles that the network's columns were cut into; None for its own.
    """

    name: str
    network: Network
    device_name: str
    device: Device
    data: Path | None
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    whole: int
    chips: int
    at: str | None = None
    tiles: Tiles | None = None

    @classmethod
    @shows_progress
    def open(
        cls,
        network: str | Path | Network,
        device: str | Path | Device = "paper",
        *,
        at: str | OperatingPoint | None = None,
        chips: int | None = None,
        images: int | None = None,
        data: str | Path | None = None,
        tiles: Tiles | None = None,
        quick: bool = False,
        progress: Any = None,
    ) -> Self:
        """Load the subject of a report.

        Parameters
        ----------
        network : str, Path or Network
            A network, its file, or the name of one that ships.
        device : str, Path or Device
            A device, its file, or the name of one that ships.
        at : str or OperatingPoint, optional
            Operating point, such as ``current=9mA,temperature=350``; by default the file's.
        chips : int, optional
            Number of chips, 1 to 1000; by default 20, or 5 for a quick report.
        images : int, optional
            Number of first test images; by default all, or 2000 for a quick report.
        data : str or Path, optional
            Folder or archive of the data set; by default the MNIST that ships.
        tiles : Tiles, optional
            Tiles to cut the network's columns into; by default its own.
        quick : bool
            True for fewer chips and images.
        progress : Display or bool, optional
            Display of the cutting.

        Raises
        ------
        UserError
            If a network, device or data set cannot be read, or they do not fit one another.
        ValueError
            If a number is out of its range; the message begins with its name.
        """
        if chips is None:
            chips = QUICK_CHIPS if quick else CHIPS
        check_range("chips", chips, 1, MAX_CHIPS)
        opened = cut_network(network, tiles, data, progress)
        if isinstance(device, str | Path) and at is None:
            device, at = split_point(str(device))
        made_of = open_device(device, at)
        pixels, labels = load_test_set(data, [opened])
        whole = len(pixels)
        if images is None:
            images = min(QUICK_IMAGES, whole) if quick else whole
        check_range("images", images, 1, whole)
        return cls(
            network_name(network),
            opened,
            device.name if isinstance(device, Device) else str(device),
            made_of,
            None if data is None else Path(data),
            # A list of values gets the image shape of the network.
            pixels[:images].reshape(-1, *opened.image_shape),
            labels[:images],
            whole,
            chips,
            None if at is None else str(operating_point(at)),
            tiles,
        )

    @property
    def device_options(self) -> tuple[str, ...]:
        """Options of a command that name the device."""
        point = "" if self.at is None else f"@{self.at}"
        return ("--device", f"{self.device_name}{point}")

    @property
    def title(self) -> str:
        """Name of the network without folder and suffix."""
        return Path(self.name).name.removesuffix(".safetensors") or self.name

    @property
    def data_name(self) -> str:
        """Name of the data set."""
        return "MNIST" if self.data is None else self.data.name or str(self.data)

    @property
    def some(self) -> str:
        """Description of the test images, empty if they are all."""
        shown = len(self.images)
        return "" if shown == self.whole else f"first {shown:,} of {self.whole:,} test images"

    def command(self, name: str, *options: str, images: bool = True) -> str:
        """Return a command line of allspin about this network, on these images.

        Parameters
        ----------
        name : str
            The command.
        *options : str
            Its options, after the network.
        images : bool
            True if the command gets the images of the report.
        """
        words = ["allspin", name, self.name, *options]
        if self.tiles is not None and name in CUTTING:
            words += ["--tiles", self.tiles.words]
        if images and self.some:
            words += ["--images", str(len(self.images))]
        if self.data is not None:
            words += ["--data", str(self.data)]
        return shlex.join(words)
