"""A network cut into tiles for a study, with steps that images of its data set choose.

``python -m allspin.host.chips.tiles NET -o DIR`` makes the tables and the picture of docs/tiles.md.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import Data, check_fit, load_dataset
from allspin.host.show.display import Display
from allspin.host.train.feed import split
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of


def calibration_images(
    network: Network, data: Data | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images and labels that choose the steps of a network's tiles.

    Validation images: training images that no network of `train` has learnt from.

    Raises
    ------
    UserError
        If there is no such data set, it has no training images, or they do not fit the network.
    """
    dataset = load_dataset(data)
    _, kept = split(len(dataset.train_images))
    images, labels = dataset.train_images[kept], dataset.train_labels[kept]
    check_fit(network, images.shape[1:], labels)
    return images, labels


def needs_cut(network: Network, tiles: Tiles | None) -> bool:
    """Whether a network must be cut to have these tiles; None stands for its own."""
    return tiles is not None and list(dict.fromkeys(tiles_of(network))) != [tiles]


def cut_network(
    network: str | Path | Network,
    tiles: Tiles | None,
    data: Data | None = None,
    progress: Display | None = None,
) -> Network:
    """A network, cut into tiles if that is asked for.

    `calibration_images` choose the steps.

    Parameters
    ----------
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    tiles : Tiles or None
        Into what; None, and what the network is cut into already, leave it as it is.
    data : str, Path or tuple of array_like, optional
        As of `allspin.load_dataset`, with training images (the MNIST that ships).
    progress : Display, optional
        Told of the cutting, and what tiles of the network's own it takes the place of.

    Raises
    ------
    UserError
        If there is no such network or data set, it has no training images, or they do not fit the
        network.
    """
    opened, progress = open_network(network), progress or Display()
    if tiles is None or not needs_cut(opened, tiles):
        return opened
    theirs = " or ".join(each.text for each in dict.fromkeys(tiles_of(opened)) if each)
    instead = f", in place of its {theirs}" if theirs else ""
    progress.start(f"cutting the network into {tiles.text}{instead}")
    made = cut(opened, tiles, *calibration_images(opened, data))
    steps = ", ".join(f"2^{layer.adc.shift}" for layer in made.layers if layer.adc is not None)
    progress.finish(f"steps of {steps}")
    return made


if __name__ == "__main__":
    # Apart, since it draws: what only cuts a network shall not load what draws.
    from allspin.host.chips.array import tiles_main

    raise SystemExit(tiles_main())
