"""Compile a netlist and the models of its cells to a native simulator, once."""

import shutil
from pathlib import Path

from allspin.boards.gates.models import family_of_cells, models
from allspin.boards.gates.netlist import WRAPPER, Netlist
from allspin.boards.gates.pins import Pins
from allspin.boards.virtual.build import HOST_SIDE, PROGRAM, compiler
from allspin.hdl.bench.simulators.tools import VERILATOR_FIX, find_verilator
from allspin.hdl.cache import build_once, digest
from allspin.hdl.tools.process import Progress, complaint, first_line, no_progress, run_tool
from allspin.sim.errors import UserError

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
    netlist: Netlist, pins: Pins, progress: Progress = no_progress, *, optimise: bool = True
) -> Path:
    """The program that simulates a netlist, compiled now if it has not been before.

    It speaks as the virtual board's program does; see ``docs/gates.md`` for its options.

    Parameters
    ----------
    netlist : Netlist
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
        _run(
            [str(verilator), *VERILATOR_OPTIONS, *sources],
            folder,
            "translating the netlist to C++",
            progress,
        )
        includes = [f"-I{path}" for path in (".", include, include / "vltstd", HOST_SIDE.parent)]
        pieces = [*sorted(folder.glob("*.cpp")), *(include / name for name in RUNTIME), MAIN]
        for number, piece in enumerate(pieces):
            fast = not ("__Slow" in piece.name or piece.name in RUNTIME)
            _run(
                [
                    *(*command, *(flags_fast if fast else FLAGS_SLOW), *FLAGS, *includes),
                    *("-c", str(piece), "-o", f"{number}.o"),
                ],
                folder,
                f"compiling the netlist, {number + 1} of {len(pieces)}",
                progress,
            )
        objects = [f"{number}.o" for number in range(len(pieces))]
        _run(
            [*command, *objects, "-o", PROGRAM, "-pthread"], folder, "linking the netlist", progress
        )
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


def _run(command: list[str], folder: Path, what: str, progress: Progress) -> None:
    """Run a tool, in the background of what else the machine does."""
    nice = [program, "-n", "5"] if (program := shutil.which("nice")) else []
    if run_tool([*nice, *command], folder, "log", what, progress) != 0:
        raise UserError(f"{what} failed: {Path(command[0]).name}: {complaint(folder / 'log')}")
