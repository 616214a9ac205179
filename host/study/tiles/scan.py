"""What a network reaches in tiles, ideal and on chips whose converters vary."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from allspin.sim.chip.chip import Chip
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of

HALF = AdcVariation(offset=0.5, noise=0.5)
"""Half an LSB of offset, and of noise at each conversion."""
CHIPS = 20

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Grey levels, shape (images, height, width), and classes, shape (images,)."""


@dataclass(frozen=True, eq=False)
class Reached:
    """What networks reach in tiles.

    Attributes
    ----------
    tiles : Tiles
        The tiles.
    ideal : float
        Share of the images, with converters that do not vary; the mean of several networks.
    chips : ndarray of float64, shape (chips,)
        The same of each chip, of the first network; empty where none were measured.
    """

    tiles: Tiles
    ideal: float
    chips: npt.NDArray[np.float64]


def only_converters(device: Device, adc: AdcVariation = HALF) -> Device:
    """A device of which nothing varies but the converters of tiles."""
    return replace(
        device, neuron_variation=NeuronVariation(), imperfections=Imperfections(), adc=adc
    )


def accuracy(model: GoldenModel, test_set: Images) -> float:
    """Share of images that a golden model classifies rightly."""
    images, labels = test_set
    return float(np.mean(model.classify(images) == labels))


def over_chips(
    network: Network, device: Device, seeds: Iterable[int], test_set: Images
) -> npt.NDArray[np.float64]:
    """Accuracy of chips whose cells are the network's words, shape (chips,)."""
    words = [layer.words for layer in network.layers]
    chips = (Chip(device, seed).golden(network, words) for seed in seeds)
    return np.array([accuracy(chip, test_set) for chip in chips])


def cut_networks(
    network: Network, wanted: Iterable[Tiles], calibration: Images
) -> dict[Tiles, list[Network]]:
    """A network cut into tiles after it was trained."""
    return {tiles: [cut(network, tiles, *calibration)] for tiles in wanted}


def trained_networks(networks: Iterable[Network]) -> dict[Tiles, list[Network]]:
    """Networks that were trained through tiles, by their tiles.

    Raises
    ------
    ValueError
        If one has no tiles, or more than one kind.
    """
    found: dict[Tiles, list[Network]] = {}
    for network in networks:
        own = set(tiles_of(network))
        tiles = own.pop()
        if own or tiles is None:
            raise ValueError("a network that was trained through tiles has the same in each layer")
        found.setdefault(tiles, []).append(network)
    return dict(sorted(found.items(), key=lambda item: (item[0].rows, item[0].bits)))


def measure(
    networks: dict[Tiles, list[Network]],
    test_set: Images,
    device: Device,
    seeds: Callable[[Tiles], Sequence[int]],
    report: Callable[[Reached], None] = lambda reached: None,
) -> list[Reached]:
    """Measure networks, ideal and on chips.

    Parameters
    ----------
    networks : dict
        By tiles, those whose mean counts.
    test_set : tuple of ndarray
        Images and labels.
    device : Device
        What the chips are made of.
    seeds : callable
        Which chips are measured in which tiles.
    report : callable
        Told each tiles' result.
    """
    found = []
    for tiles, some in networks.items():
        ideal = float(np.mean([accuracy(GoldenModel(each), test_set) for each in some]))
        found.append(Reached(tiles, ideal, over_chips(some[0], device, seeds(tiles), test_set)))
        report(found[-1])
    return found
