"""Bitstreams of a release: files in a folder or a zip archive, with a record and digest of each."""

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, get_args

from allspin.boards.board import Link
from allspin.boards.catalogue import find_board, find_boards
from allspin.host.bitstreams.record import check_record, is_older, recall
from allspin.host.data.catalogue import shipped_networks
from allspin.host.data.files import make_folder
from allspin.host.link.serial_port import MAX_BAUD, MIN_BAUD
from allspin.sim.errors import UserError, refused
from allspin.sim.files import check_file, read_file, write_atomically
from allspin.sim.plain_values import MAX_JSON, parse_json

INDEX = "bitstreams.json"
"""The file that has the records."""
NOTICES = "NOTICES.txt"
"""The file beside it with the licences of what bitstreams have."""
MNIST = "Images of MNIST, where a button shows them: Yann LeCun, Corinna Cortes; CC BY-SA 3.0."
SOURCES = ("allspin", "amaranth", "amaranth-boards", "luna-usb", "usb-protocol")
"""Packages of which something ends up in bitstreams, as ``docs/boards.md`` has it."""
PLACES = ("bitstream", "netlist")
"""What a record has of the machine that built it."""
MAX_BITSTREAM = 1 << 26
"""Bytes of a bitstream, several times those of the largest part here, written as text."""
MAX_ARCHIVE = 1 << 25
"""Bytes of a zip archive: its list of files is held in memory."""
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A name without folders."""
MAX_NAME = 100
DAMAGED = (
    *(EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)
"""What zipfile raises at archives that are cut, encrypted or made up."""


def collect(folder: Path) -> list[str]:
    """Copy the bitstreams that were built here of this gateware, for networks that ship.

    Parameters
    ----------
    folder : Path
        Made if need be; a bitstream is called by its board, profile and network.

    Returns
    -------
    list of str
        Names of the files, in order.

    Raises
    ------
    UserError
        If the folder cannot be written, or there is nothing to copy.
    """
    # It needs Amaranth, without which a release is flashed.
    from allspin.host.bitstreams.builds import ANY, network_of

    found: dict[str, dict[str, Any]] = {}
    boards = find_boards()
    for record in recall():
        name = "-".join(record[key] for key in ("board", "profile", "network")).replace(" ", "-")
        if (
            record["meets_timing"]
            and record["network"] in {*shipped_networks(), ANY}
            and record["board"] in boards
            and record["profile"] in boards[record["board"]].profiles
            and not is_older(record, network_of(record))
        ):
            source = Path(record["bitstream"])
            content = read_file(source, "bitstream", MAX_BITSTREAM)
            if hashlib.sha256(content).hexdigest() != record["bitstream_sha256"]:
                raise UserError(f"{source} is damaged: allspin build {record['board']} mends it")
            file = f"{name}{source.suffix}"
            kept = {key: value for key, value in record.items() if key not in PLACES}
            found[file] = {**kept, "bitstream": file}
            make_folder(folder)
            write_atomically(folder / file, content)
    if not found:
        raise UserError("no bitstream of this gateware was built here: allspin build icebreaker")
    records = [found[file] for file in sorted(found)]
    text = json.dumps({"bitstreams": records}, indent=1) + "\n"
    write_atomically(folder / INDEX, text.encode())
    write_atomically(folder / NOTICES, notices().encode())
    return sorted(found)


def notices() -> str:
    """What is to be passed on with bitstreams: licences of the packages that are installed here."""
    parts = [MNIST]
    for name in SOURCES:
        with suppress(PackageNotFoundError):
            own = [path for path in files(name) or () if path.parent.name == "licenses"]
            parts += [f"{name}\n\n{path.read_text().strip()}" for path in own]
    return "\n\n----\n\n".join(parts) + "\n"


def read_part(place: Path, name: str, limit: int) -> bytes:
    """A file of a folder or of a zip archive.

    Parameters
    ----------
    place : Path
        The folder or archive.
    name : str
        Of the file, without a folder.
    limit : int
        The most bytes that it may have, whatever the archive says that it has.

    Raises
    ------
    UserError
        If there is no such file, or the archive is none, is damaged or too large.
    """
    if place.is_dir():
        return read_file(place / name, "file of a release", limit)
    with (
        refused(f"{place} is no release's bitstreams: ", "; fetch it again", DAMAGED),
        zipfile.ZipFile(_checked(place)) as archive,
        archive.open(_bounded(archive.getinfo(name))) as file,
    ):
        if len(content := file.read(limit + 1)) > limit:
            raise ValueError(f"{name} has more than {limit:,} bytes")
        return content


def _checked(place: Path) -> Path:
    """A path of a regular file that is no larger than an archive."""
    check_file(place, "release's bitstreams", MAX_ARCHIVE)
    return place


def _bounded(part: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A part of an archive that is unpacked no further than it is read, unlike bzip2 and LZMA."""
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{part.filename} is packed otherwise than by deflate")
    return part


def read_index(place: Path) -> list[dict[str, Any]]:
    """The records of a release, checked.

    Raises
    ------
    UserError
        As `read_part`, and if a record is none, or names a file that is not beside it.
    """
    with refused(f"{place}: {INDEX} cannot be used: "):
        index = parse_json(read_part(place, INDEX, MAX_JSON))
        records = index.get("bitstreams") if isinstance(index, dict) else None
        if not isinstance(records, list):
            raise ValueError("it has no list of bitstreams")
        for record in map(check_record, records):
            name = record.get("bitstream")
            if not isinstance(name, str) or not PLAIN.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a file beside it")
            if not isinstance(record.get("bitstream_sha256"), str):
                raise ValueError(f"{name} has no digest")
        return records


def check_claims(record: Mapping[str, Any]) -> None:
    """What a record says of its board and its build, before anything is programmed.

    Parameters
    ----------
    record : mapping
        As `check_record` has passed it.

    Raises
    ------
    UserError
        If the board has no such profile.
    ValueError
        If the record contradicts the board, or itself.
    """
    board = find_board(record["board"])
    board.profile(record["profile"])
    baud, link = record.get("baud", board.baud), record.get("link", board.link)
    for is_right, what in (
        (record["part"] == board.part, f"part is {record['part']!r}, not {board.part!r}"),
        (
            record["network"].isprintable() and len(record["network"]) <= MAX_NAME,
            f"network is {record['network']!r}, which is no name",
        ),
        (
            type(baud) is int and MIN_BAUD <= baud <= MAX_BAUD,
            f"baud is {baud!r}, not {MIN_BAUD} to {MAX_BAUD}",
        ),
        (link in get_args(Link), f"link is {link!r}"),
        (record["fits"], "design does not fit its part, so it has no bitstream"),
        (
            record["meets_timing"] or record["shortfall"],
            "timing is missed, but it says not by what",
        ),
    ):
        if not is_right:
            raise ValueError(f"of {record['bitstream']} the {what}")


def released(
    place: Path, board: str, profile: str | None, network: str | None
) -> tuple[dict[str, Any], bytes]:
    """A board's record in a release, and its bitstream, whose digest was checked.

    Parameters
    ----------
    place : Path
        Folder or zip archive.
    board : str
        The board's name.
    profile, network : str, optional
        Which machine, and for which network; the board's usual one, else the first that there is.

    Raises
    ------
    UserError
        If the release has none, is damaged, or the bitstream is not that of its record.
    """
    usual = next(iter(find_board(board).profiles))
    records = [record for record in read_index(place) if record["board"] == board]
    records.sort(key=lambda record: record["profile"] != usual)
    for record in records:
        if profile in (None, record["profile"]) and network in (None, record["network"]):
            with refused(f"{place}: {INDEX} cannot be used: "):
                check_claims(record)
            content = read_part(place, record["bitstream"], MAX_BITSTREAM)
            if hashlib.sha256(content).hexdigest() != record["bitstream_sha256"]:
                raise UserError(f"{record['bitstream']} of {place} is damaged: fetch it again")
            return record, content
    there = ", ".join(f"{each['profile']} for {each['network']}" for each in records)
    raise UserError(f"{place} has no such bitstream for {board}; it has {there or 'none'}")
