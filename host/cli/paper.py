"""``allspin paper``: every figure and claim of the paper, with a verdict on each."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.cli.shared import Steps, Style
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.paper.chapter import FULL, QUICK
from allspin.host.paper.reproduce import (
    reproduce,
)
from allspin.host.show.terminal import print_tables

EXAMPLES = """\
examples:
  allspin paper --quick            # minutes: few seeds and points
  allspin paper -o report          # all of it
"""


def run(
    *,
    quick: bool = False,
    output: Annotated[Path, Parameter(alias="-o", metavar="DIR")] = Path("out/paper"),
    style: Style = None,
    steps: Steps,
) -> int:
    """Draw every figure of the paper for which its text gives enough information.

    Each claim of the paper is tested, and gets a verdict: reproduced, reproduced under a named
    assumption, contradicted, or not determined by the text. The folder then has each picture as
    PNG and SVG with its numbers as CSV, and the report as paper.md and paper.html. An interrupted
    run resumes.

    Parameters
    ----------
    quick : bool
        Take few seeds and points: a few minutes.
    output : Path
        Folder for the report.
    """
    effort = QUICK if quick else FULL
    report = reproduce(effort, output, steps, style=PictureStyle.open(style or "screen"))
    print_tables(report.tables(), report.notes())
    return 0
