"""``allspin flash``: put the bitstream that was built last onto its board."""

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from boards.board import Board, find_board
from host.built import recall_one
from host.say import say, tell
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
USB = Path("/sys/bus/usb/devices")
"""Where Linux lists what is plugged in."""
NODES = Path("/dev/bus/usb")
"""Where programs reach it."""
NO_ACCESS = re.compile(r"permission|access|denied|usb_open\(\) failed", re.IGNORECASE)
NO_DEVICE = re.compile(r"not found|no (dfu capable|such|usb)|can't find|cannot find", re.IGNORECASE)


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
    say(shlex.join(command))
    sys.stdout.flush()
    if arguments.dry_run:
        return 0
    if not bitstream.is_file():
        raise UserError(
            f"there is no bitstream {bitstream}: build it with allspin build {board.name}"
        )
    tool = shutil.which(command[0])
    if tool is None:
        raise UserError(f"{command[0]} was not found: install {PACKAGES[command[0]]}")
    done = subprocess.run([tool, *command[1:]], capture_output=True, text=True, check=False)
    say(done.stdout.rstrip())
    if done.returncode != 0:
        raise UserError(explain(board, done.stdout + done.stderr, usb_node(board.usb)))
    tell(done.stderr.rstrip())
    say(f"{board.title} is programmed; now: allspin run NET --on auto --baud {board.baud}")
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


def usb_node(usb: str, listed: Path = USB, nodes: Path = NODES) -> Path | None:
    """What a USB device is reached by; None where it is not plugged in.

    Parameters
    ----------
    usb : str
        Its vendor and product.
    listed, nodes : Path
        Where to look.
    """
    vendor, product = usb.split(":")
    for device in sorted(listed.glob("*")):
        with contextlib.suppress(OSError, ValueError):
            found = [(device / f"id{name}").read_text().strip() for name in ("Vendor", "Product")]
            if found == [vendor, product]:
                bus, number = (int((device / f"{name}num").read_text()) for name in ("bus", "dev"))
                return nodes / f"{bus:03d}" / f"{number:03d}"
    return None


def explain(board: Board, said: str, node: Path | None, listed: Path = USB) -> str:
    """One line: what a board's tool could not do, and what helps.

    Parameters
    ----------
    board : Board
        The board.
    said : str
        All that the tool said.
    node : Path or None
        What `usb_node` found.
    listed : Path
        Where it looked.
    """
    tool = board.flash[0]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if NO_ACCESS.search(line) or NO_DEVICE.search(line)]
    words = (telling or lines[-1:] or ["it said nothing"])[0]
    if (node is not None and node.exists() and not os.access(node, os.W_OK)) or (
        telling and NO_ACCESS.search(words)
    ):
        return (
            f"{tool} may not use the USB device {board.usb}: put the line {udev_rule(board)} into "
            "/etc/udev/rules.d/60-allspin.rules, run udevadm control --reload, and plug the board "
            f"in again ({tool}: {words})"
        )
    if (node is None and listed.is_dir()) or (telling and NO_DEVICE.search(words)):
        return (
            f"{tool} finds no {board.title}: connect it, and look for {board.usb} in what lsusb "
            f"prints ({tool}: {words})"
        )
    return f"{tool} failed: {words}"
