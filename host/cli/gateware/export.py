"""``allspin export``: the engine as Verilog, for another flow."""

import argparse
from pathlib import Path

from allspin.hdl.export.export import MODULE, engine_verilog, memory_image
from allspin.hdl.export.verilog import Dialect
from allspin.hdl.parameters import EngineParameters, HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.data.files import check_writable
from allspin.host.show.say import say
from allspin.sim.errors import UserError, refused
from allspin.sim.network.netfile import write_atomically

HELP = """\
Write a network's engine as Verilog, and beside it an image of its memories.

OUT.v is plain Verilog (OUT.sv is SystemVerilog), OUT.mem what to load, for $readmemh;
docs/export.md describes both, with a testbench."""
EPILOG = """\
examples:
  allspin export mnist-10 --verilog engine.v
  allspin export mnist-10 --verilog engine.sv --lanes 10
"""

DIALECTS: dict[str, Dialect] = {".v": "verilog", ".sv": "systemverilog"}
IMAGE = ".mem"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add("--verilog", metavar="OUT.v", type=Path, required=True, help="file to write, .v or .sv")
    add("--lanes", metavar="L", type=int, help="columns that a row drives in a clock (all)")


def run(arguments: argparse.Namespace) -> int:
    """Write both files."""
    path: Path = arguments.verilog
    if path.suffix not in DIALECTS:
        raise UserError(f"cannot write {path}: name it .v for Verilog or .sv for SystemVerilog")
    image_path = path.with_suffix(IMAGE)
    for file in (path, image_path):
        check_writable(file)
    with refused():
        profile = HardwareProfile(lanes=arguments.lanes)
    network = open_network(arguments.network)
    verilog = engine_verilog(EngineParameters.from_network(network, profile), DIALECTS[path.suffix])
    image = memory_image(network)
    write_atomically(path, verilog.encode())
    write_atomically(image_path, image.encode())
    beats = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {MODULE}, {len(verilog.splitlines())} lines")
    say(f"{image_path}: {beats} payloads of its port load")
    return 0
