"""``allspin export``: the engine as Verilog, or the array as a deck for SPICE."""

import argparse
from pathlib import Path

from allspin.hdl.export.export import MODULE, engine_verilog, memory_image
from allspin.hdl.export.verilog import Dialect
from allspin.hdl.parameters import EngineParameters, HardwareProfile
from allspin.host.cli.options.names import naming_options
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.files import check_writable
from allspin.host.show.progress import Steps
from allspin.host.show.say import printable, say
from allspin.sim.array.spice import layer_deck
from allspin.sim.device.hall_array import READINGS
from allspin.sim.errors import UserError, refused
from allspin.sim.network.netfile import write_atomically

HELP = """\
Write a network's engine as Verilog, or its array of Hall crosses as a deck for ngspice.

OUT.v is plain Verilog (OUT.sv is SystemVerilog), OUT.mem beside it what to load, for $readmemh;
docs/export.md describes both, with a testbench. DECK.cir prints every transfer function of a
corner of a layer's array; docs/array.md describes it."""
EPILOG = """\
examples:
  allspin export mnist-10 --verilog engine.v
  allspin export mnist-10 --verilog engine.sv --lanes 10
  allspin export paper-10 --spice deck.cir --rows 8 --columns 8
"""

DIALECTS: dict[str, Dialect] = {".v": "verilog", ".sv": "systemverilog"}
IMAGE = ".mem"
DEVICE = "paper"
DECK_OPTIONS = ("layer", "rows", "columns", "device", "reading")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--verilog", metavar="OUT.v", type=Path, help="file to write, .v or .sv")
    what.add_argument("--spice", metavar="DECK.cir", type=Path, help="deck to write")
    add("--lanes", metavar="L", type=int, help="columns that a row drives in a clock (all)")
    add("--layer", metavar="N", type=int, help="with --spice, the layer, from 0 (0)")
    add("--rows", metavar="R", type=int, help="with --spice, the first R rows (all)")
    add("--columns", metavar="C", type=int, help="with --spice, the first C columns (all)")
    add(
        "--device",
        metavar="DEVICE",
        help=f"with --spice, device file with [array], or the name of one that ships ({DEVICE})",
    )
    add(
        "--reading",
        metavar="NAME",
        help="with --spice, how columns are read: series, selected or buffered (the device's, or "
        "series)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write what was asked for."""
    if arguments.spice is not None:
        return _write_deck(arguments)
    for name in DECK_OPTIONS:
        if getattr(arguments, name) is not None:
            raise UserError(f"--{name} needs --spice DECK.cir")
    return _write_verilog(arguments)


def _write_deck(arguments: argparse.Namespace) -> int:
    """Write a corner of a layer's array."""
    if arguments.lanes is not None:
        raise UserError("--lanes needs --verilog OUT.v")
    path: Path = arguments.spice
    check_writable(path)
    array = open_device(arguments.device or DEVICE).array
    reading = arguments.reading or ("series" if array.reading == "ideal" else array.reading)
    network = open_network(arguments.network)
    with naming_options():
        deck = layer_deck(
            network,
            array.read_as(reading),
            printable(arguments.network),
            layer=arguments.layer or 0,
            rows=arguments.rows,
            columns=arguments.columns,
        )
    write_atomically(path, deck.encode())
    say(f"{path}: {READINGS[reading]}; run it with ngspice -b {path}")
    return 0


def _write_verilog(arguments: argparse.Namespace) -> int:
    """Write the engine, and an image of its memories."""
    path: Path = arguments.verilog
    if path.suffix not in DIALECTS:
        raise UserError(f"cannot write {path}: name it .v for Verilog or .sv for SystemVerilog")
    image_path = path.with_suffix(IMAGE)
    for file in (path, image_path):
        check_writable(file)
    with refused():
        profile = HardwareProfile(lanes=arguments.lanes)
    network = open_network(arguments.network)
    with Steps() as steps, steps.waiting("writing Verilog"):
        parameters = EngineParameters.from_network(network, profile)
        verilog = engine_verilog(parameters, DIALECTS[path.suffix])
        image = memory_image(network)
    write_atomically(path, verilog.encode())
    write_atomically(image_path, image.encode())
    beats = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {MODULE}, {len(verilog.splitlines())} lines")
    say(f"{image_path}: {beats} payloads of its port load")
    return 0
