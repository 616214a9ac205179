"""``allspin build``: bitstreams, with what they came to."""

import threading
import time

from allspin.host.bitstreams.board_tables import build_table
from allspin.host.bitstreams.build_options import BuildChanges, BuildOptions
from allspin.host.bitstreams.builds import BuildDisplay, Built, build_jobs
from allspin.host.bitstreams.jobs import ALL, find_jobs
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
from allspin.host.data.files import check_writable
from allspin.host.show.beat import Beat, clock
from allspin.host.show.say import tell, warn
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically

HELP = """\
Build the bitstream of one or more boards: synthesise, place, route, pack.

Installed tools are used first, then those of the extra [boards]. Finished
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


NETWORK_HELP = (
    "network file, or the name of one that ships (what the machine is built for: mnist-10, of "
    "maps conv-small-10)"
)


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "boards",
        metavar="BOARD[:PROFILE]",
        nargs="+",
        help=f"a board of allspin boards, or {ALL}; PROFILE is one of its machines",
    )
    add_shared(parser, "--network", help=NETWORK_HELP)
    add_shared(parser, "--profile")
    add_options(parser, BuildChanges)
    add_options(parser, BuildOptions)
    add_shared(parser, "-o --output", help="copy the bitstream of one board here")
    add_shared(parser, "--json")


def run(arguments: Arguments) -> int:
    """Build, and print what came of it."""
    options = read_options(arguments, BuildOptions)
    changes = read_options(arguments, BuildChanges)
    with naming_options():
        jobs = find_jobs(arguments.boards, arguments.network, arguments.profile, changes)
    if arguments.output is not None:
        if len(jobs) > 1:
            raise UserError("--output is for one board")
        check_writable(arguments.output)
    log = _Log()
    beat = Beat(lambda: clock(time.monotonic() - log.begun, None))
    try:
        results = build_jobs(jobs, options, log)
    finally:
        beat.stop()
    for note in (note for result in results for note in result.notes):
        warn(note)
    if arguments.output is not None and (bitstream := results[0].bitstream) is not None:
        write_atomically(arguments.output, bitstream.read_bytes())
    records = [result.record for result in results]
    built = [result.record for result in results if result.error is None]
    notes = [f"bitstream: {each['bitstream']}" for each in built if each["bitstream"]]
    record = records[0] if len(records) == 1 else {"boards": records}
    answer(arguments, record, [build_table(each) for each in built], notes)
    shortfalls = [line for result in results if (line := result.shortfall)]
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
