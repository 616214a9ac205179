"""The tools that put a bitstream onto a board, and what they say where they cannot."""

import codecs
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import fields

from serial.tools import list_ports

from allspin.boards.board import Board
from allspin.hdl.cache.process import cannot_run
from allspin.host.link.identity import Identity
from allspin.host.machines.opening import open_port
from allspin.sim.errors import UserError

PATIENCE = 5.0
"""Seconds in which a board must answer: it loads its flash, and its port may come anew."""
PAUSE = 0.2
"""Seconds between two rounds of asking."""


def ports_of(usb: str) -> list[str]:
    """Serial ports of the USB devices of a vendor and product, such as 0403:6010."""
    vendor, product = (int(word, 16) for word in usb.split(":"))
    found = [port for port in list_ports.comports() if (port.vid, port.pid) == (vendor, product)]
    return sorted(port.device for port in found)


def ask(
    ports: Callable[[], Sequence[str]], baud: int, patience: float = PATIENCE
) -> tuple[str, Identity]:
    """What a board says of itself, on the first of some ports that answers.

    Parameters
    ----------
    ports : callable
        Returns names of ports; called in each round, since a board may come back on another.
    baud : int
        Bits a second.
    patience : float
        Seconds in which one must answer.

    Returns
    -------
    str
        The port.
    Identity
        What it says.

    Raises
    ------
    UserError
        If none answers.
    """
    last = time.monotonic() + patience
    while True:
        why = UserError("its serial port is gone")
        for port in ports():
            try:
                device = open_port(port, baud)
            except UserError as error:
                why = error
            else:
                device.close()
                return device.name, device.identity
        if time.monotonic() > last:
            raise why
        time.sleep(PAUSE)


def differences(found: Identity, expected: Identity) -> str | None:
    """What an identity has that another has not, in words; None if they are equal."""
    texts = [
        f"{field.name.replace('_', ' ')} {getattr(found, field.name)}, "
        f"not {getattr(expected, field.name)}"
        for field in fields(Identity)
        if getattr(found, field.name) != getattr(expected, field.name)
    ]
    return "; ".join(texts) or None


PACKAGES = {
    "iceprog": "the package fpga-icestorm",
    "openFPGALoader": "the package openfpgaloader",
    "dfu-util": "the package dfu-util",
    "icesprog": "icesprog, from the tools folder of the board's repository (wuxx/icesugar)",
}
"""What to install for each tool."""
CHUNK = 4096
"""Bytes of a tool's output that are shown at once."""
UNREACHED = re.compile(
    r"permission|access|denied|usb_open\(\) failed|not found|no (dfu capable|such|usb)|can't find|"
    "cannot find",
    re.IGNORECASE,
)


def is_kept(command: Sequence[str]) -> bool:
    """Whether a tool's command writes flash, which keeps the bitstream, and not the FPGA's SRAM.

    As their manuals have it, openFPGALoader writes flash when it is told to, and iceprog SRAM; the
    bootloaders that dfu-util talks to, and icesprog, write flash.
    """
    if command[0] == "openFPGALoader":
        return "-f" in command or "--write-flash" in command
    return not (command[0] == "iceprog" and "-S" in command)


def run_shown(command: Sequence[str], show: Callable[[str], None]) -> tuple[int, str]:
    """Run a tool to its end, and show what it prints as it comes: its progress.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    show : callable
        Gets each piece of its output. Where it raises that nobody reads on, the tool is left
        to end all the same: half a bitstream is in a flash memory by then.

    Returns
    -------
    int
        Its exit status.
    str
        All that it printed.

    Raises
    ------
    UserError
        If it cannot be run.
    """
    said: list[str] = []
    nobody: BrokenPipeError | None = None
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
            said.append(decoder.decode(chunk))
            if nobody is None:
                try:
                    show(said[-1])
                except BrokenPipeError as error:
                    nobody = error
    if nobody is not None:
        raise nobody
    return process.returncode, "".join(said)


def udev_rule(board: Board) -> str:
    """The line that lets a user at a board's programmer."""
    vendor, product = board.usb.split(":")
    return (
        f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}", '
        'TAG+="uaccess"'
    )


def explain(board: Board, said: str) -> str:
    """Why a tool failed, and what to do about it, in a line.

    Parameters
    ----------
    board : Board
        What it should have written to.
    said : str
        All that it printed.
    """
    tool = board.flash[0]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if UNREACHED.search(line)]
    if not telling:
        return f"{tool} failed: {(lines or ['it said nothing'])[-1]}"
    # iceprog says the same of a board that is not there and of one that it may not use.
    return (
        f"{tool} finds no {board.title}, or may not use it ({telling[0]}): connect it, and look "
        f"for {board.usb} in what lsusb prints; if it is there, put the line {udev_rule(board)} "
        "into /etc/udev/rules.d/60-allspin.rules, run udevadm control --reload, and plug the board "
        "in again"
    )
