"""``allspin demo``: the whole machine at work."""

import shlex

from allspin.host.cli.options import (
    FAILED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    read_options,
)
from allspin.host.data.datasets import load_dataset
from allspin.host.demonstration import NETWORK, results_table, run_demo
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.show.say import tell
from allspin.host.show.terminal import print_tables
from allspin.host.train.parameters import EPOCHS, QUICK_EPOCHS, TrainingParameters

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


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "-o --out", default="out", help="folder (out)")
    parser.add_argument("--quick", action="store_true", help="train for seconds, not minutes")
    add_shared(parser, "--data")
    add_options(parser, TrainingParameters, "seed")
    add_shared(parser, "--style")


def run(arguments: Arguments) -> int:
    """Show it all; the table goes to stdout."""
    epochs = QUICK_EPOCHS if arguments.quick else EPOCHS
    parameters = read_options(arguments, TrainingParameters, epochs=epochs)
    look = PictureStyle.open(arguments.style or "screen")
    with arguments.steps.waiting("reading the images"):
        dataset = load_dataset(arguments.data)
    parameters = parameters.quickly(dataset) if arguments.quick else parameters
    results = run_demo(dataset, parameters, arguments.out, arguments.steps, look)
    print_tables([results_table(results)])
    data = [] if arguments.data is None else ["--data", str(arguments.data)]
    live = shlex.join(["allspin", "live", str(arguments.out / NETWORK), *data])
    tell(f"draw digits, and watch this network at work: {live}")
    return FAILED if results["mismatches"] else 0
