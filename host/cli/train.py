"""``allspin train``: train a network, offline."""

import argparse
import os
import time
from pathlib import Path
from typing import Any

from allspin.host.cli.options import (
    add_options,
    add_shared,
    add_target_arguments,
    add_tile_arguments,
    answer,
    check_together,
    read_options,
    target_options,
    tile_options,
)
from allspin.host.cli.parser import naming_options
from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.data.files import check_apart, check_writable
from allspin.host.show.progress import Steps
from allspin.host.show.say import tell, warn
from allspin.host.show.table import Number, Table, figures
from allspin.host.train import in_array
from allspin.host.train import parameters as recipe
from allspin.host.train.in_array import Learnt
from allspin.host.train.options import (
    ALL,
    AUGMENTATIONS,
    KEYS,
    USUAL,
    Augmentation,
    Robustness,
    read_recipe,
)
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.trainer import Trained, train, training_bar
from allspin.sim.network.netfile import save_network


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
        "--recipe",
        metavar="TOML",
        type=Path,
        help='file of the options below, such as level_choice = "nearest"; options that are '
        "given here win",
    )
    add_options(parser, TrainingParameters)
    add("--hidden", metavar="N[,N...]", type=_widths, help="neurons of each hidden layer (100)")
    add(
        "--augment",
        metavar="NAME",
        help=f"how training images are bent: {', '.join(AUGMENTATIONS)} (shifts and mirror "
        f"images), with amounts as in objects,shift=2 ({recipe.DEFAULT_AUGMENTATION}; none of data "
        "that are no images)",
    )
    add_target_arguments(parser)
    add_tile_arguments(parser, "in one piece")
    add_shared(parser, "--data")
    add(
        "--robust",
        metavar="OPTIONS",
        nargs="?",
        const=USUAL,
        help="with --device, train for chips of it with all that varies, open loop and verified, "
        f"taught by a wider network; then --epochs is {Robustness.EPOCHS}, quick "
        f"{Robustness.QUICK_EPOCHS}, unless given; or with options that differ from the usual "
        f"{ALL}",
    )
    add(
        "--in-array",
        action="store_true",
        default=None,
        help="learn by pulses on SOT synapses, as the paper does, from images as they are; then "
        f"--noise is the C2C of an update ({in_array.DEFAULTS['noise']}), --hidden-bits "
        f"{in_array.DEFAULTS['hidden_bits']}, --rate {in_array.DEFAULTS['rate']}, --batch "
        f"{in_array.DEFAULTS['batch']} and --epochs {in_array.DEFAULTS['epochs']}, quick "
        f"{in_array.QUICK_EPOCHS}, unless given",
    )
    add("--quick", action="store_true", help="seconds instead of minutes")
    add_shared(parser, "--json")


# What ``allspin train`` chose and reached, as tables and plain values.


def _tiles(options: dict[str, Any]) -> str:
    return f"{options['tile_rows']} rows to {options['adc_bits']} bits"


def chosen(options: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What was chosen, as the table has it."""
    return (
        ("augmentation", options["augment"]),
        ("learning rate", f"{options['rate']:g}"),
        ("images in a batch", f"{options['batch']:,}"),
        ("epochs", f"{options['epochs']:,}"),
        *((("tiles", _tiles(options)),) if "tile_rows" in options else ()),
        ("seed", f"{options['seed']}"),
    )


def accuracies(trained: Trained | Learnt) -> dict[str, float | None]:
    """Accuracies by name; None of what there is not."""
    by_pulses = isinstance(trained, Learnt)
    return {
        "validation_accuracy": None if by_pulses else trained.validation_accuracy,
        "array_accuracy": trained.array_accuracy if by_pulses else None,
        "test_accuracy": trained.test_accuracy,
    }


def over_chips(trained: Trained | Learnt) -> dict[str, Any]:
    """What chips reach on the validation images, if the network was trained for them."""
    chips = trained.chips if isinstance(trained, Trained) else []
    return {"validation_chips": chips} if chips else {}


def trained_table(trained: Trained | Learnt, options: dict[str, Any], seconds: float) -> Table:
    """What was trained, how, and how good it is."""
    rows = (
        ("topology", "-".join(map(str, trained.network.topology))),
        *chosen(options),
        *(
            (name.replace("_", " "), Number(100 * share, ".2f"), "%")
            for name, share in accuracies(trained).items()
            if share is not None
        ),
        *(
            (
                f"{what} of {each['number']} chips, {each['chips']}",
                Number(100 * each[what], ".2f"),
                "%",
            )
            for each in (trained.chips if isinstance(trained, Trained) else ())
            for what in ("mean", "worst")
        ),
        ("time", seconds, "s"),
    )
    return figures("Trained network", rows)


HELP = "Train a network for the machine, offline."
EPILOG = """\
Ctrl-C ends the training; the best network so far is saved (exit status 130).

examples:
  allspin train --states 10 -o ten.safetensors
  allspin train --states 100 --hidden 128,64 --seed 3 -o deep.safetensors
  allspin train --data fashion --augment objects --quick -o fashion.safetensors
  allspin train --data set.npz --rate 1e-3 --batch 64 -o mine.safetensors
  allspin train --recipe recipe.toml --seed 1 -o again.safetensors
  allspin train --neuron cmos-bare -o gate.safetensors
  allspin train --device paper --states 10 -o paper-ten.safetensors
  allspin train --device paper --robust -o robust.safetensors
  allspin train --tile-rows 128 --adc-bits 4 -o tiled.safetensors
  allspin train --in-array --states 100 --hidden 100,50 -o pulses.safetensors
"""

INTERRUPTED = 130


def _with_recipe(arguments: argparse.Namespace) -> argparse.Namespace:
    """The options: those of the command line, before those of the recipe."""
    given = {} if arguments.recipe is None else read_recipe(arguments.recipe)
    typed = {name: value for name in KEYS if (value := getattr(arguments, name)) is not None}
    both = given | typed
    kind = in_array if both.get("in_array") else Robustness if "robust" in both else recipe
    if arguments.quick:
        given["epochs"] = kind.QUICK_EPOCHS
    elif kind is Robustness:
        given.setdefault("epochs", Robustness.EPOCHS)
    return argparse.Namespace(**vars(arguments) | given | typed)


def _parameters(arguments: argparse.Namespace) -> TrainingParameters:
    check_together(arguments)
    more: dict[str, Any] = {
        "tiles": tile_options(arguments),
        "target": target_options(arguments),
    }
    if arguments.in_array:
        usual = in_array.DEFAULTS.items()
        more |= {name: value for name, value in usual if getattr(arguments, name, None) is None}
    with naming_options():
        if arguments.augment is not None:
            more["augmentation"] = Augmentation.parse(arguments.augment)
        if arguments.robust is not None:
            more["robust"] = Robustness.parse(arguments.robust)
    return read_options(arguments, TrainingParameters, **more)


def _trained(dataset: Dataset, parameters: TrainingParameters, by_pulses: bool) -> Trained | Learnt:
    """Train, and show how far it is."""
    if not by_pulses:
        with training_bar() as bar:
            return train(dataset, parameters, bar)
    with Steps() as steps:
        steps.start("learning in the array")
        trained = in_array.learn_in_array(
            dataset, parameters, lambda share: steps.advance(share, 1.0, f"{share:.0%}")
        )
        steps.finish()
    return trained


def run(arguments: argparse.Namespace) -> int:
    """Train, save, and say how good the network is."""
    arguments = _with_recipe(arguments)
    parameters = _parameters(arguments)
    data, by_pulses = arguments.data, bool(arguments.in_array)
    check_writable(arguments.output)
    check_apart(arguments.output, arguments.recipe, data)
    with Steps() as steps, steps.waiting("reading the images"):
        dataset = load_dataset(data)
    options = parameters.options(dataset) | ({"in_array": True} if by_pulses else {})
    tell(f"training with {', '.join(f'{name} {value}' for name, value in chosen(options))}")
    target = parameters.target
    shared = target.shared(parameters.states, parameters.rah_bits) if target is not None else ""
    if shared:
        warn(shared)
    start = time.perf_counter()
    try:
        trained = _trained(dataset, parameters, by_pulses)
    except KeyboardInterrupt:
        warn("interrupted; nothing was saved")
        return INTERRUPTED
    seconds = time.perf_counter() - start
    save_network(trained.network, arguments.output)
    interrupted = isinstance(trained, Trained) and trained.interrupted
    if interrupted:
        warn(f"interrupted; the best network so far is in {arguments.output}")
    record = {
        "network": os.fspath(arguments.output),
        **accuracies(trained),
        **over_chips(trained),
        "seconds": seconds,
        "interrupted": interrupted,
        "options": options,
    }
    table = trained_table(trained, options, seconds)
    answer(arguments, record, table, [f"the network is in {arguments.output}"])
    return INTERRUPTED if interrupted else 0
