"""``allspin bench``: how fast it is, beside what it should be and beside others."""

import argparse
import json
from pathlib import Path
from typing import Any

from rich.markdown import Markdown

from allspin.host.bitstreams.record import MOST, check_record
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import check_writable
from allspin.host.data.revision import commit
from allspin.host.show.progress import Steps
from allspin.host.show.say import printable, say
from allspin.host.show.terminal import Terminal
from allspin.host.study.bench.document import MARKS, markdown
from allspin.host.study.bench.engine import engine_figures, resident_figures
from allspin.host.study.bench.figures_file import read_measured
from allspin.host.study.bench.suite import (
    NETWORKS,
    QUICK,
    Effort,
    chips_on_golden,
    chips_on_virtual,
    growth,
    link,
    machine_description,
    ratios,
    shapes_on_virtual,
)
from allspin.sim.errors import UserError
from allspin.sim.files.plain import MAX_JSON, parse_json
from allspin.sim.files.user_file import read_file
from allspin.sim.network.levels import check_range
from allspin.sim.network.netfile import write_atomically

HELP = """\
Measure golden model and virtual board, with their targets; beside plain NumPy, and beside
CrossSim and aihwkit-lightning where they are installed; and how the cost grows. The engine's
figures are worked out of builds, if their files are given."""
EPILOG = """\
examples:
  allspin bench --quick
  allspin bench --document docs/performance.md -o docs/performance.json
  allspin build ulx3s-85f --seeds 3 --json > ulx3s.json
  allspin bench --builds ulx3s.json --json
  allspin bench --measured docs/performance.json --builds docs/boards.json \\
      --document docs/performance.md -o docs/performance.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--quick", action="store_true", help="a little of everything: its figures say nothing")
    add(
        "--builds",
        metavar="FILE.json",
        nargs="+",
        type=Path,
        default=[],
        help="what allspin build --json or allspin boards --json printed, for the engine's figures",
    )
    add(
        "--resident-images",
        metavar="N",
        type=int,
        help="images that the builds keep on the board, if they do not say so themselves",
    )
    add(
        "--measured",
        metavar="FILE.json",
        type=Path,
        help="what an earlier run has written with -o: only the figures of builds are made anew",
    )
    add("--document", metavar="FILE.md", type=Path, help="rewrite the figures between its marks")
    add("-o", "--output", metavar="OUT.json", type=Path, help="write the figures as JSON too")
    add("--json", action="store_true", help="print the figures as one JSON object")


def read_builds(paths: list[Path]) -> list[dict[str, Any]]:
    """Builds of files of ``allspin build --json``, one each or several under ``boards``, or of
    ``allspin boards --json``, whose boards that were not built are left out.

    Raises
    ------
    UserError
        If a file cannot be read or is something else.
    """
    builds = []
    for path in paths:
        content = read_file(path, "file of builds", MAX_JSON)
        try:
            record = parse_json(content)
        except ValueError as error:
            raise UserError(f"{path} is not JSON: {error}") from error
        listed = record.get("boards", [record]) if isinstance(record, dict) else record
        try:
            if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
                raise ValueError("it is no list of boards")
            builds += [
                check_record(each.get("built", each)) for each in listed if each.get("built", each)
            ]
        except ValueError as error:
            raise UserError(f"{path} is not what `allspin build --json` prints: {error}") from error
    return builds


def measured(effort: Effort, steps: Steps) -> dict[str, Any]:
    """All figures that are measured here, as ``--json`` prints them."""
    machine = machine_description()
    network = open_network(NETWORKS[0])
    images, _ = load_test_set(None)
    golden = []
    for name in NETWORKS:
        steps.start(f"{effort.chips} chips on golden, {name}")
        golden.append(chips_on_golden(name, effort))
        steps.finish()
    virtual = []
    for name in effort.virtual_networks:
        steps.start(f"{effort.virtual_chips} chips on virtual, {name}")
        virtual.append(chips_on_virtual(name, effort))
        steps.finish()
    steps.start("side by side")
    compared = ratios(effort, lambda text: steps.advance(0, None, text))
    steps.finish()
    steps.start("how the cost grows")
    grown = growth(effort)
    shapes = shapes_on_virtual(effort)
    steps.finish()
    return {
        "commit": commit(),
        "machine": machine,
        "golden_chips": golden,
        "virtual_chips": virtual,
        "ratios": compared,
        "growth": grown,
        "shapes": shapes,
        "link": link(network, images),
    }


def of_builds(builds: list[dict[str, Any]], kept: int | None, steps: Steps) -> dict[str, Any]:
    """The engine's figures, and those of resident sweeps."""
    network = open_network(NETWORKS[0])
    steps.start("the engines of the builds")
    found = {
        "engine": [each.to_dict() for each in engine_figures(builds, network)],
        "resident": [each.to_dict() for each in resident_figures(builds, network, kept)],
    }
    steps.finish()
    return found


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write."""
    builds = read_builds(arguments.builds)
    if arguments.resident_images is not None:
        try:
            check_range("--resident-images", arguments.resident_images, 1, MOST)
        except ValueError as error:
            raise UserError(str(error)) from error
    former = None if arguments.measured is None else read_measured(arguments.measured)
    for path in (arguments.document, arguments.output):
        if path is not None:
            check_writable(path)
    if arguments.document is not None:
        MARKS.around(arguments.document)
    steps = Steps()
    try:
        effort = QUICK if arguments.quick else Effort()
        record = measured(effort, steps) if former is None else former
        record |= of_builds(builds, arguments.resident_images, steps)
    finally:
        steps.stop()
    text = markdown(record)
    if arguments.document is not None:
        MARKS.fill(arguments.document, f"\n{text}\n")
    if arguments.output is not None:
        write_atomically(arguments.output, (json.dumps(record, indent=1) + "\n").encode())
    if arguments.json:
        say(json.dumps(record))
    else:
        Terminal().print(Markdown(printable(text)))
    return 0
