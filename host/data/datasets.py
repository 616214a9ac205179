"""Data sets of labelled images: the MNIST that ships, a folder of IDX files, or an archive.

`allspin.host.data.sets` reads folders and archives; ``docs/formats.md`` describes both.
"""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import each_network, open_network
from allspin.host.data.idx import IdxFile, header
from allspin.host.data.npz import PARTS, Part, StoredArray, open_archive
from allspin.sim.errors import UserError
from allspin.sim.network.network import MAX_LINES, Network

# A data set in a folder: four IDX files, under the names that sets after MNIST's pattern have.
#
# The files are gzip or plain: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and the
# same with ``t10k`` or ``test``; a ``.`` may stand before ``idx``, and a name such as
# ``emnist-letters-`` before everything. See ``docs/formats.md``.

_NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<half>train|t10k|test)-(?P<kind>images|labels)"
    r"[-.]idx[0-9]-ubyte(?P<gzip>\.gz)?"
)
_USUAL = {"train": "train", "test": "t10k", "images": "idx3", "labels": "idx1"}


def _usual_name(part: Part) -> str:
    return f"{_USUAL[part[0]]}-{part[1]}-{_USUAL[part[1]]}-ubyte"


def _find(directory: Path) -> tuple[str | None, dict[Part, Path]]:
    """The set's name in the files' names, if any, and those of the four files that exist."""
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError as error:
        raise UserError(
            f"cannot read the data folder {directory}: {error.strerror or error}; "
            "give a folder of IDX files"
        ) from error
    sets: dict[str | None, dict[Part, list[Path]]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match:
            part = ("train" if match["half"] == "train" else "test", match["kind"])
            files = sets.setdefault(match["set"], {}).setdefault(part, [])
            plain = directory / name.removesuffix(".gz")
            if not match["gzip"] or plain not in files:  # a plain file goes before its gzip
                files.append(directory / name)
    if len(sets) > 1:
        found = ", ".join(sorted(name or "one without a name" for name in sets))
        raise UserError(
            f"the data folder {directory} holds {len(sets)} data sets ({found}); "
            "put one of them in a folder of its own"
        )
    for name, parts in sets.items():
        for files in parts.values():
            if len(files) > 1:
                raise UserError(
                    f"the data folder {directory} holds both {files[0].name} and "
                    f"{files[1].name}; keep one of them"
                )
        return name, {part: files[0] for part, files in parts.items()}
    raise UserError(
        f"the data folder {directory} holds no IDX files; "
        f"it needs {', '.join(_usual_name(part) for part in PARTS)} (each may be .gz)"
    )


def open_folder(
    directory: Path, halves: Iterable[str], stack: ExitStack
) -> tuple[str, dict[Part, IdxFile]]:
    """Open the files of a data set that lies in a folder.

    Parameters
    ----------
    directory : Path
        The folder.
    halves : iterable of str
        Which of ``train`` and ``test``; the others' files may be missing.
    stack : ExitStack
        Closes them.

    Returns
    -------
    name : str
        What the files' names call the set, else the folder's own.
    files : dict
        A file for each part.

    Raises
    ------
    UserError
        If the folder cannot be read, a file is missing, or it is none of this kind.
    """
    name, paths = _find(directory)
    files: dict[Part, IdxFile] = {}
    for part in PARTS:
        if part[0] not in halves:
            continue
        if part not in paths:
            raise UserError(
                f"the data folder {directory} lacks the {part[0]} {part[1]}; "
                f"add {f'{name}-' if name else ''}{_usual_name(part)} (or .gz)"
            )
        files[part] = stack.enter_context(IdxFile(paths[part]))
    return name or directory.resolve().name, files


Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

MAX_IMAGES = 1 << 24
"""Images of a half; the largest set of MNIST's pattern, EMNIST ByClass, has 697,932."""

MNIST = Path(__file__).parent / "mnist"
"""The folder of the MNIST that ships: LeCun, Cortes and Burges, 60,000 and 10,000 images."""
MNIST_DIGESTS: dict[Part, str] = {
    ("train", "images"): "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ("train", "labels"): "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ("test", "images"): "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ("test", "labels"): "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of each of MNIST's four files, unpacked."""
MNIST_DIGEST = "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"
"""SHA-256 of the four, one after another."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, those to train with and those to test with.

    Attributes
    ----------
    train_images, test_images : ndarray of uint8, shape (images, height, width)
        Grey levels, 0 to 255; read-only.
    train_labels, test_labels : ndarray of int64, shape (images,)
        Class of each image, 0 to ``classes - 1``.
    classes : int
        One more than the largest training label.
    digest : str
        SHA-256 of the four arrays as IDX files, unpacked, one after another in the order of
        `PARTS`.
    name : str
        ``mnist``, or what the files' names, their folder or the archive's file call it.
    """

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    classes: int
    digest: str
    name: str

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of an image."""
        return (self.train_images.shape[1], self.train_images.shape[2])


def are_vectors(image_shape: Sequence[int]) -> bool:
    """Whether images of a shape are lists of values without neighbours above or below."""
    return 1 in image_shape


def _size(sides: Sequence[int]) -> str:
    return " x ".join(map(str, sides))


def _check_shape(array: StoredArray, kind: str) -> None:
    """Raise unless an array has the shape of images or labels."""
    rank = 3 if kind == "images" else 1
    if len(array.shape) != rank:
        raise UserError(
            f"{array.title} has {len(array.shape)} dimensions; {kind} have {rank}: give the {kind}"
        )
    count, *sides = array.shape
    if count > MAX_IMAGES:
        raise UserError(f"{array.title} has {count} {kind}; give at most {MAX_IMAGES:,}")
    if sides and sides[0] * sides[1] > MAX_LINES:
        raise UserError(
            f"{array.title} has images of {_size(sides)} pixels; "
            f"give images of at most {MAX_LINES} pixels"
        )


def _check_counts(images: StoredArray, labels: StoredArray) -> None:
    """Raise unless there are as many labels as images."""
    if images.shape[0] != labels.shape[0]:
        raise UserError(
            f"{labels.title} has {labels.shape[0]} labels, but "
            f"{images.short} has {images.shape[0]} images; "
            "give files that belong together"
        )


@contextmanager
def _opened(
    data: str | Path | None, halves: tuple[str, ...]
) -> Iterator[tuple[str, dict[Part, StoredArray]]]:
    """Name and arrays of some halves of a data set; by their headers each half is consistent."""
    path = MNIST if data is None else Path(data)
    arrays: dict[Part, StoredArray] = {}
    with ExitStack() as stack:
        # What is not there is a folder that cannot be read.
        in_folder = path.is_dir() or not os.path.exists(path)
        name, found = (open_folder if in_folder else open_archive)(path, halves, stack)
        for part, array in found.items():
            _check_shape(array, part[1])
            arrays[part] = array
        for half in halves:
            _check_counts(arrays[half, "images"], arrays[half, "labels"])
        yield name, arrays


def _read(array: StoredArray, digest: str | None) -> npt.NDArray[np.uint8]:
    """An array's values, checked against the digest of its content where there is one."""
    values = array.read()
    if digest is not None:
        content = hashlib.sha256(header(array.shape))
        content.update(values.data)
        if content.hexdigest() != digest:
            raise UserError(
                f"{array.title} is not the MNIST that ships with allspin; "
                "restore it from the repository, or give your own folder as `data`"
            )
    return values


def _read_parts(
    arrays: dict[Part, StoredArray], kind: str, shipped: bool
) -> dict[Part, npt.NDArray[np.uint8]]:
    """The arrays of one kind; none is read before all large ones were checked."""
    for part, array in arrays.items():
        if part[1] == kind:
            array.check_large()
    return {
        part: _read(array, MNIST_DIGESTS[part] if shipped else None)
        for part, array in arrays.items()
        if part[1] == kind
    }


def _count_classes(
    arrays: dict[Part, StoredArray], labels: dict[Part, npt.NDArray[np.uint8]]
) -> int:
    """How many classes the training labels have, if the test labels have no others."""
    classes = int(labels["train", "labels"].max()) + 1
    if classes < 2:
        raise UserError(
            f"{arrays['train', 'labels'].title} has no label but 0; "
            "give a set of at least two classes"
        )
    if (last := int(labels["test", "labels"].max())) >= classes:
        raise UserError(
            f"{arrays['test', 'labels'].title} has the label {last}, but the training "
            f"labels end at {classes - 1}; give files that belong together"
        )
    return classes


def load_dataset(data: str | Path | None = None) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    data : str, Path or None
        Folder of the four IDX files, or an ``.npz`` archive; None for the MNIST that ships.

    Raises
    ------
    UserError
        If a file or array is missing, damaged or of another kind; if images and labels, or the
        training and test halves, do not fit one another.
    """
    with _opened(data, ("train", "test")) as (name, files):
        train, test = files["train", "images"], files["test", "images"]
        if train.shape[1:] != test.shape[1:]:
            raise UserError(
                f"{test.title} has images of {_size(test.shape[1:])} pixels, but those of "
                f"{train.short} are {_size(train.shape[1:])}; give files that belong together"
            )
        arrays = _read_parts(files, "labels", data is None)
        classes = _count_classes(files, arrays)
        arrays |= _read_parts(files, "images", data is None)
    digest = hashlib.sha256()
    for part in PARTS:
        digest.update(header(arrays[part].shape))
        digest.update(arrays[part].data)
    same = digest.hexdigest() == MNIST_DIGEST
    return Dataset(
        train_images=arrays["train", "images"],
        train_labels=arrays["train", "labels"].astype(np.int64),
        test_images=arrays["test", "images"],
        test_labels=arrays["test", "labels"].astype(np.int64),
        classes=classes,
        digest=digest.hexdigest(),
        name="mnist" if same else name,
    )


def load_test_set(
    data: str | Path | None = None,
    networks: str | Path | Network | Iterable[str | Path | Network] = (),
    images: int | None = None,
) -> tuple[Images, Labels]:
    """Load only the test images and labels; the training files may be missing.

    Parameters
    ----------
    data : str, Path or None
        Folder of IDX files, or an ``.npz`` archive; None for the MNIST that ships.
    networks : str, Path, Network or iterable of these
        Those that are to be tested, each a network, its file, or the name of one that ships: what
        does not fit them is refused before a pixel is read.
    images : int, optional
        Number of images that will be used, the first ones; all are loaded.

    Returns
    -------
    images : ndarray of uint8, shape (images, height, width)
        Grey levels; read-only.
    labels : ndarray of int64, shape (images,)
        Class of each image.

    Raises
    ------
    UserError
        If a file or array is missing, damaged or of another kind, the labels do not match the
        images, there are fewer images, or a network does not fit.
    """
    with _opened(data, ("test",)) as (_, files):
        count, *image_shape = files["test", "images"].shape
        if images is not None and not 1 <= images <= count:
            raise UserError(f"`images` must be from 1 to {count}, not {images}")
        labels = _read_parts(files, "labels", data is None)["test", "labels"]
        for network in each_network(networks):
            check_fit(open_network(network), tuple(image_shape), labels[:images])
        loaded = _read_parts(files, "images", data is None)["test", "images"]
    return loaded, labels.astype(np.int64)


def check_fit(network: Network, image_shape: tuple[int, ...], labels: npt.NDArray[Any]) -> None:
    """Raise unless a network can be tested with a data set.

    Parameters
    ----------
    network : Network
        The network.
    image_shape : tuple of int
        Height and width of the images.
    labels : ndarray of int, shape (images,)
        Class of each image.

    Raises
    ------
    UserError
        If the images have another shape than the network's, or a label is beyond its
        classes. Lists of values fit a network of as many rows.
    """
    taken = tuple(network.image_shape)
    lists = are_vectors(image_shape) or are_vectors(taken)
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
