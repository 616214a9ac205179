"""What is compared, and under what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import network_name, open_device
from allspin.host.data.datasets import load_test_set
from allspin.host.show.display import Display
from allspin.host.study.compare.assumptions.parts import DEFAULT_PERIPHERY, PERIPHERY
from allspin.host.study.tiles.cutting import calibration_images, cut_network
from allspin.sim.cost.liberty import CELLS_45, Library, load_library
from allspin.sim.device.checks import check_number
from allspin.sim.device.device import Device
from allspin.sim.errors import meant
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, tiles_of
from allspin.sim.point.operating_point import OperatingPoint

MHZ = 1e6
MAX_MHZ = 10_000
IMAGES = 1000
"""Images whose activity is counted, if there are as many."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, with the devices of its spin neurons and the cells of its CMOS neurons.

    Parameters
    ----------
    name : str
        What the network is called; networks ``NAME-KIND`` that ship are its counterparts.
    network : Network
        The network; it has a hidden layer.
    device : Device
        Its spin devices, with electrical figures.
    library : Library
        Cells of the CMOS neurons.
    images : ndarray of uint8, shape (images, height, width)
        Test images, grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    calibration : tuple of ndarray, or None
        Images and labels that choose the steps of tiles; None where there are none to choose.
    """

    name: str
    network: Network
    device: Device
    library: Library
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    calibration: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]] | None = None

    @classmethod
    def open(
        cls,
        network: str | Path | Network,
        device: str | Path | Device = "paper",
        liberty: str | Path = CELLS_45,
        data: str | Path | None = None,
        *,
        at: str | OperatingPoint | None = None,
        tiles: Tiles | None = None,
        calibrated: bool = False,
        display: Display | None = None,
    ) -> Self:
        """What is compared, by its names and files.

        Parameters
        ----------
        network : str, Path or Network
            A network, its file, or the name of one that ships.
        device : str, Path or Device
            A device, its file, or the name of one that ships.
        liberty : str or Path
            File of standard cells.
        data : str or Path, optional
            Folder of IDX files, or an ``.npz`` archive; the MNIST that ships.
        at : str or OperatingPoint, optional
            Where a file's device is taken, such as ``current=9mA,temperature=350``; its own point.
        tiles : Tiles, optional
            What the network's columns are cut into (its own).
        calibrated : bool
            Whether tiles are to be tried, which needs images that choose their steps.
        display : Display, optional
            Told of the cutting.

        Raises
        ------
        UserError
            If one of them cannot be read or is damaged.
        """
        opened = cut_network(network, tiles, data, display)
        spin = open_device(device, at)
        cells = load_library(Path(liberty))
        test_set = load_test_set(data, [opened])
        calibration = None
        if calibrated or any(tiles_of(opened)):
            calibration = calibration_images(opened, data)
        return cls(network_name(network), opened, spin, cells, *test_set, calibration)


@dataclass(frozen=True)
class CompareOptions:
    """The conditions of a comparison.

    Parameters
    ----------
    frequency : float
        Clock of the CMOS neurons, Hz, 1 MHz to 10 GHz.
    images : int or None
        Images whose activity is counted, at least 2; None for 1000, or as many as there are.
    periphery : frozenset of str
        Which parts of `allspin.host.study.compare.assumptions.parts.PERIPHERY` are on.
    others : tuple of str, Path or Network
        Networks that were trained with other neurons.
    accuracy : float or None
        Percent of the images that the cheapest tiles shall reach; None tries no tiles.

    Raises
    ------
    ValueError
        If a value is out of its range; the message begins with its name.
    """

    frequency: float = 100 * MHZ
    images: int | None = None
    periphery: frozenset[str] = frozenset(DEFAULT_PERIPHERY)
    others: tuple[str | Path | Network, ...] = ()
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if not MHZ <= self.frequency <= MAX_MHZ * MHZ:
            raise ValueError(
                f"frequency must be from 1 to {MAX_MHZ} MHz, not {self.frequency / MHZ:g}"
            )
        if self.accuracy is not None:
            check_number("accuracy", self.accuracy, 0, 100)
        if strange := self.periphery - set(PERIPHERY):
            first = sorted(strange)[0]
            raise ValueError(
                f"periphery takes none or {', '.join(PERIPHERY)}, not {', '.join(sorted(strange))}"
                f"{meant(first, PERIPHERY)}"
            )

    def counted(self, images: int) -> int:
        """How many of some images are counted.

        Raises
        ------
        ValueError
            If there are not as many; the message begins with ``images``.
        """
        return check_range(
            "images", min(IMAGES, images) if self.images is None else self.images, 2, images
        )
