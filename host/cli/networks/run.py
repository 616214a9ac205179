"""``allspin run``: run a network on a machine and score it."""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.cli.networks.run_table import print_classes, print_latency, print_score
from allspin.host.cli.options.chip import add_chip_arguments, chip_options
from allspin.host.cli.options.data import add_data_argument
from allspin.host.cli.options.machine import add_machine_arguments, machine_options
from allspin.host.cli.options.tiles import add_tile_arguments, tile_options
from allspin.host.data.files import check_writable
from allspin.host.data.image_files.framing import FRAMINGS
from allspin.host.link.machines.opening import VIRTUAL
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.study import run as study
from allspin.host.study.run import RunOptions
from allspin.host.study.running.chip_options import ChipOptions, ProbedChipOptions
from allspin.host.study.running.classify import classify
from allspin.host.study.running.latency import latency
from allspin.host.study.running.machine_options import MachineOptions
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import write_atomically

HELP = """\
Run a network on a machine: program it, stream test images through it, and score it; or
classify images in files.

golden is the golden model; virtual the complete gateware, link included, compiled to native
code and kept; a serial port, such as /dev/ttyUSB1, or auto is a board."""
EPILOG = """\
exit status 1 if a logit differs

examples:
  allspin run mnist-10
  allspin run mnist-10 --on virtual --check
  allspin run mnist-10 --tile-rows 128 --adc-bits 4
  allspin run mnist-10 --on virtual --uart --baud 3000000 --images 100
  allspin run mnist-100 --on auto --images 500 --json
  allspin run mine.safetensors --data fashion --logits out.npy
  allspin run mine.safetensors --data set.npz
  allspin run mnist-10 --image digit.png --image photo.jpg --on virtual
  allspin run mnist-10 --on virtual --resident --rows-per-clock 4
  allspin run mnist-10 --on virtual --latency --rows-per-clock 4
  allspin run paper-10 --chip 7 --program write-verify --calibrate
  allspin run paper-10 --chip 7 --on virtual --check
  allspin run mine.safetensors --device mine.toml --measured cells.csv \\
      --missing 0.01
"""

DIFFERENT = 1
"""Exit status where the machine is not the golden model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add_machine_arguments(parser)
    add_tile_arguments(parser)
    add("--images", metavar="N", type=int, help="first N test images (all)")
    add_data_argument(parser)
    add(
        "--image",
        metavar="FILE",
        type=Path,
        action="append",
        help="classify this image instead of test images: PNG, JPEG and others, of any size; may "
        "be repeated",
    )
    add(
        "--framing",
        metavar="NAME",
        help="with --image, "
        + "; ".join(f"{name}: {words}" for name, words in FRAMINGS.items())
        + " (mnist for 28 x 28 pixels, else whole)",
    )
    add("--logits", metavar="OUT.npy", type=Path, help="write the logits")
    add("--check", action="store_true", help="compare every logit with the golden model")
    add("--json", action="store_true", help="print the result as one JSON object")
    add(
        "--resident",
        action="store_true",
        help="keep the images on the board, as many at a time as fit, and run them there",
    )
    add(
        "--latency",
        action="store_true",
        help="count what one image alone takes, through the engine and over a UART, in place of "
        "scoring",
    )
    add_chip_arguments(parser)


def _write_logits(path: Path, logits: npt.NDArray[np.int64]) -> None:
    content = io.BytesIO()
    np.save(content, logits, allow_pickle=False)
    write_atomically(path, content.getvalue())


def _classify(
    arguments: argparse.Namespace, on: MachineOptions, chip: ChipOptions | ProbedChipOptions | None
) -> str | None:
    """Classify image files; what differs from the golden model, if anything."""
    tiles = tile_options(arguments)
    for name in ("images", "resident", *(() if tiles else ("data",))):
        if getattr(arguments, name) not in (None, False):
            raise UserError(f"`{name}` is for test images, and --image takes their place")
    with Steps() as steps:
        found = classify(
            arguments.network,
            arguments.image,
            on,
            framing=arguments.framing,
            chip=chip,
            check=arguments.check,
            tiles=tiles,
            data=arguments.data,
            display=steps,
        )
    if arguments.logits is not None:
        _write_logits(arguments.logits, found.answers.logits)
    if arguments.json:
        say(json.dumps(found.to_dict()))
    else:
        print_classes(found)
    return None if found.logits is None else found.logits.difference


def _score(
    arguments: argparse.Namespace, on: MachineOptions, chip: ChipOptions | ProbedChipOptions | None
) -> str | None:
    """Score a network; what differs from the golden model, if anything."""
    options = RunOptions(
        check=arguments.check,
        logits=arguments.logits is not None,
        resident=arguments.resident,
    )
    with Steps() as steps:
        score = study.run(
            arguments.network,
            on,
            options,
            chip=chip,
            images=arguments.images,
            data=arguments.data,
            tiles=tile_options(arguments),
            display=steps,
        )
    if arguments.logits is not None:
        assert score.shown.answers is not None
        _write_logits(arguments.logits, score.shown.answers.logits)
    if arguments.json:
        say(json.dumps(score.to_dict()))
    else:
        print_score(score)
    return score.difference


def _latency(
    arguments: argparse.Namespace, on: MachineOptions, chip: ChipOptions | ProbedChipOptions | None
) -> None:
    """Measure latency, and print it."""
    if on.on != VIRTUAL or on.uart is not None:
        raise UserError(f"`latency` is counted on {VIRTUAL}, without `uart`: both are measured")
    if chip is not None:
        raise UserError("`latency` is the same for each chip: leave the chip out")
    for name in ("image", "logits", "check", "resident"):
        if getattr(arguments, name) not in (None, False):
            raise UserError(f"`{name}` does not go with `latency`")
    with Steps() as steps:
        found = latency(
            arguments.network,
            on.profile,
            images=arguments.images,
            data=arguments.data,
            tiles=tile_options(arguments),
            display=steps,
        )
    if arguments.json:
        say(json.dumps(found.to_dict()))
    else:
        print_latency(found)


def run(arguments: argparse.Namespace) -> int:
    """Run, score, and say what came of it."""
    on, chip = machine_options(arguments), chip_options(arguments)
    if arguments.latency:
        _latency(arguments, on, chip)
        return 0
    if arguments.logits is not None:
        check_writable(arguments.logits)
    if arguments.image is None and arguments.framing is not None:
        raise UserError("`framing` needs --image")
    work = _score if arguments.image is None else _classify
    difference = work(arguments, on, chip)
    if difference is not None:
        warn(difference)
        return DIFFERENT
    return 0
