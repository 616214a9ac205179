"""Releases of bitstreams: a folder or zip archive of builds with their manifests and digests."""

import hashlib
import json
import re
import struct
import zipfile
import zlib
from functools import partial
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, get_args

from allspin.boards.board import Link
from allspin.boards.catalogue import find_board, find_boards
from allspin.host.bitstreams.kept import kept_manifests
from allspin.host.bitstreams.manifest import (
    Manifest,
    check_manifest,
    is_for,
    is_older,
    without_places,
)
from allspin.host.data.catalogue import shipped_networks
from allspin.host.data.files import make_folder
from allspin.host.link.serial_port import MAX_BAUD, MIN_BAUD
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file, read_file, write_atomically
from allspin.sim.network.layer_kinds import MAX_LINES
from allspin.sim.plain_values import MAX_JSON, parse_json

INDEX = "bitstreams.json"
"""File of the manifests."""
NOTICES = "NOTICES.txt"
"""File of the licences of everything in the bitstreams."""
MNIST = "Images of MNIST, where a button shows them: Yann LeCun, Corinna Cortes; CC BY-SA 3.0."
SOURCES = ("allspin", "amaranth", "amaranth-boards", "luna-usb", "usb-protocol")
"""Packages of which parts end up in bitstreams, as ``docs/boards.md`` lists them."""
MAX_BITSTREAM = 1 << 26
"""Largest bitstream in bytes: several times that of the largest part, written as text."""
MAX_ARCHIVE = 1 << 25
"""Largest zip archive in bytes: its list of files is held in memory."""
DAMAGED = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""Errors that zipfile raises at archives that are cut, encrypted or forged."""
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""File name without folders."""
MAX_NAME = 100


def collect(folder: Path) -> list[str]:
    """Copy the bitstreams that were built here of this gateware, for networks that ship.

    Parameters
    ----------
    folder : Path
        Folder of the release, created if necessary; a bitstream is named by its board, profile and
        network.

    Returns
    -------
    list of str
        Names of the files, in order.

    Raises
    ------
    UserError
        If the folder cannot be written, or there is no bitstream to copy.
    """
    manifests: dict[str, dict[str, Any]] = {}
    for manifest in kept_manifests():
        if not _is_releasable(manifest):
            continue
        source = Path(manifest["bitstream"])
        content = read_file(source, "bitstream", MAX_BITSTREAM)
        if not _is_intact(content, manifest):
            raise UserError(f"{source} is damaged: allspin build {manifest['board']} mends it")
        machine = f"{manifest['board']}-{manifest['profile']}-{manifest['network']}"
        file = machine.replace(" ", "-") + source.suffix
        manifests[file] = {**without_places(manifest), "bitstream": file}
        make_folder(folder)
        write_atomically(folder / file, content)
    if not manifests:
        raise UserError("no bitstream of this gateware was built here: allspin build icebreaker")
    names = sorted(manifests)
    index = {"bitstreams": [manifests[name] for name in names]}
    write_atomically(folder / INDEX, (json.dumps(index, indent=1) + "\n").encode())
    write_atomically(folder / NOTICES, notices().encode())
    return names


def _is_releasable(manifest: Manifest) -> bool:
    """True if a build runs at its clock, is for a network that ships, and of this gateware."""
    # It needs Amaranth, without which a release is flashed.
    from allspin.host.bitstreams.jobs import ANY, network_of

    board = find_boards().get(manifest["board"])
    return (
        manifest["meets_timing"]
        and manifest["network"] in {*shipped_networks(), ANY}
        and board is not None
        and manifest["profile"] in board.profiles
        and not is_older(manifest, network_of(manifest))
    )


def _is_intact(content: bytes, manifest: Manifest) -> bool:
    """True if a bitstream has the digest in its manifest."""
    return hashlib.sha256(content).hexdigest() == manifest["bitstream_sha256"]


def notices() -> str:
    """Return the licences to pass on with bitstreams: those of the installed `SOURCES`."""
    parts = [MNIST]
    for name in SOURCES:
        try:
            licences = [path for path in files(name) or () if path.parent.name == "licenses"]
        except PackageNotFoundError:
            continue
        parts += [f"{name}\n\n{path.read_text().strip()}" for path in licences]
    return "\n\n----\n\n".join(parts) + "\n"


def read_part(place: Path, name: str, limit: int) -> bytes:
    """Read a file of a folder or of a zip archive.

    Parameters
    ----------
    place : Path
        The folder or archive.
    name : str
        Name of the file, without a folder.
    limit : int
        Largest number of bytes, whatever the archive says.

    Raises
    ------
    UserError
        If the file does not exist, or the archive is damaged, too large or of another format.
    """
    if place.is_dir():
        return read_file(place / name, "file of a release", limit)
    with refused(f"{place} is no release's bitstreams: ", "; fetch it again", DAMAGED):
        check_file(place, "release's bitstreams", MAX_ARCHIVE)
        with zipfile.ZipFile(place) as archive:
            part = archive.getinfo(name)
            # Unlike bzip2 and LZMA, deflate unpacks no further than is read.
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{part.filename} is packed otherwise than by deflate")
            with archive.open(part) as file:
                content = file.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"{name} has more than {limit:,} bytes")
        return content


def read_index(place: Path) -> list[dict[str, Any]]:
    """Read and check the manifests of a release.

    Raises
    ------
    UserError
        If the file cannot be read, an entry is not a manifest, or it names a file that is not
        beside it.
    """
    with refused(f"{place}: {INDEX} cannot be used: "):
        index = parse_json(read_part(place, INDEX, MAX_JSON))
        entries = index.get("bitstreams") if isinstance(index, dict) else None
        if not isinstance(entries, list):
            raise ValueError("it has no list of bitstreams")
        manifests = [check_manifest(entry) for entry in entries]
        for manifest in manifests:
            name = manifest.get("bitstream")
            if not isinstance(name, str) or not PLAIN.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a file beside it")
            if not isinstance(manifest.get("bitstream_sha256"), str):
                raise ValueError(f"{name} has no digest")
        return manifests


ROUNDING = 0.01
"""MHz by which rounded frequencies may differ."""
RANGES = {
    "lanes": (1, MAX_LINES),
    "rows_per_clock": (1, MAX_LINES),
    "luts_share": (0, 1),
    "cells_share": (0, 1),
    "memories_share": (0, 1),
}
"""Ends of numbers of a machine that fits its part."""


def _range_fault(manifest: Manifest, name: str) -> str | None:
    """Describe a number of a manifest that is outside its range."""
    low, high = RANGES[name]
    value = manifest[name]
    return None if low <= value <= high else f"{name} is {value!r}, not {low} to {high}"


def check_claims(manifest: Manifest) -> None:
    """Check a manifest against its board and itself, before anything is programmed.

    Parameters
    ----------
    manifest : mapping
        Manifest that `check_manifest` has accepted.

    Raises
    ------
    UserError
        If the board has no such profile.
    ValueError
        If the manifest contradicts the board or itself.
    """
    board = find_board(manifest["board"])
    board.profile(manifest["profile"])
    part = manifest["part"]
    network = manifest["network"]
    baud = manifest.get("baud", board.baud)
    link = manifest.get("link", board.link)
    wrong = None
    if part != board.part:
        wrong = f"part is {part!r}, not {board.part!r}"
    elif not network.isprintable() or len(network) > MAX_NAME:
        wrong = f"network is {network!r}, which is no name"
    elif type(baud) is not int or not MIN_BAUD <= baud <= MAX_BAUD:
        wrong = f"baud is {baud!r}, not {MIN_BAUD} to {MAX_BAUD}"
    elif link not in get_args(Link):
        wrong = f"link is {link!r}"
    elif not manifest["fits"]:
        wrong = "design does not fit its part, so it has no bitstream"
    elif not manifest["meets_timing"] and not manifest["shortfall"]:
        wrong = "timing is missed, but it says not by what"
    elif manifest["meets_timing"] and manifest["fmax_mhz"] < manifest["need_mhz"] - ROUNDING:
        wrong = "machine meets its timing, but its fmax_mhz is below its need_mhz"
    elif manifest["meets_timing"] and manifest["shortfall"]:
        wrong = "machine meets its timing, but has a shortfall"
    else:
        wrong = next(filter(None, map(partial(_range_fault, manifest), RANGES)), None)
    if wrong is not None:
        raise ValueError(f"of {manifest['bitstream']} the {wrong}")


def find_released(
    place: Path, board: str, profile: str | None, network: str | None
) -> tuple[dict[str, Any], bytes]:
    """Return a board's manifest in a release, and its bitstream with a checked digest.

    Parameters
    ----------
    place : Path
        Folder or zip archive.
    board : str
        The board's name.
    profile, network : str, optional
        Machine and network; by default the board's usual machine, else the first one.

    Raises
    ------
    UserError
        If the release has no such bitstream or is damaged, or the digest is wrong.
    """
    usual = next(iter(find_board(board).profiles))
    manifests = [manifest for manifest in read_index(place) if manifest["board"] == board]
    manifests.sort(key=lambda manifest: manifest["profile"] != usual)
    for manifest in manifests:
        if is_for(manifest, board, profile, network):
            with refused(f"{place}: {INDEX} cannot be used: "):
                check_claims(manifest)
            content = read_part(place, manifest["bitstream"], MAX_BITSTREAM)
            if not _is_intact(content, manifest):
                raise UserError(f"{manifest['bitstream']} of {place} is damaged: fetch it again")
            return manifest, content
    machines = ", ".join(f"{each['profile']} for {each['network']}" for each in manifests)
    raise UserError(f"{place} has no such bitstream for {board}; it has {machines or 'none'}")
