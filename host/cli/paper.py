"""``allspin paper``: every figure and claim of the paper, with a verdict on each."""

from allspin.host.cli.options import Arguments, Parser, add_shared
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.paper.chapter import FULL, QUICK
from allspin.host.paper.reproduce import reproduce
from allspin.host.show.terminal import print_tables

HELP = """\
Draw every figure of the paper for which its text gives enough information, test each of its
claims, and give a verdict: reproduced, reproduced under a named assumption, contradicted, or
not determined by the text.

The folder then has each picture as PNG and SVG with its numbers as CSV, and the report as
paper.md and paper.html. An interrupted run resumes."""
EPILOG = """\
examples:
  allspin paper --quick            # minutes: few seeds and points
  allspin paper -o report          # all of it
"""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("--quick", action="store_true", help="few seeds and points: a few minutes")
    add_shared(parser, "-o --out", default="out/paper", help="folder (out/paper)")
    add_shared(parser, "--style")
    add_shared(parser, "--wide")


def run(arguments: Arguments) -> int:
    """Make the report; verdicts and the last chapter's table go to stdout."""
    effort = QUICK if arguments.quick else FULL
    style = PictureStyle.open(arguments.style or "screen")
    report = reproduce(effort, arguments.out, arguments.steps, style=style)
    print_tables(report.tables(), report.notes(), wide=arguments.wide)
    return 0
