"""``python -m allspin.host.chips.array NET -o DIR``: the tables and pictures of docs/array.md."""

import argparse
import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.draw.array import array_accuracy, array_error
from allspin.host.draw.style import SCREEN, Look, save_picture
from allspin.host.show.say import say
from allspin.sim.array.in_array import effective_words, in_array, ohm_of_word, own_gains
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

    def arrays(self) -> list[tuple[float, HallArray]]:
        """The values, each with its array."""
        return [
            (value, dataclasses.replace(self.array, **{self.name: value})) for value in self.values
        ]


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
        See `allspin.sim.array.in_array.Folded.error`; the largest of a layer.
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


def scan(
    curve: Curve,
    network: Network,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> Iterator[Point]:
    """Measure a curve, point by point.

    Parameters
    ----------
    curve : Curve
        Which arrays.
    network : Network
        What their cells hold: exactly its words.
    images, labels : ndarray
        The test set.
    """
    for value, array in curve.arrays():
        made = in_array(network, array)
        accuracy = float(np.mean(GoldenModel(made.network).classify(images) == labels))
        yield Point(value, accuracy, made.error, made.folded)


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
    size = (network.layers[0].rows, network.layers[0].columns)
    return [(value, tiles(network, array, [size])[0][2]) for value, array in curve.arrays()]


SERIES, SELECTED = HallArray("series", **PAPER), HallArray("selected", **PAPER)
SIZES = ((784, 1), (784, 2), (784, 100), (28, 2), (28, 10), (8, 2), (8, 8), (2, 2), (1, 100))
MAPS = {
    "selected, switches of 1e7 ohm": HallArray("selected", **PAPER, switch_off=1e7),
    "selected, arms of 1e5 ohm,\nswitches of 1e9 ohm": HallArray(
        "selected", **{**PAPER, "arms": 1e5}, switch_off=1e9
    ),
    "buffered, 120 dB, grounded": HallArray(
        "buffered", "grounded", **PAPER, common_mode_rejection=120.0
    ),
}


def main() -> int:
    """Measure, print the tables and draw."""
    parser = argparse.ArgumentParser(prog="python -m allspin.host.chips.array")
    parser.add_argument("network", metavar="NET", help="network file, or one that ships")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True)
    kinds = ",".join(SCREEN.formats)
    parser.add_argument(
        "--format", metavar="KIND[,KIND]", default=kinds, help=f"pictures' files ({kinds})"
    )
    arguments = parser.parse_args()
    try:
        look = Look(tuple(arguments.format.split(",")))
    except ValueError as error:
        parser.error(str(error))
    network = open_network(arguments.network)
    images, labels = load_test_set(None, [network])
    make_folder(arguments.output)
    ideal = float(np.mean(GoldenModel(network).classify(images) == labels))
    layer = network.layers[0]
    maps = {}
    for title, array in MAPS.items():
        effective = effective_words(array, layer)
        gains = own_gains(effective, layer.words)
        span = int(layer.levels[-1]) - int(layer.levels[0])
        maps[title] = np.abs(effective - gains * layer.words) / (gains * span)
    save_picture(array_error(maps), arguments.output, "array-error", look)
    _say_correlations(network)
    say(f"ideal {ideal:.2%}")
    panels = {}
    for label, lines in curves().items():
        panels[label] = {}
        for curve in lines:
            panels[label][curve.title] = []
            for point in scan(curve, network, images, labels):
                say(
                    f"| {curve.title}, {curve.name} | {point.value:g} | {point.accuracy:.2%} "
                    f"| {point.error:.3%} | {'yes' if point.folded else 'no'} |"
                )
                panels[label][curve.title].append((point.value, point.accuracy))
    save_picture(array_accuracy(panels, ideal), arguments.output, "array-accuracy", look)
    return 0


def _say_correlations(network: Network) -> None:
    """Print how transfer functions correlate with words, by size and by resistance."""
    say("| rows | columns | arms 312.5 ohm | arms 300 megohm |\n| --- | --- | --- | --- |")
    far = dataclasses.replace(SERIES, arms=3e8)
    both = [tiles(network, array, SIZES) for array in (SERIES, far)]
    for (rows, columns, first), (_, _, second) in zip(*both, strict=True):
        say(f"| {rows} | {columns} | {first:.3f} | {second:.3f} |")
    say("| reading | what changes | ohm | correlation |\n| --- | --- | --- | --- |")
    grounded = dataclasses.replace(SELECTED, supply="grounded")
    whole = (
        Curve("series", "row_line", LINES[1::2], SERIES),
        Curve("selected", "switch_off", (1e6, 1e7, 1e8, 1e9, 1e10), SELECTED),
        Curve("selected, grounded", "switch_off", (1e9,), grounded),
    )
    for curve in whole:
        for value, found in correlations(network, curve):
            say(f"| {curve.title} | {curve.name} | {value:g} | {found:.4f} |")


if __name__ == "__main__":
    raise SystemExit(main())
