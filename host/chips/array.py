"""What a network reaches in arrays and in tiles: tables and pictures of docs/array.md and tiles.md.

``python -m allspin.host.chips.array NET -o DIR``, and the same with ``tiles``.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from allspin.host.charts.array_charts import array_accuracy, array_error
from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
from allspin.host.chips.accuracy import TestSet
from allspin.host.chips.tiles import calibration_images
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.draw.picture_files import save_picture
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.show.say import say
from allspin.sim.array.folding import own_gains
from allspin.sim.array.in_array import effective_words, in_array, ohm_of_word
from allspin.sim.array.transfer import transfer
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import program

HALF = AdcVariation(offset=0.5, noise=0.5)
"""Half an LSB of offset, and of noise at each conversion."""
CHIPS = 20
ROWS, BITS, LOWEST = (64, 128, 256), (2, 3, 4, 5, 6), 0.8
"""Of tiles and conversions; and percent at the foot of the picture."""
SHOWN = 128
"""Rows of the tiles whose chips are measured."""


@dataclass(frozen=True, eq=False)
class Reached:
    """What networks reach in tiles.

    Attributes
    ----------
    tiles : Tiles
        The tiles.
    ideal : float
        Share of the images, with converters that do not vary; the mean of several networks.
    chips : ndarray of float64, shape (chips,)
        The same of each chip, of the first network; empty where none were measured.
    """

    tiles: Tiles
    ideal: float
    chips: npt.NDArray[np.float64]


def only_converters(device: Device) -> Device:
    """A device of which nothing varies but the converters of tiles, by `HALF`."""
    variation, imperfections = NeuronVariation(), Imperfections()
    return replace(device, neuron_variation=variation, imperfections=imperfections, adc=HALF)


def accuracy(model: GoldenModel, test_set: TestSet) -> float:
    """Share of images that a golden model classifies rightly."""
    images, labels = test_set
    return float(np.mean(model.classify(images) == labels))


def trained_networks(networks: Iterable[Network]) -> dict[Tiles, list[Network]]:
    """Networks that were trained through tiles, by their tiles.

    Raises
    ------
    ValueError
        If one has no tiles, or more than one kind.
    """
    found: dict[Tiles, list[Network]] = {}
    for network in networks:
        own = set(tiles_of(network))
        tiles = own.pop()
        if own or tiles is None:
            raise ValueError("a network that was trained through tiles has the same in each layer")
        found.setdefault(tiles, []).append(network)
    return dict(sorted(found.items(), key=lambda item: (item[0].tile_rows, item[0].adc_bits)))


def measure_tiles(
    networks: dict[Tiles, list[Network]],
    test_set: TestSet,
    device: Device,
    seeds: Callable[[Tiles], Sequence[int]],
) -> list[Reached]:
    """Measure networks, ideal and on chips, and say what each reaches.

    Parameters
    ----------
    networks : dict
        By tiles, those whose mean counts.
    test_set : tuple of ndarray
        Images and labels.
    device : Device
        What the chips are made of.
    seeds : callable
        Which chips are measured in which tiles.
    """
    found = []
    for tiles, some in networks.items():
        ideal = float(np.mean([accuracy(GoldenModel(each), test_set) for each in some]))
        cells = MeasuredCells.ideal(some[0])
        chips = np.array(
            [program(some[0], device, seed, cells).accuracy(*test_set) for seed in seeds(tiles)]
        )
        spread = f", chips {chips.mean():.2%}, worst {chips.min():.2%}" if chips.size else ""
        say(f"{tiles.text}: {ideal:.2%}{spread}")
        found.append(Reached(tiles, ideal, chips))
    return found


def tiles_picture(kinds: dict[str, list[Reached]], whole: float, chips: int) -> Figure:
    """Draw what networks reach in tiles.

    Parameters
    ----------
    kinds : dict of str to list of Reached
        By what is done, such as ``untrained``: cut after training.
    whole : float
        Accuracy of the network without tiles.
    chips : int
        How many chips were measured.
    """
    known = list(dict.fromkeys(each.tiles.tile_rows for some in kinds.values() for each in some))
    ideal, varied = [], []
    for number, (kind, found) in enumerate(kinds.items()):
        for rows in dict.fromkeys(each.tiles.tile_rows for each in found):
            here = [each for each in found if each.tiles.tile_rows == rows]
            label, shares = f"{rows} rows, {kind}", [each.ideal for each in here]
            ideal.append(_line(label, here, shares, turn=known.index(rows), dashed=not number))
        here = [each for each in found if each.chips.size]
        if here:
            varied += [
                _line(f"{kind}: {what}", here, shares, turn=len(known) + number, **look)
                for what, shares, look in (
                    ("ideal", [each.ideal for each in here], {"dashed": True}),
                    ("mean of chips", [each.chips.mean() for each in here], {}),
                    ("worst chip", [each.chips.min() for each in here], {"joined": False}),
                )
            ]
    titles = "ideal converters", f"{chips} chips, offset and noise of half an LSB"
    panels = [
        ChartPanel(
            lines,
            "bits of a conversion",
            "error rate (%)",
            title,
            y_scale="log",
            y_range=(LOWEST, 100),
            levels={"no tiles": 100 * (1 - whole)} if 100 * (1 - whole) > LOWEST else {},
            ticks=BITS,
        )
        for title, lines in zip(titles, (ideal, varied), strict=True)
        if lines
    ]
    return curves("Columns cut into tiles, each with a converter", panels)


def _line(label: str, found: list[Reached], shares: list[float], **look: Any) -> ChartLine:
    """Error rates over bits."""
    bits = [each.tiles.adc_bits for each in found]
    return ChartLine(label, bits, [100 * (1 - share) for share in shares], **look)


def table(found: Sequence[Reached]) -> list[str]:
    """Accuracy in percent as Markdown, a line for each number of rows."""
    bits = sorted({each.tiles.adc_bits for each in found}, reverse=True)
    ideal = {each.tiles: f"{100 * each.ideal:.2f}" for each in found}
    lines = [
        f"| rows | {' | '.join(f'{each} bits' for each in bits)} |",
        f"| ---: |{' ---: |' * len(bits)}",
    ]
    for rows in dict.fromkeys(each.tiles.tile_rows for each in found):
        cells = (ideal.get(Tiles(rows, number), "") for number in bits)
        lines.append(f"| {rows} | {' | '.join(cells)} |")
    return lines


def tiles_main() -> int:
    """Measure, print the tables and draw."""
    parser = argparse.ArgumentParser(prog="python -m allspin.host.chips.tiles")
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or one that ships")
    add(
        "--trained",
        metavar="FILE",
        type=Path,
        nargs="+",
        default=[],
        help="networks that were trained through tiles; of several with the same the mean counts",
    )
    add("-o", "--output", metavar="DIR", type=Path, required=True)
    add("--chips", metavar="N", type=int, default=CHIPS)
    add("--images", metavar="N", type=int, help="first N test images (all)")
    arguments = parser.parse_args()
    try:
        network = open_network(arguments.network)
        trained = trained_networks(map(open_network, arguments.trained))
    except (UserError, ValueError) as error:
        say(f"allspin: {error}")
        return 2
    images, labels = load_test_set(None, [network])
    test_set = images[: arguments.images], labels[: arguments.images]
    make_folder(arguments.output)
    device = only_converters(open_device("paper"))
    whole = accuracy(GoldenModel(network), test_set)
    say(f"without tiles: {whole:.2%}")
    chosen = calibration_images(network)
    wanted = [Tiles(rows, bits) for rows in ROWS for bits in BITS]
    untrained = {tiles: [cut(network, tiles, *chosen)] for tiles in wanted}
    kinds = {}
    for kind, networks in (("untrained", untrained), ("trained", trained)):
        say(kind)
        seeds = {
            tiles: range(arguments.chips if tiles.tile_rows == SHOWN else 0) for tiles in networks
        }
        kinds[kind] = measure_tiles(networks, test_set, device, seeds.__getitem__)
        say("\n".join(table(kinds[kind])))
    save_picture(tiles_picture(kinds, whole, arguments.chips), arguments.output, "tiles")
    return 0


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
    parser.add_argument("--style", metavar="STYLE", default="screen", help="picture style")
    arguments = parser.parse_args()
    look = PictureStyle.open(arguments.style)
    network = open_network(arguments.network)
    images, labels = load_test_set(None, [network])
    make_folder(arguments.output)
    ideal = accuracy(GoldenModel(network), (images, labels))
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
    for label, (name, lines) in PANELS.items():
        panels[label] = {title: [] for title in lines}
        for title, (array, values) in lines.items():
            for value in values:
                made = in_array(network, replace(array, **{name: value}))
                share = accuracy(GoldenModel(made.network), (images, labels))
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
