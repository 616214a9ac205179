"""``allspin train``: train a network, offline."""

import argparse
import json
import os
import time
from pathlib import Path

from rich.progress import BarColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_writable
from allspin.host.show.say import say, tell, warn
from allspin.host.show.terminal import Terminal, Words
from allspin.host.training import recipe
from allspin.host.training.recipe import Progress, Trained, TrainingParameters, train
from allspin.host.training.target import Target
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.programming.device_levels import LEVEL_CHOICES
from allspin.sim.programming.schemes import POLARITIES, Programming

NAME = "train"
HELP = "Train a network for the machine, offline."
EPILOG = """\
Ctrl-C ends the training; the best network so far is saved (exit status 130).

examples:
  allspin train --states 10 -o ten.safetensors
  allspin train --states 100 --hidden 128,64 --seed 3 -o deep.safetensors
  allspin train --data fashion --quick -o fashion.safetensors
  allspin train --neuron cmos-bare -o gate.safetensors
  allspin train --device paper --states 10 -o paper-ten.safetensors
"""

INTERRUPTED = 130
DEFAULTS = TrainingParameters()
LINES = 10
"""Epochs between two lines of progress where there is no terminal."""


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of widths such as 100 or 128,64"
        ) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("-o", "--output", metavar="NET", type=Path, required=True, help="network file to write")
    add(
        "--states",
        metavar="N",
        type=int,
        default=DEFAULTS.states,
        help="states of a synapse, 2 to 128 (10)",
    )
    add(
        "--hidden",
        metavar="N[,N...]",
        type=_widths,
        default=DEFAULTS.hidden,
        help="neurons of each hidden layer (100)",
    )
    add(
        "--neuron",
        metavar="NAME",
        default=DEFAULTS.neuron,
        help=f"hidden neurons: {', '.join(NEURONS)} (sot)",
    )
    add(
        "--pixel-bits",
        metavar="N",
        type=int,
        default=DEFAULTS.pixel_bits,
        help="of a pixel, 1 to 8 (4)",
    )
    add(
        "--hidden-bits",
        metavar="N",
        type=int,
        default=DEFAULTS.hidden_bits,
        help="of a neuron, 1 to 8 (4)",
    )
    add(
        "--rah-bits",
        metavar="N",
        type=int,
        default=DEFAULTS.rah_bits,
        help="of an R_AH word, 2 to 8 (8)",
    )
    add(
        "--noise",
        metavar="SIGMA",
        type=float,
        default=DEFAULTS.noise,
        help="noise on the weights in training, as a fraction of the range of R_AH (that of "
        "the device's writes, else 0)",
    )
    add(
        "--device",
        metavar="DEVICE",
        help="train for this device, a file or the name of one that ships: its levels, its "
        "neuron, the noise of its writes",
    )
    add(
        "--level-choice",
        metavar="NAME",
        help=f"with --device, what its states are: {', '.join(LEVEL_CHOICES)} (nearest)",
    )
    add(
        "--polarity",
        metavar="NAME",
        help=f"with --device, polarity of the writes: {', '.join(POLARITIES)} (quieter)",
    )
    add(
        "--epochs",
        metavar="N",
        type=int,
        help=f"epochs with the machine's integers ({recipe.EPOCHS}, quick {recipe.QUICK_EPOCHS}); "
        f"{recipe.FLOAT_SHARE} times as many with real numbers go before",
    )
    add("--seed", metavar="N", type=int, default=DEFAULTS.seed, help="names all chance (0)")
    add("--data", metavar="DIR", type=Path, help="folder of IDX files (MNIST, which ships)")
    add("--quick", action="store_true", help="seconds instead of minutes")
    add("--json", action="store_true", help="print the result as one JSON object")


def _target(arguments: argparse.Namespace) -> Target | None:
    """The device to train for, if there is one."""
    if arguments.device is None:
        for option in ("level_choice", "polarity"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} needs --device")
        return None
    return Target(
        open_device(arguments.device),
        arguments.level_choice or "nearest",
        Programming(polarity=arguments.polarity or "quieter"),
    )


def _parameters(arguments: argparse.Namespace) -> TrainingParameters:
    epochs = arguments.epochs
    if epochs is None:
        epochs = recipe.QUICK_EPOCHS if arguments.quick else recipe.EPOCHS
    try:
        parameters = TrainingParameters(
            states=arguments.states,
            hidden=arguments.hidden,
            neuron=arguments.neuron,
            pixel_bits=arguments.pixel_bits,
            hidden_bits=arguments.hidden_bits,
            rah_bits=arguments.rah_bits,
            noise=arguments.noise,
            epochs=epochs,
            seed=arguments.seed,
            target=_target(arguments),
        )
        # A device may have no such levels: the time to find out is before the work.
        _ = parameters.machine.levels
        return parameters
    except (ValueError, TypeError) as error:
        raise UserError(str(error)) from error


class _Display:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        console = Terminal(stderr=True)
        self.start = time.perf_counter()
        self.terminal = console.is_terminal
        self.bar = Bar(
            Words("{task.description}"),
            BarColumn(),
            Words("{task.fields[figures]}, time left"),
            TimeRemainingColumn(),
            console=console,
            disable=not self.terminal,
            transient=True,
        )
        self.task = self.bar.add_task("starting", figures="no figures yet")
        self.accuracy = ""

    def __call__(self, progress: Progress) -> None:
        where = f"{progress.phase} {progress.epoch}/{progress.epochs}"
        ended = progress.validation_accuracy is not None
        if ended:
            self.accuracy = f", validation {progress.validation_accuracy:.2%}"
        if self.terminal:
            self.bar.update(
                self.task,
                completed=progress.step,
                total=progress.steps,
                description=where,
                figures=f"loss {progress.loss:.3f}{self.accuracy}",
            )
        elif ended and (progress.epoch in (1, progress.epochs) or progress.epoch % LINES == 0):
            spent = time.perf_counter() - self.start
            left = spent * (progress.steps / progress.step - 1)
            tell(f"{where}: loss {progress.loss:.4f}{self.accuracy}, {left:.0f} s left")


def _print_table(trained: Trained, seconds: float, path: Path) -> None:
    table = Table(title="Trained network", show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("topology", "-".join(map(str, trained.network.topology)))
    table.add_row("validation accuracy", f"{trained.validation_accuracy:.2%}")
    table.add_row("test accuracy", f"{trained.test_accuracy:.2%}")
    table.add_row("seconds", f"{seconds:.1f}")
    table.add_row("file", str(path))
    Terminal().print(table)


def run(arguments: argparse.Namespace) -> int:
    """Train, save, and say how good the network is."""
    parameters = _parameters(arguments)
    check_writable(arguments.output)
    dataset = load_dataset(arguments.data)
    start = time.perf_counter()
    display = _Display()
    with display.bar:
        try:
            trained = train(dataset, parameters, display)
        except KeyboardInterrupt:
            warn("interrupted; nothing was saved")
            return INTERRUPTED
    seconds = time.perf_counter() - start
    save_network(trained.network, arguments.output)
    if trained.interrupted:
        warn(f"interrupted; the best network so far is in {arguments.output}")
    if arguments.json:
        say(
            json.dumps(
                {
                    "network": os.fspath(arguments.output),
                    "validation_accuracy": trained.validation_accuracy,
                    "test_accuracy": trained.test_accuracy,
                    "seconds": seconds,
                    "interrupted": trained.interrupted,
                }
            )
        )
    else:
        _print_table(trained, seconds, arguments.output)
    return INTERRUPTED if trained.interrupted else 0
