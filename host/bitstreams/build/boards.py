"""Bitstreams of one or more boards, with what they came to."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from allspin.boards.build.tools import Wanted
from allspin.hdl.tools.process import Progress
from allspin.host.bitstreams.build.board import build_board
from allspin.host.bitstreams.build.job import DEFAULT_NETWORK, BuildChanges, Job, find_jobs
from allspin.host.bitstreams.kept import remember
from allspin.sim.errors import UserError, not_one_of
from allspin.sim.network.levels import check_range
from allspin.sim.network.network import Network

MAX_SEED = 2**31 - 1
MAX_SEEDS = 100
MAX_JOBS = 64


@dataclass(frozen=True)
class BuildOptions:
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

    seed: int = 1
    seeds: int = 1
    tools: Wanted = "auto"
    jobs: int = 1

    def __post_init__(self) -> None:
        check_range("seed", self.seed, 1, MAX_SEED)
        check_range("seeds", self.seeds, 1, MAX_SEEDS)
        check_range("jobs", self.jobs, 1, MAX_JOBS)
        if self.tools not in get_args(Wanted):
            raise ValueError(not_one_of("tools", self.tools, get_args(Wanted)))


@dataclass(frozen=True, eq=False)
class Built:
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
    """Shows the progress of boards, called from many threads at once; this one shows nothing."""

    def advance(self, name: str, what: str, seconds: float) -> None:
        """Of the board `name` this is being done, for so many seconds now."""

    def finish(self, built: Built) -> None:
        """A board is done."""


def build(
    boards: str | Sequence[str],
    network: str | Path | Network = DEFAULT_NETWORK,
    *,
    profile: str | None = None,
    changes: BuildChanges | None = None,
    options: BuildOptions | None = None,
    display: BuildDisplay | None = None,
) -> list[Built]:
    """Build the bitstream of one or more boards: synthesise, place, route, pack.

    Parameters
    ----------
    boards : str or sequence of str
        Names of boards, each by itself or as ``board:profile``; or ``all``.
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    profile : str, optional
        Which of a board's machines where its name does not say so; the first.
    changes : BuildChanges, optional
        What the machines have in place of what their profiles say.
    options : BuildOptions, optional
        How they are built.
    display : BuildDisplay, optional
        Shows how far they are.

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
    names = [boards] if isinstance(boards, str) else boards
    jobs = find_jobs(names, network, profile, changes or BuildChanges())
    return build_jobs(jobs, options or BuildOptions(), display or BuildDisplay())


def build_jobs(jobs: Sequence[Job], options: BuildOptions, display: BuildDisplay) -> list[Built]:
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
    if len(jobs) > 1:
        return _Many(jobs, options, display).build()
    (job,) = jobs
    name = job.board.name
    built = _build_one(
        name, job, options, lambda what, seconds: display.advance(name, what, seconds)
    )
    display.finish(built)
    return [built]


def _build_one(name: str, job: Job, options: BuildOptions, progress: Progress) -> Built:
    begun = time.monotonic()
    seeds = range(options.seed, options.seed + options.seeds)
    record, notes = build_board(job, seeds, options.tools, progress)
    remember(record)
    return Built(name, record, notes, time.monotonic() - begun)


class _Many:
    """Several boards at a time."""

    def __init__(self, jobs: Sequence[Job], options: BuildOptions, display: BuildDisplay) -> None:
        self._jobs = jobs
        self._options = options
        self._display = display
        self._stop = threading.Event()

    def build(self) -> list[Built]:
        """Build them all."""
        with ThreadPoolExecutor(max_workers=self._options.jobs) as pool:
            futures = [pool.submit(self._build_one, job) for job in _spread(self._jobs)]
            try:
                done = [future.result() for future in futures]
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        return sorted(done, key=lambda built: built.record["board"])

    def _build_one(self, job: Job) -> Built:
        boards = [each.board.name for each in self._jobs]
        board = job.board.name
        name = board if boards.count(board) == 1 else f"{board}:{job.profile_name}"

        def progress(what: str, seconds: float) -> None:
            if self._stop.is_set():
                raise UserError("interrupted")  # which ends the tool that is running
            self._display.advance(name, what, seconds)

        try:
            built = _build_one(name, job, self._options, progress)
        except UserError as error:
            record = {
                "board": board,
                "profile": job.profile_name,
                "error": str(error),
                "shortfall": f"{name}: {error}",
            }
            built = Built(name, record)
        self._display.finish(built)
        return built


def _spread(jobs: Sequence[Job]) -> list[Job]:
    """Boards of one part far from one another, so that nobody waits for their synthesis."""
    seen: dict[tuple[str, int], int] = {}
    order = []
    for job in jobs:
        part = (job.board.part[:7], job.board.machine_frequency)
        seen[part] = seen.get(part, -1) + 1
        order.append((seen[part], len(order)))
    return [jobs[index] for _, index in sorted(order)]
