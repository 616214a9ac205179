"""``allspin build``: bitstreams, with what they came to."""

import argparse
import dataclasses
import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from rich.table import Table

from allspin.boards.board import Board
from allspin.boards.build.figures import Figures, Use
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.shell import ShellParameters
from allspin.boards.virtual.build import compiler
from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.parameters import HardwareProfile
from allspin.hdl.tools.process import Progress
from allspin.host.bitstreams.kept import remember
from allspin.host.bitstreams.throughput import measure_throughput
from allspin.host.data.catalogue import open_network
from allspin.host.data.files import check_writable
from allspin.host.data.revision import commit
from allspin.host.show.progress import stages
from allspin.host.show.say import say, tell, warn
from allspin.host.show.terminal import Terminal
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network

NAME = "build"
HELP = """\
Build the bitstream of one or more boards: synthesise, place, route, pack.

Tools that are installed are used, else those of PyPI (pip install 'allspin[boards]'). What was
built before is not built again; a build that is stopped goes on where it was. The same
inputs and tools give the same bitstream."""
EPILOG = """\
exit status 1 if a design does not fit or misses its timing

examples:
  allspin build icebreaker
  allspin build ulx3s-85f --network mnist-100 --seeds 3
  allspin build icebreaker --profile chips --json
  allspin build ulx3s-85f --rows-per-clock 4 --frequency 80
  allspin build ulx3s-25f:chips ulx3s-85f:fast ulx3s-85f:chips --jobs 2
  allspin build all --jobs 2
"""

ALL = "all"
DEFAULT_NETWORK = "mnist-10"
MAX_SEED = 2**31 - 1
MAX_SEEDS = 100
FAILED = 1
"""Exit status where a board does not fit or misses its timing."""


@dataclass(frozen=True)
class Job:
    """One board to be built.

    Parameters
    ----------
    board : Board
        The board.
    profile_name : str
        Which of its machines.
    profile : HardwareProfile
        That machine, with what the command line changes of it.
    network_name : str
        As the user wrote it.
    network : Network
        What the machine runs.
    """

    board: Board
    profile_name: str
    profile: HardwareProfile
    network_name: str
    network: Network


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "boards",
        metavar="BOARD[:PROFILE]",
        nargs="+",
        help=f"see allspin boards; or {ALL}; with one of its machines, if not --profile's",
    )
    add(
        "--network",
        metavar="NET",
        default=DEFAULT_NETWORK,
        help=f"network file, or the name of one that ships ({DEFAULT_NETWORK})",
    )
    add("--profile", metavar="NAME", help="which of the board's machines (the first)")
    add("--lanes", metavar="L", type=int, help="columns that a row drives in a clock")
    add("--rows-per-clock", metavar="R", type=int, help="rows that are driven in a clock")
    add("--frequency", metavar="MHZ", type=float, help="of the machine's clock (the profile's)")
    add("--seed", metavar="N", type=int, default=1, help="of placing (1)")
    add("--seeds", metavar="N", type=int, default=1, help="try N seeds from --seed on (1)")
    add("--tools", choices=get_args(Wanted), default="auto", help="which tools (auto)")
    add("--jobs", metavar="N", type=int, default=1, help="boards at a time (1)")
    add("-o", "--output", metavar="FILE", type=Path, help="copy the bitstream of one board here")
    add("--json", action="store_true", help="print the figures as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Build, and print what came of it."""
    try:
        check_range("--seed", arguments.seed, 1, MAX_SEED)
        check_range("--seeds", arguments.seeds, 1, MAX_SEEDS)
        check_range("--jobs", arguments.jobs, 1, 64)
    except ValueError as error:
        raise UserError(str(error)) from error
    jobs = _jobs(arguments)
    if arguments.output is not None:
        if len(jobs) > 1:
            raise UserError("--output is for one board")
        check_writable(arguments.output)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)

    def build(job: Job, progress: Progress) -> dict[str, Any]:
        figures, lines = build_board(job, seeds, arguments.tools, progress)
        remember(lines)
        if arguments.output is not None and figures.best.bitstream is not None:
            shutil.copyfile(figures.best.bitstream, arguments.output)
        return lines

    if len(jobs) == 1:
        results = [_build_alone(jobs[0], build)]
    else:
        results = _build_many(jobs, build, arguments.jobs)
    if arguments.json:
        say(json.dumps(results[0] if len(results) == 1 else {"boards": results}))
    else:
        for result in results:
            if "error" not in result:
                _print_table(result)
    shortfalls = [line for result in results if (line := result["shortfall"])]
    for line in shortfalls:
        warn(line)
    return FAILED if shortfalls else 0


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    """What is to be built, checked as far as it can be without building."""
    network = open_network(arguments.network)
    if ALL in arguments.boards:
        # Of all boards, those that lack the profile get their usual one.
        chosen = [
            (board, arguments.profile if arguments.profile in board.profiles else None)
            for board in find_boards().values()
        ]
    else:
        chosen = [
            (find_board(name), profile or arguments.profile)
            for name, _, profile in (
                named.partition(":") for named in dict.fromkeys(arguments.boards)
            )
        ]
    jobs = []
    for board, name in chosen:
        hardware = board.profile(name).hardware
        try:
            for option in ("lanes", "rows_per_clock"):
                if (value := getattr(arguments, option)) is not None:
                    hardware = dataclasses.replace(hardware, **{option: value})
        except ValueError as error:
            raise UserError(f"--{str(error).replace('_', '-')}") from error
        name = name or next(iter(board.profiles))
        board = board.running(name)
        if arguments.frequency is not None:
            try:
                board = board.running(name, round(1e6 * arguments.frequency))
            except (OverflowError, ValueError) as error:
                raise UserError(f"--frequency {arguments.frequency:g}: {error}") from error
        jobs.append(Job(board, name, hardware, arguments.network, network))
    return jobs


def build_board(
    job: Job, seeds: range, wanted: Wanted, progress: Progress
) -> tuple[Figures, dict[str, Any]]:
    """Build one board.

    Parameters
    ----------
    job : Job
        What to build.
    seeds : range
        Of placing; all are tried.
    wanted : {"auto", "native", "pypi"}
        Which tools.
    progress : callable
        Told what is being done, and for how many seconds now.

    Returns
    -------
    Figures
        What came of it.
    dict
        The same, as ``--json`` prints it.

    Raises
    ------
    UserError
        If the network cannot run there, or a tool is missing or fails.
    """
    parameters = ShellParameters.from_network(job.board, job.network, job.profile)
    build = Build(parameters, wanted, progress)
    netlist = build.synthesise()
    routed = [build.route(netlist, seed) for seed in seeds]
    figures = Figures.collect(build, job.profile_name, netlist, routed)
    measured = _measured(job, figures, progress)
    resident = parameters.machine.link.engine.resident
    return figures, {
        **figures.to_dict(),
        "network": job.network_name,
        "gateware": build.gateware,
        "baud": job.board.baud,
        **measured,
        "resident_images": None if resident is None else resident.images,
        "shortfall": figures.shortfall,
        "identity": identity_bytes(parameters.machine.link).hex(),
        "commit": commit(),
    }


def _measured(job: Job, figures: Figures, progress: Progress) -> dict[str, Any]:
    """Clocks an image, and images a second at the machine's clock; of what runs there at all."""
    found = None
    if figures.fits and figures.frequency >= figures.need:
        try:
            compiler()
        except UserError as error:
            warn(f"images/s are not measured: {error}")
        else:
            found = measure_throughput(job.network, job.profile, progress)
    if found is None:
        names = ("cycles_per_image", "images_per_second", "link_images_per_second")
        return dict.fromkeys(names)
    return {
        "cycles_per_image": round(found.cycles.per_image, 4),
        "images_per_second": round(found.engine_rate(job.board.machine_frequency)),
        "link_images_per_second": round(found.link_rate(job.board.baud)),
    }


def _build_alone(job: Job, build: Callable[[Job, Progress], dict[str, Any]]) -> dict[str, Any]:
    """One board, with a step for each stage."""
    with stages() as progress:
        return build(job, lambda what, seconds: progress(f"{job.board.name}: {what}", seconds))


def _build_many(
    jobs: list[Job], build: Callable[[Job, Progress], dict[str, Any]], workers: int
) -> list[dict[str, Any]]:
    """Several boards at a time, with a line for each stage; one that fails stops no other."""
    lock = threading.Lock()
    stop = threading.Event()
    begun = time.monotonic()

    def note(board: str, what: str) -> None:
        with lock:
            minutes, seconds = divmod(int(time.monotonic() - begun), 60)
            tell(f"{minutes:3d}:{seconds:02d} {board}: {what}")

    boards = [job.board.name for job in jobs]

    def build_one(job: Job) -> dict[str, Any]:
        board = job.board.name
        name = board if boards.count(board) == 1 else f"{board}:{job.profile_name}"
        under_way = ""

        def progress(what: str, seconds: float) -> None:
            nonlocal under_way
            if stop.is_set():
                raise UserError("interrupted")  # which ends the tool that is running
            if what != under_way:
                under_way = what
                note(name, what)

        alone = time.monotonic()
        try:
            result = build(job, progress)
        except UserError as error:
            note(name, f"failed: {error}")
            return {
                "board": board,
                "profile": job.profile_name,
                "error": str(error),
                "shortfall": f"{name}: {error}",
            }
        took = time.monotonic() - alone
        note(name, f"{_verdict(result)} ({took:.0f} s now, {result['seconds']:.0f} s of tools)")
        return result

    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(build_one, job) for job in _spread(jobs)]
        try:
            done = [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(done, key=lambda result: result["board"])


def _spread(jobs: list[Job]) -> list[Job]:
    """Boards of one part far from one another, so that nobody waits for their synthesis."""
    seen: dict[tuple[str, int], int] = {}
    order = []
    for job in jobs:
        part = (job.board.part[:7], job.board.machine_frequency)
        seen[part] = seen.get(part, -1) + 1
        order.append((seen[part], len(order)))
    return [jobs[index] for _, index in sorted(order)]


def _verdict(result: dict[str, Any]) -> str:
    if not result["fits"]:
        return "does not fit"
    met = "meets" if result["meets_timing"] else "misses"
    return f"{result['fmax_mhz']:.1f} MHz, {met} {result['need_mhz']:g}"


def _print_table(result: dict[str, Any]) -> None:
    table = Table(title=f"{result['network']} on {result['board']}", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")

    def use(name: str) -> str:
        return f"{result[name]:,} ({result[f'{name}_share']:.0%})"

    rows = [
        ("part", result["part"]),
        ("profile", result["profile"]),
        ("lanes, rows a clock", f"{result['lanes']}, {result['rows_per_clock']}"),
        ("LUTs", use("luts")),
        ("flip-flops", use("ffs")),
        ("logic cells", use("cells")),
        *(
            (name, f"{Use(**block).used:,} ({Use(**block).share:.0%})")
            for name, block in result["blocks"].items()
        ),
    ]
    if result["fits"]:
        rows.append(("clock, MHz", f"{result['fmax_mhz']:.2f} of {result['need_mhz']:g} needed"))
        if len(result["seeds"]) > 1:
            rows.append(("  worst of the seeds", f"{result['worst_fmax_mhz']:.2f}"))
    if result["images_per_second"] is not None:
        rows.append(("images a second, machine", f"{result['images_per_second']:,}"))
        rows.append(
            (f"images a second, {result['baud']:,} baud", f"{result['link_images_per_second']:,}")
        )
    rows += [(name, version) for name, version in result["tools"].items()]
    rows.append(("seconds of tools", f"{result['seconds']:,.0f}"))
    if result["bitstream"]:
        rows.append(("bitstream", result["bitstream"]))
    for row in rows:
        table.add_row(*row)
    Terminal().print(table)
