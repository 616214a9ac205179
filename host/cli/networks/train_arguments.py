"""The options of ``allspin train``."""

import argparse
from pathlib import Path

from allspin.host.cli.options.data import add_data_argument
from allspin.host.cli.options.tiles import ADC_BITS, TILE_ROWS
from allspin.host.training.images.augment import AUGMENTATIONS
from allspin.host.training.in_array import learn as in_array
from allspin.host.training.recipe import parameters as recipe
from allspin.host.training.robust import robustness
from allspin.sim.network.neuron import NEURONS
from allspin.sim.programming.device_levels import LEVEL_CHOICES
from allspin.sim.programming.schemes import POLARITIES


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of widths such as 100 or 128,64"
        ) from None


OPTIONS = (
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
    (
        "augment",
        "NAME",
        str,
        f"how training images are bent: {', '.join(AUGMENTATIONS)} (shifts and mirror images), "
        f"with amounts as in objects,shift=2 ({recipe.DEFAULT_AUGMENTATION}; none of data "
        "that are no images)",
    ),
    ("rate", "RATE", float, f"peak of the learning rate, 1e-6 to 1 ({recipe.RATE:g})"),
    ("batch", "N", int, f"images in a batch ({recipe.BATCH}; fewer where images are few)"),
    (
        "device",
        "DEVICE",
        str,
        "train for this device, a file or the name of one that ships: its levels, its "
        "neuron, the noise of its writes",
    ),
    (
        "at",
        "POINT",
        str,
        "with --device, its operating point, such as current=9mA,temperature=350 (its file's own)",
    ),
    (
        "level_choice",
        "NAME",
        str,
        f"with --device, what its states are: {', '.join(LEVEL_CHOICES)} (nearest)",
    ),
    (
        "polarity",
        "NAME",
        str,
        f"with --device, polarity of the writes: {', '.join(POLARITIES)} (quieter)",
    ),
    ("tile_rows", "N", int, "train " + TILE_ROWS.replace("the network's own", "in one piece")),
    ("adc_bits", "N", int, ADC_BITS),
    (
        "epochs",
        "N",
        int,
        f"epochs with the machine's integers ({recipe.EPOCHS}, quick {recipe.QUICK_EPOCHS}); "
        f"{recipe.FLOAT_SHARE} times as many with real numbers go before",
    ),
    ("seed", "N", int, "seed of all random draws (0)"),
)
"""Options that a recipe file has too: key, what it takes, and words."""


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
    for name, metavar, kind, words in OPTIONS:
        add(f"--{name.replace('_', '-')}", metavar=metavar, type=kind, help=words)
    add_data_argument(parser)
    add(
        "--robust",
        metavar="OPTIONS",
        nargs="?",
        const=robustness.USUAL,
        help="with --device, train for chips of it with all that varies, open loop and verified, "
        f"taught by a wider network; then --epochs is {robustness.EPOCHS}, quick "
        f"{robustness.QUICK_EPOCHS}, unless given; or with options that differ from the usual "
        f"{robustness.ALL}",
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
    add("--json", action="store_true", help="print the result as one JSON object")
