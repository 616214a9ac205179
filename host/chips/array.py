"""``python -m allspin.host.chips.array NET -o DIR``: the tables and pictures of docs/array.md."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

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

PAPER: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 312.5, "arms": 312.5}
"""The paper's Hall bar, as far as it is known: five squares along, and arms as long."""
ARMS = (1.0, 312.5, 1e4, 1e5, 1e6, 1e7)
LINES = (1.0, 100.0, 1e3, 1e4)
OFF = (1e4, 1e5, 1e6, 1e8, 1e10)
REJECTIONS = (60.0, 80.0, 90.0, 100.0, 110.0, 120.0, 140.0)
SERIES, SELECTED, BUFFERED = (
    HallArray(reading, **PAPER) for reading in ("series", "selected", "buffered")
)
NEAR = replace(SELECTED, switch_off=1e9)
AMPLIFIERS = replace(BUFFERED, input_impedance=1e6, common_mode_rejection=120.0)
PANELS = {
    "Hall arms (ohm)": (
        "arms",
        {
            "series": (SERIES, (0.1, 1.0, 10.0, 312.5, 1e5)),
            "selected, 1e9 ohm": (NEAR, ARMS),
            "selected, 1e12 ohm": (replace(SELECTED, switch_off=1e12), ARMS[1::2]),
            "buffered": (AMPLIFIERS, ARMS),
        },
    ),
    "row line, a cell (ohm)": (
        "row_line",
        {
            "series": (SERIES, LINES[:1]),
            "selected, 1e9 ohm": (NEAR, LINES),
            "buffered": (AMPLIFIERS, LINES),
        },
    ),
    "open switch (ohm)": (
        "switch_off",
        {
            "selected": (NEAR, OFF),
            "selected, grounded": (replace(NEAR, supply="grounded"), OFF[2:]),
        },
    ),
    "common-mode rejection (dB)": (
        "common_mode_rejection",
        {
            "buffered": (BUFFERED, REJECTIONS),
            "buffered, grounded": (replace(BUFFERED, supply="grounded"), REJECTIONS),
        },
    ),
}
"""By the label of a panel's axis: what changes in it, and by title its curves, each an array
that is else alike, and the values."""
SIZES = ((784, 1), (784, 2), (784, 100), (28, 2), (28, 10), (8, 2), (8, 8), (2, 2), (1, 100))
MAPS = {
    "selected, switches of 1e7 ohm": replace(SELECTED, switch_off=1e7),
    "selected, arms of 1e5 ohm,\nswitches of 1e9 ohm": replace(NEAR, arms=1e5),
    "buffered, 120 dB, grounded": replace(BUFFERED, supply="grounded", common_mode_rejection=120.0),
}


def correlation(network: Network, array: HallArray, rows: int, columns: int) -> float:
    """How a corner's transfer functions correlate with its words.

    The corner is from the middle of the first layer, where images are.
    """
    layer = network.layers[0]
    hall = layer.words * ohm_of_word(array, layer)
    first = (layer.rows - rows) // 2
    tile = hall[first : first + rows, :columns]
    return float(np.corrcoef(transfer(array, tile).ravel(), tile.ravel())[0, 1])


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
    for label, (name, curves) in PANELS.items():
        panels[label] = {title: [] for title in curves}
        for title, (array, values) in curves.items():
            for value in values:
                made = in_array(network, replace(array, **{name: value}))
                share = float(np.mean(GoldenModel(made.network).classify(images) == labels))
                folded = "yes" if made.folded else "no"
                say(f"| {title}, {name} | {value:g} | {share:.2%} | {made.error:.3%} | {folded} |")
                panels[label][title].append((value, share))
    save_picture(array_accuracy(panels, ideal), arguments.output, "array-accuracy", look)
    return 0


def _say_correlations(network: Network) -> None:
    """Print how transfer functions correlate with words, by size and by resistance."""
    say("| rows | columns | arms 312.5 ohm | arms 300 megohm |\n| --- | --- | --- | --- |")
    for size in SIZES:
        both = (correlation(network, each, *size) for each in (SERIES, replace(SERIES, arms=3e8)))
        say(f"| {' | '.join([*map(str, size), *(f'{each:.3f}' for each in both)])} |")
    say("| reading | what changes | ohm | correlation |\n| --- | --- | --- | --- |")
    grounded = replace(SELECTED, supply="grounded")
    for title, name, array, values in (
        ("series", "row_line", SERIES, LINES[1::2]),
        ("selected", "switch_off", SELECTED, (1e6, 1e7, 1e8, 1e9, 1e10)),
        ("selected, grounded", "switch_off", grounded, (1e9,)),
    ):
        for value in values:
            whole = network.layers[0].rows, network.layers[0].columns
            found = correlation(network, replace(array, **{name: value}), *whole)
            say(f"| {title} | {name} | {value:g} | {found:.4f} |")


if __name__ == "__main__":
    raise SystemExit(main())
