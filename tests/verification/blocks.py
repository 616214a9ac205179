"""The blocks of the gateware, and the checks of each."""

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
"""Folder of benches, which drive blocks and are not blocks themselves."""
ELABORATING = ("build", "elaborate")
"""Methods that put a block's parts together; each block defines one of them."""
FORMAL = ROOT / "tests" / "formal"
NETLISTS = {"ice40": "icebreaker", "ecp5": "ulx3s-25f"}
"""Families whose netlists `allspin gates` simulates, and the board that stands for each."""
MUTANTS = re.compile(r"^\| (\w+/\S+\.py) \| (.*) \|$", re.MULTILINE)
"""A file's row in the table of ``make mutants``: mutants, killed, survived, ..."""
BINS = re.compile(r"^([A-Z]\w+)[.:].*?((?: +(?:[\d,]+|never))+)$", re.MULTILINE)
"""A line in the list of ``make coverage``: bins of a class, and the hits of one or of three."""


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
    """Extents of each file's proofs: unbounded, or a number of clock cycles."""
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
        Text of the page with the output of ``make coverage`` and ``make mutants``.
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
