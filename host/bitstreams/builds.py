"""Bitstreams of one or more boards, with what they came to."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from allspin.boards.board import Board, Link, Profile
from allspin.boards.build.figures import figures
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.shell import ShellParameters
from allspin.boards.virtual.build import compiler
from allspin.hdl.cache.process import Progress
from allspin.hdl.link.protocol import NO_TAG, Request, identity_bytes
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.record import USB_RATE, link_rate, measure_throughput, remember
from allspin.host.data.catalogue import network_name, open_network, several
from allspin.host.data.datasets import load_test_set
from allspin.host.keywords import takes
from allspin.host.link.frames import encode_frame
from allspin.host.link.identity import Identity
from allspin.host.link.image_requests import encode_pixels
from allspin.host.show.display import Display
from allspin.host.show.version import commit
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.parameters import Parameters, Shown, megahertz, option

DIGITS = 10


def shown_images(board: Board, network: Network) -> tuple[bytes, ...]:
    """Requests of MNIST's digits, from 0 to 9, as the network would be asked by a host.

    Their tag is one that no host uses, so that a host ignores the answers.

    Parameters
    ----------
    board : Board
        With the profile that it runs.
    network : Network
        What it is built for.

    Returns
    -------
    tuple of bytes
        The first test image of each digit that the ideal network classifies as such, and empty
        where the board has no button or no block RAM for them, or the network is not for digits.
    """
    if not board.button or not board.profile().button or network.beyond_words is not None:
        return ()
    images, labels = load_test_set()
    if network.image_shape != images.shape[1:] or network.classes != DIGITS:
        return ()
    right = GoldenModel(network).classify(images) == labels
    chosen = [np.flatnonzero(right & (labels == digit))[:1] for digit in range(DIGITS)]
    head = bytes([Request.IMAGE]) + NO_TAG.to_bytes(2, "little")
    bodies = encode_pixels(images[np.concatenate(chosen)], network.pixel_bits)
    return tuple(encode_frame(head + body) for body in bodies)


ALL = "all"
"""Stands for every board."""
DEFAULT_NETWORK = "mnist-10"
MHZ = 1e6


ANY = "any network"
"""That is what a general machine is built for."""


def usual_network(profile: Profile) -> str:
    """Name of what a machine is built for, or measured with, where no network is asked for."""
    return profile.network or DEFAULT_NETWORK


def known_as(profile: Profile, network_name: str) -> str:
    """What a build calls the network that it is for: a general machine is the same for each."""
    return network_name if profile.sizes is None else ANY


def network_of(record: Mapping[str, Any]) -> Network:
    """What a build's machine was made for; of a board and a profile that there are."""
    profile = find_boards()[record["board"]].profiles[record["profile"]]
    named = usual_network(profile) if record["network"] == ANY else record["network"]
    return profile.built_for(open_network(named))


@dataclass(frozen=True)
class BuildJob:
    """One board with the machine that it gets.

    Parameters
    ----------
    board : Board
        The board, with the clock of that machine.
    profile_name : str
        Which of its machines.
    profile : HardwareProfile
        That machine, with what was changed of it.
    network_name : str
        As the user wrote it, or `ANY`.
    network : Network
        What the machine is made for.
    runs : Network or None
        What was asked for, where it is another: a machine for any network was made.
    """

    board: Board
    profile_name: str
    profile: HardwareProfile
    network_name: str
    network: Network
    runs: Network | None = None

    def shell(self) -> ShellParameters:
        """The machine on the board, with the images that its button shows.

        Raises
        ------
        UserError
            If the network cannot run there.
        """
        shown = shown_images(self.board, self.network)
        made = ShellParameters.from_network(self.board, self.network, self.profile, shown)
        if self.runs is not None:
            Identity.parse(identity_bytes(made.machine.link)).check(
                f"{self.board.name}:{self.profile_name}", self.runs
            )
        return made


@dataclass(frozen=True)
class BuildChanges:
    """What a machine has in place of what its profile says.

    Parameters
    ----------
    lanes : int or None
        Columns that a row drives in a clock, 1 to 65535; None leaves the profile's.
    rows_per_clock : int or None
        Rows that are driven in a clock, 1, 2, 4, 8 or 16; None leaves the profile's.
    frequency : float or None
        Of the machine's clock, Hz; None leaves the profile's.
    baud : int or None
        Bits a second of the UART, for a bridge or an adapter that makes others; None leaves the
        board's.
    link : {"uart", "usb"} or None
        What carries bytes: the UART, or a USB port in gateware; None leaves the board's.
    """

    lanes: int | None = field(
        default=None, metadata=option("columns that are computed in a cycle", "L")
    )
    rows_per_clock: int | None = field(
        default=None, metadata=option("rows that are driven in a cycle", "R")
    )
    frequency: float | None = field(
        default=None,
        metadata=option(
            "clock frequency of the machine (the profile's)",
            "MHZ",
            type=megahertz,
        ),
    )
    baud: int | None = field(
        default=None,
        metadata=option(
            "bits a second of the UART, which then must be named to run (the board's)", "B"
        ),
    )
    link: str | None = field(
        default=None,
        metadata=option(
            "what carries bytes: a UART, or the FPGA's own USB port (the board's)",
            "LINK",
            choices=get_args(Link),
        ),
    )


def make_job(
    board: Board,
    profile: str | None,
    network_name: str,
    network: Network,
    changes: BuildChanges,
) -> BuildJob:
    """A board with one of its machines, the first if none is named.

    Raises
    ------
    UserError
        If the board has no such machine.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    changed = {
        name: value
        for name in ("lanes", "rows_per_clock")
        if (value := getattr(changes, name)) is not None
    }
    name = profile or next(iter(board.profiles))
    others = {
        key: value for key in ("baud", "link") if (value := getattr(changes, key)) is not None
    }
    try:
        frequency = None if changes.frequency is None else round(changes.frequency)
        running = board.running(name, frequency, **others)
    except (OverflowError, ValueError) as error:
        asked = {"frequency": f"{(changes.frequency or 0) / MHZ:g}", **others}
        what = "frequency" if changes.frequency is not None else next(iter(others))
        raise ValueError(f"{what} {asked[what]}: {error}") from error
    own = running.profile()
    hardware = replace(own.hardware, **changed)
    return BuildJob(
        running,
        name,
        hardware,
        known_as(own, network_name),
        own.built_for(network),
        network,
    )


def find_jobs(
    boards: Sequence[str],
    network: str | Path | Network | None,
    profile: str | None,
    changes: BuildChanges,
) -> list[BuildJob]:
    """What is to be built, checked as far as it can be without building.

    Parameters
    ----------
    boards : sequence of str
        Each a board's name, or ``board:profile``; or `ALL`.
    network : str, Path, Network or None
        A network, its file, or the name of one that ships; None for what each profile is built
        for.
    profile : str or None
        The machine of those that name none; None for their first.
    changes : BuildChanges
        What the machines have in place of what their profiles say.

    Raises
    ------
    UserError
        If there is no such network, board or profile.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    # Of a wrong name nothing else is said.
    opened = None if network is None else open_network(network)
    if ALL in boards:
        # Of all boards, those that lack the profile get their usual one.
        found = [
            (board, profile if profile in board.profiles else None)
            for board in find_boards().values()
        ]
    else:
        named = (name.partition(":") for name in dict.fromkeys(boards))
        found = [(find_board(name), own or profile) for name, _, own in named]
    jobs = []
    for board, name in found:
        own = network or usual_network(board.profile(name))
        jobs.append(make_job(board, name, network_name(own), opened or open_network(own), changes))
    return jobs


def build_board(
    job: BuildJob, seeds: range, wanted: Wanted, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Build one board.

    Parameters
    ----------
    job : BuildJob
        What to build.
    seeds : range
        Of placing; all are tried.
    wanted : {"auto", "native", "pypi"}
        Which tools.
    progress : callable
        Told what is being done, and for how many seconds now.

    Returns
    -------
    dict
        What came of it, as ``allspin build --json`` prints it.
    tuple of str
        What else there is to know, a line each.

    Raises
    ------
    UserError
        If the network cannot run there, or a tool is missing or fails.
    """
    parameters = job.shell()
    build = Build(parameters, wanted, progress)
    netlist = build.synthesise()
    routed = [build.route(netlist, seed) for seed in seeds]
    found = figures(build, job.profile_name, netlist, routed)
    measured, notes = _measured(job, found["meets_timing"], progress)
    resident = parameters.machine.link.engine.resident
    record = {
        **found,
        "network": job.network_name,
        "gateware": build.gateware,
        "baud": job.board.baud,
        "link": job.board.link,
        **measured,
        "resident_images": None if resident is None else resident.images,
        "identity": identity_bytes(parameters.machine.link).hex(),
        "commit": commit(),
    }
    return record, notes


NOT_MEASURED: dict[str, Any] = dict.fromkeys(
    ("cycles_per_image", "latency_cycles", "images_per_second", "link_images_per_second")
)


def _measured(
    job: BuildJob, runs: bool, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Cycles per image, and images/s at the machine's clock; of what runs there at all."""
    if not runs:
        return NOT_MEASURED, ()
    try:
        compiler()
    except UserError as error:
        return NOT_MEASURED, (f"images/s are not measured: {error}",)
    # Of a machine for any network the figures are the usual one's, whatever was asked for.
    found = measure_throughput(
        open_network(DEFAULT_NETWORK) if job.network_name == ANY else job.network,
        job.profile,
        progress,
        job.network,
    )
    if found is None:
        return NOT_MEASURED, ()
    rate = USB_RATE if job.board.link == "usb" else job.board.baud
    values = (
        round(found.cycles, 4),
        None if found.latency is None else round(found.latency, 2),
        round(job.board.machine_frequency / found.cycles),
        round(link_rate(rate, found.link_bytes)),
    )
    return dict(zip(NOT_MEASURED, values, strict=True)), ()


MAX_SEED = 2**31 - 1
MAX_SEEDS = 100
MAX_JOBS = 64


@dataclass(frozen=True)
class BuildOptions(Parameters):
    """How boards are built.

    Parameters
    ----------
    seed : int
        The first seed of the placement, 1 to 2**31 - 1.
    seeds : int
        How many seeds are tried from that on, 1 to 100; the fastest counts.
    tools : {"auto", "native", "pypi"}
        Only installed tools (``native``), only those of PyPI, or installed ones first (``auto``).
    jobs : int
        Boards at a time, 1 to 64.

    Raises
    ------
    ValueError
        If one is out of its range; the message begins with its name.
    """

    seed: int = field(
        default=1,
        metadata={"low": 1, "high": MAX_SEED} | option("seed of the placement (1)", "N"),
    )
    seeds: int = field(
        default=1,
        metadata={"low": 1, "high": MAX_SEEDS} | option("try N seeds from --seed on (1)", "N"),
    )
    tools: Wanted = field(
        default="auto",
        metadata={"known": get_args(Wanted)}
        | option("which tools (auto)", choices=get_args(Wanted)),
    )
    jobs: int = field(
        default=1, metadata={"low": 1, "high": MAX_JOBS} | option("boards at a time (1)", "N")
    )


@dataclass(frozen=True, eq=False)
class Built(Shown):
    """What came of one board.

    Attributes
    ----------
    name : str
        The board's; ``board:profile`` where more than one of its machines is built.
    record : mapping
        What ``allspin build --json`` prints of it; with ``error`` where it was not built.
    notes : tuple of str
        What else there is to know, a line each.
    seconds : float
        That it took now, of the wall's clock.
    """

    name: str
    record: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def error(self) -> str | None:
        """Why it was not built; None where it was."""
        return self.record.get("error")

    @property
    def shortfall(self) -> str | None:
        """A line on what is wrong and what to change; None where nothing is."""
        return self.record["shortfall"]

    @property
    def bitstream(self) -> Path | None:
        """The file; None where the design did not fit or was not built."""
        file = self.record.get("bitstream")
        return None if file is None else Path(file)


class BuildDisplay:
    """Shows the progress of boards, called from many threads at once.

    Parameters
    ----------
    progress : Display
        Where what is being done is part of a step.
    """

    def __init__(self, progress: Display) -> None:
        self._progress = progress

    def advance(self, name: str, what: str, seconds: float) -> None:
        """Of the board `name` this is being done, for so many seconds now."""
        self._progress.advance(seconds, None, f"{name}: {what}")

    def finish(self, built: Built) -> None:
        """A board is done."""


@takes(changes=BuildChanges, options=BuildOptions)
def build(
    boards: str | Sequence[str],
    network: str | Path | Network | None = None,
    *,
    profile: str | None = None,
    changes: BuildChanges | None = None,
    options: BuildOptions | None = None,
    progress: Any = None,
    **keywords: Any,
) -> list[Built]:
    """Build the bitstream of one or more boards: synthesise, place, route, pack.

    Parameters
    ----------
    boards : str or sequence of str
        Names of boards, each by itself or as ``board:profile``; or ``all``.
    network : str, Path or Network, optional
        A network, its file, or the name of one that ships; what each machine is built for
        (``mnist-10`` but of those for feature maps).
    profile : str, optional
        Which of a board's machines where its name does not say so; the first.
    changes : BuildChanges, optional
        What the machines have in place of what their profiles say.
    options : BuildOptions, optional
        How they are built.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.
    **keywords
        Of `changes` and `options`, as ``allspin build`` has them: ``build("icebreaker", seed=2)``.

    Returns
    -------
    list of Built
        As `build_jobs`.

    Raises
    ------
    UserError
        If there is no such network, board or profile, and as `build_jobs`.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    jobs = find_jobs(several(boards), network, profile, changes or BuildChanges())
    progress.start("building")
    return build_jobs(jobs, options or BuildOptions(), BuildDisplay(progress))


def build_jobs(
    jobs: Sequence[BuildJob], options: BuildOptions, progress: BuildDisplay
) -> list[Built]:
    """Build some boards, and keep their figures; what was built before is not built again.

    Returns
    -------
    list of Built
        In the order of the boards' names. Of several, one that fails stops no other.

    Raises
    ------
    UserError
        Of a single board, if the network cannot run there, or a tool is missing or fails.
    """
    names = [job.board.name for job in jobs]
    seeds = range(options.seed, options.seed + options.seeds)
    stop = threading.Event()

    def build_one(job: BuildJob) -> Built:
        board = job.board.name
        name = board if names.count(board) == 1 else f"{board}:{job.profile_name}"

        def under_way(what: str, seconds: float) -> None:
            if stop.is_set():
                raise UserError("interrupted")  # which ends the tool that is running
            progress.advance(name, what, seconds)

        begun = time.monotonic()
        try:
            record, notes = build_board(job, seeds, options.tools, under_way)
            remember(record)
            built = Built(name, record, notes, time.monotonic() - begun)
        except UserError as error:
            if len(jobs) == 1:
                raise
            failed = {"board": board, "profile": job.profile_name, "error": str(error)}
            built = Built(name, {**failed, "shortfall": f"{name}: {error}"})
        progress.finish(built)
        return built

    if len(jobs) == 1:
        return [build_one(jobs[0])]
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        futures = [pool.submit(build_one, job) for job in jobs]
        try:
            done = [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return sorted(done, key=lambda built: built.record["board"])
