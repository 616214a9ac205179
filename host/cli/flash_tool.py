"""Programs that write bitstreams into boards: their run, and the explanation of a failure."""

import codecs
import os
import re
import subprocess
from collections.abc import Callable, Sequence

from allspin.boards.board import Board
from allspin.hdl.cache.process import cannot_run

PACKAGES = {
    "iceprog": "the package fpga-icestorm",
    "openFPGALoader": "the package openfpgaloader",
    "dfu-util": "the package dfu-util",
    "icesprog": "icesprog, from the tools folder of the board's repository (wuxx/icesugar)",
}
"""Package that each tool comes with."""
CHUNK = 4096
"""Bytes of a tool's output that are shown at once."""
UNREACHED = re.compile(
    r"permission|access|denied|usb_open\(\) failed|not found|no (dfu capable|such|usb)|can't find|"
    "cannot find",
    re.IGNORECASE,
)
"""Message of a tool that did not reach the board."""


def is_kept(command: Sequence[str]) -> bool:
    """Return True if a tool's command writes flash, which keeps the bitstream, and not SRAM.

    According to their manuals, openFPGALoader writes flash with an option, and iceprog writes SRAM
    with an option; icesprog and the bootloaders that dfu-util talks to write flash.
    """
    if command[0] == "openFPGALoader":
        return "-f" in command or "--write-flash" in command
    return not (command[0] == "iceprog" and "-S" in command)


def run_shown(command: Sequence[str], show: Callable[[str], None]) -> tuple[int, str]:
    """Run a tool to its end, and show its output, which tells the progress, as it comes.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    show : callable
        Called with each piece of the output. If it raises `BrokenPipeError`, the tool still runs
        to its end, since half a bitstream is in the flash memory by then.

    Returns
    -------
    int
        Exit status of the tool.
    str
        Output of the tool.

    Raises
    ------
    UserError
        If the tool cannot be run.
    """
    output: list[str] = []
    reader_gone: BrokenPipeError | None = None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise cannot_run(command[0], error) from error
    with process:
        assert process.stdout is not None
        while chunk := os.read(process.stdout.fileno(), CHUNK):
            output.append(decoder.decode(chunk))
            if reader_gone is None:
                try:
                    show(output[-1])
                except BrokenPipeError as error:
                    reader_gone = error
    if reader_gone is not None:
        raise reader_gone
    return process.returncode, "".join(output)


def udev_rule(board: Board) -> str:
    """Return the udev rule that lets a user access a board's programmer."""
    vendor, product = board.usb.split(":")
    return (
        f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}", '
        'TAG+="uaccess"'
    )


def explain(board: Board, output: str) -> str:
    """Explain in a line why a tool failed, and how to mend it.

    Parameters
    ----------
    board : Board
        Board that the tool should have programmed.
    output : str
        Output of the tool.
    """
    tool = board.flash[0]
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    unreached = [line for line in lines if UNREACHED.search(line)]
    if not unreached:
        return f"{tool} failed: {(lines or ['it said nothing'])[-1]}"
    # iceprog prints the same for a missing board and for one that it may not access.
    return (
        f"{tool} finds no {board.title}, or may not use it ({unreached[0]}): connect it, and look "
        f"for {board.usb} in what lsusb prints; if it is there, put the line {udev_rule(board)} "
        "into /etc/udev/rules.d/60-allspin.rules, run udevadm control --reload, and plug the board "
        "in again"
    )
