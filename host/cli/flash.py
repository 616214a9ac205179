"""``allspin flash``: put the bitstream that was built last onto its board."""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from boards.board import Board, find_board
from host.built import recall_one
from sim.errors import UserError

NAME = "flash"
HELP = """\
Program a board with the bitstream that was built last for it.

The board's own tool does it; the command is shown before it runs."""
EPILOG = """\
examples:
  allspin flash icebreaker
  allspin flash ulx3s-85f --network mnist-100
  allspin flash ulx3s-85f --dry-run
  allspin flash icebreaker --bitstream other.bin
"""

PACKAGES = {
    "iceprog": "the package fpga-icestorm",
    "openFPGALoader": "the package openfpgaloader",
    "dfu-util": "the package dfu-util",
    "icesprog": "icesprog, from the tools folder of the board's repository (wuxx/icesugar)",
}
"""What to install for each tool."""
FIXES = {
    r"permission|access|insufficient|LIBUSB_ERROR_ACCESS|: -3\b|: -4\b.*denied|usb_open.*-4": "access",
    r"not found|no such device|no dfu capable|can't find|cannot find|no device|unable to open|"
    r"fail(ed)? to open|device_list|: -1\b": "device",
}
"""What tools say, and what it is about; the first that matches."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("board", metavar="BOARD", help="see allspin boards")
    add("--network", metavar="NET", help="which build (the last)")
    add("--profile", metavar="NAME", help="which of the board's machines (the last built)")
    add("--bitstream", metavar="FILE", type=Path, help="this file instead")
    add("--dry-run", action="store_true", help="only show the command")


def run(arguments: argparse.Namespace) -> int:
    """Show the command, and run it."""
    board = find_board(arguments.board)
    if arguments.profile is not None:
        board.profile(arguments.profile)
    bitstream = _bitstream(board, arguments)
    command = [word.replace("{bitstream}", str(bitstream)) for word in board.flash]
    print(shlex.join(command), flush=True)
    if arguments.dry_run:
        return 0
    if not bitstream.is_file():
        raise UserError(f"there is no bitstream {bitstream}: build it with allspin build {board.name}")
    tool = shutil.which(command[0])
    if tool is None:
        raise UserError(f"{command[0]} was not found: install {PACKAGES[command[0]]}")
    done = subprocess.run([tool, *command[1:]], capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        raise UserError(_explain(board, command[0], done.stdout + done.stderr))
    sys.stderr.write(done.stderr)
    print(f"{board.title} is programmed; now: allspin run NET --on auto --baud {board.baud}")
    return 0


def _bitstream(board: Board, arguments: argparse.Namespace) -> Path:
    if arguments.bitstream is not None:
        return arguments.bitstream
    built = recall_one(board.name, arguments.profile, arguments.network)
    if built is None:
        if arguments.dry_run:
            return Path("BITSTREAM")
        raise UserError(f"nothing was built for {board.name}: allspin build {board.name}")
    if built["bitstream"] is None:
        raise UserError(f"the last build has no bitstream: {built['shortfall']}")
    return Path(built["bitstream"])


def udev_rule(board: Board) -> str:
    """The line that lets a user at a board's programmer."""
    vendor, product = board.usb.split(":")
    return (
        f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}", '
        'TAG+="uaccess"'
    )


def _explain(board: Board, tool: str, said: str) -> str:
    """One line: what the tool could not do, and what helps."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = lines[-1] if lines else "it said nothing"
    for line in lines:
        for pattern, subject in FIXES.items():
            if not re.search(pattern, line, re.IGNORECASE):
                continue
            if subject == "access":
                return (
                    f"{tool} may not use the USB device {board.usb}: put the line "
                    f"{udev_rule(board)} into /etc/udev/rules.d/60-allspin.rules, run "
                    "udevadm control --reload, and plug the board in again "
                    f"({tool}: {line})"
                )
            return (
                f"{tool} finds no {board.title}: connect it, and look for {board.usb} in lsusb "
                f"({tool}: {line})"
            )
    return f"{tool} failed: {words}"
