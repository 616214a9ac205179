"""Arrays as grey levels and classes: the four arrays of a data set, checked."""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.data.arrays import MAX_VALUES, ArrayHeader, read_npz
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file
from allspin.sim.network.layer_kinds import MAX_LINES
from allspin.sim.network.pixels import grey_levels

Part = tuple[str, str]
"""Name of one of the four arrays: ``train`` or ``test``, ``images`` or ``labels``."""
NAMES: dict[Part, str] = {
    ("train", "images"): "x_train",
    ("train", "labels"): "y_train",
    ("test", "images"): "x_test",
    ("test", "labels"): "y_test",
}
"""Arrays of an archive, in the order in which a data set's digest takes them."""
PARTS = tuple(NAMES)
EXAMPLE = "np.savez('set.npz', x_train=..., y_train=..., x_test=..., y_test=...)"
MAX_ARCHIVE = 1 << 32
"""Bytes of an archive, and of its arrays in their own types."""


class LabelledArray(NamedTuple):
    """One of the four arrays: its name for messages, and its values.

    Images have the shape (images, height, width), perhaps with a last axis of channels; labels have
    the shape (labels,). The values are read-only.
    """

    title: str
    values: npt.NDArray[np.uint8]


MAX_IMAGES = 1 << 24
"""Images of a half; the largest set of MNIST's pattern, EMNIST ByClass, has 697,932."""
CHANNELS = (1, 3)
"""Channels of most images, grey or coloured."""


Header = ArrayHeader | npt.NDArray[Any]
"""An array, or the shape and type of one that is not read yet."""


def _check_labels(name: str, given: Header) -> None:
    """Raise unless an array has the shape and type of labels."""
    if len(given.shape) != 1:
        raise ValueError(
            f"has the shape {given.shape}; give the number of each image's class: {name}.ravel(), "
            f"or {name}.argmax(axis=1) of one-hot rows"
        )
    if given.dtype.kind not in "iu":
        raise ValueError(
            f"has values of {given.dtype.name}; labels are whole numbers: {name}.astype('uint8')"
        )


def _check_images(name: str, given: Header) -> None:
    """Raise unless an array has the shape and type of images."""
    shape = given.shape
    if len(shape) not in (2, 3, 4):
        raise ValueError(
            f"has the shape {shape}; give (images, height, width), (images, height, width, "
            "channels) or (images, values)"
        )
    if len(shape) == 4 and shape[1] in CHANNELS and shape[3] not in CHANNELS:
        raise ValueError(f"has the shape {shape}; channels come last: {name}.transpose(0, 2, 3, 1)")
    if given.dtype != np.uint8 and given.dtype.kind != "f":
        raise ValueError(
            f"has values of {given.dtype.name}; give grey levels as uint8, 0 to 255, or as floats "
            f"from 0 to 1: {name}.astype('uint8')"
        )
    count, *sides = shape
    if count > MAX_IMAGES or math.prod(sides) > MAX_LINES or given.size > MAX_VALUES:
        raise ValueError(
            f"has the shape {shape}; give at most {MAX_IMAGES:,} images of at most {MAX_LINES:,} "
            f"pixels, and {MAX_VALUES:,} values"
        )


def _check(part: Part, given: Header) -> None:
    """Raise unless an array has the shape and type of one of the four, and holds something."""
    if not given.size:
        raise ValueError("is empty; give one that holds something")
    (_check_labels if part[1] == "labels" else _check_images)(NAMES[part], given)


def _labels(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    low, high = values.min(), values.max()
    if low < 0 or high > 255:
        raise ValueError(f"has the label {low if low < 0 else high}; give 0 to 255")
    return values.astype(np.uint8)


def _grey_levels(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.dtype == np.uint8:
        grey = np.ascontiguousarray(values)
    else:
        low, high = values.min(), values.max()
        if not (low >= 0 and high <= 1):  # NaN is neither
            raise ValueError(
                f"has the value {high if low >= 0 else low:g}; floats are from 0 to 1: divide "
                "them, or give uint8"
            )
        grey = grey_levels(values)
    return grey[:, None] if grey.ndim == 2 else grey


def read_archive(path: Path, parts: list[Part]) -> dict[Part, LabelledArray]:
    """Read the arrays of an archive."""
    check_file(path, "data set", MAX_ARCHIVE)
    if not zipfile.is_zipfile(path):
        raise UserError(
            f"{path} is no data set: give a folder of IDX files, or a whole .npz archive of "
            "np.savez"
        )
    names = {NAMES[part]: part for part in parts}

    def check(name: str, header: ArrayHeader) -> None:
        with refused(f"{path}: {name} "):
            _check(names[name], header)

    found = read_npz(path, "data set", MAX_ARCHIVE, names, check)
    return check_arrays(str(path), found, parts)


def check_arrays(
    path: str, found: Mapping[str, npt.NDArray[Any]], parts: list[Part]
) -> dict[Part, LabelledArray]:
    """Turn arrays, by their names in an archive, into grey levels and classes."""
    arrays = {}
    for part in parts:
        name = NAMES[part]
        if name not in found:
            there = ", ".join(found) or "none of the four"
            raise UserError(f"{path} lacks {name}: it has {there}; save it with {EXAMPLE}")
        with refused(f"{path}: {name} "):
            _check(part, found[name])
            values = (_labels if part[1] == "labels" else _grey_levels)(name, found[name])
        values.setflags(write=False)
        arrays[part] = LabelledArray(f"{path}: {name}", values)
    return arrays
