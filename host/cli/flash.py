"""``allspin flash``: put the bitstream that was built last onto its board, by its own tool."""

import codecs
import contextlib
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from allspin.boards.board import Board
from allspin.boards.catalogue import find_board
from allspin.hdl.cache.process import cannot_run
from allspin.hdl.link.protocol import PRODUCT, VENDOR
from allspin.host.bitstreams.kept import (
    FLASHED,
    keep_manifest,
    kept_manifests,
    latest_manifest,
)
from allspin.host.bitstreams.release import (
    MAX_BITSTREAM,
    find_released,
)
from allspin.host.cli.command import check_excludes
from allspin.host.cli.shared import BOARD, NETWORK
from allspin.host.link.identity import Identity
from allspin.host.link.serial_port import usb_devices
from allspin.host.machines.opening import open_port
from allspin.host.show.say import pass_on, say, warn
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.systems import SystemModule

list_ports = SystemModule("serial.tools.list_ports")

PATIENCE = 5.0
"""Seconds in which a board must answer: it loads its flash, and its port may come anew."""
PAUSE = 0.2
"""Seconds between two rounds of asking."""


def ports_of(usb: str) -> list[str]:
    """Serial ports of the USB devices of a vendor and product, such as 0403:6010."""
    return sorted(port for port, device in usb_devices().items() if device == usb)


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


EXAMPLES = """\
examples:
  allspin flash icebreaker
  allspin flash ulx3s-85f --network mnist-100
  allspin flash ulx3s-85f:general
  allspin flash ulx3s-85f --dry-run
  allspin flash icebreaker --from allspin-1.0.0-bitstreams.zip
  allspin flash icebreaker --bitstream other.bin --force --on /dev/ttyUSB1
"""


@dataclass(frozen=True)
class _Wanted:
    """Board and bitstream that are asked for."""

    board: str
    profile: str | None
    network: str | None
    bitstream: Path | None
    force: bool
    on: str | None
    dry_run: bool


def run(
    board: Annotated[str, BOARD],
    /,
    *,
    network: Annotated[str | None, NETWORK] = None,
    bitstream: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    release: Annotated[Path | None, Parameter(name="--from", metavar="FOLDER|ZIP")] = None,
    force: bool = False,
    on: Annotated[str | None, Parameter(metavar="PORT")] = None,
    dry_run: bool = False,
) -> int:
    """Program a board with the bitstream that was built last for it, or with one of a release.

    The board's own tool does it; the command is shown before it runs, with the memory that it
    writes: flash, or SRAM that is lost at power-off. A bitstream that misses timing, or was not
    built on this computer, needs --force; a release's, whose digest is checked, does not.
    Afterwards the board is asked for its identity, if its serial port is known.

    Parameters
    ----------
    board : str
        Board of allspin boards; PROFILE is one of its machines, the last built unless given.
    network : str, optional
        Network of the build: the last one unless given.
    bitstream : Path, optional
        File to program.
    release : Path, optional
        Folder or archive of a release, whose bitstream is programmed.
    force : bool
        Program a bitstream that misses timing, or may.
    on : str, optional
        Serial port to ask afterwards: that of the board's USB device unless given.
    dry_run : bool
        Only show the command.
    """
    check_excludes({"bitstream": bitstream}, {"release": release})
    name, _, profile = board.partition(":")
    found = find_board(name)
    if profile:
        found.profile(profile)
    wanted = _Wanted(board, profile or None, network, bitstream, force, on, dry_run)
    if release is None:
        return _program(found, *_find(found, wanted), wanted)
    built, content = find_released(release, found.name, wanted.profile, network)
    if dry_run:
        there = release / built["bitstream"]
        if not release.is_dir():
            there = Path(there.name)
            say(shlex.join(["unzip", str(release), there.name]))
        return _program(found, there, built, wanted)
    # What is programmed is what was checked: a copy, also of a folder's.
    with tempfile.TemporaryDirectory(prefix="allspin-") as folder:
        copy = Path(folder) / built["bitstream"]
        copy.write_bytes(content)
        return _program(found, copy, built, wanted)


def _program(board: Board, bitstream: Path, built: dict[str, Any] | None, wanted: _Wanted) -> int:
    """Show the command, run it, and ask the board what it is."""
    if not wanted.dry_run:
        built = _check(board, bitstream, built, wanted.force)
    command = [word.replace("{bitstream}", str(bitstream)) for word in board.flash]
    say(shlex.join(command))
    kept = "into flash, which keeps it at power-off"
    say(kept if is_kept(command) else "into the FPGA's SRAM: it is lost at power-off")
    sys.stdout.flush()
    if wanted.dry_run:
        return 0
    tool = shutil.which(command[0])
    if tool is None:
        raise UserError(f"{command[0]} was not found: install {PACKAGES[command[0]]}")
    status, said = run_shown([tool, *command[1:]], pass_on)
    if status != 0:
        raise UserError(explain(board, said))
    baud = (built or {}).get("baud", board.baud)
    if built is not None:
        try:
            keep_manifest(built, FLASHED)
        except UserError as error:
            warn(f"the board is programmed, but selftest --report will not know with what: {error}")
    _ask(board, built, wanted.on, baud)
    asked = "" if baud == board.baud else f" --baud {baud}"
    say(f"{board.title} is programmed; now: allspin run NET --on auto{asked}")
    return 0


def _find(board: Board, wanted: _Wanted) -> tuple[Path, dict[str, Any] | None]:
    """The bitstream, and the figures of its build unless it is a file of the user's."""
    if wanted.bitstream is not None:
        return wanted.bitstream, None
    built = latest_manifest(board.name, wanted.profile, wanted.network)
    if built is None:
        if wanted.dry_run:
            return Path("BITSTREAM"), None
        raise UserError(
            f"nothing was built for {wanted.board}: allspin build {wanted.board}, or take a "
            "release's bitstreams, the archive beside its wheel, with --from"
        )
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
        same = (each for each in kept_manifests() if each.get("bitstream_sha256") == found)
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


def _ask(board: Board, built: dict[str, Any] | None, port: str | None, baud: int) -> None:
    """Compare what the board says of itself with what was built, where its port is known."""
    is_usb = (built or {}).get("link", board.link) == "usb"  # which comes up with the bitstream
    usb = f"{VENDOR:04x}:{PRODUCT:04x}" if is_usb else board.usb
    if port is None and not is_usb and not ports_of(usb):
        say("its serial port is not known, so it was not asked what it is; --on names one")
        return
    try:
        on, identity = ask(lambda: [port] if port else ports_of(usb), baud)
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
