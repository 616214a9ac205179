"""What a network reaches in tiles, ideal and on chips: the tables and picture of docs/tiles.md."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from allspin.host.chips.tiles import calibration_images
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.draw.style import (
    BLUE,
    GREEN,
    ORANGE,
    VERMILION,
    add_grid,
    new_figure,
    save_picture,
    styled,
)
from allspin.host.show.say import say
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import AdcVariation, Device, Imperfections, NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of

HALF = AdcVariation(offset=0.5, noise=0.5)
"""Half an LSB of offset, and of noise at each conversion."""
CHIPS = 20

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Grey levels, shape (images, height, width), and classes, shape (images,)."""


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


def only_converters(device: Device, adc: AdcVariation = HALF) -> Device:
    """A device of which nothing varies but the converters of tiles."""
    return replace(
        device, neuron_variation=NeuronVariation(), imperfections=Imperfections(), adc=adc
    )


def accuracy(model: GoldenModel, test_set: Images) -> float:
    """Share of images that a golden model classifies rightly."""
    images, labels = test_set
    return float(np.mean(model.classify(images) == labels))


def cut_networks(
    network: Network, wanted: Iterable[Tiles], calibration: Images
) -> dict[Tiles, list[Network]]:
    """A network cut into tiles after it was trained."""
    return {tiles: [cut(network, tiles, *calibration)] for tiles in wanted}


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
    return dict(sorted(found.items(), key=lambda item: (item[0].rows, item[0].bits)))


def measure(
    networks: dict[Tiles, list[Network]],
    test_set: Images,
    device: Device,
    seeds: Callable[[Tiles], Sequence[int]],
    report: Callable[[Reached], None] = lambda reached: None,
) -> list[Reached]:
    """Measure networks, ideal and on chips.

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
    report : callable
        Told each tiles' result.
    """
    found = []
    for tiles, some in networks.items():
        ideal = float(np.mean([accuracy(GoldenModel(each), test_set) for each in some]))
        words = [layer.words for layer in some[0].layers]
        chips = (Chip(device, seed).golden(some[0], words) for seed in seeds(tiles))
        shares = np.array([accuracy(chip, test_set) for chip in chips])
        found.append(Reached(tiles, ideal, shares))
        report(found[-1])
    return found


COLOURS = {64: ORANGE, 128: BLUE, 256: GREEN}
MARKS = {64: "s", 128: "o", 256: "D"}
LEAST, MOST = 0.8, 100
"""Error rates that are drawn, in percent."""


def _error(share: float) -> float:
    return 100 * (1 - share)


def _finish(axes: Axes, title: str, whole: float) -> None:
    """Axes of error rates over bits."""
    axes.axhline(_error(whole), color="#8A8A8A", linestyle=":", linewidth=1, label="no tiles")
    axes.set(title=title, xlabel="bits of a conversion", ylabel="error rate (%)")
    axes.set(yscale="log", ylim=(LEAST, MOST))
    ticks = (1, 2, 5, 10, 20, 50, 100)
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    add_grid(axes)


def _by_rows(axes: Axes, kind: str, found: Sequence[Reached], line: str) -> None:
    for rows in dict.fromkeys(each.tiles.rows for each in found):
        here = [each for each in found if each.tiles.rows == rows]
        axes.plot(
            [each.tiles.bits for each in here],
            [_error(each.ideal) for each in here],
            linestyle=line,
            marker=MARKS.get(rows, "^"),
            color=COLOURS.get(rows, VERMILION),
            label=f"{rows} rows, {kind}",
        )


def _on_chips(axes: Axes, title: str, found: Sequence[Reached], colour: str) -> None:
    here = [each for each in found if each.chips.size]
    bits = [each.tiles.bits for each in here]
    means = [_error(float(each.chips.mean())) for each in here]
    worst = [_error(float(each.chips.min())) for each in here]
    ideal = [_error(each.ideal) for each in here]
    axes.plot(bits, ideal, color=colour, linestyle=":", label=f"{title}: ideal")
    axes.plot(bits, means, color=colour, marker="o", label=f"{title}: mean of chips")
    axes.fill_between(bits, means, worst, color=colour, alpha=0.2, label=f"{title}: to the worst")


@styled
def tiles_picture(
    untrained: Sequence[Reached], trained: Sequence[Reached], whole: float, chips: int
) -> Figure:
    """Draw what networks reach in tiles.

    Parameters
    ----------
    untrained, trained : sequence of Reached
        Of a network that was cut after training, and of networks that were trained through tiles.
    whole : float
        Accuracy of the network without tiles.
    chips : int
        How many chips were measured.
    """
    figure = new_figure(9, 4, "Columns cut into tiles, each with a converter")
    left, right = figure.subplots(1, 2)
    _by_rows(left, "untrained", untrained, "--")
    _by_rows(left, "trained", trained, "-")
    _finish(left, "ideal converters", whole)
    _on_chips(right, "untrained", untrained, VERMILION)
    _on_chips(right, "trained", trained, BLUE)
    _finish(right, f"{chips} chips, offset and noise of half an LSB", whole)
    return figure


ROWS, BITS = (64, 128, 256), (2, 3, 4, 5, 6)
SHOWN = 128
"""Rows of the tiles whose chips are measured."""


def table(found: Sequence[Reached]) -> list[str]:
    """Accuracy in percent as Markdown, a line for each number of rows."""
    rows = dict.fromkeys(each.tiles.rows for each in found)
    bits = sorted({each.tiles.bits for each in found}, reverse=True)
    ideal = {each.tiles: f"{100 * each.ideal:.2f}" for each in found}
    lines = [
        f"| rows | {' | '.join(f'{each} bits' for each in bits)} |",
        f"| ---: |{' ---: |' * len(bits)}",
    ]
    for each in rows:
        cells = (ideal.get(Tiles(each, number), "") for number in bits)
        lines.append(f"| {each} | {' | '.join(cells)} |")
    return lines


def _said(reached: Reached) -> None:
    chips = reached.chips
    spread = f", chips {chips.mean():.2%}, worst {chips.min():.2%}" if chips.size else ""
    say(f"{reached.tiles.text}: {reached.ideal:.2%}{spread}")


def main() -> int:
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
        trained = trained_networks(map(load_network, arguments.trained))
    except (UserError, ValueError) as error:
        say(f"allspin: {error}")
        return 2
    images, labels = load_test_set(None, [network])
    test_set = images[: arguments.images], labels[: arguments.images]
    make_folder(arguments.output)
    device = only_converters(open_device("paper"))
    whole = accuracy(GoldenModel(network), test_set)
    say(f"without tiles: {whole:.2%}")
    wanted = [Tiles(rows, bits) for rows in ROWS for bits in BITS]
    cut = cut_networks(network, wanted, calibration_images(network))
    reached = []
    for title, networks in (("untrained", cut), ("trained", trained)):
        say(title)
        seeds = {tiles: range(arguments.chips if tiles.rows == SHOWN else 0) for tiles in networks}
        reached.append(measure(networks, test_set, device, seeds.__getitem__, _said))
        say("\n".join(table(reached[-1])))
    picture = tiles_picture(reached[0], reached[1], whole, arguments.chips)
    save_picture(picture, arguments.output, "tiles")
    return 0
