"""The options that name a device to train for."""

import argparse

from allspin.host.cli.options.point import add_point_argument
from allspin.host.data.catalogue import open_device
from allspin.host.training.recipe.training_target import TrainingTarget
from allspin.sim.errors import UserError
from allspin.sim.programming.device_levels import LEVEL_CHOICES
from allspin.sim.programming.schemes import POLARITIES, Programming


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the device, what its states are, and how it is written."""
    add = parser.add_argument
    add(
        "--device",
        metavar="DEVICE",
        help="train for this device, a file or the name of one that ships: its levels, its "
        "neuron, the noise of its writes",
    )
    add_point_argument(parser, "with --device, ")
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


def target_options(arguments: argparse.Namespace) -> TrainingTarget | None:
    """The device to train for, if there is one.

    Raises
    ------
    UserError
        If there is none and an option needs one, or it cannot be read.
    ValueError
        If there is no such choice.
    """
    if arguments.device is None:
        for option in ("at", "level_choice", "polarity"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} needs --device")
        return None
    return TrainingTarget(
        open_device(arguments.device, arguments.at),
        arguments.level_choice or "nearest",
        Programming(polarity=arguments.polarity or "quieter"),
    )
