"""``allspin export``: Verilog, an ONNX graph, the array for SPICE, cells for a probe station."""

import argparse
from pathlib import Path

from allspin.hdl.export import MODULE, Dialect, engine_verilog, memory_image
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.cell_table import check_suffix, table_bytes
from allspin.host.chips.options import PAPER, ChipOptions
from allspin.host.cli.options import (
    SHARED,
    add_options,
    add_shared,
    check_together,
    read_options,
)
from allspin.host.cli.parser import naming_options
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.files import check_writable
from allspin.host.foreign.writing import CLASSES, IMAGES, LOGITS, network_graph
from allspin.host.show.progress import Steps
from allspin.host.show.say import printable, say
from allspin.sim.array.spice import layer_deck
from allspin.sim.device.hall_array import READINGS
from allspin.sim.errors import UserError, refused
from allspin.sim.files import write_atomically

HELP = """\
Write a network's engine as Verilog, the network as an ONNX graph, its array of Hall crosses as a
deck for ngspice, or the cells of a chip as a table for a probe station.

OUT.v is plain Verilog (OUT.sv is SystemVerilog), OUT.mem beside it what to load, for $readmemh;
docs/export.md describes both, with a testbench. NET.onnx is the ideal network in integers, which
gives the same logits, bit for bit; docs/networks.md describes it. DECK.cir prints every transfer
function of a corner of a layer's array; docs/array.md describes it.

CELLS.csv or CELLS.npz has a row for each cell of the chip that run --chip SEED
makes: layer, row and column, state, target and reached R_AH in the device's
unit and in words, its train of pulses, saturations, reads, tries, converged.
Without write-verify nothing is read: reads, tries and converged are then empty
in CSV and not there in NumPy's archive. docs/formats.md lists the columns; run
--measured scores what was measured of such cells."""
EPILOG = """\
examples:
  allspin export mnist-10 --verilog engine.v
  allspin export mnist-10 --verilog engine.sv --lanes 10
  allspin export mnist-10 --onnx mnist-10.onnx
  allspin export paper-10 --spice deck.cir --rows 8 --columns 8
  allspin export paper-10 --chip 7 --cells cells.csv
  allspin export mine.safetensors --device mine.toml --chip 7 \\
      --program write-verify --cells c.npz
"""

DIALECTS: dict[str, Dialect] = {".v": "verilog", ".sv": "systemverilog"}
IMAGE = ".mem"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add_shared(parser, "network")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--verilog", metavar="OUT", type=Path, help="Verilog to write, OUT.v or OUT.sv"
    )
    what.add_argument("--onnx", metavar="OUT", type=Path, help="graph to write, NET.onnx")
    what.add_argument("--spice", metavar="OUT", type=Path, help="deck to write, DECK.cir")
    what.add_argument(
        "--cells", metavar="OUT", type=Path, help="table of cells to write, CELLS.csv or CELLS.npz"
    )
    add_shared(parser, "--lanes")
    add("--layer", metavar="N", type=int, help="with --spice, the layer, from 0 (0)")
    add("--rows", metavar="R", type=int, help="with --spice, the first R rows (all, or a tile's)")
    add("--columns", metavar="C", type=int, help="with --spice, the first C columns (all)")
    add_shared(
        parser,
        "--device",
        default=None,
        help="with --spice or --cells, device file, or the name of one that ships, which has "
        f"[array] for --spice ({PAPER})",
    )
    at = SHARED["--at"]["help"]
    add_shared(parser, "--at", help=f"with --spice or --cells, {at}")
    add(
        "--reading",
        metavar="NAME",
        help="with --spice, how columns are read: series, selected or buffered (the device's, or "
        "series)",
    )
    add("--chip", dest="seed", metavar="SEED", type=int, help="with --cells, the chip")
    add_options(parser, ChipOptions, "scheme", "polarity", "tries", "band")


def run(arguments: argparse.Namespace) -> int:
    """Write what was asked for."""
    check_together(arguments)
    if arguments.cells is not None:
        _write_cells(arguments)
    elif arguments.onnx is not None:
        _write_graph(arguments)
    elif arguments.spice is not None:
        _write_deck(arguments)
    else:
        _write_verilog(arguments)
    return 0


def _write_cells(arguments: argparse.Namespace) -> None:
    """Write the cells of a chip."""
    path: Path = arguments.cells
    check_suffix(path)
    check_writable(path)
    table = read_options(arguments, ChipOptions).cells(open_network(arguments.network))
    write_atomically(path, table_bytes(table, path))
    say(f"{path}: {table.describe()}")


def _write_graph(arguments: argparse.Namespace) -> None:
    """Write the network as a graph."""
    path: Path = arguments.onnx
    check_writable(path)
    network = open_network(arguments.network)
    write_atomically(path, network_graph(network))
    height, width = network.image_shape
    say(f"{path}: from {IMAGES}, uint8 of N x {height} x {width}, to {LOGITS} and {CLASSES}")


def _write_deck(arguments: argparse.Namespace) -> None:
    """Write a corner of a layer's array."""
    path: Path = arguments.spice
    check_writable(path)
    array = open_device(arguments.device or PAPER, arguments.at).array
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


def _write_verilog(arguments: argparse.Namespace) -> None:
    """Write the engine, and an image of its memories."""
    path: Path = arguments.verilog
    if path.suffix not in DIALECTS:
        raise UserError(f"cannot write {path}: name it .v for Verilog or .sv for SystemVerilog")
    image_path = path.with_suffix(IMAGE)
    for file in (path, image_path):
        check_writable(file)
    profile = read_options(arguments, HardwareProfile)
    network = open_network(arguments.network)
    with Steps() as steps, steps.waiting("writing Verilog"):
        with refused("the gateware cannot run this network: "):
            parameters = EngineParameters.from_network(network, profile)
        verilog = engine_verilog(parameters, DIALECTS[path.suffix])
        image = memory_image(network)
    write_atomically(path, verilog.encode())
    write_atomically(image_path, image.encode())
    beats = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {MODULE}, {len(verilog.splitlines())} lines")
    say(f"{image_path}: {beats} payloads of its port load")
