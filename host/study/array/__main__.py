"""``python -m allspin.host.study.array NET -o DIR``: the tables and pictures of docs/array.md."""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.show.pictures.array import array_accuracy, array_error
from allspin.host.show.pictures.style import SCREEN, Look, save_picture
from allspin.host.show.say import say
from allspin.host.study.array.scan import PAPER, correlations, curves, scan, tiles, whole_arrays
from allspin.sim.array.folding import own_gains
from allspin.sim.array.in_array import effective_words
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

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
    parser = argparse.ArgumentParser(prog="python -m allspin.host.study.array")
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
            points = scan(
                curve,
                network,
                images,
                labels,
                lambda point, curve=curve: say(
                    f"| {curve.title}, {curve.name} | {point.value:g} | {point.accuracy:.2%} "
                    f"| {point.error:.3%} | {'yes' if point.folded else 'no'} |"
                ),
            )
            panels[label][curve.title] = [(point.value, point.accuracy) for point in points]
    save_picture(array_accuracy(panels, ideal), arguments.output, "array-accuracy", look)
    return 0


def _say_correlations(network: Network) -> None:
    """Print how transfer functions correlate with words, by size and by resistance."""
    say("| rows | columns | arms 312.5 ohm | arms 300 megohm |\n| --- | --- | --- | --- |")
    near = HallArray("series", **PAPER)
    both = [tiles(network, array, SIZES) for array in (near, dataclasses.replace(near, arms=3e8))]
    for (rows, columns, first), (_, _, second) in zip(*both, strict=True):
        say(f"| {rows} | {columns} | {first:.3f} | {second:.3f} |")
    say("| reading | what changes | ohm | correlation |\n| --- | --- | --- | --- |")
    for curve in whole_arrays():
        for value, found in correlations(network, curve):
            say(f"| {curve.title} | {curve.name} | {value:g} | {found:.4f} |")


if __name__ == "__main__":
    raise SystemExit(main())
