"""The tools that put a bitstream onto a board, and what they say where they cannot."""

import codecs
import contextlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

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
USB = Path("/sys/bus/usb/devices")
"""Where Linux lists what is plugged in."""
NODES = Path("/dev/bus/usb")
"""Where programs reach it."""
CHUNK = 4096
"""Bytes of a tool's output that are shown at once."""
NO_ACCESS = re.compile(r"permission|access|denied|usb_open\(\) failed", re.IGNORECASE)
NO_DEVICE = re.compile(r"not found|no (dfu capable|such|usb)|can't find|cannot find", re.IGNORECASE)


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
