"""``allspin info``: versions, tools, networks, the cache, and what answers on serial ports."""

import argparse
from typing import Any

from rich.filesize import decimal

from allspin.host.cli.options import add_options, add_shared, answer, read_options
from allspin.host.link.transport import UartOptions
from allspin.host.run.info import TOOLS, Info, find_info
from allspin.host.show.progress import Steps
from allspin.host.show.table import Table, figures

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
    add_shared(parser, "--json")
    add_options(parser, UartOptions, "baud")


def _cache_line(cache: dict[str, Any]) -> str:
    if "error" in cache:
        return cache["error"]
    size, limit = (decimal(cache[name]) for name in ("size", "limit"))
    return f"{size} of {limit} at most in {cache['builds']} builds: {cache['folder']}"


def _table(info: Info) -> Table:
    rows: list[tuple[str, str]] = []
    rules: list[int] = []

    def row(name: str, value: str | None, missing: str = "not found") -> None:
        rows.append((name, value or missing))

    row("allspin", info.allspin, "not installed: run from its folder")
    row("commit", info.commit, "not known: this is no clone")
    row("python", f"{info.python} on {info.platform}")
    rules.append(len(rows))
    for name, found in info.packages.items():
        row(name, found, "not installed")
    rules.append(len(rows))
    for name, found in info.tools.items():
        row(name, found, f"not found; wanted by {TOOLS[name]}")
    rules.append(len(rows))
    for name, network in info.networks.items():
        topology = "-".join(map(str, network["topology"]))
        row(name, f"{topology}, {network['states']} states, {network['neuron']} neurons")
    rules.append(len(rows))
    row("cache", _cache_line(info.cache))
    rules.append(len(rows))
    if not info.ports:
        row("serial ports", None, "none")
    for port, machine in info.ports.items():
        row(port, machine, "no board answers")
    return figures("", rows, rules)


def run(arguments: argparse.Namespace) -> int:
    """Find out, and print."""
    baud = read_options(arguments, UartOptions).baud
    with Steps() as steps, steps.waiting("asking tools and serial ports"):
        info = find_info(baud)
    answer(arguments, info.to_dict(), _table(info))
    return 0
