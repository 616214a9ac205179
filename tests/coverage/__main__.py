"""Print how often each bin was hit, and fail where one was not: ``make coverage``."""

import argparse
import sys
from pathlib import Path

from allspin.host.show.document import Marks
from tests.coverage.blocks import BLOCKS
from tests.coverage.coverage import Coverage
from tests.coverage.machines import MACHINES, drive
from tests.coverage.never import NEVER

MARKS = Marks("<!-- make coverage -->", "<!-- end of make coverage -->")


def measure() -> Coverage:
    """Drive blocks and machines, compare every answer, and count the hits of all bins."""
    found = Coverage(NEVER)
    for block in BLOCKS:
        block(found)
    for name in MACHINES:
        drive(name, found)
    return found


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument("--document", type=Path, help="write the table into it, between marks")
    arguments = parser.parse_args()
    found = measure()
    print(found.table())
    try:
        found.check()
    except AssertionError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.document is not None:
        MARKS.fill(arguments.document, f"\n```\n{found.table()}\n```\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
