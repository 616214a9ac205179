"""Convolutions that a training is asked for, in words such as ``5x5x16 s2, 3x3x32 p1 pool``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.network.layer_kinds import MAX_LINES, Convolution

WORDS = "kernels such as 5x5x16, then s2 for a stride of 2, p1 or pad for a padding, and pool"
"""What a text of kernels is made of."""


def _same(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The padding with which a map is as large behind kernels as before them."""
    top, left = ((side - 1) // 2 for side in size)
    return top, left, size[0] - 1 - top, size[1] - 1 - left


@dataclass(frozen=True)
class Kernels:
    """The kernels of a layer, for whatever map they are laid on.

    Parameters
    ----------
    size : tuple of int
        Height and width of a kernel.
    columns : int
        How many kernels there are, 1 to 65,535.
    stride : int
        Distance of the positions, down and across.
    padding : tuple of int
        Lines of zeros at the top and the left, the bottom and the right.
    pool : int
        2 where the largest of each 2 x 2 activations is handed on.
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
        """The kernels of one layer, of a text such as ``3x3x32 p1 pool``.

        Raises
        ------
        ValueError
            If it says none, or one thing twice.
        """
        sizes, *words = text.split() or [""]
        found = re.fullmatch(r"(\d{1,5})x(\d{1,5})x(\d{1,5})", sizes)
        if found is None:
            raise ValueError(f"conv takes {WORDS}, not {sizes!r}")
        height, width, columns = map(int, found.groups())
        said: dict[str, Any] = {}
        for word in words:
            number = re.fullmatch(r"([sp])(\d{1,5})", word)
            if word == "pool":
                name, value = "pool", 2
            elif word == "pad":
                name, value = "padding", _same((height, width))
            elif number is None:
                raise ValueError(f"conv takes {WORDS}, not {word!r}")
            elif number[1] == "s":
                name, value = "stride", int(number[2])
            else:
                name, value = "padding", (int(number[2]),) * 4
            if name in said:
                raise ValueError(f"conv has two words for the {name} in {text.strip()!r}")
            said[name] = value
        return cls((height, width), columns, **said)

    @property
    def text(self) -> str:
        """The shortest text that `read` reads as these kernels."""
        words = [f"{self.size[0]}x{self.size[1]}x{self.columns}"]
        if self.stride != 1:
            words.append(f"s{self.stride}")
        if any(self.padding):
            alike = len(set(self.padding)) == 1
            words.append(f"p{self.padding[0]}" if alike else "pad")
        return " ".join([*words, *(["pool"] if self.pool == 2 else [])])


def read_conv(conv: str) -> tuple[Kernels, ...]:
    """The layers that a text such as ``5x5x16 s2, 5x5x32 s2`` says, one after another.

    Raises
    ------
    ValueError
        If it does not say kernels.
    """
    return tuple(map(Kernels.read, conv.split(",")))


def laid_on(conv: Sequence[Kernels], image_shape: Sequence[int]) -> list[Convolution]:
    """The layers for images of a shape (height, width) or (height, width, channels).

    Raises
    ------
    UserError
        If kernels do not fit the map that they are laid on, or have too many positions.
    """
    shape, found = (*image_shape, 1)[:3], []
    for each in conv:
        with refused(f"`conv` {each.text}: "):
            kind = Convolution(shape, each.size, (each.stride,) * 2, each.padding, each.pool)
        if kind.positions * each.columns > MAX_LINES + 1:
            raise UserError(
                f"`conv` {each.text}: {each.columns} columns at {kind.positions} positions are "
                f"more than {MAX_LINES + 1} uses for an image; take fewer kernels or a stride"
            )
        shape = kind.shape(each.columns)
        found.append(kind)
    return found
