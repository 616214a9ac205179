"""``allspin gates``: netlists of whole boards, simulated and compared with the golden model."""

import argparse
import json
from typing import get_args

from allspin.boards.build.tools import Wanted
from allspin.host.bitstreams.build import DEFAULT_NETWORK, BuildChanges, make_job
from allspin.host.cli.parser import naming_options
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.run.simulate import (
    FAMILY_BOARDS,
    BoardProof,
    Stage,
    find_provable,
    prove_board,
)
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.table import Table, figures, print_tables

HELP = """\
Verify netlists: synthesise a board, simulate the netlist from which its bitstream is made,
program a network through its UART's pins, and compare every logit with the golden model.

A family stands for one of its boards. A large network takes minutes to compile, and some more
to program bit by bit. Compiled netlists are kept."""
EPILOG = """\
exit status 1 if a logit differs

examples:
  allspin gates
  allspin gates ice40 --images 20
  allspin gates ulx3s-85f --network mnist-100 --json
  allspin gates icebreaker --routed
"""

DEFAULT_IMAGES = 5
DIFFERENT = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "boards",
        metavar="BOARD",
        nargs="*",
        help=f"a board, or a family: {', '.join(FAMILY_BOARDS)} (each family)",
    )
    add(
        "--network",
        metavar="NET",
        default=DEFAULT_NETWORK,
        help=f"network file, or the name of one that ships ({DEFAULT_NETWORK})",
    )
    add("--images", metavar="N", type=int, default=DEFAULT_IMAGES, help="first N test images (5)")
    add("--profile", metavar="NAME", help="which of the board's machines (the first)")
    add("--lanes", metavar="L", type=int, help="columns that are computed in a cycle")
    add("--rows-per-clock", metavar="R", type=int, help="rows that are driven in a cycle")
    add("--routed", action="store_true", help="simulate what nextpnr has placed and routed (iCE40)")
    add("--seed", metavar="N", type=int, default=1, help="seed of the placement, with --routed (1)")
    add("--tools", choices=get_args(Wanted), default="auto", help="which tools (auto)")
    add("--json", action="store_true", help="print the results as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Prove each board, and say what came of it."""
    network = open_network(arguments.network)
    images, _ = load_test_set(None, [network], arguments.images)
    stage = Stage(arguments.routed, arguments.seed, arguments.tools)
    boards = find_provable(arguments.boards, stage)
    with naming_options():
        changes = BuildChanges(arguments.lanes, arguments.rows_per_clock)
        jobs = [
            make_job(board, arguments.profile, arguments.network, network, changes)
            for board in boards
        ]
    with Steps() as steps:
        proofs = [prove_board(job, images[: arguments.images], stage, steps) for job in jobs]
    if arguments.json:
        say(json.dumps({"boards": [proof.to_dict() for proof in proofs]}))
    else:
        print_tables([_table(proof) for proof in proofs])
    wrong = [each for each in proofs if each.proof.mismatches]
    for each in wrong:
        warn(
            f"{each.proof.mismatches} of {each.proof.logits} logits of the netlist "
            f"{each.proof.netlist} of {each.board} differ from the golden model"
        )
    return DIFFERENT if wrong else 0


def _table(result: BoardProof) -> Table:
    proof = result.proof
    rows = (
        ("netlist", f"{proof.netlist}, {result.stage}"),
        ("cells", sum(proof.cells.values())),
        ("images", proof.images),
        ("logits compared", proof.logits),
        ("mismatches", proof.mismatches),
        ("requests sent again", proof.resent),
        ("programming", proof.clocks_programming, "cycles"),
        ("streaming", proof.clocks_streaming, "cycles"),
        ("simulated throughput", result.simulated_images_per_second, "images/s"),
        ("compiling", proof.seconds_compiling, "s"),
        ("simulating", proof.seconds_programming + proof.seconds_streaming, "s"),
    )
    return figures(f"{result.network} in the gates of {result.board}", rows)
