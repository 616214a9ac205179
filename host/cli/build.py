"""``allspin build``: bitstreams, with their figures."""

import threading
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from allspin.host.bitstreams.board_tables import build_table
from allspin.host.bitstreams.build_options import BuildChanges, BuildOptions
from allspin.host.bitstreams.builds import BuildDisplay, Built, build_jobs
from allspin.host.bitstreams.jobs import find_jobs
from allspin.host.cli.answers import FAILED, answer
from allspin.host.cli.shared import BOARD, NETWORK, Json, Steps
from allspin.host.data.files import check_writable
from allspin.host.options import FLAT
from allspin.host.show.beat import Beat, clock
from allspin.host.show.say import tell, warn
from allspin.sim.errors import UserError, refused
from allspin.sim.files import write_atomically

EXAMPLES = """\
exit status 1 if a design does not fit or misses its timing

examples:
  allspin build icebreaker
  allspin build ulx3s-85f --network mnist-100 --seeds 3
  allspin build icebreaker:chips --json
  allspin build ulx3s-85f --rows-per-clock 4 --frequency 80
  allspin build ulx3s-25f:chips ulx3s-85f:fast ulx3s-85f:chips --jobs 2
  allspin build all --jobs 2
"""


def run(
    boards: Annotated[list[str], BOARD],
    /,
    *,
    network: Annotated[str | None, NETWORK] = None,
    changes: Annotated[BuildChanges, FLAT] = BuildChanges(),  # noqa: B008 (it is frozen)
    building: Annotated[BuildOptions, FLAT] = BuildOptions(),  # noqa: B008 (it is frozen)
    output: Annotated[Path | None, Parameter(alias="-o", metavar="FILE")] = None,
    json: Json = False,
    steps: Steps,
) -> int:
    """Build the bitstream of one or more boards: synthesise, place, route, pack.

    Installed tools are used first, then those of the extra [boards]. Finished builds are kept and
    not repeated, and an interrupted build resumes. The same inputs and tools give the same
    bitstream.

    Parameters
    ----------
    boards : list of str
        Boards of allspin boards, or all; PROFILE is one of the board's machines, the first unless
        given.
    network : str, optional
        Network file, or the name of a shipped network: the one that the machine is built for
        (mnist-10, of maps conv-small-10) unless given.
    output : Path, optional
        File for a copy of the bitstream of one board.
    """
    with refused(kinds=(ValueError, TypeError)):
        jobs = find_jobs(boards, network, None, changes)
    if output is not None:
        if len(jobs) > 1:
            raise UserError("`output` is for one board")
        check_writable(output)
    log = _Log()
    beat = Beat(lambda: clock(time.monotonic() - log.begun, None))
    try:
        results = build_jobs(jobs, building, log)
    finally:
        beat.stop()
    for result in results:
        for note in result.notes:
            warn(note)
    if output is not None and results[0].bitstream is not None:
        write_atomically(output, results[0].bitstream.read_bytes())
    records = [result.record for result in results]
    built = [result.record for result in results if result.error is None]
    notes = [f"bitstream: {each['bitstream']}" for each in built if each["bitstream"]]
    record = records[0] if len(records) == 1 else {"boards": records}
    tables = [build_table(each) for each in built]
    answer(steps, record, tables, notes, json_wanted=json)
    shortfalls = [result.shortfall for result in results if result.shortfall]
    for line in shortfalls:
        warn(line)
    return FAILED if shortfalls else 0


class _Log(BuildDisplay):
    """Boards, one or several at a time, with a line for each stage."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self._under_way: dict[tuple[int, str], str] = {}

    def _note(self, board: str, what: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.begun), 60)
        tell(f"{minutes:3d}:{seconds:02d} {board}: {what}")

    def advance(self, name: str, what: str, seconds: float) -> None:
        job = threading.get_ident(), name  # the same machine may have been asked for twice
        if what != self._under_way.get(job):
            self._under_way[job] = what
            self._note(name, what)

    def finish(self, built: Built) -> None:
        record = built.record
        if built.error is not None:
            said = f"failed: {built.error}"
        elif record["fits"]:
            met = "meets" if record["meets_timing"] else "misses"
            said = f"{record['fmax_mhz']:.1f} MHz, {met} {record['need_mhz']:g}"
        else:
            said = "does not fit"
        if built.error is None:
            said += f" ({built.seconds:.0f} s now, {record['seconds']:.0f} s of tools)"
        self._note(built.name, said)
