"""``allspin info``: versions, tools, networks, the cache, and what answers on serial ports."""

import argparse
import json
from typing import Any

from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from allspin.host.link.wire.serial_port import DEFAULT_BAUD, MAX_BAUD, MIN_BAUD
from allspin.host.show.say import say
from allspin.host.show.terminal import Terminal
from allspin.host.study.info import TOOLS, Info, find_info
from allspin.sim.errors import refused
from allspin.sim.network.levels import check_range

HELP = """\
Show versions, tools found, shipped networks, what the cache holds, and serial ports with what
answers."""
EPILOG = """\
examples:
  allspin info
  allspin info --json
  allspin info --baud 1000000
"""


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


def _cache_line(cache: dict[str, Any]) -> str:
    if "error" in cache:
        return cache["error"]
    size, limit = (decimal(cache[name]) for name in ("size", "limit"))
    return f"{size} of {limit} at most in {cache['builds']} builds: {cache['folder']}"


def _print_table(info: Info) -> None:
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")

    def row(name: str, value: str | None, missing: str = "not found") -> None:
        table.add_row(name, value or Text(missing, style="dim"))

    row("allspin", info.allspin, "not installed: run from its folder")
    row("commit", info.commit, "not known: this is no clone")
    row("python", f"{info.python} on {info.platform}")
    table.add_section()
    for name, found in info.packages.items():
        row(name, found, "not installed")
    table.add_section()
    for name, found in info.tools.items():
        row(name, found, f"not found; wanted by {TOOLS[name]}")
    table.add_section()
    for name, network in info.networks.items():
        topology = "-".join(map(str, network["topology"]))
        row(name, f"{topology}, {network['states']} states, {network['neuron']} neurons")
    table.add_section()
    row("cache", _cache_line(info.cache))
    table.add_section()
    if not info.ports:
        row("serial ports", None, "none")
    for port, answer in info.ports.items():
        row(port, answer, "no board answers")
    Terminal().print(table)


def run(arguments: argparse.Namespace) -> int:
    """Find out, and print."""
    with refused():
        check_range("--baud", arguments.baud, MIN_BAUD, MAX_BAUD)
    info = find_info(arguments.baud)
    if arguments.json:
        say(json.dumps(info.to_dict()))
    else:
        _print_table(info)
    return 0
