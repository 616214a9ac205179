"""``python -m tests.soak``: see ``--help``."""

import argparse
import contextlib
import sys
import time

from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from tests.soak.soak import Soak
from tests.soak.virtual_process import VirtualProcess
from tests.soak.work import soak_network

DESCRIPTION = """\
Random work on virtual boards behind serial ports, round by round: networks, chips, redraws, images,
resident runs, each result compared with the golden model; bits are flipped on the wire, and boards
are reset. Exit status 1 if a result is wrong, a round fails without a reset, or memory grows."""


def _parse(argv: list[str] | None) -> argparse.Namespace:
    program = "python -m tests.soak"
    parser = argparse.ArgumentParser(program, description=DESCRIPTION)
    add = parser.add_argument
    add("--seconds", metavar="S", type=float, default=600.0, help="how long (600)")
    add("--seed", metavar="S", type=int, default=0, help="names all that is done (0)")
    add("--flip", metavar="P", type=float, default=1e-4, help="flipped bits a byte (0.0001)")
    add("--resets", metavar="P", type=float, default=0.2, help="share of rounds with one (0.2)")
    add(
        "--rows-per-clock",
        metavar="R",
        type=int,
        action="append",
        help="a board's; again for more boards (1 and 4)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Soak, and print the counts.

    Returns
    -------
    int
        1 if a result was wrong or memory grew, else 0.
    """
    arguments = _parse(argv)
    with contextlib.ExitStack() as stack:
        steps = stack.enter_context(Steps())
        steps.start("building the virtual boards")
        ports = []
        for number, rows in enumerate(arguments.rows_per_clock or (1, 4)):
            options = ["--chip-maker", "--resident", "--rows-per-clock", str(rows)]
            options += ["--flip", str(arguments.flip), "--fault-seed", str(arguments.seed + number)]
            ports.append(stack.enter_context(VirtualProcess(soak_network(0), options)))
        steps.finish()
        soak = Soak(ports, arguments.seed, arguments.resets)
        steps.start("soaking")
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < arguments.seconds:
            wrong = len(soak.tally.wrong)
            soak.round()
            for line in soak.tally.wrong[wrong:]:
                warn(line)
            steps.advance(passed, arguments.seconds, f"{soak.tally.rounds:,} rounds")
        steps.finish()
    excess = soak.memory.excess()
    for line in excess:
        warn(line)
    growth = max(soak.memory.growth().items(), key=lambda pair: pair[1])
    say(f"soak of {arguments.seconds:g} s, seed {arguments.seed}\n{soak.tally}")
    say(f"{'memory grew by':22}{growth[1] / 1e6:>9.1f} MB at most ({growth[0]})")
    return 1 if soak.tally.wrong or excess else 0


if __name__ == "__main__":
    sys.exit(main())
