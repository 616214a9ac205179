"""``allspin run``: run a network on a machine and score it."""

import argparse
import io
from pathlib import Path

import numpy as np

from allspin.host.chips.options import ChipOptions, MadeChip, ProbedChipOptions
from allspin.host.cli.options import (
    add_options,
    add_shared,
    add_tile_arguments,
    answer,
    check_together,
    chip_options,
    read_options,
    tile_options,
)
from allspin.host.data.files import check_writable
from allspin.host.data.images import FRAMINGS
from allspin.host.link.transport import UartOptions
from allspin.host.machines.opening import GOLDEN, VIRTUAL
from allspin.host.run.latency import FREQUENCY, RATES, Latency, latency
from allspin.host.run.machine_options import MachineOptions
from allspin.host.run.run import RunOptions, classify
from allspin.host.run.run import run as score_network
from allspin.host.run.score import Classified, Score
from allspin.host.show.progress import Steps
from allspin.host.show.say import warn
from allspin.host.show.table import Column, Figure, Number, Table, figures
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import write_atomically
from allspin.sim.programming.schemes import Programming

# The tables that ``allspin run`` prints, each with the lines below it.


def _title(score: Score) -> str:
    chip = "" if score.chip is None else f"{score.chip.title}, "
    return f"{score.network} on {chip}{score.on}"


def class_table(found: Classified) -> tuple[Table, list[str]]:
    """The class and the logits of each image file."""
    answers, compared = found.answers, found.score.logits
    rows = [
        (file, int(number), " ".join(map(str, logits.tolist())))
        for file, number, logits in zip(found.files, answers.classes, answers.logits, strict=True)
    ]
    columns = (Column("image"), Column("class"), Column("logits of the classes, from 0 on"))
    notes = []
    if compared is not None:
        differ = f"{compared.mismatches:,} of {compared.compared:,} logits differ"
        notes.append(f"{differ} from the golden model")
    return Table(_title(found.score), columns, rows), notes


def score_table(score: Score) -> tuple[Table, list[str]]:
    """A score, and what the paper leaves open of its chip."""
    shown, logits, words, chip = score.shown, score.logits, score.words, score.chip
    faulty = bool(score.resent or score.damaged)
    rows: list[Figure] = [
        ("accuracy", _percent(score.accuracy), "%"),
        ("images", score.images),
        ("time", shown.seconds, "s"),
        ("throughput", score.images_per_second, "images/s"),
        ("images on the board at a time", shown.at_once),
        ("simulated time", shown.simulated_seconds, "s"),
        ("simulated throughput", score.simulated_images_per_second, "images/s"),
        ("cycles per image", _tenths(shown.cycles_per_image)),
        ("  the slowest stage's bound", _tenths(score.cycles_bound)),
        ("logits compared", logits and logits.compared),
        ("mismatches", logits and logits.mismatches),
        ("R_AH words read back", words and words.compared),
        ("  not the golden chip's", words and words.mismatches),
        ("  not the ideal network's", words and _percent(words.changed), "%"),
        ("frames that came damaged", score.damaged if faulty else None),
        ("requests sent again", score.resent if faulty else None),
        *([] if chip is None else _made(chip)),
    ]
    table = figures(_title(score), [row for row in rows if row[1] is not None])
    return table, [] if chip is None else chip.readings()


def latency_table(found: Latency) -> tuple[Table, list[str]]:
    """What images take one at a time: cycles, and time over a UART at each rate."""
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
    return Table(title, (Column("from, to"), *numbers, Column("unit")), rows), notes


def _percent(share: float) -> Number:
    """A share of images or words, which are counted, in percent."""
    return Number(100 * share, ".2f")


def _tenths(cycles: float | None) -> Number | None:
    return None if cycles is None else Number(cycles, ".1f")


def _made(chip: MadeChip) -> list[Figure]:
    rows: list[Figure] = []
    if chip.programming is not None:
        rows += _programmed(chip, chip.programming)
    if chip.cells is not None:
        rows += [
            ("cells measured", chip.cells.cells - chip.cells.missing),
            ("  missing", chip.cells.missing),
            ("  saturated", chip.cells.saturated),
        ]
    if chip.array.layers:
        rows += [
            (
                f"array, {chip.device.array.reading}",
                "words and gains" if chip.array.folded else "the matrix itself",
            ),
            ("  its error, of a cell's range", 100 * chip.array.error, "%"),
            ("  of that not in the words", 100 * chip.array.residual, "%"),
            ("  words too large", 100 * chip.array.saturated, "%"),
        ]
    if chip.calibrated is not None:
        rows.append(("calibration, uses of neurons", chip.calibrated.uses))
    return rows


def _programmed(chip: MadeChip, how: Programming) -> list[Figure]:
    counts, electrical = chip.counts, chip.device.electrical
    outside = 100 * counts.unconverged / counts.cells
    return [
        ("programmed", how.scheme),
        ("  pulses a cell", counts.pulses / counts.cells),
        ("  saturations a cell", counts.saturations / counts.cells),
        ("  reads a cell", counts.reads / counts.cells if counts.reads else None),
        ("  cells outside the band", outside if counts.reads else None, "%"),
        ("  energy of the pulses", counts.energy(electrical), "J"),
        ("  time, cell after cell", counts.time(electrical), "s"),
    ]


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
    add_shared(parser, "network")
    add_options(parser, MachineOptions)
    add("--uart", action="store_true", help="go through the virtual board's UART, bit by bit")
    add_options(parser, UartOptions)
    add_tile_arguments(parser)
    add_shared(parser, "--images", "--data")
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
    add_options(parser, RunOptions)
    add(
        "--latency",
        action="store_true",
        help="count what one image alone takes, through the engine and over a UART, in place of "
        "scoring",
    )
    add_options(parser, ChipOptions)
    add_options(parser, ProbedChipOptions)
    add_shared(parser, "--json")


def _machine(arguments: argparse.Namespace) -> MachineOptions:
    """The machine that was asked for."""
    unwired = arguments.on in (None, GOLDEN) or (arguments.on == VIRTUAL and not arguments.uart)
    if arguments.baud is not None and unwired:
        raise UserError(f"--baud is for a serial port, or --on {VIRTUAL} --uart")
    spoken = arguments.uart or arguments.baud is not None
    uart = read_options(arguments, UartOptions) if spoken else None
    return read_options(arguments, MachineOptions, uart=uart)


def _measure(arguments: argparse.Namespace) -> Score | Classified | Latency:
    """Do what was asked for."""
    on, tiles = _machine(arguments), tile_options(arguments)
    network, images, data = arguments.network, arguments.images, arguments.data
    if arguments.latency:
        with Steps() as steps:
            return latency(
                network, on.profile, images=images, data=data, tiles=tiles, display=steps
            )
    chip = chip_options(arguments)
    options = read_options(arguments, RunOptions, logits=arguments.logits is not None)
    if arguments.logits is not None:
        check_writable(arguments.logits)
    if arguments.image is None:
        with Steps() as steps:
            return score_network(
                network,
                on,
                options,
                chip=chip,
                images=images,
                data=data,
                tiles=tiles,
                display=steps,
            )
    if data is not None and tiles is None:
        raise UserError("`data` is for test images, and --image takes their place")
    with Steps() as steps:
        return classify(
            network,
            arguments.image,
            on,
            framing=arguments.framing,
            chip=chip,
            check=options.check,
            tiles=tiles,
            data=data,
            display=steps,
        )


def run(arguments: argparse.Namespace) -> int:
    """Run, score, and say what came of it."""
    check_together(arguments)
    found = _measure(arguments)
    if isinstance(found, Latency):
        answer(arguments, found.to_dict(), *latency_table(found))
        return 0
    score = found.score if isinstance(found, Classified) else found
    if arguments.logits is not None:
        assert score.shown.answers is not None
        content = io.BytesIO()
        np.save(content, score.shown.answers.logits, allow_pickle=False)
        write_atomically(arguments.logits, content.getvalue())
    table = class_table(found) if isinstance(found, Classified) else score_table(found)
    answer(arguments, found.to_dict(), *table)
    if score.difference is not None:
        warn(score.difference)
        return DIFFERENT
    return 0
