"""``python -m allspin.host.study.tiles NET -o DIR``: the tables and picture of docs/tiles.md."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import make_folder
from allspin.host.show.pictures.style import save_picture
from allspin.host.show.say import say
from allspin.host.study.tiles.cutting import calibration_images
from allspin.host.study.tiles.picture import tiles_picture
from allspin.host.study.tiles.scan import (
    CHIPS,
    Reached,
    accuracy,
    cut_networks,
    measure,
    only_converters,
    trained_networks,
)
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network
from allspin.sim.network.tiling import Tiles

ROWS, BITS = (64, 128, 256), (2, 3, 4, 5, 6)
SHOWN = 128
"""Rows of the tiles whose chips are measured."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m allspin.host.study.tiles")
    parser.add_argument("network", metavar="NET", help="network file, or one that ships")
    parser.add_argument(
        "--trained",
        metavar="FILE",
        type=Path,
        nargs="+",
        default=[],
        help="networks that were trained through tiles; of several with the same the mean counts",
    )
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True)
    parser.add_argument("--chips", metavar="N", type=int, default=CHIPS)
    parser.add_argument("--images", metavar="N", type=int, help="first N test images (all)")
    return parser.parse_args()


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
    arguments = _arguments()
    try:
        network = open_network(arguments.network)
        networks = [load_network(path) for path in arguments.trained]
        trained_by_tiles = trained_networks(networks)
    except (UserError, ValueError) as error:
        say(f"allspin: {error}")
        return 2
    images, labels = load_test_set(None, [network])
    test_set = images[: arguments.images], labels[: arguments.images]
    make_folder(arguments.output)
    device = only_converters(open_device("paper"))
    whole = accuracy(GoldenModel(network), test_set)
    say(f"without tiles: {whole:.2%}")

    def chips(tiles: Tiles) -> range:
        return range(arguments.chips if tiles.rows == SHOWN else 0)

    wanted = [Tiles(rows, bits) for rows in ROWS for bits in BITS]
    cut = cut_networks(network, wanted, calibration_images(network))
    say("untrained")
    untrained = measure(cut, test_set, device, chips, _said)
    say("\n".join(table(untrained)))
    say("trained")
    trained = measure(trained_by_tiles, test_set, device, chips, _said)
    say("\n".join(table(trained)))
    picture = tiles_picture(untrained, trained, whole, arguments.chips)
    save_picture(picture, arguments.output, "tiles")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
