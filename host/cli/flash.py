"""``allspin flash``: put the bitstream that was built last onto its board."""

import contextlib
import hashlib
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from allspin.boards.board import Board
from allspin.boards.catalogue import find_board
from allspin.host.bitstreams.flash import (
    PACKAGES,
    ask,
    differences,
    explain,
    is_kept,
    ports_of,
    run_shown,
)
from allspin.host.bitstreams.record import recall, recall_one
from allspin.host.cli.options import Arguments, Parser
from allspin.host.link.identity import Identity
from allspin.host.show.say import pass_on, say, warn
from allspin.sim.errors import UserError
from allspin.sim.files import read_file

MAX_BITSTREAM = 1 << 26
"""Bytes of a bitstream, several times those of the largest part here, written as text."""
HELP = """\
Program a board with the bitstream that was built last for it.

The board's own tool does it; the command is shown before it runs, with whether the bitstream
stays at power-off. A bitstream that misses timing, or was not built on this computer, needs
--force. Afterwards the board is asked for its identity, if its serial port is known."""
EPILOG = """\
examples:
  allspin flash icebreaker
  allspin flash ulx3s-85f --network mnist-100
  allspin flash ulx3s-85f --dry-run
  allspin flash icebreaker --bitstream other.bin --force --port /dev/ttyUSB1
"""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("board", metavar="BOARD", help="see allspin boards")
    parser.add_argument("--network", metavar="NET", help="network of the build (the last one)")
    parser.add_argument(
        "--profile", metavar="NAME", help="which of the board's machines (the last built)"
    )
    parser.add_argument("--bitstream", metavar="FILE", type="file", help="program this file")
    parser.add_argument(
        "--force", action="store_true", help="program a bitstream that misses timing, or may"
    )
    parser.add_argument(
        "--port", help="serial port to ask afterwards (that of the board's USB device)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show the command")


def run(arguments: Arguments) -> int:
    """Show the command, run it, and ask the board what it is."""
    board = find_board(arguments.board)
    if arguments.profile is not None:
        board.profile(arguments.profile)
    bitstream, built = _find(board, arguments)
    if not arguments.dry_run:
        built = _check(board, bitstream, built, arguments.force)
    command = [word.replace("{bitstream}", str(bitstream)) for word in board.flash]
    say(shlex.join(command))
    kept = "into flash, which keeps it at power-off"
    say(kept if is_kept(command) else "into the FPGA's SRAM: it is lost at power-off")
    sys.stdout.flush()
    if arguments.dry_run:
        return 0
    tool = shutil.which(command[0])
    if tool is None:
        raise UserError(f"{command[0]} was not found: install {PACKAGES[command[0]]}")
    status, said = run_shown([tool, *command[1:]], pass_on)
    if status != 0:
        raise UserError(explain(board, said))
    _ask(board, built, arguments.port)
    say(f"{board.title} is programmed; now: allspin run NET --on auto --baud {board.baud}")
    return 0


def _find(board: Board, arguments: Arguments) -> tuple[Path, dict[str, Any] | None]:
    """The bitstream, and the figures of its build unless it is a file of the user's."""
    if arguments.bitstream is not None:
        return arguments.bitstream, None
    built = recall_one(board.name, arguments.profile, arguments.network)
    if built is None:
        if arguments.dry_run:
            return Path("BITSTREAM"), None
        raise UserError(f"nothing was built for {board.name}: allspin build {board.name}")
    if not isinstance(built.get("bitstream"), str):
        raise UserError(f"the last build has no bitstream: {built['shortfall']}")
    return Path(built["bitstream"]), built


def _check(
    board: Board, bitstream: Path, built: dict[str, Any] | None, force: bool
) -> dict[str, Any] | None:
    """Refuse a bitstream that is missing, damaged or too slow; the figures of its build."""
    if not os.path.exists(bitstream):  # False too for what can be no name
        raise UserError(
            f"there is no bitstream {bitstream}: build it with allspin build {board.name}"
        )
    found = hashlib.sha256(read_file(bitstream, "bitstream", MAX_BITSTREAM)).hexdigest()
    if built is None:  # a copy of a build's is known by its content
        same = (each for each in recall() if each.get("bitstream_sha256") == found)
        built = next((each for each in same if each["board"] == board.name), None)
    elif built.get("bitstream_sha256") not in (None, found):
        raise UserError(f"{bitstream} is damaged: build it again with allspin build {board.name}")
    if built is None:
        doubt = f"{bitstream} was not built on this computer, so it may not meet its clock"
    elif not built["meets_timing"]:
        doubt = f"{built['shortfall']}; its answers may be wrong"
    else:
        return built
    if not force:
        raise UserError(f"{doubt}; --force programs it anyway")
    warn(doubt)
    return built


def _ask(board: Board, built: dict[str, Any] | None, port: str | None) -> None:
    """Compare what the board says of itself with what was built, where its port is known."""
    if port is None and not ports_of(board.usb):
        say("its serial port is not known, so it was not asked what it is; --port names one")
        return
    try:
        on, identity = ask(lambda: [port] if port else ports_of(board.usb), board.baud)
    except UserError as error:
        unanswered = f"{board.title} was programmed, but does not answer: {error}"
        if port is not None:
            raise UserError(unanswered) from error
        warn(unanswered)
        return
    expected = None
    with contextlib.suppress(KeyError, TypeError, ValueError):
        # A build of former days, or a file of the user's, does not tell.
        expected = Identity.parse(bytes.fromhex((built or {})["identity"]))
    if expected is None:
        say(f"{on} answers: {identity}")
    elif (why := differences(identity, expected)) is not None:
        raise UserError(f"what answers on {on} is not what was programmed: {why}")
    else:
        say(f"{on} answers as it was built: {identity}")
