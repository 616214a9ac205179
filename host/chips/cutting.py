"""Networks cut into tiles, whose steps the validation images choose."""

from pathlib import Path

from allspin.host.chips.accuracy import TestSet
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import Data, check_fit, load_dataset
from allspin.host.show.display import Display
from allspin.host.train.feed import split
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of


def calibration_images(network: Network, data: Data | None = None) -> TestSet:
    """Load the images and labels that choose the steps of a network's tiles.

    They are the validation images: training images from which no network of `train` has learnt.

    Raises
    ------
    UserError
        If the data set cannot be loaded, has no training images, or does not fit the network.
    """
    dataset = load_dataset(data)
    _, kept = split(len(dataset.train_images))
    images = dataset.train_images[kept]
    labels = dataset.train_labels[kept]
    check_fit(network, images.shape[1:], labels)
    return images, labels


def needs_cut(network: Network, tiles: Tiles | None) -> bool:
    """Return True if a network must be cut to have these tiles; None stands for its own."""
    return tiles is not None and list(dict.fromkeys(tiles_of(network))) != [tiles]


def cut_network(
    network: str | Path | Network,
    tiles: Tiles | None,
    data: Data | None = None,
    progress: Display | None = None,
) -> Network:
    """Open a network, and cut it into tiles, whose steps `calibration_images` choose.

    Parameters
    ----------
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    tiles : Tiles or None
        Tiles. None, or the tiles that the network has, leave the network as it is.
    data : str, Path or tuple of array_like, optional
        Data set with training images, as of `allspin.load_dataset` (the MNIST that ships).
    progress : Display, optional
        Display of the step.

    Raises
    ------
    UserError
        If the network or the data set cannot be opened, the data set has no training images, or
        it does not fit the network.
    """
    opened = open_network(network)
    progress = progress or Display()
    if tiles is None or not needs_cut(opened, tiles):
        return opened
    own = " or ".join(each.text for each in dict.fromkeys(tiles_of(opened)) if each)
    replaced = f", in place of its {own}" if own else ""
    progress.start(f"cutting the network into {tiles.text}{replaced}")
    tiled = cut(opened, tiles, *calibration_images(opened, data))
    steps = ", ".join(f"2^{layer.adc.shift}" for layer in tiled.layers if layer.adc is not None)
    progress.finish(f"steps of {steps}")
    return tiled
