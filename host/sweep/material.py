"""Files of a sweep: opened by name, and checked by digest wherever a chip is measured."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import TestSet
from allspin.host.chips.cutting import calibration_images, needs_cut
from allspin.host.data.catalogue import Held, device_path, network_path
from allspin.host.data.datasets import Dataset, load_dataset, load_test_set
from allspin.host.sweep.point import Point
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_from_bytes
from allspin.sim.errors import UserError, refused
from allspin.sim.files import read_file
from allspin.sim.network.netfile import MAX_BYTES as MAX_NETWORK, network_from_bytes
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut
from allspin.sim.plain_values import MAX_TOML

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Material:
    """Names and digests of the files that decide a sweep's results.

    Parameters
    ----------
    networks, devices : dict of str to str
        SHA-256 of each file, by its name.
    data : tuple of (str or None, str)
        Folder and SHA-256 of the test set.
    calibration : str or None
        SHA-256 of the images that choose the steps of tiles, or of the training images of chips
        that learn; None if neither is used.
    learn : dict or None
        Options of learning; None if the chips are programmed.
    """

    networks: dict[str, str]
    devices: dict[str, str]
    data: tuple[str | None, str]
    calibration: str | None = None
    learn: dict[str, Any] | None = None


def network_file(name: str) -> bytes:
    """Read the file of a network."""
    if isinstance(name, Held):
        return name.content
    return read_file(network_path(name), "network", MAX_NETWORK)


def device_file(name: str) -> bytes:
    """Read the file of a device."""
    if isinstance(name, Held):
        return name.content
    return read_file(device_path(name), "device", MAX_TOML)


def digest_of(*contents: bytes | memoryview) -> str:
    """Compute the SHA-256 of contents, one after another."""
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def images_digest(images: npt.NDArray[np.uint8], labels: Integers) -> str:
    """Compute the SHA-256 of images and labels."""
    return digest_of(str(images.shape).encode(), images.data, labels.data)


def _check_digest(title: str, found: str, wanted: str | None) -> None:
    """Refuse a file that is not the sweep's."""
    if found != wanted:
        raise UserError(
            f"{title} is another file for this worker than for the sweep; give all of them the "
            "same files under the same names, and do not change them while it runs"
        )


@lru_cache(maxsize=32)
def open_checked_network(name: str, digest: str) -> Network:
    """Open the network of a file that has this digest.

    Raises
    ------
    UserError
        If the file has another digest or is damaged.
    """
    content = network_file(name)
    _check_digest(f"network {name}", digest_of(content), digest)
    with refused(f"{name} is not a network file: "):
        return network_from_bytes(content)


@lru_cache(maxsize=32)
def open_tiled_network(
    name: str, digest: str, tiles: Tiles | None, data: str | None, calibration: str | None
) -> Network:
    """Open a network, and cut it into tiles if it has others.

    Parameters
    ----------
    name, digest : str
        Name and digest of the network's file.
    tiles : Tiles or None
        Tiles; None for the network's own.
    data, calibration : str or None
        Folder of the data set, and digest of the images that choose the steps.

    Raises
    ------
    UserError
        If a file has another digest or is damaged.
    """
    network = open_checked_network(name, digest)
    if tiles is None or not needs_cut(network, tiles):
        return network
    images, labels = calibration_images(network, data)
    _check_digest("the data set", images_digest(images, labels), calibration)
    return cut(network, tiles, images, labels)


@lru_cache(maxsize=256)
def open_varied_device(point: Point, digest: str, learns: bool = False) -> Device:
    """Open the device of a point, with the point's variation and imperfections.

    Parameters
    ----------
    point : Point
        The point.
    digest : str
        Digest of the device's file.
    learns : bool
        True if the chips learn: the device then has as many states as the point.

    Raises
    ------
    UserError
        If the file has another digest, or a figure leaves its range.
    """
    content = device_file(point.device)
    _check_digest(f"device {point.device}", digest_of(content), digest)
    device = device_from_bytes(content, point.device, point.operating_point())
    return point.vary(device, point.states if learns else None)


@lru_cache(maxsize=1)
def open_test_set(data: str | None, digest: str) -> TestSet:
    """Load the test images and labels that have this digest, or raise a `UserError`."""
    images, labels = load_test_set(None if data is None else Path(data))
    _check_digest("the data set", images_digest(images, labels), digest)
    return images, labels


@lru_cache(maxsize=1)
def open_training_set(data: str | None, digest: str | None) -> Dataset:
    """Load the data set whose training images have this digest, or raise a `UserError`."""
    dataset = load_dataset(None if data is None else Path(data))
    found = images_digest(dataset.train_images, dataset.train_labels)
    _check_digest("the data set", found, digest)
    return dataset
