"""``allspin report``: one page of what a network is, does and costs."""

import json

from allspin.host.cli.options import (
    PAPER,
    Arguments,
    Parser,
    add_shared,
    add_tile_arguments,
    naming_options,
    tile_options,
)
from allspin.host.report.findings import CHIPS, QUICK_CHIPS, QUICK_IMAGES, ReportSubject
from allspin.host.report.page import report
from allspin.host.show.say import say

HELP = """\
Write one HTML page about a network: what was trained and with which device, its accuracy over
chips, maps of R_AH, curves, confusion, wrong answers, the engine at work, boards, and CMOS to
compare with; with each figure the command that gives it again. The page needs nothing but itself,
on a screen or in print."""
EPILOG = """\
examples:
  allspin report mnist-10
  allspin report paper-100 -o paper-100.html --chips 50
  allspin report mine.safetensors --data fashion --device mine.toml --quick
"""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "network")
    add_shared(
        parser,
        "-o --output",
        metavar="FILE.html",
        default="report.html",
        help="page to write (report.html)",
    )
    words = f"what the chips are made of: device file, or the name of one that ships ({PAPER})"
    add_shared(parser, "--device", help=words)
    add_shared(parser, "--at")
    parser.add_argument(
        "--chips", metavar="N", type=int, help=f"how many chips ({CHIPS}, quick {QUICK_CHIPS})"
    )
    add_shared(parser, "--images", help=f"first N test images (all, quick {QUICK_IMAGES:,})")
    add_tile_arguments(parser)
    add_shared(parser, "--data")
    parser.add_argument("--quick", action="store_true", help="fewer chips and images")
    add_shared(parser, "--json", help="print path and sizes as one JSON object")


def run(arguments: Arguments) -> int:
    """Compute, write the page, and say where it is."""
    with arguments.steps.waiting("reading network, device and images"), naming_options():
        subject = ReportSubject.open(
            arguments.network,
            arguments.device,
            at=arguments.at,
            chips=arguments.chips,
            images=arguments.images,
            data=arguments.data,
            tiles=tile_options(arguments),
            quick=arguments.quick,
            display=arguments.steps,
        )
    made = report(subject, arguments.output, display=arguments.steps)
    say(json.dumps(made.to_dict()) if arguments.json else str(made.path))
    return 0
