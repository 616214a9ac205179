"""``allspin demo``: a network trained, run on the virtual board, compared and plotted."""

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.cli.answers import FAILED
from allspin.host.cli.shared import DataFile, Steps, Style
from allspin.host.data.datasets import load_dataset
from allspin.host.demonstration import NETWORK, results_table, run_demo
from allspin.host.draw.picture_style import PictureStyle
from allspin.host.show.say import tell
from allspin.host.show.terminal import print_tables
from allspin.host.train.parameters import TrainingParameters

EXAMPLES = """\
exit status 1 if a logit differs

examples:
  allspin demo
  allspin demo --quick -o quick
  allspin demo --data fashion -o fashion-out
"""


def run(
    *,
    output: Annotated[Path, Parameter(alias="-o", metavar="DIR")] = Path("out"),
    quick: bool = False,
    data: DataFile = None,
    style: Style = None,
    steps: Steps,
) -> int:
    """Show the whole machine at work.

    Train a network of ten states, compile the gateware into a simulator, program it over the
    link, stream all test images through it, compare every logit with the golden model, and leave
    results and pictures in a folder.

    Parameters
    ----------
    output : Path
        Folder for results and pictures.
    quick : bool
        Train for seconds, not minutes.
    """
    parameters = TrainingParameters(quick=quick)
    look = PictureStyle.open(style or "screen")
    with steps.waiting("reading the images"):
        dataset = load_dataset(data)
    results = run_demo(dataset, parameters, output, steps, look)
    print_tables([results_table(results)])
    words = [] if data is None else ["--data", str(data)]
    live = shlex.join(["allspin", "live", str(output / NETWORK), *words])
    tell(f"draw digits, and watch this network at work: {live}")
    return FAILED if results["mismatches"] else 0
