"""``allspin run``: run a network on a machine and score it."""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.chips.options import (
    ChipOptions,
    MadeChip,
    ProbedChip,
    ProbedChipOptions,
    ProgrammedChip,
)
from allspin.host.cli.options import (
    add_chip_arguments,
    add_data_argument,
    add_machine_arguments,
    add_tile_arguments,
    chip_options,
    machine_options,
    tile_options,
)
from allspin.host.data.files import check_writable
from allspin.host.data.images import FRAMINGS
from allspin.host.machines.opening import VIRTUAL
from allspin.host.run import run as study
from allspin.host.run.classify import Classified, classify
from allspin.host.run.latency import FREQUENCY, RATES, Latency, latency
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.run import RunOptions
from allspin.host.run.score import Score
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.table import Column, Figure, Number, Table, figures, print_tables
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import write_atomically

# The tables that ``allspin run`` prints.


def _where(on: str, chip: MadeChip | None) -> str:
    return on if chip is None else f"{chip.title}, {on}"


def print_classes(found: Classified) -> None:
    """Print the class and the logits of each image file as a table."""
    answers = found.answers
    rows = [
        (file, int(number), " ".join(map(str, logits.tolist())))
        for file, number, logits in zip(found.files, answers.classes, answers.logits, strict=True)
    ]
    columns = (Column("image"), Column("class"), Column("logits of the classes, from 0 on"))
    notes = []
    if found.logits is not None:
        compared, mismatches = found.logits.compared, found.logits.mismatches
        notes.append(f"{mismatches:,} of {compared:,} logits differ from the golden model")
    title = f"{found.network} on {_where(found.on, found.chip)}"
    print_tables([Table(title, columns, rows)], notes)


def print_score(score: Score) -> None:
    """Print a score as a table, and below it what the paper leaves open of its chip."""
    chip = score.chip
    where = _where(score.on, chip)
    rows = (*_shown(score), *_compared(score), *([] if chip is None else _made(chip)))
    notes = [] if chip is None else chip.readings()
    print_tables([figures(f"{score.network} on {where}", rows)], notes)


def print_latency(found: Latency) -> None:
    """Print what images take one at a time: cycles, and time over a UART at each rate."""
    spans = [
        ("engine, first event to last logit", found.engine, "cycles"),
        ("turnaround, request in to answer", found.turnaround, "cycles"),
        *(
            (f"UART of {baud:,} baud, there and back", 1e6 * found.over_link(baud, FREQUENCY), "us")
            for baud in RATES
        ),
    ]
    numbers = (Column(name, form=",.1f") for name in ("mean", "least", "most"))
    rows = [
        (span, *(float(value) for value in (values.mean(), values.min(), values.max())), unit)
        for span, values, unit in spans
    ]
    title = f"Latency of {found.network} on virtual, {len(found.engine)} images one at a time"
    shape = f"{found.profile.rows_per_clock} rows per clock"
    notes = [f"{shape}; times over a UART with a machine of {FREQUENCY / 1e6:g} MHz"]
    print_tables([Table(title, (Column("from, to"), *numbers, Column("unit")), rows)], notes)


def _percent(share: float) -> Number:
    """A share of images or words, which are counted, in percent."""
    return Number(100 * share, ".2f")


def _shown(score: Score) -> list[Figure]:
    shown = score.shown
    rows: list[Figure] = [
        ("accuracy", _percent(score.accuracy), "%"),
        ("images", score.images),
        ("time", shown.seconds, "s"),
        ("throughput", score.images_per_second, "images/s"),
    ]
    if shown.at_once is not None:
        rows.append(("images on the board at a time", shown.at_once))
    if shown.simulated_seconds is not None:
        rows.append(("simulated time", shown.simulated_seconds, "s"))
        rows.append(("simulated throughput", score.simulated_images_per_second, "images/s"))
    if shown.cycles_per_image is not None:
        rows.append(("cycles per image", Number(shown.cycles_per_image, ".1f")))
    if score.cycles_bound is not None:
        rows.append(("  the slowest stage's bound", Number(score.cycles_bound, ".1f")))
    return rows


def _compared(score: Score) -> list[Figure]:
    rows: list[Figure] = []
    if score.logits is not None:
        rows.append(("logits compared", score.logits.compared))
        rows.append(("mismatches", score.logits.mismatches))
    if score.words is not None:
        rows.append(("R_AH words read back", score.words.compared))
        rows.append(("  not the golden chip's", score.words.mismatches))
        rows.append(("  not the ideal network's", _percent(score.words.changed), "%"))
    if score.resent or score.damaged:
        rows.append(("frames that came damaged", score.damaged))
        rows.append(("requests sent again", score.resent))
    return rows


def _made(chip: MadeChip) -> list[Figure]:
    rows: list[Figure] = []
    if isinstance(chip, ProgrammedChip):
        rows += _programmed(chip)
    if isinstance(chip, ProbedChip):
        rows += _probed(chip)
    if chip.array.layers:
        how = "words and gains" if chip.array.folded else "the matrix itself"
        rows.append((f"array, {chip.device.array.reading}", how))
        rows.append(("  its error, of a cell's range", 100 * chip.array.error, "%"))
        rows.append(("  of that not in the words", 100 * chip.array.residual, "%"))
        rows.append(("  words too large", 100 * chip.array.saturated, "%"))
    if chip.calibrated is not None:
        rows.append(("calibration, uses of neurons", chip.calibrated.uses))
    return rows


def _probed(chip: ProbedChip) -> list[Figure]:
    cells = chip.cells
    return [
        ("cells measured", cells.cells - cells.missing),
        ("  missing", cells.missing),
        ("  saturated", cells.saturated),
    ]


def _programmed(chip: ProgrammedChip) -> list[Figure]:
    counts = chip.counts
    rows: list[Figure] = [
        ("programmed", chip.how.scheme),
        ("  pulses a cell", counts.pulses / counts.cells),
        ("  saturations a cell", counts.saturations / counts.cells),
    ]
    if counts.reads:
        rows.append(("  reads a cell", counts.reads / counts.cells))
        rows.append(("  cells outside the band", 100 * counts.unconverged / counts.cells, "%"))
    energy = counts.energy(chip.device.electrical)
    if energy is not None:
        rows.append(("  energy of the pulses", energy, "J"))
    seconds = counts.time(chip.device.electrical)
    if seconds is not None:
        rows.append(("  time, cell after cell", seconds, "s"))
    return rows


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
