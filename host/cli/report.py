"""``allspin report``: one page of what a network is, does and costs."""

import json

from allspin.host.cli.options import (
    PAPER,
    Arguments,
    Parser,
    add_shared,
    add_tile_arguments,
    naming_options,
    read_options,
)
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.report.page import figures, report
from allspin.host.report.subject import CHIPS, QUICK_CHIPS, QUICK_IMAGES, ReportSubject
from allspin.host.show.say import say
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import Tiles

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
  allspin report paper-10 paper-100 --device mine.toml --figures figures
"""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "network", nargs="+", help="network files, or names of those that ship")
    add_shared(
        parser,
        "-o --output",
        metavar="FILE.html",
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
    parser.add_argument(
        "--figures",
        metavar="DIR",
        type="file",
        help="in place of the page its pictures for a journal, of one network or several",
    )
    add_shared(parser, "--style", help="with --figures, picture style (paper)")
    add_shared(parser, "--json", help="print paths and sizes as one JSON object")


def run(arguments: Arguments) -> int:
    """Compute, write the page, and say where it is."""
    with arguments.steps.waiting("reading network, device and images"), naming_options():
        subjects = [
            ReportSubject.open(
                network,
                arguments.device,
                at=arguments.at,
                chips=arguments.chips,
                images=arguments.images,
                data=arguments.data,
                tiles=read_options(arguments, Tiles.asked),
                quick=arguments.quick,
                progress=arguments.steps,
            )
            for network in arguments.network
        ]
    if arguments.figures is not None:
        look = PictureStyle.open(arguments.style or "paper")
        paths = list(map(str, figures(subjects, arguments.figures, look, progress=arguments.steps)))
        say(json.dumps({"figures": paths}) if arguments.json else "\n".join(paths))
        return 0
    if len(subjects) > 1:
        raise UserError("a page is about one network; give --figures for pictures of several")
    made = report(subjects[0], arguments.output or "report.html", progress=arguments.steps)
    say(json.dumps(made.to_dict()) if arguments.json else str(made.path))
    return 0
