"""Study of networks cut into tiles: accuracy by rows of a tile and bits of its ADC.

``python -m allspin.host.chips.tiles NET -o DIR`` measures the tables and the picture of
docs/tiles.md.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import TestSet
from allspin.host.chips.cutting import calibration_images
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.show.say import say
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import program

HALF_LSB = AdcVariation(offset=0.5, noise=0.5)
"""Offset, and noise at each conversion, of half an LSB."""
CHIPS = 20
ROWS = (64, 128, 256)
"""Rows of the tiles that are studied."""
BITS = (2, 3, 4, 5, 6)
"""Bits of the ADCs that are studied."""
CHIP_ROWS = 128
"""Rows of the tiles that are also measured on chips."""
LOWEST = 0.8
"""Lowest error rate of the picture in percent."""


@dataclass(frozen=True, eq=False)
class TileAccuracy:
    """Accuracy of networks in tiles.

    Attributes
    ----------
    tiles : Tiles
        The tiles.
    ideal : float
        Share of the images classified correctly with ideal ADCs; the mean of several networks.
    chips : ndarray of float64, shape (chips,)
        The same share on each chip, for the first network; empty if no chips were measured.
    """

    tiles: Tiles
    ideal: float
    chips: npt.NDArray[np.float64]


def only_converters(device: Device) -> Device:
    """Return a device whose only variation is that of the ADCs of tiles, `HALF_LSB`."""
    return replace(
        device,
        neuron_variation=NeuronVariation(),
        imperfections=Imperfections(),
        adc=HALF_LSB,
    )


def trained_networks(networks: Iterable[Network]) -> dict[Tiles, list[Network]]:
    """Group networks that were trained in tiles by their tiles.

    Raises
    ------
    ValueError
        If a network has no tiles, or more than one kind.
    """
    groups: dict[Tiles, list[Network]] = {}
    for network in networks:
        own = set(tiles_of(network))
        tiles = own.pop()
        if own or tiles is None:
            raise ValueError("a network that was trained through tiles has the same in each layer")
        groups.setdefault(tiles, []).append(network)
    return dict(sorted(groups.items(), key=lambda item: (item[0].tile_rows, item[0].adc_bits)))


def accuracy(network: Network, test_set: TestSet) -> float:
    """Compute the share of images that the golden model classifies correctly."""
    images, labels = test_set
    return float(np.mean(GoldenModel(network).classify(images) == labels))


def measure_tiles(
    networks: Mapping[Tiles, Sequence[Network]],
    test_set: TestSet,
    device: Device,
    seeds: Callable[[Tiles], Sequence[int]],
) -> list[TileAccuracy]:
    """Measure networks with ideal ADCs and on chips, and print each result.

    Parameters
    ----------
    networks : mapping
        Networks by their tiles; the result is their mean.
    test_set : tuple of ndarray
        Images and labels.
    device : Device
        Device that the chips are made of.
    seeds : callable
        Function that returns the seeds of the chips that are measured with some tiles.
    """
    results = []
    for tiles, alike in networks.items():
        ideal = float(np.mean([accuracy(network, test_set) for network in alike]))
        cells = MeasuredCells.ideal(alike[0])
        chips = np.array(
            [program(alike[0], device, seed, cells).accuracy(*test_set) for seed in seeds(tiles)]
        )
        line = f"{tiles.text}: {ideal:.2%}"
        if chips.size:
            line += f", chips {chips.mean():.2%}, worst {chips.min():.2%}"
        say(line)
        results.append(TileAccuracy(tiles, ideal, chips))
    return results


def tiles_table(results: Sequence[TileAccuracy]) -> list[str]:
    """Return accuracies in percent as Markdown, a line for each number of rows."""
    bits = sorted({result.tiles.adc_bits for result in results}, reverse=True)
    ideal = {result.tiles: f"{100 * result.ideal:.2f}" for result in results}
    lines = [
        f"| rows | {' | '.join(f'{number} bits' for number in bits)} |",
        f"| ---: |{' ---: |' * len(bits)}",
    ]
    for rows in _rows_of(results):
        cells = [ideal.get(Tiles(rows, number), "") for number in bits]
        lines.append(f"| {rows} | {' | '.join(cells)} |")
    return lines


def _rows_of(results: Iterable[TileAccuracy]) -> list[int]:
    """Return the numbers of rows of some tiles, each once."""
    return list(dict.fromkeys(result.tiles.tile_rows for result in results))


def tiles_picture(kinds: Mapping[str, Sequence[TileAccuracy]], whole: float, chips: int) -> Any:
    """Draw the error rates of networks in tiles, as a `matplotlib.figure.Figure`.

    Parameters
    ----------
    kinds : mapping of str to sequence of TileAccuracy
        Results by kind, such as ``untrained``: cut after training.
    whole : float
        Accuracy of the network without tiles.
    chips : int
        Number of chips that were measured.
    """
    # Matplotlib, which a command that only cuts a network does not need.
    from allspin.host.charts.line_charts import ChartPanel, curves

    lowest = 100 * (1 - whole)
    ideal = _ideal_lines(kinds)
    panels = []
    for title, lines in (
        ("ideal converters", ideal),
        (f"{chips} chips, offset and noise of half an LSB", _chip_lines(kinds)),
    ):
        if lines:
            panel = ChartPanel(
                lines,
                "bits of a conversion",
                "error rate (%)",
                title,
                y_scale="log",
                y_range=(LOWEST, 100),
                levels={"no tiles": lowest} if lowest > LOWEST else {},
                ticks=BITS,
            )
            panels.append(panel)
    return curves("Columns cut into tiles, each with a converter", panels)


def _ideal_lines(kinds: Mapping[str, Sequence[TileAccuracy]]) -> list[Any]:
    """Return a line for each kind and number of rows: error rates with ideal ADCs."""
    all_rows = _rows_of(result for results in kinds.values() for result in results)
    lines = []
    for place, (kind, results) in enumerate(kinds.items()):
        for rows in _rows_of(results):
            group = [result for result in results if result.tiles.tile_rows == rows]
            shares = [result.ideal for result in group]
            turn = all_rows.index(rows)
            label = f"{rows} rows, {kind}"
            lines.append(_error_line(label, group, shares, turn=turn, dashed=place == 0))
    return lines


def _chip_lines(kinds: Mapping[str, Sequence[TileAccuracy]]) -> list[Any]:
    """Return three lines for each kind: error rates of ideal ADCs, of chips, of the worst chip."""
    all_rows = _rows_of(result for results in kinds.values() for result in results)
    lines = []
    for place, (kind, results) in enumerate(kinds.items()):
        group = [result for result in results if result.chips.size]
        if group:
            turn = len(all_rows) + place
            ideal = [result.ideal for result in group]
            mean = [result.chips.mean() for result in group]
            worst = [result.chips.min() for result in group]
            lines += [
                _error_line(f"{kind}: ideal", group, ideal, turn=turn, dashed=True),
                _error_line(f"{kind}: mean of chips", group, mean, turn=turn),
                _error_line(f"{kind}: worst chip", group, worst, turn=turn, joined=False),
            ]
    return lines


def _error_line(
    label: str, results: Sequence[TileAccuracy], shares: Sequence[float], **look: Any
) -> Any:
    """Return the line of error rates over bits."""
    from allspin.host.charts.line_charts import ChartLine  # Matplotlib, as above

    bits = [result.tiles.adc_bits for result in results]
    return ChartLine(label, bits, [100 * (1 - share) for share in shares], **look)


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the study's command line."""
    parser = argparse.ArgumentParser(prog="python -m allspin.host.chips.tiles")
    parser.add_argument("network", metavar="NET", help="network file, or one that ships")
    parser.add_argument(
        "--trained",
        metavar="FILE",
        type=Path,
        nargs="+",
        default=[],
        help="networks that were trained through tiles; those with the same tiles are averaged",
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True)
    parser.add_argument("--chips", metavar="N", type=int, default=CHIPS)
    parser.add_argument("--images", metavar="N", type=int, help="first N test images (all)")
    return parser


def main() -> int:
    """Measure, print the tables and draw the picture."""
    arguments = _parser().parse_args()
    try:
        network = open_network(arguments.network)
        trained = trained_networks(map(open_network, arguments.trained))
    except (UserError, ValueError) as error:
        say(f"allspin: {error}")
        return 2
    images, labels = load_test_set(None, [network])
    test_set = (images[: arguments.images], labels[: arguments.images])
    make_folder(arguments.output)
    device = only_converters(open_device("paper"))
    whole = accuracy(network, test_set)
    say(f"without tiles: {whole:.2%}")
    chosen = calibration_images(network)
    untrained = {}
    for rows in ROWS:
        for bits in BITS:
            tiles = Tiles(rows, bits)
            untrained[tiles] = [cut(network, tiles, *chosen)]

    def seeds(tiles: Tiles) -> range:
        return range(arguments.chips if tiles.tile_rows == CHIP_ROWS else 0)

    kinds = {}
    for kind, networks in (("untrained", untrained), ("trained", trained)):
        say(kind)
        kinds[kind] = measure_tiles(networks, test_set, device, seeds)
        say("\n".join(tiles_table(kinds[kind])))
    _save_picture(tiles_picture(kinds, whole, arguments.chips), arguments.output)
    return 0


def _save_picture(figure: Any, folder: Path) -> None:
    """Save the study's picture."""
    from allspin.host.draw.picture_files import save_picture  # Matplotlib, as above

    save_picture(figure, folder, "tiles")


if __name__ == "__main__":
    raise SystemExit(main())
