"""``allspin train``: train a network, offline."""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from allspin.host.cli.networks.train_arguments import add_arguments as add_arguments
from allspin.host.cli.networks.train_table import accuracies, chosen, over_chips, print_trained
from allspin.host.cli.options.names import naming_known_options, naming_options
from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import Dataset, load_dataset
from allspin.host.data.files import check_apart, check_writable
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, tell, warn
from allspin.host.training.bar import TrainingBar
from allspin.host.training.images.augment import Augmentation
from allspin.host.training.in_array import learn as in_array
from allspin.host.training.in_array.learn import Learnt
from allspin.host.training.recipe import parameters as recipe
from allspin.host.training.recipe.parameters import TrainingParameters
from allspin.host.training.recipe.recipe_file import KEYS, read_recipe
from allspin.host.training.recipe.training_target import TrainingTarget
from allspin.host.training.robust import robustness
from allspin.host.training.robust.robustness import Robustness
from allspin.host.training.train import train
from allspin.host.training.trainer import Trained
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import save_network
from allspin.sim.network.tiling import Tiles
from allspin.sim.programming.schemes import Programming

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
TARGET = ("device", "at", "level_choice", "polarity")
"""Options that make a target."""


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options: those of the command line, before those of the recipe."""
    given = {} if arguments.recipe is None else read_recipe(arguments.recipe)
    typed = {name: value for name in KEYS if (value := getattr(arguments, name)) is not None}
    both = given | typed
    kind = in_array if both.get("in_array") else robustness if "robust" in both else recipe
    if arguments.quick:
        given["epochs"] = kind.QUICK_EPOCHS
    elif kind is robustness:
        given.setdefault("epochs", robustness.EPOCHS)
    return given | typed


def _target(given: dict[str, Any]) -> TrainingTarget | None:
    """The device to train for, if there is one; its options are taken out."""
    device, at, choice, polarity = (given.pop(name, None) for name in TARGET)
    if device is None:
        for name, value in zip(TARGET[1:], (at, choice, polarity), strict=True):
            if value is not None:
                raise UserError(f"--{name.replace('_', '-')} needs --device")
        return None
    return TrainingTarget(
        open_device(device, at), choice or "nearest", Programming(polarity=polarity or "quieter")
    )


def _parameters(given: dict[str, Any], by_pulses: bool = False) -> TrainingParameters:
    robust = given.pop("robust", None)
    if robust is not None and by_pulses:
        raise UserError("--robust is for training offline, not --in-array")
    if robust is not None and given.get("device") is None:
        raise UserError("--robust needs --device")
    with naming_options():
        given["tiles"] = Tiles.asked(given.pop("tile_rows", None), given.pop("adc_bits", None))
    if given["tiles"] is not None and by_pulses:
        raise UserError("tiles are trained for offline, not with --in-array")
    with naming_known_options():
        target = _target(given)
        if "augment" in given:
            given["augmentation"] = Augmentation.parse(given.pop("augment"))
        if by_pulses:
            given = in_array.DEFAULTS | given
        if robust is not None:
            given["robust"] = Robustness.parse(robust)
        return TrainingParameters(**given, target=target)


def _trained(dataset: Dataset, parameters: TrainingParameters, by_pulses: bool) -> Trained | Learnt:
    """Train, and show how far it is."""
    if not by_pulses:
        with TrainingBar() as bar:
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
    given = _given(arguments)
    data = given.pop("data", None)
    by_pulses = given.pop("in_array", False)
    parameters = _parameters(given, by_pulses)
    check_writable(arguments.output)
    check_apart(arguments.output, arguments.recipe, None if data is None else Path(data))
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
    if arguments.json:
        record = {
            "network": os.fspath(arguments.output),
            **accuracies(trained),
            **over_chips(trained),
            "seconds": seconds,
            "interrupted": interrupted,
            "options": options,
        }
        say(json.dumps(record))
    else:
        print_trained(trained, options, seconds, arguments.output)
    return INTERRUPTED if interrupted else 0
