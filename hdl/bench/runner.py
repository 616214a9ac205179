"""Simulators of designs, built once by cocotb's runner and kept in the cache."""

import functools
import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cocotb_tools.config import libs_dir

from allspin.hdl.bench.tools import find_compiler, find_tools
from allspin.hdl.cache import build_once, cache_folder, digest
from allspin.hdl.cache.process import run_tool
from allspin.sim.errors import UserError

TOP = "top"
"""Name of the top module."""
TIMESCALE = ("1ns", "1ns")
COMPRESSION = Path(__file__).parent / "compression"
"""Headers in place of zlib's and LZ4's, which Verilator's waveform writer includes."""
TAIL = 30
"""Lines of a log that a message shows."""

_UNSET = dict.fromkeys(("WAVES", "GUI", "MFLAGS", "MAKELEVEL", "COCOTB_TEST_FILTER"))
"""Environment variables that would change a build or a run."""

_RUNNER = """
import json, sys
from cocotb_tools.runner import get_runner
step, options = json.loads(sys.argv[1])
try:
    getattr(get_runner(options.pop("simulator")), step)(**options)
except (RuntimeError, SystemExit) as error:
    sys.exit(str(error))
"""
"""A process of its own runs cocotb's runner, so that its children end with this process."""

_PRIVATE = "--no-public-flat-rw"
"""The runner makes every signal public, which triples all times; this option undoes it."""


def run_step(
    simulator: str, step: str, log: Path, variables: Mapping[str, str | None], **options: Any
) -> int:
    """Run a step of cocotb's runner (``build`` or ``test``), and return its exit status."""
    options |= {"simulator": simulator, "hdl_toplevel": TOP}
    command = [sys.executable, "-P", "-c", _RUNNER, json.dumps([step, options], default=str)]
    variables = {**_UNSET, "PATH": find_tools(simulator)[1], **variables}
    return run_tool(command, log.parent, log.name, step, variables=variables)


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])


def build(
    verilog: str, *, simulator: str = "verilator", waves: bool = False, public: bool = False
) -> Path:
    """Return the simulator of a design, and build it first unless the cache has it.

    Parameters
    ----------
    verilog : str
        The design in SystemVerilog; its top module is called ``top``.
    simulator : str
        ``verilator`` or ``icarus``.
    waves : bool
        True if it can record waveforms.
    public : bool
        True if tests can see the signals within the top module (always with Icarus).

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    UserError
        If a tool is missing or the cache cannot be used.
    RuntimeError
        If the simulator does not accept the design.
    """
    version, _ = find_tools(simulator)
    if " " in str(cache_folder()):
        raise UserError(
            f"make cannot build in a folder with a space in its name, {cache_folder()}: "
            "set ALLSPIN_CACHE to another"
        )
    # The program finds cocotb by the path that it was linked with.
    key = (version, str(libs_dir), verilog, f"{waves} {public}", *_headers())
    name = f"{simulator}-{digest(*key)}"

    def make(folder: Path) -> None:
        source = folder / f"{TOP}.sv"
        source.write_text(verilog)
        if simulator == "verilator":
            _build_verilator(version, verilog, waves, public, folder)
        else:
            _run_build(simulator, folder, sources=[source], build_dir=folder, waves=waves)

    return build_once(name, make, program=TOP if simulator == "verilator" else None)


def _run_build(simulator: str, folder: Path, flags: str | None = None, **options: Any) -> None:
    """Build in a folder, or fail with the end of the log."""
    log = folder / "build.log"
    if run_step(simulator, "build", log, {"MAKEFLAGS": flags}, timescale=TIMESCALE, **options):
        raise RuntimeError(f"the simulator could not be built:\n{tail(log)}")


def _run_verilator(
    folder: Path, sources: Sequence[Path], flags: Sequence[str], waves: bool, *make: str
) -> Path:
    """Build with Verilator, and return the folder of the result."""
    compiler = find_compiler()
    make = (f"CXX={compiler}", f"LINK={compiler}", f"PYTHON3={sys.executable}", *make)
    # In one piece: in several, the makefile's precompiled headers fail with some compilers.
    options = ["-Wno-fatal", "-Wno-lint", "--output-split", "0", *flags]
    if waves:
        options.append("--trace-fst")
    built = folder / "build"
    _run_build(
        "verilator",
        folder,
        " ".join(make),
        sources=sources,
        build_dir=built,
        build_args=options,
        waves=waves,
    )
    return built


def _build_runtime(waves: bool, folder: Path) -> None:
    """Build Verilator's own library, which takes longer to compile than most designs."""
    source = folder / "runtime.sv"
    source.write_text(f"module {TOP}(input clk); endmodule\n")
    for header in COMPRESSION.glob("*.h"):
        shutil.copy(header, folder)
    for name in ("liblz4.a", "libz.a"):
        # The linker asks for both; with our headers they may be empty.
        (folder / name).write_bytes(b"!<arch>\n")
    flags = [_PRIVATE, "-CFLAGS", f"-I{folder}", "-LDFLAGS", f"-L{folder}"]
    built = _run_verilator(folder, [source], flags, waves)
    for part in built.glob("verilated*.o"):
        part.rename(folder / part.name)
    shutil.rmtree(built)


def _build_verilator(version: str, verilog: str, waves: bool, public: bool, folder: Path) -> None:
    """Build a design with Verilator, whose own library is built once for all designs."""
    runtime = build_once(
        f"verilator-{digest(version, str(waves), *_headers())}",
        functools.partial(_build_runtime, waves),
    )
    objects = " ".join(str(path) for path in sorted(runtime.glob("verilated*.o")))
    flags = ["-LDFLAGS", f"{objects} -L{runtime} -pthread"]
    ports = re.findall(r"\w+", re.findall(rf"^module {TOP}\s*\(([^)]*)\)", verilog, re.M)[0])
    visible = folder / "ports.vlt"
    lines = [f'public_flat_rw -module "{TOP}" -var "{port}"\n' for port in ports]
    visible.write_text("".join(["`verilator_config\n", *lines]))
    if not public:
        flags.append(_PRIVATE)
    built = _run_verilator(folder, [visible, folder / f"{TOP}.sv"], flags, waves, "VM_GLOBAL_FAST=")
    (built / TOP).rename(folder / TOP)
    shutil.rmtree(built)


def _headers() -> list[bytes]:
    return [path.read_bytes() for path in sorted(COMPRESSION.glob("*.h"))]
