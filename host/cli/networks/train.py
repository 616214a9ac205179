"""``allspin train``: train a network, offline."""

import argparse
import json
import os
import time
from pathlib import Path

from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_writable
from allspin.host.show.printing import print_tables
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.table import Number, figures
from allspin.host.training import recipe
from allspin.host.training.bar import TrainingBar
from allspin.host.training.recipe import Trained, TrainingParameters, train
from allspin.host.training.target import Target
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.programming.device_levels import LEVEL_CHOICES
from allspin.sim.programming.schemes import POLARITIES, Programming

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
    for name, metavar, kind, words in (
        ("states", "N", int, "states of a synapse, 2 to 128 (10)"),
        ("hidden", "N[,N...]", _widths, "neurons of each hidden layer (100)"),
        ("neuron", "NAME", str, f"hidden neurons: {', '.join(NEURONS)} (the device's, else sot)"),
        ("pixel_bits", "N", int, "of a pixel, 1 to 8 (4)"),
        ("hidden_bits", "N", int, "of a neuron, 1 to 8 (4)"),
        ("rah_bits", "N", int, "of an R_AH word, 2 to 8 (8)"),
        (
            "noise",
            "SIGMA",
            float,
            "noise on the weights in training, as a fraction of the range of R_AH (that of "
            "the device's writes, else 0)",
        ),
    ):
        option = f"--{name.replace('_', '-')}"
        add(option, metavar=metavar, type=kind, default=getattr(DEFAULTS, name), help=words)
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
    add("--seed", metavar="N", type=int, default=DEFAULTS.seed, help="seed of all random draws (0)")
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
        return TrainingParameters(
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
    except (ValueError, TypeError) as error:
        raise UserError(str(error)) from error


def _print_table(trained: Trained, seconds: float, path: Path) -> None:
    rows = (
        ("topology", "-".join(map(str, trained.network.topology))),
        ("validation accuracy", Number(100 * trained.validation_accuracy, ".2f"), "%"),
        ("test accuracy", Number(100 * trained.test_accuracy, ".2f"), "%"),
        ("time", seconds, "s"),
    )
    print_tables([figures("Trained network", rows)], [f"the network is in {path}"])


def run(arguments: argparse.Namespace) -> int:
    """Train, save, and say how good the network is."""
    parameters = _parameters(arguments)
    check_writable(arguments.output)
    with Steps() as steps, steps.waiting("reading the images"):
        dataset = load_dataset(arguments.data)
    target = parameters.target
    shared = target.shared(parameters.states, parameters.rah_bits) if target is not None else ""
    if shared:
        warn(shared)
    start = time.perf_counter()
    with TrainingBar() as bar:
        try:
            trained = train(dataset, parameters, bar)
        except KeyboardInterrupt:
            warn("interrupted; nothing was saved")
            return INTERRUPTED
    seconds = time.perf_counter() - start
    save_network(trained.network, arguments.output)
    if trained.interrupted:
        warn(f"interrupted; the best network so far is in {arguments.output}")
    if arguments.json:
        record = {
            "network": os.fspath(arguments.output),
            "validation_accuracy": trained.validation_accuracy,
            "test_accuracy": trained.test_accuracy,
            "seconds": seconds,
            "interrupted": trained.interrupted,
        }
        say(json.dumps(record))
    else:
        _print_table(trained, seconds, arguments.output)
    return INTERRUPTED if trained.interrupted else 0
