"""``allspin chips``: what networks reach over many chips of a device."""

import argparse
import json
from pathlib import Path

from rich.table import Table

from allspin.host.cli.chip_options import add_programming_arguments
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.revision import commit
from allspin.host.show.progress import Steps
from allspin.host.show.say import say
from allspin.host.show.terminal import Terminal
from allspin.host.study.chips import CAUSES, COLUMNS, Measured, measure
from allspin.host.study.running.chip_options import PAPER
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import DEFAULT_BAND, POLARITIES, Programming, default_tries

HELP = """\
Program many chips with networks, and say what share of the test images they classify rightly:
mean and standard deviation over the chips, by which variations the chips have and by how they
are programmed."""
EPILOG = """\
examples:
  allspin chips paper-10 paper-100
  allspin chips paper-10 --causes
  allspin chips mine.safetensors --device mine.toml --chips 100 --json
"""
CHIPS = 20
MAX_CHIPS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("networks", metavar="NET", nargs="+", help="network file, or the name of one that ships")
    add(
        "--device",
        metavar="DEVICE",
        default=PAPER,
        help=f"device file, or the name of one that ships ({PAPER})",
    )
    add("--chips", metavar="N", type=int, default=CHIPS, help=f"how many chips ({CHIPS})")
    add("--first", metavar="SEED", type=int, default=0, help="the first chip; the next follow (0)")
    add("--causes", action="store_true", help="each variation alone, and what mends it")
    add_programming_arguments(parser)
    add("--images", metavar="N", type=int, help="first N test images (all)")
    add("--data", metavar="DIR", type=Path, help="folder of IDX files (MNIST, which ships)")
    add("--json", action="store_true", help="print the results as one JSON object")


def _programming(network: Network, arguments: argparse.Namespace) -> Programming:
    try:
        return Programming(
            polarity=arguments.polarity or "quieter",
            tries=default_tries(network) if arguments.tries is None else arguments.tries,
            band=DEFAULT_BAND if arguments.band is None else arguments.band,
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def _seeds(arguments: argparse.Namespace) -> range:
    try:
        chips = check_range("--chips", arguments.chips, 1, MAX_CHIPS)
        first = check_range("--first", arguments.first, 0, 2**32 - chips)
    except ValueError as error:
        raise UserError(str(error)) from error
    return range(first, first + chips)


def figure(measured: Measured) -> str:
    """An accuracy and its deviation, in percent."""
    if measured.deviation is None:
        return f"{100 * measured.mean:.2f}"
    return f"{100 * measured.mean:.2f} ± {100 * measured.deviation:.2f}"


def _print_table(results: list[Measured], device: Device, chips: int, images: int) -> None:
    """Networks across, columns down: their titles are long."""
    console = Terminal()
    names = list(dict.fromkeys(result.network for result in results))
    table = Table(
        title=f"Accuracy in %, {chips} chip{'s' if chips > 1 else ''} of {device.name}, "
        f"{images:,} images"
    )
    table.add_column("", overflow="fold")
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    for title in dict.fromkeys(result.column.title for result in results):
        row = {result.network: figure(result) for result in results if result.column.title == title}
        table.add_row(title, *(row[name] for name in names))
    console.print(table)
    said: set[str] = set()
    for result in results:
        if result.column.scheme == "write-verify" and result.network not in said:
            said.add(result.network)
            how = result.programming
            cells = result.counts.cells
            console.print(
                f"{result.network}, {result.column.title}: band {how.band:g} of the range, at most "
                f"{how.tries} tries; {result.counts.reads / cells:.2f} writes and reads a cell, "
                f"{result.counts.unconverged / cells:.2%} of the cells end outside the band",
                soft_wrap=True,
            )
    polarity = results[0].programming.polarity
    console.print(f"polarity {polarity}: {POLARITIES[polarity]}", soft_wrap=True)
    for line in device.readings():
        console.print(line, soft_wrap=True)


def run(arguments: argparse.Namespace) -> int:
    """Measure, and print the table."""
    seeds = _seeds(arguments)
    device = open_device(arguments.device)
    networks = {name: open_network(name) for name in dict.fromkeys(arguments.networks)}
    images, labels = load_test_set(arguments.data, networks.values(), arguments.images)
    images, labels = images[: arguments.images], labels[: arguments.images]
    results: list[Measured] = []
    steps = Steps()
    try:
        for name, network in networks.items():
            programming = _programming(network, arguments)
            for column in CAUSES if arguments.causes else COLUMNS:
                steps.start(f"{name}, {column.title}")
                result = measure(
                    name,
                    network,
                    device,
                    column,
                    programming,
                    seeds,
                    images,
                    labels,
                    lambda done, accuracy: steps.advance(done, len(seeds), f"{accuracy:.2%}"),
                )
                results.append(result)
                steps.finish(figure(result))
    except ValueError as error:
        raise UserError(str(error)) from error
    finally:
        steps.stop()
    if arguments.json:
        record = {
            "device": device.name,
            "chips": list(seeds),
            "images": len(images),
            "results": [result.to_dict() for result in results],
            "readings": device.readings(),
            "commit": commit(),
        }
        say(json.dumps(record))
    else:
        _print_table(results, device, len(seeds), len(images))
    return 0
