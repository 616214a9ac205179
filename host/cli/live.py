"""``allspin live``: draw a digit, and watch the machine, or a network learn, in the browser."""

import sys
from functools import partial

from allspin.host.cli.options import (
    PAPER,
    Arguments,
    Parser,
    add_options,
    add_shared,
    naming_options,
    read_options,
)
from allspin.host.cli.train import widths
from allspin.host.learn.parameters import CYCLE_DEVIATION, LearnParameters, LearnRule
from allspin.host.live.choices import Choices
from allspin.host.live.learning import Learning
from allspin.host.live.package import live_package
from allspin.host.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.host.show.say import say, tell, warn
from allspin.host.train.parameters import TrainingParameters

HELP = """\
Open a page in the browser: draw a digit, and watch a machine work on it, from the rows that are
driven to the logits, on any chip of the device. With --in-array watch a network learn by pulses, as
of train --in-array; the page then has a link to draw digits at what is learnt.

The page is served to this machine only, at a link with a random token. It ends with Ctrl-C. It
needs the extra [live]."""
EPILOG = """\
examples:
  allspin live
  allspin live mnist-10 --on virtual
  allspin live mine.safetensors --device mine.toml --on auto
  allspin live --in-array --device paper --update sign
  allspin live --port 0 --no-browser
"""
NETWORK = "paper-10"


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(
        parser,
        "network",
        nargs="?",
        default=None,
        help=f"network file, or the name of one that ships ({NETWORK})",
    )
    parser.add_argument(
        "--on",
        metavar="MACHINE",
        default=GOLDEN,
        help=f"{GOLDEN}, {VIRTUAL}, a serial port, or {AUTO} ({GOLDEN}); the page can change it",
    )
    add_shared(
        parser,
        "--device",
        default=None,
        help=f"what chips are made of ({PAPER}), or with --in-array what learns (equal steps)",
    )
    add_shared(parser, "--at", "--data")
    parser.add_argument(
        "--port", metavar="N", type=int, default=8000, help="port to listen on, 0 for any (8000)"
    )
    parser.add_argument(
        "--host",
        metavar="NAME",
        default="127.0.0.1",
        help="name or address to listen on: any other lets others in (127.0.0.1)",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the link")
    parser.add_argument(
        "--in-array",
        action="store_true",
        default=None,
        help="watch a network learn, with the options that follow, as of train",
    )
    add_options(
        parser,
        TrainingParameters,
        *("states", "neuron", "noise", "epochs", "seed", "rate", "batch"),
        states="states, 2 to 128 (the device's, else 10); of a device only what is written down",
        noise=f"C2C of an update without --device, of the range ({CYCLE_DEVIATION})",
        epochs=f"times through the training images ({LearnParameters.epochs})",
        rate=f"learning rate, 1e-6 to 1, or auto ({LearnParameters.rate})",
        batch=f"images in a batch ({LearnParameters.batch})",
    )
    parser.add_argument("--hidden", metavar="N[,N...]", type=widths, help="hidden neurons (100)")
    add_options(parser, LearnRule)


def run(arguments: Arguments) -> int:
    """Serve the page until Ctrl-C."""
    live = live_package()
    with naming_options():
        place = live.Place(arguments.host, arguments.port)
    choose = partial(
        Choices.open,
        on=arguments.on,
        device=arguments.device or PAPER,
        at=arguments.at,
        data=arguments.data,
    )
    with arguments.steps.waiting("reading network and images"):
        if arguments.in_array:
            learning = Learning(
                arguments.data, read_options(arguments, LearnParameters), choose, arguments.steps
            )
            choices = learning.choices
        else:
            learning, choices = None, choose(arguments.network or NETWORK)
    server = live.LiveServer(choices, place, learning)
    if place.host not in live.LOOP_BACK:
        warn(
            f"others reach this page at {arguments.host}: whoever has the link can use this "
            "machine's processor and its board; without --host only this machine does"
        )
    say(server.link)
    sys.stdout.flush()
    opened = not arguments.no_browser and live.open_in_browser(server.link)
    tell(f"{'opened in the browser' if opened else 'open it in a browser'}; Ctrl-C ends it")
    server.run()
    return 0
