"""``allspin build``: bitstreams, with what they came to."""

import argparse
import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from allspin.host.bitstreams.build import (
    ALL,
    DEFAULT_NETWORK,
    BuildChanges,
    BuildDisplay,
    BuildOptions,
    Built,
    build_jobs,
    find_jobs,
)
from allspin.host.bitstreams.tables import build_table
from allspin.host.cli.options import add_options, add_shared, answer, read_options
from allspin.host.cli.parser import naming_options
from allspin.host.data.files import check_writable
from allspin.host.show.progress import stages
from allspin.host.show.say import Beat, clock, tell, warn
from allspin.sim.errors import UserError

HELP = """\
Build the bitstream of one or more boards: synthesise, place, route, pack.

Installed tools are used first, then those of PyPI (pip install 'allspin[boards]'). Finished
builds are kept and not repeated, and an interrupted build resumes. The same inputs and tools
give the same bitstream."""
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

FAILED = 1
"""Exit status where a board does not fit or misses its timing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "boards",
        metavar="BOARD[:PROFILE]",
        nargs="+",
        help=f"a board of allspin boards, or {ALL}; PROFILE is one of its machines",
    )
    add_shared(parser, "--network", default=DEFAULT_NETWORK)
    add("--profile", metavar="NAME", help="which of the board's machines (the first)")
    add_options(parser, BuildChanges)
    add_options(parser, BuildOptions)
    add("-o", "--output", metavar="FILE", type=Path, help="copy the bitstream of one board here")
    add_shared(parser, "--json")


def run(arguments: argparse.Namespace) -> int:
    """Build, and print what came of it."""
    options = read_options(arguments, BuildOptions)
    changes = read_options(arguments, BuildChanges)
    with naming_options():
        jobs = find_jobs(arguments.boards, arguments.network, arguments.profile, changes)
    if arguments.output is not None:
        if len(jobs) > 1:
            raise UserError("--output is for one board")
        check_writable(arguments.output)
    with _shown(len(jobs)) as shown:
        results = build_jobs(jobs, options, shown)
    if arguments.output is not None and (bitstream := results[0].bitstream) is not None:
        shutil.copyfile(bitstream, arguments.output)
    records = [result.record for result in results]
    built = [result.record for result in results if result.error is None]
    notes = [f"bitstream: {each['bitstream']}" for each in built if each["bitstream"]]
    record = records[0] if len(records) == 1 else {"boards": records}
    answer(arguments, record, [build_table(each) for each in built], notes)
    shortfalls = [line for result in results if (line := result.shortfall)]
    for line in shortfalls:
        warn(line)
    return FAILED if shortfalls else 0


class _Stages(BuildDisplay):
    """One board, with a step for each stage."""

    def __init__(self, stage: Callable[[str, float], None]) -> None:
        self._stage = stage

    def advance(self, name: str, what: str, seconds: float) -> None:
        self._stage(f"{name}: {what}", seconds)

    def finish(self, built: Built) -> None:
        for note in built.notes:
            warn(note)


class _Log(BuildDisplay):
    """Several boards at a time, with a line for each stage."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._under_way: dict[tuple[int, str], str] = {}

    def _note(self, board: str, what: str) -> None:
        with self._lock:
            minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
            tell(f"{minutes:3d}:{seconds:02d} {board}: {what}")

    def so_far(self) -> str:
        """For how long, in words."""
        return clock(time.monotonic() - self._begun, None)

    def advance(self, name: str, what: str, seconds: float) -> None:
        job = threading.get_ident(), name  # the same machine may have been asked for twice
        if what != self._under_way.get(job):
            self._under_way[job] = what
            self._note(name, what)

    def finish(self, built: Built) -> None:
        for note in built.notes:
            warn(note)
        if built.error is not None:
            self._note(built.name, f"failed: {built.error}")
            return
        tools = built.record["seconds"]
        took = f"{built.seconds:.0f} s now, {tools:.0f} s of tools"
        self._note(built.name, f"{_verdict(built.record)} ({took})")


@contextlib.contextmanager
def _shown(jobs: int) -> Iterator[BuildDisplay]:
    """Steps of one board, or lines of several."""
    if jobs == 1:
        with stages() as stage:
            yield _Stages(stage)
        return
    log = _Log()
    beat = Beat(log.so_far)
    try:
        yield log
    finally:
        beat.stop()


def _verdict(result: Mapping[str, Any]) -> str:
    if not result["fits"]:
        return "does not fit"
    met = "meets" if result["meets_timing"] else "misses"
    return f"{result['fmax_mhz']:.1f} MHz, {met} {result['need_mhz']:g}"
