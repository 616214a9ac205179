"""Data sets of labelled images: the MNIST that ships, or any folder of IDX files.

A folder holds four files, gzip or plain, under the names that the sets after MNIST's
pattern have: ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, and the same with
``t10k`` or ``test``; a ``.`` may stand before ``idx``, and a name such as
``emnist-letters-`` before everything. See ``docs/formats.md``.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.idx import parse_idx, unpack
from sim.errors import UserError
from sim.network import MAX_LINES, Network

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Part = tuple[str, str]
"""Which of the four files: ``train`` or ``test``, ``images`` or ``labels``."""

PARTS: tuple[Part, ...] = (
    ("train", "images"),
    ("train", "labels"),
    ("test", "images"),
    ("test", "labels"),
)
"""The four files, in the order in which a data set's digest takes them."""

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

_NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<half>train|t10k|test)-(?P<kind>images|labels)"
    r"[-.]idx[0-9]-ubyte(?P<gzip>\.gz)?"
)
_USUAL = {"train": "train", "test": "t10k", "images": "idx3", "labels": "idx1"}


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
        SHA-256 of the four files, unpacked, one after another in the order of `PARTS`.
    name : str
        ``mnist``, or what the files' names or their folder call it.
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


def _read(path: Path, kind: str, digest: str | None) -> tuple[bytes, npt.NDArray[np.uint8]]:
    """One file's content and array, checked against a digest where there is one."""
    content = unpack(path)
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise UserError(
            f"{path} is not the MNIST that ships with allspin; "
            "restore it from the repository, or give your own data with --data"
        )
    rank = 3 if kind == "images" else 1
    try:
        array = parse_idx(content)
        if array.ndim != rank:
            raise ValueError(f"has {array.ndim} dimensions; {kind} have {rank}: give the {kind}")
        if kind == "images" and array[0].size > MAX_LINES:
            raise ValueError(
                f"has images of {array.shape[1]} x {array.shape[2]} pixels; "
                f"give images of at most {MAX_LINES} pixels"
            )
    except ValueError as error:
        raise UserError(f"{path} {error}") from error
    return content, array


def _load(
    directory: Path | None, halves: tuple[str, ...]
) -> tuple[str, dict[Part, Path], dict[Part, bytes], dict[Part, npt.NDArray[np.uint8]]]:
    """Name, paths, contents and arrays of some halves of a data set, each half consistent."""
    folder = MNIST if directory is None else directory
    name, paths = _find(folder)
    contents: dict[Part, bytes] = {}
    arrays: dict[Part, npt.NDArray[np.uint8]] = {}
    for part in PARTS:
        if part[0] not in halves:
            continue
        if part not in paths:
            raise UserError(
                f"the data folder {folder} lacks the {part[0]} {part[1]}; "
                f"add {f'{name}-' if name else ''}{_usual_name(part)} (or .gz)"
            )
        contents[part], arrays[part] = _read(
            paths[part], part[1], MNIST_DIGESTS[part] if directory is None else None
        )
    for half in halves:
        images, labels = arrays[half, "images"], arrays[half, "labels"]
        if len(images) != len(labels):
            raise UserError(
                f"{paths[half, 'labels']} has {len(labels)} labels, but "
                f"{paths[half, 'images'].name} has {len(images)} images; "
                "give files that belong together"
            )
    return name or folder.resolve().name, paths, contents, arrays


def load_dataset(directory: Path | None = None) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    directory : Path or None
        Folder of the four IDX files; None for the MNIST that ships.

    Raises
    ------
    UserError
        If a file is missing, damaged or not IDX; if images and labels, or the training and
        test halves, do not fit one another.
    """
    name, paths, contents, arrays = _load(directory, ("train", "test"))
    train_images, test_images = arrays["train", "images"], arrays["test", "images"]
    if train_images.shape[1:] != test_images.shape[1:]:
        shapes = [" x ".join(map(str, images.shape[1:])) for images in (train_images, test_images)]
        raise UserError(
            f"{paths['test', 'images']} has images of {shapes[1]} pixels, but those of "
            f"{paths['train', 'images'].name} are {shapes[0]}; give files that belong together"
        )
    train_labels = arrays["train", "labels"].astype(np.int64)
    test_labels = arrays["test", "labels"].astype(np.int64)
    classes = int(train_labels.max()) + 1
    if classes < 2:
        raise UserError(
            f"{paths['train', 'labels']} has no label but 0; give a set of at least two classes"
        )
    if test_labels.max() >= classes:
        raise UserError(
            f"{paths['test', 'labels']} has the label {test_labels.max()}, but the training "
            f"labels end at {classes - 1}; give files that belong together"
        )
    digest = hashlib.sha256()
    for part in PARTS:
        digest.update(contents[part])
    same = digest.hexdigest() == MNIST_DIGEST
    return Dataset(
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        classes=classes,
        digest=digest.hexdigest(),
        name="mnist" if same else name,
    )


def load_test_set(directory: Path | None = None) -> tuple[Images, Labels]:
    """Load only what a trained network is tested with; the training files may be missing.

    Parameters
    ----------
    directory : Path or None
        Folder of IDX files; None for the MNIST that ships.

    Returns
    -------
    images : ndarray of uint8, shape (images, height, width)
        Grey levels; read-only.
    labels : ndarray of int64, shape (images,)
        Class of each image. Whether a network has that class is `check_fit`'s to say.

    Raises
    ------
    UserError
        If a file is missing, damaged or not IDX, or the labels do not match the images.
    """
    _, _, _, arrays = _load(directory, ("test",))
    return arrays["test", "images"], arrays["test", "labels"].astype(np.int64)


def check_fit(network: Network, images: Images, labels: Labels) -> None:
    """Raise unless a network can be tested with a data set.

    Parameters
    ----------
    network : Network
        The network.
    images : ndarray of uint8, shape (images, height, width)
        The images.
    labels : ndarray of int, shape (images,)
        Class of each image.

    Raises
    ------
    UserError
        If the images have another shape than the network's, or a label is beyond its
        classes.
    """
    if images.shape[1:] != tuple(network.image_shape):
        raise UserError(
            f"the network takes images of {' x '.join(map(str, network.image_shape))} pixels, "
            f"but the data set's are {' x '.join(map(str, images.shape[1:]))}; "
            "give the data set that it was trained with (--data)"
        )
    if labels.size and int(labels.max()) >= network.classes:
        raise UserError(
            f"the network has {network.classes} classes, but the data set has the label "
            f"{int(labels.max())}; give the data set that it was trained with (--data)"
        )
