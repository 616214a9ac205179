"""The tables of blocks in ``docs/architecture.md``, made from the docstrings of the blocks.

``python -m tests.docs.block_tables docs/architecture.md`` writes them between their marks.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from allspin.host.show.document import Marks
from tests.docs.rooms import ROOT

MARKS = Marks("<!-- tables of blocks -->", "<!-- end of tables of blocks -->")
ROOMS = ("crossbar", "convolution", "neuron", "engine", "chip", "stream", "link", "bus", "resident")
"""Rooms of `hdl` with blocks of the machine, in the order of the page."""
THROUGHPUT = "Throughput: "
"""Beginning of the paragraph of a block's docstring with its throughput and latency."""


class Block(NamedTuple):
    """A block of gateware.

    Parameters
    ----------
    file, name : str
        File in its room, and class.
    sentence : str
        First paragraph of its docstring, on one line.
    throughput : str
        Throughput and latency; empty if the docstring does not give them.
    """

    file: str
    name: str
    sentence: str
    throughput: str


def blocks_of(room: Path) -> Iterator[Block]:
    """Yield the public classes of a room that can be built, file by file."""
    for path in sorted(room.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            methods = {getattr(part, "name", "") for part in node.body}
            if "build" in methods and node.name != "Component":
                yield _block(path.relative_to(room).as_posix(), node)


def _block(file: str, node: ast.ClassDef) -> Block:
    paragraphs = [" ".join(p.split()) for p in (ast.get_docstring(node) or "").split("\n\n")]
    found = [p.removeprefix(THROUGHPUT) for p in paragraphs if p.startswith(THROUGHPUT)]
    throughput = found[0].rstrip(".") if found else ""
    return Block(file, node.name, paragraphs[0].rstrip("."), throughput)


def tables(root: Path) -> str:
    """Return a table for each room."""
    lines = []
    for room in ROOMS:
        lines += ["", f"| `hdl/{room}/` | block | throughput and latency |", "| --- | --- | --- |"]
        for block in blocks_of(root / "hdl" / room):
            name = f"`{block.file}`: `{block.name}`"
            sentence = block.sentence.replace("``", "`").replace("|", "\\|")
            lines.append(f"| {name} | {sentence} | {block.throughput} |")
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    MARKS.fill(Path(sys.argv[1]), tables(ROOT))
