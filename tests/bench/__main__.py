"""``python -m tests.bench``: speed of allspin, beside its targets and other programs."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from allspin.host.data.files import check_writable
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.terminal import print_tables
from allspin.sim.errors import UserError, check_range, refused
from allspin.sim.files import write_atomically
from tests.bench.bench import QUICK, Effort, bench
from tests.bench.board_figures import read_builds
from tests.bench.document import MARKS, markdown, printed

HELP = """\
Measure the golden model and the virtual board against their targets, against plain NumPy,
and against PyTorch, CrossSim, aihwkit and aihwkit-lightning where they are installed, and how
the cost grows.
Figures of the engine are computed from builds, if their files are given."""
EPILOG = """\
examples:
  python -m tests.bench --quick
  python -m tests.bench --document docs/performance.md -o docs/performance.json
  allspin build ulx3s-85f --seeds 3 --json > ulx3s.json
  python -m tests.bench --builds ulx3s.json --json
  python -m tests.bench --former docs/performance.json --builds docs/boards.json \\
      --document docs/performance.md -o docs/performance.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="run everything on little data, only to check that it works",
    )
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
        help="resident images of the builds, if their files do not give the number",
    )
    add(
        "--former",
        metavar="FILE.json",
        type=Path,
        help="what an earlier run has written with -o: only the figures of builds are made anew",
    )
    add("--document", metavar="FILE.md", type=Path, help="rewrite the figures between its marks")
    add("-o", "--output", metavar="OUT.json", type=Path, help="write the figures as JSON too")
    add("--json", action="store_true", help="print the figures as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write."""
    builds = read_builds(arguments.builds)
    if arguments.resident_images is not None:
        with refused():
            check_range("--resident-images", arguments.resident_images, 1, 1 << 32)
    former = None if arguments.former is None else json.loads(arguments.former.read_bytes())
    for path in (arguments.document, arguments.output):
        if path is not None:
            check_writable(path)
    if arguments.document is not None:
        MARKS.around(arguments.document)
    with Steps() as steps:
        record = bench(
            QUICK if arguments.quick else Effort(),
            builds,
            resident_images=arguments.resident_images,
            former=former,
            progress=steps,
        )
    if arguments.document is not None:
        MARKS.fill(arguments.document, f"\n{markdown(record)}\n")
    if arguments.output is not None:
        write_atomically(arguments.output, (json.dumps(record, indent=1) + "\n").encode())
    if arguments.json:
        say(json.dumps(record))
    else:
        print_tables(*printed(record))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and run; an error of the user is a line on stderr, and status 2."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=HELP,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    try:
        return run(parser.parse_args(argv))
    except UserError as error:
        warn(error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
