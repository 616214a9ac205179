"""One of a data set's four arrays, in whatever file it lies."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

Part = tuple[str, str]
"""Which of the four arrays: ``train`` or ``test``, ``images`` or ``labels``."""

PARTS: tuple[Part, ...] = (
    ("train", "images"),
    ("train", "labels"),
    ("test", "images"),
    ("test", "labels"),
)
"""The four arrays, in the order in which a data set's digest takes them."""


class StoredArray(Protocol):
    """An array whose shape is known before any of its values is read.

    Attributes
    ----------
    title : str
        What messages call it.
    short : str
        The same where its folder or archive was named already.
    shape : tuple of int
        ``(images, height, width)`` of images, ``(labels,)`` of labels; none of them 0.
    """

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def short(self) -> str: ...  # noqa: D102

    shape: tuple[int, ...]

    def check_large(self) -> None:
        """Refuse a large array whose file is damaged, without the memory of its values.

        Raises
        ------
        UserError
            If it is damaged.
        """

    def read(self) -> npt.NDArray[np.uint8]:
        """The values, read-only.

        Raises
        ------
        UserError
            If the file is damaged, or a value is none that a data set has.
        """
        ...
