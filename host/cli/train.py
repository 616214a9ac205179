"""``allspin train``: train a network, offline."""

import argparse
import os
import time
from typing import Any

from allspin.host.cli.options import (
    INTERRUPTED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    add_target_arguments,
    add_tile_arguments,
    answer,
    check_together,
    ended_by_clusters,
    read_options,
)
from allspin.host.data.datasets import load_dataset
from allspin.host.data.files import check_apart, check_writable, make_folder
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.learn import parameters as in_array
from allspin.host.learn.learning import learn
from allspin.host.learn.parameters import CYCLE_DEVIATION, LearnParameters, LearnRule
from allspin.host.learn.result import Learnt
from allspin.host.show.say import tell, warn
from allspin.host.show.table import Number, figures
from allspin.host.train import parameters as recipe
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.recipe import KEYS, read_recipe
from allspin.host.train.trainer import train
from allspin.host.train.training_options import ALL, AUTO, USUAL, Robustness
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network


def widths(text: str) -> tuple[int, ...]:
    """Neurons of each hidden layer, as an option says them."""
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of widths such as 100 or 128,64"
        ) from None


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "-o --output", metavar="NET", required=True, help="network file to write")
    parser.add_argument(
        "--recipe",
        metavar="TOML",
        type="file",
        help='file of the options below, such as level_choice = "nearest"; options that are '
        "given here win",
    )
    add_options(parser, TrainingParameters)
    parser.add_argument(
        "--hidden",
        metavar="N[,N...]",
        type=widths,
        help="neurons of each hidden layer (100; with --conv none, or 0)",
    )
    add_target_arguments(parser)
    add_tile_arguments(parser, "in one piece")
    add_shared(parser, "--augment", "--data")
    parser.add_argument(
        "--robust",
        metavar="OPTIONS",
        nargs="?",
        const=USUAL,
        help="with --device, train for chips of it with all that varies, open loop and verified, "
        f"taught by a wider network; then --epochs is {Robustness.EPOCHS}, quick "
        f"{Robustness.QUICK_EPOCHS}, unless given; or with options that differ from the usual "
        f"{ALL}",
    )
    parser.add_argument(
        "--in-array",
        action="store_true",
        default=None,
        help="learn by pulses on SOT synapses, as the paper does, from images as they are; then "
        f"--noise is the C2C of an update ({CYCLE_DEVIATION}), --hidden-bits "
        f"{LearnParameters.hidden_bits}, --rate {LearnParameters.rate}, --batch "
        f"{LearnParameters.batch} and --epochs {LearnParameters.epochs}, quick "
        f"{in_array.QUICK_EPOCHS}, unless given",
    )
    add_options(parser, LearnRule)
    add_shared(parser, "--style")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type="file",
        help="with --in-array, folder for learning curve and pulses per device, CSV and pictures",
    )
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    add_shared(parser, "--json")


def chosen(options: dict[str, Any]) -> dict[str, str]:
    """What was chosen, as the table has it."""
    found = {
        "augmentation": options["augment"],
        "learning rate": "auto" if options["rate"] == AUTO else f"{options['rate']:g}",
        "images in a batch": f"{options['batch']:,}",
        "epochs": f"{options['epochs']:,}",
    }
    if "tile_rows" in options:
        found["tiles"] = f"{options['tile_rows']} rows to {options['adc_bits']} bits"
    # No array keeps what it was asked for before.
    named = {name: name for name in vars(LearnRule())} | {"momentum": "momentum (in software)"}
    found |= {said: str(options[name]) for name, said in named.items() if name in options}
    return found | {"seed": str(options["seed"])}


LEARNT = {
    "array_accuracy": "array accuracy, of the chip that learnt",
    "test_accuracy": "test accuracy, of its states on mean devices",
    "chip_accuracy": "chip accuracy, of its states on another chip",
}
"""Whose accuracies those of learning in the array are: a chip's neurons are not the mean ones."""

HELP = "Train a network for the machine, offline."
EPILOG = """\
Ctrl-C or SIGTERM ends the training; the best network so far is saved (exit
status 130).

examples:
  allspin train --states 10 -o ten.safetensors
  allspin train --states 100 --hidden 128,64 --seed 3 -o deep.safetensors
  allspin train --data fashion --quick -o fashion.safetensors
  allspin train --augment digits,rotation=8 --quick -o turned.safetensors
  allspin train --data set.npz --rate 1e-3 --batch 64 -o mine.safetensors
  allspin train --recipe recipe.toml --seed 1 -o again.safetensors
  allspin train --neuron cmos-bare -o gate.safetensors
  allspin train --device paper --states 10 -o paper-ten.safetensors
  allspin train --device paper --robust -o robust.safetensors
  allspin train --conv "5x5x16 s2, 5x5x32 s2" -o conv.safetensors
  allspin train --conv "5x5x8 pool, 3x3x16 pad" --hidden 64 -o deep.safetensors
  allspin train --tile-rows 128 --adc-bits 4 -o tiled.safetensors
  allspin train --in-array --states 100 --hidden 100,50 -o pulses.safetensors
  allspin train --in-array --device paper --update sign -o sign.safetensors
"""


def _with_recipe(arguments: Arguments) -> Arguments:
    """The options: those of the command line, before those of the recipe."""
    given = {} if arguments.recipe is None else read_recipe(arguments.recipe)
    typed = {name: value for name in KEYS if (value := getattr(arguments, name)) is not None}
    both = given | typed
    kind = in_array if both.get("in_array") else Robustness if "robust" in both else recipe
    if arguments.quick:
        given["epochs"] = kind.QUICK_EPOCHS
    elif kind is Robustness:
        given.setdefault("epochs", Robustness.EPOCHS)
    merged = Arguments(**vars(arguments) | given | typed)
    check_together(merged)
    return merged


def _parameters(arguments: Arguments) -> TrainingParameters | LearnParameters:
    """Return the parameters of the training, or of the learning in the array."""
    if not arguments.in_array:
        return read_options(arguments, TrainingParameters)
    if arguments.augment not in (None, "none"):
        raise UserError("`augment` must be none in the array, which sees each image as it is")
    return read_options(arguments, LearnParameters)


def _told(learnt: Learnt) -> list[tuple[str, Any, str]]:
    """What pulses took, as the table has it."""
    facts = learnt.facts
    if facts["left_out"]:
        warn(f"learning does without {', '.join(facts['left_out'])} of the device")
    if 100 * facts["pulses"] < learnt.pulse_counts.size:
        warn(
            f"only {facts['pulses']} pulses for {learnt.pulse_counts.size} devices, which learn "
            "next to nothing; try --rate auto or more epochs, with --update sign a smaller "
            "--threshold"
        )
    rows = [
        ("pulses", facts["pulses"], ""),
        ("a device", facts["pulses_per_device"], ""),
        ("at most", facts["most_pulses"], ""),
        ("energy of the pulses", facts["energy"], "J"),
        ("their time, one after another", facts["pulse_time"], "s"),
        ("devices at an end of their range", 100 * facts["at_bounds"], "%"),
        ("asymmetry of the device", facts["asymmetry"], ""),
        ("symmetry point, of the range", facts["symmetry_point"], ""),
    ]
    return [row for row in rows if row[1] is not None]


def run(arguments: Arguments) -> int:
    """Train, save, and say how good the network is."""
    arguments = _with_recipe(arguments)
    parameters = _parameters(arguments)
    output, target = arguments.output, parameters.target
    look = PictureStyle.open(arguments.style or "screen")
    if arguments.out is not None:
        make_folder(arguments.out)
    check_writable(output)
    check_apart(output, arguments.recipe, arguments.data)
    with arguments.steps.waiting("reading the images"):
        dataset = load_dataset(arguments.data)
    if arguments.quick and isinstance(parameters, TrainingParameters):
        parameters = parameters.quickly(dataset)
    options = parameters.options(dataset)
    choices = chosen(options)
    tell(f"training with {', '.join(f'{name} {value}' for name, value in choices.items())}")
    if target is not None and (said := target.shared(options["states"], options["rah_bits"])):
        warn(said)
    start = time.perf_counter()
    try:
        with ended_by_clusters():
            if isinstance(parameters, LearnParameters):
                trained = learn(dataset, parameters, progress=arguments.steps)
            else:
                trained = train(dataset, parameters, progress=arguments.steps)
    except KeyboardInterrupt:
        arguments.steps.stop()
        warn("interrupted; nothing was saved")
        return INTERRUPTED
    seconds = time.perf_counter() - start
    # What was learnt in the array has no validation images; its rate may have been looked for.
    learnt = trained if isinstance(trained, Learnt) else None
    if learnt is not None:
        options = learnt.network.provenance["options"]
        choices = chosen(options)
    save_network(trained.network, output)
    chips, interrupted = trained.chips, trained.interrupted
    if interrupted:
        warn(f"interrupted; the best network so far is in {output}")
    reached = {
        "validation_accuracy": trained.validation_accuracy if learnt is None else None,
        "array_accuracy": learnt and learnt.array_accuracy,
        "test_accuracy": trained.test_accuracy,
        **({} if learnt is None else {"chip_accuracy": learnt.chip_accuracy}),
    }
    told = [] if learnt is None else _told(learnt)
    if learnt is not None and arguments.out is not None:
        learnt.write(arguments.out, look)
    record = {
        "network": os.fspath(output),
        **reached,
        **({"validation_chips": chips} if chips else {}),
        **({} if learnt is None else {"learning": learnt.facts}),
        "seconds": seconds,
        "interrupted": interrupted,
        "options": options,
    }
    shares = {
        (LEARNT if learnt else {}).get(name, name.replace("_", " ")): share
        for name, share in reached.items()
    } | {
        f"{what} of {each['number']} chips, {each['chips']}": each[what]
        for each in chips
        for what in ("mean", "worst")
    }
    rows = (
        ("topology", "-".join(map(str, trained.network.topology))),
        *choices.items(),
        *((what, Number(100 * x, ".2f"), "%") for what, x in shares.items() if x is not None),
        *told,
        ("time", seconds, "s"),
    )
    notes = [*trained.network.notes, f"the network is in {output}"]
    answer(arguments, record, figures("Trained network", rows), notes)
    return INTERRUPTED if interrupted else 0
