"""``allspin flash``: program a board with its last bitstream, by the board's own tool."""

import contextlib
import hashlib
import os
import shlex
import shutil
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
from allspin.host.cli.flash_tool import PACKAGES, explain, is_kept, run_shown
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
"""Seconds in which a board must answer: it loads its flash, and its port may appear again."""
PAUSE = 0.2
"""Seconds between two attempts to open all ports."""


def ports_of(usb: str) -> list[str]:
    """Return the serial ports of the USB devices of a vendor and product, such as 0403:6010."""
    return sorted(port for port, device in usb_devices().items() if device == usb)


def ask(
    ports: Callable[[], Sequence[str]], baud: int, patience: float = PATIENCE
) -> tuple[str, Identity]:
    """Read the identity of the machine on the first port that answers.

    Parameters
    ----------
    ports : callable
        Returns names of ports; called in each attempt, since a board may change its port.
    baud : int
        Bits a second.
    patience : float
        Seconds in which a machine must answer.

    Returns
    -------
    str
        Name of the port.
    Identity
        Identity of the machine.

    Raises
    ------
    UserError
        If no machine answers.
    """
    last = time.monotonic() + patience
    while True:
        failure = UserError("its serial port is gone")
        for port in ports():
            try:
                machine = open_port(port, baud)
            except UserError as error:
                failure = error
            else:
                machine.close()
                return machine.name, machine.identity
        if time.monotonic() > last:
            raise failure
        time.sleep(PAUSE)


def differences(found: Identity, expected: Identity) -> str | None:
    """Describe the fields in which an identity is not as expected; return None if all are."""
    texts = []
    for field in fields(Identity):
        value = getattr(found, field.name)
        wanted = getattr(expected, field.name)
        if value != wanted:
            texts.append(f"{field.name.replace('_', ' ')} {value}, not {wanted}")
    return "; ".join(texts) or None


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
    """Board and bitstream of the command line."""

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
        path = release / built["bitstream"]
        if not release.is_dir():
            path = Path(path.name)
            say(shlex.join(["unzip", str(release), path.name]))
        return _program(found, path, built, wanted)
    # A copy is programmed, so that it has the content that was checked.
    with tempfile.TemporaryDirectory(prefix="allspin-") as folder:
        copy = Path(folder) / built["bitstream"]
        copy.write_bytes(content)
        return _program(found, copy, built, wanted)


def _program(board: Board, bitstream: Path, built: dict[str, Any] | None, wanted: _Wanted) -> int:
    """Show the command, run it, and compare the board's identity."""
    if not wanted.dry_run:
        built = _check(board, bitstream, built, wanted.force)
    command = [word.replace("{bitstream}", str(bitstream)) for word in board.flash]
    say(shlex.join(command))
    if is_kept(command):
        say("into flash, which keeps it at power-off")
    else:
        say("into the FPGA's SRAM: it is lost at power-off")
    sys.stdout.flush()
    if wanted.dry_run:
        return 0
    tool = shutil.which(command[0])
    if tool is None:
        raise UserError(f"{command[0]} was not found: install {PACKAGES[command[0]]}")
    status, output = run_shown([tool, *command[1:]], pass_on)
    if status != 0:
        raise UserError(explain(board, output))
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
    """Return the bitstream, and the figures of its build; None for a file of the user."""
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
    """Check that a bitstream is present, undamaged and fast enough.

    Returns
    -------
    dict or None
        Figures of the build; None if it was not built here.

    Raises
    ------
    UserError
        If the bitstream is missing or damaged, or if it misses timing or may, without `force`.
    """
    if not os.path.exists(bitstream):  # False too for an invalid name
        raise UserError(
            f"there is no bitstream {bitstream}: build it with allspin build {board.name}"
        )
    digest = hashlib.sha256(read_file(bitstream, "bitstream", MAX_BITSTREAM)).hexdigest()
    if built is None:  # a copy of a build is recognised by its content
        same = (each for each in kept_manifests() if each.get("bitstream_sha256") == digest)
        built = next((each for each in same if each["board"] == board.name), None)
    elif built.get("bitstream_sha256") not in (None, digest):
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
    """Compare the board's identity with the build's, if the board's port is known."""
    is_usb = (built or {}).get("link", board.link) == "usb"  # a port made by the bitstream
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
        # An old build, or a file of the user, has no identity.
        expected = Identity.parse(bytes.fromhex((built or {})["identity"]))
    if expected is None:
        say(f"{on} answers: {identity}")
        return
    different = differences(identity, expected)
    if different is not None:
        raise UserError(f"the machine on {on} is not the one that was programmed: {different}")
    say(f"{on} answers as it was built: {identity}")
