"""Build the bitstreams of boards, and keep their manifests."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allspin.boards.build.figures import figures
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.virtual.build import compiler
from allspin.hdl.cache.process import Progress
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.bitstreams.build_options import BuildChanges, BuildOptions
from allspin.host.bitstreams.jobs import ANY, DEFAULT_NETWORK, BuildJob, find_jobs
from allspin.host.bitstreams.kept import keep_manifest
from allspin.host.bitstreams.manifest import Manifest
from allspin.host.bitstreams.throughput import USB_RATE, link_rate, measure_throughput
from allspin.host.data.catalogue import open_network, several
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.host.show.version import commit
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.parameters import Shown


@dataclass(frozen=True, eq=False)
class Built(Shown):
    """Result of one board's build.

    Attributes
    ----------
    name : str
        The board's name; ``board:profile`` if several of its machines are built.
    record : mapping
        Manifest of the build, as ``allspin build --json`` prints it; with ``error`` if it failed.
    notes : tuple of str
        Further remarks, a line each.
    seconds : float
        Wall-clock time of this call.
    """

    name: str
    record: Manifest
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def error(self) -> str | None:
        """Reason why the board was not built; None if it was."""
        return self.record.get("error")

    @property
    def shortfall(self) -> str | None:
        """A line with the problem and its remedy; None without a problem."""
        return self.record["shortfall"]

    @property
    def bitstream(self) -> Path | None:
        """The bitstream's file; None if the design does not fit or was not built."""
        file = self.record.get("bitstream")
        return None if file is None else Path(file)


class BuildDisplay:
    """Display of the progress of several boards, called from many threads.

    Parameters
    ----------
    progress : Display
        Display whose current step the builds are part of.
    """

    def __init__(self, progress: Display) -> None:
        self._progress = progress

    def advance(self, name: str, what: str, seconds: float) -> None:
        """Show the current step of board `name`, and the seconds since it began."""
        self._progress.advance(seconds, None, f"{name}: {what}")

    def finish(self, built: Built) -> None:
        """Show that a board is done."""


@shows_progress
def build(
    boards: str | Sequence[str],
    network: str | Path | Network | None = None,
    *,
    profile: str | None = None,
    changes: BuildChanges | None = None,
    options: BuildOptions | None = None,
    progress: Any = None,
) -> list[Built]:
    """Build the bitstream of one or more boards: synthesise, place, route, pack.

    Parameters
    ----------
    boards : str or sequence of str
        Names of boards, each alone or as ``board:profile``; or ``all``.
    network : str, Path or Network, optional
        A network, its file, or the name of one that ships; by default each machine's usual one
        (``mnist-10``, but ``conv-small-10`` for feature maps).
    profile : str, optional
        Machine of the boards that name none; by default their first.
    changes : BuildChanges, optional
        Changes to the machines.
    options : BuildOptions, optional
        Options of the build.
    progress : Display or bool, optional
        Display of the progress: by default a bar, in a terminal or a notebook.

    Returns
    -------
    list of Built
        Results as of `build_jobs`.

    Raises
    ------
    UserError
        If the network, board or profile is unknown, and as `build_jobs`.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    jobs = find_jobs(several(boards), network, profile, changes or BuildChanges())
    progress.start("building")
    return build_jobs(jobs, options or BuildOptions(), BuildDisplay(progress))


def build_jobs(
    jobs: Sequence[BuildJob], options: BuildOptions, progress: BuildDisplay
) -> list[Built]:
    """Build some boards, and keep their manifests; finished stages are not repeated.

    Returns
    -------
    list of Built
        In the order of the boards' names. One of several boards that fails stops no other.

    Raises
    ------
    UserError
        For a single board, if the network cannot run there, or a tool is missing or fails.
    """
    names = [job.board.name for job in jobs]
    seeds = range(options.seed, options.seed + options.seeds)
    stop = threading.Event()

    def build_one(job: BuildJob) -> Built:
        board = job.board.name
        name = board if names.count(board) == 1 else f"{board}:{job.profile_name}"

        def under_way(what: str, seconds: float) -> None:
            if stop.is_set():
                raise UserError("interrupted")  # which ends the running tool
            progress.advance(name, what, seconds)

        begin = time.monotonic()
        try:
            manifest, notes = build_board(job, seeds, options.tools, under_way)
            keep_manifest(manifest)
            built = Built(name, manifest, notes, time.monotonic() - begin)
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


def build_board(
    job: BuildJob, seeds: range, wanted: Wanted, progress: Progress
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Build one board.

    Parameters
    ----------
    job : BuildJob
        The board and its machine.
    seeds : range
        Seeds of the placement; all are tried.
    wanted : {"auto", "native", "pypi"}
        Source of the tools.
    progress : callable
        Called with the step and the seconds since it began.

    Returns
    -------
    dict
        Manifest of the build.
    tuple of str
        Further remarks, a line each.

    Raises
    ------
    UserError
        If the network cannot run there, or a tool is missing or fails.
    """
    shell = job.shell()
    build = Build(shell, wanted, progress)
    netlist = build.synthesise()
    routed = [build.route(netlist, seed) for seed in seeds]
    found = figures(build, job.profile_name, netlist, routed)
    rates, notes = _rates(job, progress) if found["meets_timing"] else (NOT_MEASURED, ())
    resident = shell.machine.link.engine.resident
    manifest = {
        **found,
        "network": job.network_name,
        "gateware": build.gateware,
        "baud": job.board.baud,
        "link": job.board.link,
        **rates,
        "resident_images": None if resident is None else resident.images,
        "identity": identity_bytes(shell.machine.link).hex(),
        "commit": commit(),
    }
    return manifest, notes


NOT_MEASURED: dict[str, Any] = {
    "cycles_per_image": None,
    "latency_cycles": None,
    "images_per_second": None,
    "link_images_per_second": None,
}


def _rates(job: BuildJob, progress: Progress) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Cycles per image, and images/s at the machine's clock."""
    try:
        compiler()
    except UserError as error:
        return NOT_MEASURED, (f"images/s are not measured: {error}",)
    # The rates of a machine for any network are those of the usual one.
    network = open_network(DEFAULT_NETWORK) if job.network_name == ANY else job.network
    measured = measure_throughput(network, job.profile, progress, job.network)
    if measured is None:
        return NOT_MEASURED, ()
    baud = USB_RATE if job.board.link == "usb" else job.board.baud
    latency = measured.latency
    rates = {
        "cycles_per_image": round(measured.cycles, 4),
        "latency_cycles": None if latency is None else round(latency, 2),
        "images_per_second": round(job.board.machine_frequency / measured.cycles),
        "link_images_per_second": round(link_rate(baud, measured.link_bytes)),
    }
    return rates, ()
