"""Compile a netlist and the models of its cells to a native simulator, once."""

from pathlib import Path

from allspin.boards.gates.models import family_of_cells, models
from allspin.boards.gates.netlist import WRAPPER, GateNetlist
from allspin.boards.gates.pins import Pins
from allspin.boards.virtual.build import HOST_SIDE, PROGRAM, compiler, run
from allspin.hdl.bench.tools import VERILATOR_FIX, find_verilator
from allspin.hdl.cache import build_once, digest
from allspin.hdl.cache.process import Progress, first_line, no_progress
from allspin.sim.errors import UserError

MAIN = Path(__file__).with_name("main.cpp")
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
"""Verilator's own sources that a program without waveforms needs."""
VERILATOR_OPTIONS = (
    *("--cc", "--top-module", WRAPPER, "-O3", "--timescale", "1ns/1ns"),
    # Registers start as in their models; one without a start value is 0 or 1.
    *("--x-assign", "fast", "--x-initial", "fast", "--no-assert"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-INITIALDLY", "-Wno-MULTIDRIVEN", "--Mdir", "."),
)
FLAGS = ("-std=c++20", "-w", "-DNDEBUG", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TRACE=0")
FLAGS_FAST = ("-O1",)
"""Flags for code that runs in every clock; more than -O1 doubles the time of the compilation."""
FLAGS_SLOW = ("-O0",)
"""Flags for code that runs once."""


def build(
    netlist: GateNetlist, pins: Pins, progress: Progress = no_progress, *, optimise: bool = True
) -> Path:
    """Return the program that simulates a netlist, and compile it first unless the cache has it.

    Its protocol is that of the virtual board's program; ``docs/gates.md`` has its options.

    Parameters
    ----------
    netlist : GateNetlist
        The netlist.
    pins : Pins
        Its pins.
    progress : callable
        Called with the step and the seconds since it began.
    optimise : bool
        True for a fast program, False for a fast compilation.

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
    """Folder of Verilator's own sources."""
    for root in (verilator.parents[1], verilator.parents[1] / "share" / "verilator"):
        if (root / "include" / RUNTIME[0]).is_file():
            return root / "include"
    return Path(first_line([str(verilator), "--getenv", "VERILATOR_ROOT"]).strip()) / "include"
