"""``allspin gates``: netlists of whole boards, simulated and compared with the golden model."""

from collections.abc import Iterator
from typing import Any

from allspin.host.bitstreams.build_options import BuildChanges
from allspin.host.bitstreams.jobs import DEFAULT_NETWORK, make_job
from allspin.host.cli.options import (
    FAILED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    answer,
    naming_options,
    read_options,
)
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.selftest.netlist import FAMILY_BOARDS, ProvedStage, find_provable, prove_board
from allspin.host.show.say import warn
from allspin.host.show.table import Table, figures

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

IMAGES = 5
SIMULATED = ("programming", "streaming", "checking")


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "boards",
        metavar="BOARD",
        nargs="*",
        help=f"a board, or a family: {', '.join(FAMILY_BOARDS)} (each family)",
    )
    add_shared(parser, "--network", default=DEFAULT_NETWORK)
    add_shared(parser, "--images", default=IMAGES, help=f"first N test images ({IMAGES})")
    add_shared(parser, "--profile")
    add_options(parser, BuildChanges, "lanes", "rows_per_clock")
    add_options(parser, ProvedStage)
    add_shared(parser, "--json")


def run(arguments: Arguments) -> int:
    """Prove each board, and say what came of it."""
    network = open_network(arguments.network)
    images, _ = load_test_set(None, [network], arguments.images)
    stage = read_options(arguments, ProvedStage)
    changes = read_options(arguments, BuildChanges)
    boards = find_provable(arguments.boards)
    with naming_options():
        jobs = [
            make_job(board, arguments.profile, arguments.network, network, changes)
            for board in boards
        ]
    images = images[: arguments.images]
    proofs = [prove_board(job, images, stage, arguments.steps) for job in jobs]
    answer(arguments, {"boards": proofs}, [_table(proof) for proof in proofs])
    wrong = [line for proof in proofs for line in _differences(proof)]
    for line in wrong:
        warn(line)
    return FAILED if wrong else 0


def _differences(proof: dict[str, Any]) -> Iterator[str]:
    netlist = f"of the netlist {proof['netlist']} of {proof['board']}"
    if proof["mismatches"]:
        yield (
            f"{proof['mismatches']} of {proof['logits_compared']} logits {netlist} differ from "
            "the golden model"
        )
    for found in proof["checks"]:
        if found["right"] is False:
            yield f"{found['check']} {netlist}: {found['what']}"


def _table(proof: dict[str, Any]) -> Table:
    rows = (
        ("netlist", f"{proof['netlist']}, {proof['stage']}"),
        ("cells", sum(proof["cells"].values())),
        ("images", proof["images"]),
        ("logits compared", proof["logits_compared"]),
        ("mismatches", proof["mismatches"]),
        *((found["check"], found["what"]) for found in proof["checks"]),
        ("requests sent again", proof["resent"]),
        ("programming", proof["clocks_programming"], "cycles"),
        ("streaming", proof["clocks_streaming"], "cycles"),
        ("simulated throughput", proof["simulated_images_per_second"], "images/s"),
        ("compiling", proof["seconds_compiling"], "s"),
        ("simulating", sum(proof[f"seconds_{part}"] for part in SIMULATED), "s"),
    )
    return figures(f"{proof['network']} in the gates of {proof['board']}", rows)
