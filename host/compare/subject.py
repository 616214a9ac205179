"""Subject and conditions of a comparison, the counterparts of a network, and the files written."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
from cyclopts import Parameter

from allspin.host.charts.comparison_charts import break_even_chart, energy_split, tornado_chart
from allspin.host.chips.cutting import calibration_images, cut_network
from allspin.host.compare.assumptions import DEFAULT_PERIPHERY, PERIPHERY
from allspin.host.data.catalogue import network_name, open_device, open_network, shipped_networks
from allspin.host.data.datasets import load_test_set
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import SCREEN, PictureStyle
from allspin.host.options import (
    Options,
    listed,
    megahertz,
    parsed,
    parsed_together,
)
from allspin.host.show.progress import shows_progress
from allspin.sim.cost.liberty import CELLS_45, Library, load_library
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_range, meant
from allspin.sim.files import write_atomically
from allspin.sim.network.layer import GAIN_BITS, Converter
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.network.tiling import Tiles, tiles_of
from allspin.sim.parameters import (
    Shown,
    number,
)

MHZ = 1e6
MAX_MHZ = 10_000
IMAGES = 1000
"""Images whose activity is counted by default."""


@dataclass(frozen=True, eq=False)
class ComparisonSubject(Shown):
    """Network, with the devices of its spin neurons and the cells of its CMOS neurons.

    Parameters
    ----------
    name : str
        Name of the network; networks ``NAME-KIND`` that ship are its counterparts.
    network : Network
        Network with a hidden layer.
    device : Device
        Its spin devices, with electrical figures.
    library : Library
        Cells of the CMOS neurons.
    images : ndarray of uint8, shape (images, height, width)
        Test images, grey levels.
    labels : ndarray of int64, shape (images,)
        Their classes.
    calibration : tuple of ndarray, or None
        Images and labels that choose the steps of tiles; None without tiles to choose.
    """

    name: str
    network: Network
    device: Device
    library: Library
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    calibration: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]] | None = None

    @classmethod
    @shows_progress
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
        progress: Any = None,
    ) -> Self:
        """Open a subject by its names and files.

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
            Tiles to cut the network's columns into; by default its own.
        calibrated : bool
            True if tiles will be tried, which needs images that choose their steps.
        progress : Display or bool, optional
            Shows the cutting.

        Raises
        ------
        UserError
            If one of them cannot be read or is damaged.
        """
        opened = cut_network(network, tiles, data, progress)
        spin = open_device(device, at)
        cells = load_library(Path(liberty))
        test_set = load_test_set(data, [opened])
        calibrated = calibrated or any(tiles_of(opened))
        calibration = calibration_images(opened, data) if calibrated else None
        return cls(network_name(network), opened, spin, cells, *test_set, calibration)


@dataclass(frozen=True)
class CompareOptions(Options):
    """The conditions of a comparison.

    Parameters
    ----------
    frequency : float
        Clock of the CMOS neurons, 1 MHz to 10 GHz; in Hz in Python.
    images : int or None
        Images whose activity is counted, at least 2: 1000, or as many as there are, unless given.
    periphery : frozenset of str
        Circuits that are counted around a neuron: none, or some of amplifier, converter, adc,
        comparator and driver.
    others : tuple of str, Path or Network
        The same network trained with another neuron; may be given again. Unless given, those that
        ship as NET-NEURON, else NET with its V-I converters set for the other neuron.
    accuracy : float or None
        Try tiles of 64 to 256 rows with converters of 2 to 8 bits, and say which are cheapest for
        this accuracy in percent.

    Raises
    ------
    ValueError
        If a value is out of its range; the message begins with its name.
    """

    frequency: Annotated[
        float, parsed(megahertz, "MHZ", show_default=lambda frequency: f"{frequency / MHZ:g}")
    ] = 100 * MHZ
    images: Annotated[int | None, Parameter(metavar="N")] = None
    periphery: Annotated[
        frozenset[str],
        parsed(
            lambda text: frozenset(listed(text)) - {"none"},
            "PART[,PART]",
            show_default=lambda parts: ",".join(sorted(parts)),
        ),
    ] = frozenset(DEFAULT_PERIPHERY)
    others: Annotated[
        tuple[str | Path | Network, ...],
        parsed_together(lambda files: tuple(map(Path, files)), "FILE", name="--with"),
    ] = ()
    accuracy: Annotated[float | None, Parameter(metavar="PERCENT")] = number(None, 0, 100)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not MHZ <= self.frequency <= MAX_MHZ * MHZ:
            raise ValueError(
                f"frequency must be from 1 to {MAX_MHZ} MHz, not {self.frequency / MHZ:g} MHz "
                f"({self.frequency:g} Hz)"
            )
        strange = sorted(self.periphery - set(PERIPHERY))
        if strange:
            parts = ", ".join(PERIPHERY)
            advice = meant(strange[0], PERIPHERY)
            raise ValueError(f"`periphery` takes none or {parts}, not {', '.join(strange)}{advice}")

    def counted(self, images: int) -> int:
        """Return the number of images that are counted.

        Raises
        ------
        ValueError
            If the data set has fewer; the message begins with ``images``.
        """
        wanted = min(IMAGES, images) if self.images is None else self.images
        return check_range("images", wanted, 2, images)


def convert(network: Network, neuron: Neuron) -> Network:
    """Replace the neuron of a trained network, without training.

    The V-I converters' gains and offsets are set so that the new neuron's straight part lies
    on the old one's.

    Parameters
    ----------
    network : Network
        The trained network.
    neuron : Neuron
        The neuron to use instead.
    """
    old_middle, old_slope = network.neuron.line
    middle, slope = neuron.line
    factor = old_slope / slope
    # Neurons that drop their lowest bits answer half a step late.
    late = 0 if neuron.rounds else 0.5 / slope / 2**network.hidden_bits
    full = 2**network.current_bits
    largest = 2**GAIN_BITS - 1
    bound = 2 * full
    layers = []
    for layer in network.layers:
        old = layer.converter
        if old is None:
            layers.append(layer)
            continue
        shift = old.shift
        gains = old.gains * factor
        while gains.max() > largest and shift:
            shift -= 1
            gains /= 2
        offsets = (old.offsets + old_middle * full) * factor - (middle + late) * full
        whole_gains = np.clip(np.rint(gains), 0, largest).astype(np.int32)
        whole_offsets = np.clip(np.rint(offsets), -bound, bound - 1).astype(np.int32)
        converter = Converter(whole_gains, whole_offsets, shift)
        table = None
        if neuron.has_table:
            table = neuron.table(network.current_bits, network.hidden_bits)
        layers.append(dataclasses.replace(layer, converter=converter, table=table))
    return dataclasses.replace(network, layers=tuple(layers), neuron=neuron)


def counterparts(
    name: str, network: Network, others: Sequence[str | Path | Network]
) -> dict[str, tuple[Network, str]]:
    """Return a network for each kind of neuron.

    Parameters
    ----------
    name : str
        Name of the network; ``NAME-KIND`` that ship are its trained counterparts.
    network : Network
        The network.
    others : sequence of str, Path or Network
        Networks trained with other neurons; they go before those that
        ship.

    Returns
    -------
    dict
        Each network and its origin, by the neurons' names, in the order of
        `allspin.sim.network.neuron.NEURONS`.

    Raises
    ------
    UserError
        If a network has another shape or other widths.
    """
    found = {network.neuron.name: (network, f"trained: {name}")}
    given = []
    for other in others:
        label = Path(network_name(other)).name
        given.append((label, other))
    shipped = shipped_networks()
    for kind in NEURONS:
        label = f"{name}-{kind}"
        if label in shipped:
            given.append((label, label))
    for label, other in given:
        opened = open_network(other)
        _check_alike(label, opened, network)
        found.setdefault(opened.neuron.name, (opened, f"trained: {label}"))
    for kind, make in NEURONS.items():
        if kind not in found:
            found[kind] = convert(network, make()), f"converted from {name}, untrained"
    return {kind: found[kind] for kind in NEURONS}


def _check_alike(label: str, other: Network, network: Network) -> None:
    """Refuse a counterpart of another shape or other widths than the network's."""
    if [layer.kind for layer in other.layers] != [layer.kind for layer in network.layers]:
        raise UserError(f"{label} has other kinds of layers: it cannot be compared")
    for name in ("topology", "pixel_bits", "hidden_bits"):
        own = getattr(other, name)
        wanted = getattr(network, name)
        if own != wanted:
            words = name.replace("_", " ")
            raise UserError(f"{label} has {words} {own}, not {wanted}: it cannot be compared")


def leave(found: dict[str, Any], folder: Path, style: PictureStyle = SCREEN) -> None:
    """Write the pictures of a comparison, and its numbers as ``compare.json``.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    save_picture(energy_split(found), folder, "energy-split", style)
    save_picture(tornado_chart(found), folder, "tornado", style)
    save_picture(break_even_chart(found), folder, "break-even", style)
    text = json.dumps(found, indent=1) + "\n"
    write_atomically(folder / "compare.json", text.encode())
