"""``allspin gates``: netlists of whole boards, simulated and compared with the golden model."""

import argparse
import dataclasses
import json
from dataclasses import asdict, dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt
from rich.table import Table

from allspin.boards.board import Board
from allspin.boards.build.families import ICE40, family_of
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.gates.models import FAMILIES
from allspin.boards.gates.netlist import Netlist
from allspin.boards.gates.pins import Pins
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.revision import commit
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.terminal import Terminal
from allspin.host.study.gates import Proof, prove
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

NAME = "gates"
HELP = """\
Prove netlists: synthesise a board, simulate the very netlist that its bitstream is made of,
program a network through its UART's pins, and compare every logit with the golden model.

A family stands for one of its boards. A large network takes minutes to compile and some more
to program, bit by bit; what was compiled before is not compiled again."""
EPILOG = """\
exit status 1 if a logit differs

examples:
  allspin gates
  allspin gates ice40 --images 20
  allspin gates ulx3s-85f --network mnist-100 --json
  allspin gates icebreaker --routed
"""

FAMILY_BOARDS = {"ice40": "icebreaker", "ecp5": "ulx3s-25f"}
"""The board that stands for each family."""
DEFAULT_NETWORK = "mnist-10"
DEFAULT_IMAGES = 5
DIFFERENT = 1


@dataclass(frozen=True)
class Result:
    """What ``--json`` prints of a board; see ``docs/gates.md``."""

    board: str
    stage: str
    network: str
    netlist: str
    tools: str
    images: int
    logits_compared: int
    mismatches: int
    resent: int
    cells: dict[str, int]
    clocks_programming: int
    clocks_streaming: int
    simulated_images_per_second: float
    seconds_compiling: float
    seconds_programming: float
    seconds_streaming: float
    commit: str | None


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
    add("--lanes", metavar="L", type=int, help="columns that a row drives in a clock")
    add("--rows-per-clock", metavar="R", type=int, help="rows that are driven in a clock")
    add("--routed", action="store_true", help="simulate what nextpnr has placed and routed (iCE40)")
    add("--seed", metavar="N", type=int, default=1, help="of placing, with --routed (1)")
    add("--tools", choices=get_args(Wanted), default="auto", help="which tools (auto)")
    add("--json", action="store_true", help="print the results as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Prove each board, and say what came of it."""
    network = open_network(arguments.network)
    images, labels = load_test_set(None, [network], arguments.images)
    images, labels = images[: arguments.images], labels[: arguments.images]
    names = [FAMILY_BOARDS.get(name, name) for name in arguments.boards or FAMILIES]
    chosen = [find_board(name) for name in dict.fromkeys(names)]
    for board in chosen:
        family = family_of(board.create_platform())
        if family.name.lower() not in FAMILIES:
            able = [name for name in find_boards() if _has_models(find_board(name))]
            raise UserError(
                f"there are no models of the cells of {board.name} ({family.name}): "
                f"take one of {', '.join(able)}"
            )
        if arguments.routed and family is not ICE40:
            raise UserError(f"--routed is for iCE40, and {board.name} has an {family.name}")
    results = [_prove(board, network, images, arguments) for board in chosen]
    if arguments.json:
        say(json.dumps({"boards": [asdict(result) for result in results]}))
    else:
        for result in results:
            _print_table(result)
    wrong = [result for result in results if result.mismatches]
    for result in wrong:
        warn(
            f"{result.mismatches} of {result.logits_compared} logits of the netlist "
            f"{result.netlist} of {result.board} differ from the golden model"
        )
    return DIFFERENT if wrong else 0


def _has_models(board: Board) -> bool:
    return family_of(board.create_platform()).name.lower() in FAMILIES


def _profile(board: Board, arguments: argparse.Namespace) -> HardwareProfile:
    hardware = board.profile(arguments.profile).hardware
    try:
        for option in ("lanes", "rows_per_clock"):
            if (value := getattr(arguments, option)) is not None:
                hardware = dataclasses.replace(hardware, **{option: value})
    except ValueError as error:
        raise UserError(f"--{str(error).replace('_', '-')}") from error
    return hardware


def _prove(
    board: Board, network: Network, images: npt.NDArray[np.uint8], arguments: argparse.Namespace
) -> Result:
    steps = Steps()

    def progress(what: str, done: float) -> None:
        steps.advance(done, None, f"{board.name}: {what} ... {done:,.0f}")

    try:
        steps.start(f"{board.name}: netlist")
        board = board.running(arguments.profile or next(iter(board.profiles)))
        parameters = ShellParameters.from_network(board, network, _profile(board, arguments))
        build = Build(parameters, arguments.tools, progress)
        synthesised = build.synthesise()
        file = synthesised.folder / "top.json"
        if arguments.routed:
            routed = build.route(synthesised, arguments.seed)
            if routed.bitstream is None:
                raise UserError(f"{board.name} has no room for this machine: try fewer lanes")
            file = routed.folder / "routed.json"
        netlist = Netlist.read(file)
        steps.finish(netlist.digest)
        steps.start(f"{board.name}: simulating {len(netlist.cells):,} cells")
        bit_clocks = board.machine_frequency / board.baud
        proof = prove(netlist, Pins.of_board(board), bit_clocks, network, images, progress)
        steps.finish(f"{proof.mismatches} of {proof.logits} logits differ")
    finally:
        steps.stop()
    return _result(board, build, proof, arguments)


def _result(board: Board, build: Build, proof: Proof, arguments: argparse.Namespace) -> Result:
    return Result(
        board=board.name,
        stage="routed" if arguments.routed else "synthesised",
        network=arguments.network,
        netlist=proof.netlist,
        tools=str(build.tools),
        images=proof.images,
        logits_compared=proof.logits,
        mismatches=proof.mismatches,
        resent=proof.resent,
        cells=proof.cells,
        clocks_programming=proof.clocks_programming,
        clocks_streaming=proof.clocks_streaming,
        simulated_images_per_second=proof.images * board.machine_frequency / proof.clocks_streaming,
        seconds_compiling=proof.seconds_compiling,
        seconds_programming=proof.seconds_programming,
        seconds_streaming=proof.seconds_streaming,
        commit=commit(),
    )


def _print_table(result: Result) -> None:
    table = Table(title=f"{result.network} in the gates of {result.board}", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    clocks = f"{result.clocks_programming:,} + {result.clocks_streaming:,}"
    simulating = result.seconds_programming + result.seconds_streaming
    for row in (
        ("netlist", f"{result.netlist}, {result.stage}"),
        ("cells", f"{sum(result.cells.values()):,}"),
        ("images", f"{result.images:,}"),
        ("logits compared", f"{result.logits_compared:,}"),
        ("mismatches", f"{result.mismatches:,}"),
        ("requests sent again", f"{result.resent:,}"),
        ("clocks, programming and streaming", clocks),
        ("images a simulated second", f"{result.simulated_images_per_second:,.0f}"),
        ("seconds, compiling and simulating", f"{result.seconds_compiling:.0f} + {simulating:.0f}"),
    ):
        table.add_row(*row)
    Terminal().print(table)
