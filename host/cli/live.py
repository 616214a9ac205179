"""``allspin live``: draw a digit, and watch the machine, on a page in the browser."""

import sys

from allspin.host.cli.options import PAPER, Arguments, Parser, add_shared, naming_options
from allspin.host.live.choices import Choices, live_package
from allspin.host.machines.opening import AUTO, GOLDEN, VIRTUAL
from allspin.host.show.say import say, tell, warn

HELP = """\
Open a page in the browser: draw a digit, and watch a machine work on it, from the rows that are
driven to the logits, on any chip of the device.

The page is served to this machine only, at a link with a random token. It ends with Ctrl-C. It
needs the extra allspin[live]."""
EPILOG = """\
examples:
  allspin live
  allspin live mnist-10 --on virtual
  allspin live mine.safetensors --device mine.toml --on auto
  allspin live --port 0 --no-browser
"""
NETWORK = "paper-10"


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(
        parser,
        "network",
        nargs="?",
        default=NETWORK,
        help=f"network file, or the name of one that ships ({NETWORK})",
    )
    parser.add_argument(
        "--on",
        metavar="MACHINE",
        default=GOLDEN,
        help=f"{GOLDEN}, {VIRTUAL}, a serial port, or {AUTO} ({GOLDEN}); the page can change it",
    )
    add_shared(parser, "--device", help=f"what chips are made of ({PAPER})")
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


def run(arguments: Arguments) -> int:
    """Serve the page until Ctrl-C."""
    live = live_package()
    with naming_options():
        place = live.Place(arguments.host, arguments.port)
    with arguments.steps.waiting("reading network and test images"):
        choices = Choices.open(
            arguments.network,
            arguments.on,
            device=arguments.device,
            at=arguments.at,
            data=arguments.data,
        )
    server = live.LiveServer(choices, place)
    if not place.is_local:
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
