"""``allspin run``: run a network on a machine and score it."""

import argparse
import io
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters import EngineParameters, HardwareProfile
from allspin.host.cli.chip_options import ChipRun, WordsRead, add_chip_arguments, chip_run
from allspin.host.cli.resident_run import run_resident
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import check_writable
from allspin.host.data.revision import commit
from allspin.host.link.device import Answers, Device
from allspin.host.link.golden_device import GoldenDevice
from allspin.host.link.machines import AUTO, GOLDEN, VIRTUAL, VIRTUAL_FREQUENCY, open_device
from allspin.host.link.resident import VIRTUAL_RESIDENT
from allspin.host.link.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.terminal import Terminal
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.levels import check_range
from allspin.sim.network.netfile import write_atomically
from allspin.sim.network.network import Network

NAME = "run"
HELP = """\
Run a network on a machine: program it, stream test images through it, and score it.

golden is the golden model; virtual the complete gateware, link included, compiled to native
code and kept; a serial port, such as /dev/ttyUSB1, or auto is a board."""
EPILOG = """\
exit status 1 if a logit differs

examples:
  allspin run mnist-10
  allspin run mnist-10 --on virtual --check
  allspin run mnist-10 --on virtual --uart --baud 3000000 --images 100
  allspin run mnist-100 --on auto --images 500 --json
  allspin run mine.safetensors --data fashion --logits out.npy
  allspin run mnist-10 --on virtual --resident --rows-per-clock 4
  allspin run paper-10 --chip 7 --program write-verify --calibrate
  allspin run paper-10 --chip 7 --on virtual --check
"""

MIN_FREQUENCY = 100_000
MAX_FREQUENCY = 1_000_000_000
DIFFERENT = 1
"""Exit status where the machine is not the golden model."""


@dataclass(frozen=True)
class Score:
    """What ``--json`` prints; see ``docs/formats.md``."""

    network: str
    on: str
    chip: int | None
    programming: dict[str, Any] | None
    images: int
    accuracy: float
    resident: int | None
    seconds: float
    images_per_second: float
    simulated_seconds: float | None
    simulated_images_per_second: float | None
    cycles_per_image: float | None
    cycles_bound: float | None
    logits_compared: int | None
    mismatches: int | None
    words_compared: int | None
    word_mismatches: int | None
    words_changed: float | None
    resent: int
    damaged: int
    commit: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add(
        "--on",
        metavar="MACHINE",
        default=GOLDEN,
        help=f"{GOLDEN}, {VIRTUAL}, a serial port, or {AUTO} ({GOLDEN})",
    )
    add("--images", metavar="N", type=int, help="first N test images (all)")
    add("--data", metavar="DIR", type=Path, help="folder of IDX files (MNIST, which ships)")
    add("--logits", metavar="OUT.npy", type=Path, help="write the logits")
    add("--check", action="store_true", help="compare every logit with the golden model")
    add("--json", action="store_true", help="print the result as one JSON object")
    add(
        "--resident",
        action="store_true",
        help="keep the images on the board, as many at a time as fit, and run them there",
    )
    add("--lanes", metavar="L", type=int, help="columns that a row drives in a clock (all)")
    add(
        "--rows-per-clock",
        metavar="R",
        type=int,
        help="rows that are driven in a clock, 1, 2 or 4 (1)",
    )
    add("--uart", action="store_true", help="go through the virtual board's UART, bit by bit")
    add("--baud", metavar="B", type=int, help=f"bits a second of a UART ({DEFAULT_BAUD})")
    add(
        "--frequency",
        metavar="HZ",
        type=int,
        help=f"with --uart, the virtual board's clock ({VIRTUAL_FREQUENCY})",
    )
    add(
        "--clock-error",
        metavar="PERCENT",
        type=float,
        help="with --uart, by how much the host's bits are too long (0)",
    )
    add_chip_arguments(parser)


def _profile(arguments: argparse.Namespace) -> HardwareProfile:
    """Check the options against one another, and return the machine's."""
    if arguments.uart and arguments.on != VIRTUAL:
        raise UserError(f"--uart is for --on {VIRTUAL}, not {arguments.on}")
    if arguments.resident and arguments.on == GOLDEN:
        raise UserError(f"--resident is for --on {VIRTUAL} or a board: {GOLDEN} has no memory")
    if arguments.clock_error is not None and not arguments.uart:
        raise UserError("--clock-error needs --uart")
    if arguments.frequency is not None:
        if not arguments.uart:
            raise UserError("--frequency needs --uart")
        try:
            check_range("--frequency", arguments.frequency, MIN_FREQUENCY, MAX_FREQUENCY)
        except ValueError as error:
            raise UserError(str(error)) from error
    if arguments.baud is not None:
        if arguments.on == GOLDEN or (arguments.on == VIRTUAL and not arguments.uart):
            raise UserError(f"--baud is for a serial port, or --on {VIRTUAL} --uart")
        try:
            check_range("--baud", arguments.baud, MIN_BAUD, MAX_BAUD)
        except ValueError as error:
            raise UserError(str(error)) from error
    try:
        rows = arguments.rows_per_clock
        return HardwareProfile(
            lanes=arguments.lanes,
            rows_per_clock=1 if rows is None else rows,
            resident=VIRTUAL_RESIDENT if arguments.resident else None,
        )
    except ValueError as error:
        raise UserError(f"--{str(error).replace('rows_per_clock', 'rows-per-clock')}") from error


def _test_set(
    arguments: argparse.Namespace, network: Network
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    images, labels = load_test_set(arguments.data, [network], arguments.images)
    return images[: arguments.images], labels[: arguments.images]


@dataclass(frozen=True, eq=False)
class _Streamed:
    on: str
    answers: Answers | None
    """None of resident images whose logits nobody asked for."""
    correct: int
    resident: int | None
    seconds: float
    simulated_seconds: float | None
    cycles_per_image: float | None
    profile: HardwareProfile | None
    """The device's, for the bound on its clocks; None without clocks."""
    words: WordsRead | None
    """With ``--check`` and a chip in gateware."""
    resent: int
    damaged: int


def _stream(
    network: Network,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    profile: HardwareProfile,
    arguments: argparse.Namespace,
    steps: Steps,
    chip: ChipRun | None,
) -> _Streamed:
    noise = None if chip is None else chip.noise
    if chip is not None and arguments.on != GOLDEN:
        with_chips = chip.profile(profile)
        if arguments.on == VIRTUAL:
            profile = with_chips
    steps.start(f"opening {arguments.on}")
    with open_device(
        arguments.on,
        network,
        profile,
        uart=arguments.uart,
        baud=arguments.baud or DEFAULT_BAUD,
        clock_error=arguments.clock_error or 0.0,
        frequency=arguments.frequency or VIRTUAL_FREQUENCY,
        noise=noise,
        progress=lambda what, seconds: steps.advance(seconds, None, f"{what} ... {seconds:.0f} s"),
    ) as device:
        found = None
        on = arguments.on
        if isinstance(device, Device):
            lanes = max(layer.lanes for layer in device.identity.layers)
            if on != VIRTUAL:
                on = device.name
            if profile.lanes is not None and lanes != min(
                profile.lanes, max(layer.columns for layer in network.layers)
            ):
                raise UserError(f"{device.name} has {lanes} lanes, not {profile.lanes}")
            rows = device.identity.layers[0].rows_per_clock
            if arguments.rows_per_clock is not None and rows != profile.rows_per_clock:
                raise UserError(
                    f"{device.name} drives {rows} rows a clock, not {profile.rows_per_clock}"
                )
            found = HardwareProfile(lanes=lanes, rows_per_clock=rows)
        steps.finish(str(device.identity) if isinstance(device, Device) else "")
        steps.start("programming")
        how = ""
        if chip is not None and isinstance(device, Device):
            how = chip.program(device, lambda done: steps.advance(done, None))
        else:
            device.program(network, lambda done: steps.advance(done, None))
        steps.finish(how)
        if arguments.resident:
            assert isinstance(device, Device)
            wanted = arguments.check or arguments.logits is not None
            run = run_resident(device, images, labels, steps, logits=wanted)
            return _Streamed(
                on=on,
                answers=run.answers,
                correct=run.counts.correct,
                resident=run.at_once,
                seconds=run.seconds,
                simulated_seconds=None,
                cycles_per_image=run.counts.cycles_per_image,
                profile=found,
                words=_read_words(device, chip, arguments, steps),
                resent=device.resent,
                damaged=device.damaged,
            )
        steps.start(f"streaming {len(images):,} images")
        begun = time.perf_counter()
        answers = device.stream(images, lambda done: steps.advance(done, len(images), f"{done:,}"))
        seconds = time.perf_counter() - begun
        steps.finish(f"{len(images) / seconds:,.0f} images a second")
        simulated = None
        if answers.clocks is not None and isinstance(device, Device):
            simulated = answers.clocks / device.identity.frequency
        return _Streamed(
            on=on,
            answers=answers,
            correct=int(np.count_nonzero(answers.classes == labels)),
            resident=None,
            seconds=seconds,
            simulated_seconds=simulated,
            cycles_per_image=_cycles(device, len(images)),
            profile=found,
            words=_read_words(device, chip, arguments, steps),
            resent=device.resent,
            damaged=device.damaged,
        )


def _read_words(
    device: Device | GoldenDevice,
    chip: ChipRun | None,
    arguments: argparse.Namespace,
    steps: Steps,
) -> WordsRead | None:
    if not arguments.check or chip is None or not isinstance(device, Device):
        return None
    steps.start("reading the R_AH words back")
    words = chip.compare_words(device)
    steps.finish(f"{words.mismatches:,} of {words.compared:,} differ from the golden chip")
    return words


def _cycles(device: Device | GoldenDevice, images: int) -> float | None:
    counters = device.counters()
    if counters is None:
        return None
    if counters.images < images:
        raise UserError(
            f"{device.name} answered {images} images, but its counter says {counters.images}; "
            "was it reset?"
        )
    return counters.cycles / counters.images


def _compare(answers: Answers, expected: npt.NDArray[np.int64]) -> tuple[int, str | None]:
    """How many logits differ, and the first difference in words (also one of classes)."""
    wrong = np.argwhere(answers.logits != expected)
    if len(wrong):
        image, number = wrong[0]
        return len(wrong), (
            f"{len(wrong):,} of {expected.size:,} logits differ from the golden model; the first: "
            f"image {image}, class {number}: {answers.logits[image, number]}, "
            f"not {expected[image, number]}"
        )
    other = np.flatnonzero(answers.classes != np.argmax(expected, axis=1))
    if len(other):
        image = other[0]
        return 0, (
            f"the logits are right, but {len(other):,} classes differ; the first: "
            f"image {image}: {answers.classes[image]}, not {np.argmax(expected[image])}"
        )
    return 0, None


def _print_table(score: Score, chip: ChipRun | None) -> None:
    where = score.on if chip is None else f"chip {score.chip} of {chip.device.name}, {score.on}"
    table = Table(title=f"{score.network} on {where}", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    rows = [
        ("accuracy", f"{score.accuracy:.2%}"),
        ("images", f"{score.images:,}"),
        ("seconds", f"{score.seconds:.2f}"),
        ("images a second", f"{score.images_per_second:,.0f}"),
    ]
    if score.resident is not None:
        rows.append(("images on the board at a time", f"{score.resident:,}"))
    if score.simulated_seconds is not None:
        rows.append(("simulated seconds", f"{score.simulated_seconds:.4f}"))
        rows.append(("images a simulated second", f"{score.simulated_images_per_second:,.0f}"))
    if score.cycles_per_image is not None:
        rows.append(("cycles an image", f"{score.cycles_per_image:.1f}"))
    if score.cycles_bound is not None:
        rows.append(("  the slowest stage's bound", f"{score.cycles_bound:.1f}"))
    if score.mismatches is not None:
        rows.append(("logits compared", f"{score.logits_compared:,}"))
        rows.append(("mismatches", f"{score.mismatches:,}"))
    if score.words_changed is not None:
        rows.append(("R_AH words read back", f"{score.words_compared:,}"))
        rows.append(("  not the golden chip's", f"{score.word_mismatches:,}"))
        rows.append(("  not the ideal network's", f"{score.words_changed:.2%}"))
    if score.resent or score.damaged:
        rows.append(("frames that came damaged", f"{score.damaged:,}"))
        rows.append(("requests sent again", f"{score.resent:,}"))
    if chip is not None:
        rows += chip.rows()
    for row in rows:
        table.add_row(*row)
    console = Terminal()
    console.print(table)
    if chip is not None:
        for line in (*chip.programming.readings(), *chip.device.readings()):
            console.print(line, soft_wrap=True)


def run(arguments: argparse.Namespace) -> int:
    """Run, score, and say what came of it."""
    profile = _profile(arguments)
    if arguments.logits is not None:
        check_writable(arguments.logits)
    network = open_network(arguments.network)
    images, labels = _test_set(arguments, network)
    chip = chip_run(arguments, network)
    noise = None
    if chip is not None:
        network, noise = chip.network, chip.noise
    steps = Steps()
    expected = difference = bound = None
    mismatches = 0
    try:
        streamed = _stream(network, images, labels, profile, arguments, steps, chip)
        if streamed.profile is not None:
            engine = EngineParameters.from_network(network, streamed.profile)
            bound = float(cycle_bounds(network, engine, images).mean())
        if arguments.check:
            steps.start("comparing every logit with the golden model")
            expected = GoldenModel(network, noise=noise).logits(images)
            assert streamed.answers is not None
            mismatches, difference = _compare(streamed.answers, expected)
            correct = np.count_nonzero(np.argmax(expected, axis=1) == labels)
            if difference is None and streamed.correct != correct:
                difference = f"it counted {streamed.correct:,} correct classes, not {correct:,}"
            steps.finish(f"{mismatches:,} of {expected.size:,} differ")
    finally:
        steps.stop()
    answers, words = streamed.answers, streamed.words
    if difference is None and words is not None and words.mismatches:
        difference = (
            f"{words.mismatches:,} of {words.compared:,} R_AH words differ from the golden chip's"
        )
    if arguments.logits is not None:
        assert answers is not None
        content = io.BytesIO()
        np.save(content, answers.logits, allow_pickle=False)
        write_atomically(arguments.logits, content.getvalue())
    score = Score(
        network=arguments.network,
        on=streamed.on,
        chip=arguments.chip,
        programming=None if chip is None else chip.to_dict(),
        images=len(images),
        accuracy=streamed.correct / len(images),
        resident=streamed.resident,
        seconds=streamed.seconds,
        images_per_second=len(images) / streamed.seconds,
        simulated_seconds=streamed.simulated_seconds,
        simulated_images_per_second=None
        if streamed.simulated_seconds is None
        else len(images) / streamed.simulated_seconds,
        cycles_per_image=streamed.cycles_per_image,
        cycles_bound=bound,
        logits_compared=None if expected is None else expected.size,
        mismatches=None if expected is None else mismatches,
        words_compared=None if words is None else words.compared,
        word_mismatches=None if words is None else words.mismatches,
        words_changed=None if words is None else words.changed,
        resent=streamed.resent,
        damaged=streamed.damaged,
        commit=commit(),
    )
    if arguments.json:
        say(json.dumps(asdict(score)))
    else:
        _print_table(score, chip)
    if difference is not None:
        warn(difference)
        return DIFFERENT
    return 0
