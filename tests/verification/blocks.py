"""The blocks of the gateware, and what checks each."""

import ast
import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FrameType

from amaranth.hdl import Fragment

from allspin.boards.build.gateware import machine_text
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import Shell, ShellParameters
from allspin.host.data.catalogue import open_network
from tests.formal.proof import Proof
from tests.mutants.table import ROOT

LAYERS = ("hdl", "boards")
BENCH = ROOT / "hdl" / "bench"
"""What is elaborated there drives blocks, and is none."""
ELABORATING = ("build", "elaborate")
"""What puts a block's parts together, of which each block has one of its own."""
FORMAL = ROOT / "tests" / "formal"
NETLISTS = {"ice40": "icebreaker", "ecp5": "ulx3s-25f"}
"""What `allspin gates` simulates: a family, and the board that stands for it."""
MUTANTS = re.compile(r"^\| (\w+/\S+\.py) \| (.*) \|$", re.MULTILINE)
"""A file's row of what ``make mutants`` writes: mutants, killed, survived, ..."""
BINS = re.compile(r"^([A-Z]\w+)[.:].*?((?: +(?:[\d,]+|never))+)$", re.MULTILINE)
"""A line of what ``make coverage`` writes: bins of a class, and the hits of one or of three."""


def blocks() -> Iterator[tuple[str, frozenset[str]]]:
    """Every file that has gateware, in order, and the classes of it that can be elaborated."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            if path.is_relative_to(BENCH):
                continue
            classes = frozenset(
                node.name
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ClassDef)
                and any(getattr(part, "name", "") in ELABORATING for part in node.body)
            )
            if classes:
                yield path.relative_to(ROOT).as_posix(), classes


@cache
def proofs() -> dict[str, list[str]]:
    """For each file, what is proved, and for how long it holds."""
    found: dict[str, list[str]] = {}
    for path in sorted(FORMAL.glob("test_*.py")):
        for proof in getattr(importlib.import_module(f"tests.formal.{path.stem}"), "PROOFS", ()):
            assert isinstance(proof, Proof)
            extent = f"{proof.depth} clocks" if proof.bounded else "unbounded"
            for source in (*proof.parts, proof.source):
                file = Path(str(source.__file__)).relative_to(ROOT).as_posix()
                if extent not in found.setdefault(file, []):
                    found[file].append(extent)
    return found


@cache
def elaborated(board: str) -> frozenset[str]:
    """Files whose blocks are in a board's netlist."""
    chosen = find_boards()[board]
    hardware = chosen.profile().hardware
    shell = ShellParameters.from_network(chosen, open_network("mnist-10"), hardware)
    files = set()

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name in ELABORATING:
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(ROOT):
                files.add(path.relative_to(ROOT).as_posix())

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        Fragment.get(Shell(shell), chosen.create_platform())
        machine_text(shell)
    finally:
        sys.setprofile(before)
    return frozenset(files)


def rows(document: str) -> Iterator[str]:
    """The table's lines.

    Parameters
    ----------
    document : str
        Has what ``make coverage`` and ``make mutants`` write.
    """
    mutants: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    for file, numbers in MUTANTS.findall(document):
        # All, killed, survived, and those that are no mutants.
        _, dead, alive, *_ = (int(number) for number in numbers.split(" | "))
        mutants[file] += dead + alive
        killed[file] += dead
    bins: Counter[str] = Counter()
    for kind, hits in BINS.findall(document):
        bins[kind] += len(hits.split()) - hits.split().count("never")
    yield "| block | proved | bins | mutants killed | netlists |"
    yield "| --- | --- | ---: | ---: | --- |"
    for file, classes in blocks():
        cells = (
            f"`{file}`",
            ", ".join(proofs().get(file, ())),
            str(sum(bins[name] for name in classes) or ""),
            f"{killed[file]} of {mutants[file]}" if mutants[file] else "",
            ", ".join(kind for kind, board in NETLISTS.items() if file in elaborated(board)),
        )
        yield f"| {' | '.join(cells)} |"
