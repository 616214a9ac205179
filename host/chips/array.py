"""Study of arrays of Hall bars: accuracy and errors by resistances and readings.

``python -m allspin.host.chips.array NET -o DIR`` measures the tables and the pictures of
docs/array.md.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.charts.array_charts import array_accuracy, array_error
from allspin.host.chips.accuracy import TestSet
from allspin.host.chips.tiles import accuracy
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.show.say import say
from allspin.sim.array.folding import own_gains
from allspin.sim.array.in_array import effective_words, in_array, ohm_of_word
from allspin.sim.array.transfer import transfer
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.network import Network

PAPER: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 312.5, "arms": 312.5}
"""Known figures of the paper's Hall bar: five squares along, and arms of the same length."""
SERIES = HallArray("series", **PAPER)
SELECTED = HallArray("selected", **PAPER)
BUFFERED = HallArray("buffered", **PAPER)
GIGAOHM_SWITCHES = replace(SELECTED, switch_off=1e9)
TERAOHM_SWITCHES = replace(SELECTED, switch_off=1e12)
REAL_AMPLIFIERS = replace(BUFFERED, input_impedance=1e6, common_mode_rejection=120.0)
ARMS = (1.0, 312.5, 1e4, 1e5, 1e6, 1e7)
"""Resistances of Hall arms in ohm."""
LINES = (1.0, 100.0, 1e3, 1e4)
"""Resistances of a row line for each cell in ohm."""
OPEN_SWITCHES = (1e4, 1e5, 1e6, 1e8, 1e10)
"""Resistances of open switches in ohm."""
REJECTIONS = (60.0, 80.0, 90.0, 100.0, 110.0, 120.0, 140.0)
"""Common-mode rejections in decibels."""


@dataclass(frozen=True)
class Scan:
    """Panel of the picture of accuracy: one figure of an array is varied.

    Parameters
    ----------
    figure : str
        Field of `HallArray` that is varied.
    label : str
        Label of the axis.
    curves : dict of str to tuple
        Array of each curve, and the values of its figure, by the curve's title.
    """

    figure: str
    label: str
    curves: dict[str, tuple[HallArray, tuple[float, ...]]]


SCANS = (
    Scan(
        "arms",
        "Hall arms (ohm)",
        {
            "series": (SERIES, (0.1, 1.0, 10.0, 312.5, 1e5)),
            "selected, 1e9 ohm": (GIGAOHM_SWITCHES, ARMS),
            "selected, 1e12 ohm": (TERAOHM_SWITCHES, ARMS[1::2]),
            "buffered": (REAL_AMPLIFIERS, ARMS),
        },
    ),
    Scan(
        "row_line",
        "row line, a cell (ohm)",
        {
            "series": (SERIES, LINES[:1]),
            "selected, 1e9 ohm": (GIGAOHM_SWITCHES, LINES),
            "buffered": (REAL_AMPLIFIERS, LINES),
        },
    ),
    Scan(
        "switch_off",
        "open switch (ohm)",
        {
            "selected": (GIGAOHM_SWITCHES, OPEN_SWITCHES),
            "selected, grounded": (
                replace(GIGAOHM_SWITCHES, supply="grounded"),
                OPEN_SWITCHES[2:],
            ),
        },
    ),
    Scan(
        "common_mode_rejection",
        "common-mode rejection (dB)",
        {
            "buffered": (BUFFERED, REJECTIONS),
            "buffered, grounded": (replace(BUFFERED, supply="grounded"), REJECTIONS),
        },
    ),
)
SIZES = ((784, 1), (784, 2), (784, 100), (28, 2), (28, 10), (8, 2), (8, 8), (2, 2), (1, 100))
"""Rows and columns of the corners whose correlation is printed."""
MAPS = {
    "selected, switches of 1e7 ohm": replace(SELECTED, switch_off=1e7),
    "selected, arms of 1e5 ohm,\nswitches of 1e9 ohm": replace(GIGAOHM_SWITCHES, arms=1e5),
    "buffered, 120 dB, grounded": replace(BUFFERED, supply="grounded", common_mode_rejection=120.0),
}
"""Arrays of the picture of errors, by its titles."""


def correlation(network: Network, array: HallArray, rows: int, columns: int) -> float:
    """Compute the correlation of transfer functions with words in a corner of an array.

    The corner begins at the middle rows of the first layer, where images have their digits.
    """
    layer = network.layers[0]
    hall = layer.words * ohm_of_word(array, layer)
    first = (layer.rows - rows) // 2
    corner = hall[first : first + rows, :columns]
    return float(np.corrcoef(transfer(array, corner).ravel(), corner.ravel())[0, 1])


def main() -> int:
    """Measure, print the tables and draw the pictures."""
    parser = argparse.ArgumentParser(prog="python -m allspin.host.chips.array")
    parser.add_argument("network", metavar="NET", help="network file, or one that ships")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True)
    parser.add_argument("--style", metavar="STYLE", default="screen", help="picture style")
    arguments = parser.parse_args()
    style = PictureStyle.open(arguments.style)
    network = open_network(arguments.network)
    test_set = load_test_set(None, [network])
    make_folder(arguments.output)
    ideal = accuracy(network, test_set)
    maps = {title: _error_map(network, array) for title, array in MAPS.items()}
    save_picture(array_error(maps), arguments.output, "array-error", style)
    _print_correlations(network)
    say(f"ideal {ideal:.2%}")
    panels = {scan.label: _measure_scan(network, scan, test_set) for scan in SCANS}
    save_picture(array_accuracy(panels, ideal), arguments.output, "array-accuracy", style)
    return 0


def _error_map(network: Network, array: HallArray) -> npt.NDArray[np.float64]:
    """Compute the error of each weight of the first layer, as a fraction of the words' range."""
    layer = network.layers[0]
    effective = effective_words(array, layer)
    gains = own_gains(effective, layer.words)
    span = int(layer.levels[-1]) - int(layer.levels[0])
    return np.abs(effective - gains * layer.words) / (gains * span)


def _measure_scan(
    network: Network, scan: Scan, test_set: TestSet
) -> dict[str, list[tuple[float, float]]]:
    """Measure a scan, print each point, and return pairs of value and accuracy by curve."""
    curves = {}
    for title, (array, values) in scan.curves.items():
        pairs = []
        for value in values:
            placed = in_array(network, replace(array, **{scan.figure: value}))
            share = accuracy(placed.network, test_set)
            folded = "yes" if placed.folded else "no"
            curve = f"{title}, {scan.figure}"
            say(f"| {curve} | {value:g} | {share:.2%} | {placed.error:.3%} | {folded} |")
            pairs.append((value, share))
        curves[title] = pairs
    return curves


def _print_correlations(network: Network) -> None:
    """Print the correlation of transfer functions with words, by size and by resistance."""
    say("| rows | columns | arms 312.5 ohm | arms 300 megohm |\n| --- | --- | --- | --- |")
    long_arms = replace(SERIES, arms=3e8)
    for rows, columns in SIZES:
        short = correlation(network, SERIES, rows, columns)
        long = correlation(network, long_arms, rows, columns)
        say(f"| {rows} | {columns} | {short:.3f} | {long:.3f} |")
    say("| reading | what changes | ohm | correlation |\n| --- | --- | --- | --- |")
    layer = network.layers[0]
    for title, figure, array, values in (
        ("series", "row_line", SERIES, LINES[1::2]),
        ("selected", "switch_off", SELECTED, (1e6, 1e7, 1e8, 1e9, 1e10)),
        ("selected, grounded", "switch_off", replace(SELECTED, supply="grounded"), (1e9,)),
    ):
        for value in values:
            varied = replace(array, **{figure: value})
            share = correlation(network, varied, layer.rows, layer.columns)
            say(f"| {title} | {figure} | {value:g} | {share:.4f} |")


if __name__ == "__main__":
    raise SystemExit(main())
