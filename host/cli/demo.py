"""``allspin demo``: the whole machine at work."""

import argparse
import shlex
from pathlib import Path

from allspin.host.cli.options import add_data_argument, add_picture_arguments, picture_options
from allspin.host.data.datasets import load_dataset
from allspin.host.demo import NETWORK, results_table, run_demo
from allspin.host.show.progress import Steps
from allspin.host.show.say import tell
from allspin.host.show.table import print_tables
from allspin.host.train.parameters import EPOCHS, QUICK_EPOCHS, TrainingParameters
from allspin.sim.errors import refused

HELP = """\
Train a network of ten states, compile the gateware into a simulator, program it over the
link, stream all test images through it, compare every logit with the golden model, and leave
results and pictures in a folder."""
EPILOG = """\
exit status 1 if a logit differs

examples:
  allspin demo
  allspin demo --quick -o quick
  allspin demo --data fashion -o fashion-out
"""

DIFFERENT = 1
"""Exit status where the machine is not the golden model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("-o", "--out", metavar="DIR", type=Path, default=Path("out"), help="folder (out)")
    add("--quick", action="store_true", help="train for seconds instead of minutes")
    add_data_argument(parser)
    add("--seed", type=int, default=0, help="seed of all random draws in training (0)")
    add_picture_arguments(parser)


def _live_command(arguments: argparse.Namespace) -> str:
    """What opens the live page of the network that was made."""
    data = [] if arguments.data is None else ["--data", str(arguments.data)]
    return shlex.join(["allspin", "live", str(arguments.out / NETWORK), *data])


def run(arguments: argparse.Namespace) -> int:
    """Show it all; the table goes to stdout."""
    with refused():
        parameters = TrainingParameters(
            epochs=QUICK_EPOCHS if arguments.quick else EPOCHS, seed=arguments.seed
        )
    look = picture_options(arguments)
    with Steps() as steps:
        with steps.waiting("reading the images"):
            dataset = load_dataset(arguments.data)
        results = run_demo(dataset, parameters, arguments.out, steps, look)
    print_tables([results_table(results)])
    tell(f"draw digits, and watch this network at work: {_live_command(arguments)}")
    return DIFFERENT if results.mismatches else 0
