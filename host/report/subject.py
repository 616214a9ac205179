"""What a report is about, and the commands that give its figures again."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import (
    network_name,
    open_device,
    operating_point,
    shipped_devices,
)
from allspin.host.data.datasets import load_test_set
from allspin.host.show.display import Display
from allspin.host.study.cutting import cut_network
from allspin.host.training.recipe import DEFAULT_NEURON, TrainingParameters
from allspin.host.training.robust import robustness
from allspin.sim.device.device import Device
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.point.operating_point import OperatingPoint

CHIPS, QUICK_CHIPS, MAX_CHIPS = 20, 5, 1000
QUICK_IMAGES = 2000

CUTTING = ("run", "chips", "compare", "report")
"""Commands that cut a network into tiles."""
TRAIN_OPTIONS = {
    "states": "--states",
    "hidden": "--hidden",
    "neuron": "--neuron",
    "pixel_bits": "--pixel-bits",
    "hidden_bits": "--hidden-bits",
    "rah_bits": "--rah-bits",
    "noise": "--noise",
    "augment": "--augment",
    "rate": "--rate",
    "batch": "--batch",
    "tile_rows": "--tile-rows",
    "adc_bits": "--adc-bits",
    "epochs": "--epochs",
    "seed": "--seed",
    "device": "--device",
    "at": "--at",
    "levels": "--level-choice",
    "polarity": "--polarity",
}
"""Options of ``train`` by the names that a network's provenance has for them."""
DEFAULTS: dict[str, Any] = {
    **{
        field.name: getattr(TrainingParameters(), field.name)
        for field in fields(TrainingParameters)
    },
    "noise": 0.0,
    "hidden": list(TrainingParameters().hidden),
    "levels": "nearest",
    "polarity": "quieter",
}
"""Values that need not be said."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Parameters
    ----------
    name : str
        The network as it was asked for: a shipped name, or a file.
    network : Network
        The network.
    device_name : str
        The device as it was asked for.
    device : Device
        What the chips are made of.
    data : Path or None
        Folder or archive of the data set; None for the MNIST that ships.
    images : ndarray of uint8, shape (images, height, width)
        Test images, grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    all_images : bool
        Whether these are all of the data set's test images.
    chips : int
        How many chips, from chip 0 on.
    at : str or None
        Operating point of the device; None for its file's default.
    tiles : Tiles or None
        What the network's columns were cut into; None for its own.
    """

    name: str
    network: Network
    device_name: str
    device: Device
    data: Path | None
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    all_images: bool
    chips: int
    at: str | None = None
    tiles: Tiles | None = None

    @classmethod
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
        display: Display | None = None,
    ) -> Self:
        """Load what a report is about.

        Parameters
        ----------
        network : str, Path or Network
            A network, its file, or the name of one that ships.
        device : str, Path or Device
            A device, its file, or the name of one that ships.
        at : str or OperatingPoint, optional
            Where a file's device is taken, such as ``current=9mA,temperature=350``; its own point.
        chips : int, optional
            How many, 1 to 1000; 20, or 5 of a quick report.
        images : int, optional
            First test images; all, or 2000 of a quick report.
        data : str or Path, optional
            Folder or archive of the data set; the MNIST that ships.
        tiles : Tiles, optional
            What the network's columns are cut into (its own).
        quick : bool
            Whether fewer chips and images will do.
        display : Display, optional
            Told of the cutting.

        Raises
        ------
        UserError
            If there is no such network, device or data set, or they do not fit one another.
        ValueError
            If a number is out of its range; the message begins with its name.
        """
        usual = QUICK_CHIPS if quick else CHIPS
        count = usual if chips is None else check_range("chips", chips, 1, MAX_CHIPS)
        opened = cut_network(network, tiles, data, display)
        made_of = open_device(device, at)
        pixels, labels = load_test_set(data, [opened])
        whole = len(pixels)
        if images is None:
            images = min(QUICK_IMAGES, whole) if quick else whole
        check_range("images", images, 1, whole)
        part = slice(images)
        return cls(
            network_name(network),
            opened,
            device.name if isinstance(device, Device) else str(device),
            made_of,
            None if data is None else Path(data),
            # Lists of values have the shape that the network sees in them.
            pixels[part].reshape(-1, *opened.image_shape),
            labels[part],
            images == whole,
            count,
            None if at is None else str(operating_point(at)),
            tiles,
        )

    @property
    def device_options(self) -> tuple[str, ...]:
        """The options of a command that name the device."""
        point = () if self.at is None else ("--at", self.at)
        return ("--device", self.device_name, *point)

    @property
    def title(self) -> str:
        """The network's name without folder and suffix."""
        return Path(self.name).name.removesuffix(".safetensors") or self.name

    @property
    def data_name(self) -> str:
        """The data set's name."""
        return "MNIST" if self.data is None else self.data.name or str(self.data)

    def command(self, name: str, *options: str, images: bool = True) -> str:
        """A command line of allspin about this network, on these images.

        Parameters
        ----------
        name : str
            The command.
        *options : str
            Its options, after the network.
        images : bool
            Whether the command is shown the images that the report is shown.
        """
        words = ["allspin", name, self.name, *options]
        if self.tiles is not None and name in CUTTING:
            words += ["--tile-rows", str(self.tiles.rows), "--adc-bits", str(self.tiles.bits)]
        if images and not self.all_images:
            words += ["--images", str(len(self.images))]
        if self.data is not None:
            words += ["--data", str(self.data)]
        return shlex.join(words)


def _usual_neuron(device: object) -> str | None:
    """Kind of neuron that ``train`` takes unasked; None where only the user's file tells."""
    if device is None:
        return DEFAULT_NEURON
    if isinstance(device, str) and device in shipped_devices():
        return open_device(device).neuron.name
    return None


def train_command(provenance: Mapping[str, Any], name: str) -> str | None:
    """The command that trained a network, as far as its file tells.

    Parameters
    ----------
    provenance : mapping
        Of the network.
    name : str
        File to write.

    Returns
    -------
    str or None
        None where the network was not made by ``allspin train``.
    """
    options = provenance.get("options")
    if provenance.get("command") != "train" or not isinstance(options, Mapping):
        return None
    usual = DEFAULTS | {"neuron": _usual_neuron(options.get("device"))}
    words = ["allspin", "train"]
    if options.get("in_array") is True:
        # There other values need not be said.
        words, usual = [*words, "--in-array"], {}
    robust = options.get("robust")
    if isinstance(robust, str):
        words += ["--robust"] if robust == robustness.USUAL else ["--robust", robust]
        usual |= {"epochs": robustness.EPOCHS}
    for key, option in TRAIN_OPTIONS.items():
        value = options.get(key)
        if value is None or (value == usual.get(key) and key != "states"):
            continue
        if isinstance(value, list):
            value = ",".join(map(str, value))
        words += [option, str(value)]
    data = provenance.get("data")
    if isinstance(data, Mapping) and isinstance(data.get("name"), str) and data["name"] != "mnist":
        words += ["--data", data["name"]]
    return shlex.join([*words, "-o", f"{name}.safetensors"])
