"""Data sets of labelled images: the MNIST that ships, a folder of IDX files, or an archive.

``docs/formats.md`` describes both kinds of files.
"""

import hashlib
import itertools
import math
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import idx_header
from allspin.host.data.catalogue import open_network, several
from allspin.host.data.idx_folder import read_folder
from allspin.host.data.labelled_arrays import (
    MAX_IMAGES,
    NAMES,
    PARTS,
    LabelledArray,
    Part,
    check_arrays,
    read_archive,
)
from allspin.sim.errors import UserError
from allspin.sim.network.network import MAX_LINES, Network
from allspin.sim.parameters import Shown

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
MNIST = Path(__file__).parent / "mnist"
"""Folder of the MNIST that ships: LeCun, Cortes and Burges, 60,000 and 10,000 images."""
MNIST_DIGESTS: dict[Part, str] = {
    ("train", "images"): "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ("train", "labels"): "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ("test", "images"): "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ("test", "labels"): "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of each of MNIST's four files, unpacked."""
MNIST_DIGEST = "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"
"""SHA-256 of the four, one after another."""
Data = str | Path | tuple[npt.ArrayLike, ...] | list[npt.ArrayLike]
"""Folder of IDX files or archive; the name of a set that ships; or arrays: those of an archive in
their order, or only images and labels."""


@dataclass(frozen=True, eq=False)
class Dataset(Shown):
    """Images and labels to train with, and to test with.

    Attributes
    ----------
    train_images, test_images : ndarray of uint8
        Grey levels, 0 to 255, shape (images, height, width); or with a last axis of channels, such
        as red, green and blue. Read-only.
    train_labels, test_labels : ndarray of int64, shape (images,)
        Class of each image, 0 to ``classes - 1``.
    classes : int
        One more than the largest training label.
    digest : str
        SHA-256 of the four arrays as IDX files, unpacked, one after another in the order of
        `PARTS`.
    name : str
        ``mnist``, or the name in the files' names, of their folder or of the archive's file.
    """

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    classes: int
    digest: str
    name: str

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width of an image, and its channels if it has more than one."""
        return self.train_images.shape[1:]


def are_vectors(image_shape: Sequence[int]) -> bool:
    """Return True if images of a shape are lists of values, without neighbours above or below."""
    return 1 in image_shape


def _size(sides: Sequence[int]) -> str:
    return " x ".join(map(str, sides))


def _check_half(images: LabelledArray, labels: LabelledArray) -> None:
    """Raise unless arrays have the shapes of images and labels, the same number of each."""
    for array, kind, ranks in ((images, "images", (3, 4)), (labels, "labels", (1,))):
        if array.values.ndim not in ranks:
            raise UserError(
                f"{array.title} has {array.values.ndim} dimensions; {kind} have {ranks[0]}: "
                f"give the {kind}"
            )
    count, *sides = images.values.shape
    if count > MAX_IMAGES:
        raise UserError(f"{images.title} has {count} images; give at most {MAX_IMAGES:,}")
    if math.prod(sides) > MAX_LINES:
        raise UserError(
            f"{images.title} has images of {_size(sides)} pixels; "
            f"give images of at most {MAX_LINES} pixels"
        )
    if len(labels.values) != count:
        raise UserError(
            f"{labels.title} has {len(labels.values)} labels, but {images.title} has {count} "
            "images; give files that belong together"
        )


def _digest(*arrays: LabelledArray) -> str:
    """Return the SHA-256 of arrays as IDX files, unpacked, one after another."""
    digest = hashlib.sha256()
    for _, values in arrays:
        digest.update(idx_header(values.shape))
        digest.update(values.data)
    return digest.hexdigest()


def _load(data: Data | None, halves: tuple[str, ...]) -> tuple[str, dict[Part, LabelledArray]]:
    """Load the name and the arrays of some halves of a data set, and check each half."""
    parts = [part for part in PARTS if part[0] in halves]
    if isinstance(data, str) and data == "mnist" and not os.path.exists("mnist"):
        data = None
    if data is not None and not isinstance(data, str | Path):
        if not isinstance(data, tuple | list) or len(data) not in (2, 4):
            raise UserError(
                "give arrays of images and labels as (x, y) or (x_train, y_train, x_test, y_test)"
            )
        copies = zip(list(NAMES.values())[-len(data) :], map(np.array, data), strict=True)
        name, arrays = "arrays", check_arrays("the arrays", dict(copies), parts)
    elif (path := MNIST if data is None else Path(data)).is_dir() or not os.path.exists(path):
        # A path that does not exist is a folder that cannot be read.
        name, arrays = read_folder(path, parts)
    else:
        name, arrays = path.name, read_archive(path, parts)
    for part, array in arrays.items():
        if data is None and _digest(array) != MNIST_DIGESTS[part]:
            raise UserError(
                f"{array.title} is not the MNIST that ships with allspin; "
                "restore it from the repository, or give your own folder as `data`"
            )
    for half in halves:
        _check_half(arrays[half, "images"], arrays[half, "labels"])
    return name, arrays


def load_dataset(data: Data | Dataset | None = None) -> Dataset:
    """Load a data set, unless it is one.

    Parameters
    ----------
    data : str, Path, tuple of array_like, Dataset or None
        Folder of the four IDX files, or an ``.npz`` archive; arrays as an archive has them,
        ``(x_train, y_train, x_test, y_test)``, or ``(x, y)``, of which every sixth image is held
        out to test with; None or ``mnist`` for the MNIST that ships.

    Raises
    ------
    UserError
        If a file or array is missing, damaged or of another kind; if images and labels, or the
        training and test halves, do not fit one another.
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple | list) and len(data) == 2:
        warnings.warn(
            "every sixth image is held out to test with; give (x_train, y_train, x_test, y_test) "
            "to choose them",
            stacklevel=4,
        )
        halves = [(np.delete(one, slice(5, None, 6), 0), one[5::6]) for one in map(np.array, data)]
        data = list(itertools.chain(*zip(*halves, strict=True)))
    name, arrays = _load(data, ("train", "test"))
    train_images, train_labels, test_images, test_labels = (arrays[part] for part in PARTS)
    sides, test_sides = train_images.values.shape[1:], test_images.values.shape[1:]
    if sides != test_sides:
        raise UserError(
            f"{test_images.title} has images of {_size(test_sides)} pixels, but those of "
            f"{train_images.title} are {_size(sides)}; give files that belong together"
        )
    classes = int(train_labels.values.max()) + 1
    if classes < 2:
        raise UserError(
            f"{train_labels.title} has no label but 0; give a set of at least two classes"
        )
    if (last := int(test_labels.values.max())) >= classes:
        raise UserError(
            f"{test_labels.title} has the label {last}, but the training labels end at "
            f"{classes - 1}; give files that belong together"
        )
    digest = _digest(*(arrays[part] for part in PARTS))
    return Dataset(
        train_images=train_images.values,
        train_labels=train_labels.values.astype(np.int64),
        test_images=test_images.values,
        test_labels=test_labels.values.astype(np.int64),
        classes=classes,
        digest=digest,
        name="mnist" if digest == MNIST_DIGEST else name,
    )


def load_test_set(
    data: Data | None = None,
    networks: str | Path | Network | Iterable[str | Path | Network] = (),
    images: int | None = None,
) -> tuple[Images, Labels]:
    """Load only the test images and labels; the training files may be missing.

    Parameters
    ----------
    data : str, Path, tuple of array_like or None
        See `load_dataset`; of arrays the last two, the images and their labels.
    networks : str, Path, Network or iterable of these
        Networks to test, each a network, its file, or the name of one that ships.
    images : int, optional
        Number of images that will be used, the first ones; all are loaded.

    Returns
    -------
    images : ndarray of uint8, shape (images, height, width) or (images, height, width, channels)
        Grey levels, or levels of colours; read-only.
    labels : ndarray of int64, shape (images,)
        Class of each image.

    Raises
    ------
    UserError
        If a file or array is missing, damaged or of another kind, the labels do not match the
        images, the set has fewer images, or a network does not fit.
    """
    _, arrays = _load(data, ("test",))
    loaded, labels = arrays["test", "images"].values, arrays["test", "labels"].values
    if images is not None and not 1 <= images <= len(loaded):
        raise UserError(f"`images` must be from 1 to {len(loaded)}, not {images}")
    for network in several(networks):
        check_fit(open_network(network), loaded.shape[1:], labels[:images])
    return loaded, labels.astype(np.int64)


def check_fit(network: Network, image_shape: tuple[int, ...], labels: npt.NDArray[Any]) -> None:
    """Raise unless a network can be tested with a data set.

    Parameters
    ----------
    network : Network
        The network.
    image_shape : tuple of int
        Height and width of the images, and their channels if they have several.
    labels : ndarray of int, shape (images,)
        Class of each image.

    Raises
    ------
    UserError
        If the images have another shape than the network's, or a label is beyond its
        classes. Lists of values fit a network with that number of rows.
    """
    taken = tuple(network.image_shape)
    lists = are_vectors(image_shape) or are_vectors(taken)
    if len(taken) > 2:  # channels are an axis of their own: no other image has their order
        lists = len(image_shape) == 2 and image_shape[0] == 1
    if image_shape != taken and not (lists and math.prod(image_shape) == math.prod(taken)):
        raise UserError(
            f"the network takes images of {_size(taken)} pixels, "
            f"but the data set's are {_size(image_shape)}; "
            "give the data set that it was trained with (`data`)"
        )
    if labels.size and int(labels.max()) >= network.classes:
        raise UserError(
            f"the network has {network.classes} classes, but the data set has the label "
            f"{int(labels.max())}; give the data set that it was trained with (`data`)"
        )
