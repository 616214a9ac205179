"""A network in many arrays: its accuracy as one resistance after another changes."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.array.in_array import in_array, ohm_of_word
from allspin.sim.array.transfer import transfer
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network


@dataclass(frozen=True)
class Curve:
    """One resistance that changes, and arrays that are else alike.

    Parameters
    ----------
    title : str
        What it is called.
    name : str
        The parameter of `HallArray` that changes.
    values : tuple of float
        Its values.
    array : HallArray
        The rest.
    """

    title: str
    name: str
    values: tuple[float, ...]
    array: HallArray

    def arrays(self) -> list[HallArray]:
        """The arrays, value by value."""
        return [dataclasses.replace(self.array, **{self.name: value}) for value in self.values]


@dataclass(frozen=True)
class Point:
    """What a network reaches in an array.

    Attributes
    ----------
    value : float
        Of the parameter that changes.
    accuracy : float
        Share of the images that it classifies rightly.
    error : float
        See `allspin.sim.array.folding.Folded.error`; the largest of a layer.
    folded : bool
        Whether words and gains say it.
    """

    value: float
    accuracy: float
    error: float
    folded: bool


PAPER: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 312.5, "arms": 312.5}
"""The paper's Hall bar, as far as it is known: five squares along, and arms as long."""
SMALL_ARMS = (0.1, 1.0, 10.0, 312.5, 1e5)
ARMS = (1.0, 312.5, 1e4, 1e5, 1e6, 1e7)
LINES = (1.0, 100.0, 1e3, 1e4)
OFF = (1e4, 1e5, 1e6, 1e8, 1e10)
REJECTIONS = (60.0, 80.0, 90.0, 100.0, 110.0, 120.0, 140.0)


def curves() -> dict[str, list[Curve]]:
    """The curves of each panel of the picture, by what changes in it."""

    def array(reading: str, **values: Any) -> HallArray:
        return HallArray(reading, **{**PAPER, **values})

    near, far = array("selected", switch_off=1e9), array("selected", switch_off=1e12)
    amplifiers = array("buffered", input_impedance=1e6, common_mode_rejection=120.0)
    return {
        "Hall arms (ohm)": [
            Curve("series", "arms", SMALL_ARMS, array("series")),
            Curve("selected, 1e9 ohm", "arms", ARMS, near),
            Curve("selected, 1e12 ohm", "arms", ARMS[1::2], far),
            Curve("buffered", "arms", ARMS, amplifiers),
        ],
        "row line, a cell (ohm)": [
            Curve("series", "row_line", LINES[:1], array("series")),
            Curve("selected, 1e9 ohm", "row_line", LINES, near),
            Curve("buffered", "row_line", LINES, amplifiers),
        ],
        "open switch (ohm)": [
            Curve("selected", "switch_off", OFF, near),
            Curve(
                "selected, grounded",
                "switch_off",
                OFF[2:],
                dataclasses.replace(near, supply="grounded"),
            ),
        ],
        "common-mode rejection (dB)": [
            Curve("buffered", "common_mode_rejection", REJECTIONS, array("buffered")),
            Curve(
                "buffered, grounded",
                "common_mode_rejection",
                REJECTIONS,
                array("buffered", supply="grounded"),
            ),
        ],
    }


def whole_arrays() -> list[Curve]:
    """The arrays whose whole first layer is compared with its words."""
    series, selected = HallArray("series", **PAPER), HallArray("selected", **PAPER)
    grounded = dataclasses.replace(selected, supply="grounded")
    return [
        Curve("series", "row_line", LINES[1::2], series),
        Curve("selected", "switch_off", (1e6, 1e7, 1e8, 1e9, 1e10), selected),
        Curve("selected, grounded", "switch_off", (1e9,), grounded),
    ]


def scan(
    curve: Curve,
    network: Network,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    report: Callable[[Point], None] = lambda point: None,
) -> list[Point]:
    """Measure a curve.

    Parameters
    ----------
    curve : Curve
        Which arrays.
    network : Network
        What their cells hold: exactly its words.
    images, labels : ndarray
        The test set.
    report : callable
        Told each point.
    """
    points = []
    for value, array in zip(curve.values, curve.arrays(), strict=True):
        made = in_array(network, array)
        accuracy = float(np.mean(GoldenModel(made.network).classify(images) == labels))
        points.append(Point(value, accuracy, made.error, made.folded))
        report(points[-1])
    return points


def tiles(
    network: Network, array: HallArray, sizes: Iterable[tuple[int, int]]
) -> list[tuple[int, int, float]]:
    """Correlation of a corner's transfer functions with its words, by rows and columns.

    The corner is from the middle of the first layer, where images are.
    """
    layer = network.layers[0]
    hall = layer.words * ohm_of_word(array, layer)
    found = []
    for rows, columns in sizes:
        first = (layer.rows - rows) // 2
        tile = hall[first : first + rows, :columns]
        made = transfer(array, tile)
        found.append((rows, columns, float(np.corrcoef(made.ravel(), tile.ravel())[0, 1])))
    return found


def correlations(network: Network, curve: Curve) -> list[tuple[float, float]]:
    """Correlation of the whole first layer's transfer functions with its words, by value."""
    layer = network.layers[0]
    size = (layer.rows, layer.columns)
    found = []
    for value, array in zip(curve.values, curve.arrays(), strict=True):
        found.append((value, tiles(network, array, (size,))[0][2]))
    return found
