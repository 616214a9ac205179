"""Kernels of convolutions, in texts such as ``5x5x16 s2, 3x3x32 p1 pool``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.network.layer_kinds import MAX_LINES, Convolution

FORM = "kernels such as 5x5x16, then s2 for a stride of 2, p1 or pad for a padding, and pool"
"""Form of a text of kernels, for messages."""
MAX_USES = MAX_LINES + 1
"""Columns times positions of a layer, at most."""


def _same_size_padding(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the padding with which a map keeps its size behind kernels."""
    top, left = ((side - 1) // 2 for side in size)
    return top, left, size[0] - 1 - top, size[1] - 1 - left


@dataclass(frozen=True)
class Kernels:
    """Kernels of a layer, for a map of any size.

    Parameters
    ----------
    size : tuple of int
        Height and width of a kernel.
    columns : int
        Number of kernels, 1 to 65,535.
    stride : int
        Distance between positions, down and across.
    padding : tuple of int
        Lines of zeros at the top and the left, the bottom and the right.
    pool : int
        2 to pass on the largest of each 2 x 2 activations; 1 to pass on all.
    """

    size: tuple[int, int]
    columns: int
    stride: int = 1
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    pool: int = 1

    def __post_init__(self) -> None:
        check_range("number of kernels", self.columns, 1, MAX_LINES)

    @classmethod
    def read(cls, text: str) -> "Kernels":
        """Read the kernels of one layer from a text such as ``3x3x32 p1 pool``.

        Raises
        ------
        ValueError
            If the text is not such a text, or gives one value twice.
        """
        sizes, *words = text.split() or [""]
        match = re.fullmatch(r"(\d{1,5})x(\d{1,5})x(\d{1,5})", sizes)
        if match is None:
            raise ValueError(f"conv takes {FORM}, not {sizes!r}")
        height, width, columns = map(int, match.groups())
        values: dict[str, Any] = {}
        for word in words:
            name, value = cls._read_word(word, (height, width))
            if name in values:
                raise ValueError(f"conv has two words for the {name} in {text.strip()!r}")
            values[name] = value
        return cls((height, width), columns, **values)

    @staticmethod
    def _read_word(word: str, size: tuple[int, int]) -> tuple[str, Any]:
        """Read a word behind the size: the name of a value, and the value."""
        if word == "pool":
            return "pool", 2
        if word == "pad":
            return "padding", _same_size_padding(size)
        match = re.fullmatch(r"([sp])(\d{1,5})", word)
        if match is None:
            raise ValueError(f"conv takes {FORM}, not {word!r}")
        number = int(match[2])
        return ("stride", number) if match[1] == "s" else ("padding", (number,) * 4)

    @property
    def text(self) -> str:
        """Shortest text that `read` turns into these kernels."""
        words = [f"{self.size[0]}x{self.size[1]}x{self.columns}"]
        if self.stride != 1:
            words.append(f"s{self.stride}")
        if any(self.padding):
            is_equal = len(set(self.padding)) == 1
            words.append(f"p{self.padding[0]}" if is_equal else "pad")
        if self.pool == 2:
            words.append("pool")
        return " ".join(words)


def read_conv(conv: str) -> tuple[Kernels, ...]:
    """Read the kernels of several layers from a text such as ``5x5x16 s2, 5x5x32 s2``.

    Raises
    ------
    ValueError
        If the text is not one of kernels.
    """
    return tuple(map(Kernels.read, conv.split(",")))


def convolutions(conv: Sequence[Kernels], image_shape: Sequence[int]) -> list[Convolution]:
    """Lay kernels on images of shape (height, width) or (height, width, channels).

    Raises
    ------
    UserError
        If kernels do not fit the map that they are laid on, or have too many positions.
    """
    shape = (*image_shape, 1)[:3]
    kinds = []
    for kernels in conv:
        strides = (kernels.stride, kernels.stride)
        with refused(f"`conv` {kernels.text}: "):
            kind = Convolution(shape, kernels.size, strides, kernels.padding, kernels.pool)
        if kind.positions * kernels.columns > MAX_USES:
            raise UserError(
                f"`conv` {kernels.text}: {kernels.columns} columns at {kind.positions} positions "
                f"are more than {MAX_USES} uses for an image; take fewer kernels or a stride"
            )
        shape = kind.shape(kernels.columns)
        kinds.append(kind)
    return kinds
