"""``allspin export``: Verilog, an ONNX graph, the array for SPICE, cells for a probe station."""

import re
from typing import Literal

from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.cell_table import cell_table, check_suffix, table_bytes
from allspin.host.chips.chip_options import ChipOptions, ideal_chip
from allspin.host.cli.options import (
    PAPER,
    SHARED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    naming_options,
    read_options,
)
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.files import check_writable
from allspin.host.foreign.graph.writing import CLASSES, IMAGES, LOGITS, network_graph
from allspin.host.link.identity import Identity
from allspin.host.machines.kept_program import KeptProgram
from allspin.host.show.say import printable, say
from allspin.sim.array.spice import layer_deck
from allspin.sim.device.hall_array import READINGS
from allspin.sim.errors import UserError, refused
from allspin.sim.files import write_atomically

HELP = """\
Write a network's engine as Verilog, the network as an ONNX graph, its array of Hall crosses as a
deck for ngspice, or the cells of a chip as a table for a probe station.

OUT.v is plain Verilog (OUT.sv is SystemVerilog), OUT.mem beside it what to load, for $readmemh;
docs/export.md describes both, with a testbench. With --profile it is what a board's bitstream has,
as a core with AXI-Stream and Wishbone; OUT.vlt and OUT.core are for Verilator and FuseSoC.
NET.onnx is the ideal network in integers, which gives the same logits, bit for bit;
docs/networks.md describes it. DECK.cir prints every transfer function of a corner of a layer's
array; docs/array.md describes it.

CELLS.csv or CELLS.npz has a row for each cell of the chip that run --chip SEED
makes: layer, row and column, state, target and reached R_AH in the device's
unit and in words, its train of pulses, saturations, reads, tries, converged.
Without write-verify or incremental nothing is read: reads, tries and converged are then empty
in CSV and not there in NumPy's archive. docs/formats.md lists the columns; run
--measured scores what was measured of such cells."""
EPILOG = """\
examples:
  allspin export mnist-10 --verilog engine.v
  allspin export mnist-10 --verilog engine.sv --lanes 10
  allspin export mnist-10 --verilog core.v --profile ulx3s-25f:chips
  allspin export mnist-10 --onnx mnist-10.onnx
  allspin export paper-10 --spice deck.cir --rows 8 --columns 8
  allspin export paper-10 --chip 7 --cells cells.csv
  allspin export mine.safetensors --device mine.toml --chip 7 \\
      --program write-verify --cells c.npz
"""

DIALECTS: dict[str, Literal["verilog", "systemverilog"]] = {".v": "verilog", ".sv": "systemverilog"}


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "network")
    what = parser.add_mutually_exclusive_group(required=True)
    for flag, words in (
        ("--verilog", "Verilog to write, OUT.v or OUT.sv"),
        ("--onnx", "graph to write, NET.onnx"),
        ("--spice", "deck to write, DECK.cir"),
        ("--cells", "table of cells to write, CELLS.csv or CELLS.npz"),
    ):
        what.add_argument(flag, metavar="OUT", type="file", help=words)
    add_shared(parser, "--lanes")
    parser.add_argument(
        "--profile",
        metavar="BOARD:PROFILE",
        help="with --verilog, the machine of a board, as a core with AXI-Stream and Wishbone",
    )
    parser.add_argument(
        "--layer", metavar="N", type=int, help="with --spice, the layer, from 0 (0)"
    )
    parser.add_argument(
        "--rows", metavar="R", type=int, help="with --spice, the first R rows (all, or a tile's)"
    )
    parser.add_argument(
        "--columns", metavar="C", type=int, help="with --spice, the first C columns (all)"
    )
    add_shared(
        parser,
        "--device",
        default=None,
        help="with --spice, --cells or --profile, device file, or the name of one that ships, "
        f"which has [array] for --spice ({PAPER})",
    )
    add_shared(parser, "--at", help=f"with --spice, --cells or --profile, {SHARED['--at']['help']}")
    parser.add_argument(
        "--reading",
        metavar="NAME",
        help="with --spice, how columns are read: series, selected or buffered (the device's, or "
        "series)",
    )
    parser.add_argument(
        "--chip", metavar="SEED", type=int, help="with --cells or --profile, the chip"
    )
    add_options(parser, ChipOptions, "scheme", "polarity", "tries", "band")


def run(arguments: Arguments) -> int:
    """Write what was asked for."""
    if arguments.verilog is not None:
        _write_verilog(arguments)
        return 0
    if arguments.cells is not None:
        path = arguments.cells
        check_suffix(path)
        check_writable(path)
        chip = read_options(arguments, ChipOptions).make(open_network(arguments.network))
        table = cell_table(chip)
        content, said = table_bytes(table, path), table.describe()
    elif arguments.onnx is not None:
        path = arguments.onnx
        check_writable(path)
        network = open_network(arguments.network)
        shape = " x ".join(map(str, network.image_shape))
        content = network_graph(network)
        said = f"from {IMAGES}, uint8 of N x {shape}, to {LOGITS} and {CLASSES}"
    else:
        path = arguments.spice
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
        content, said = deck.encode(), f"{READINGS[reading]}; run it with ngspice -b {path}"
    write_atomically(path, content)
    say(f"{path}: {said}")
    return 0


def _write_verilog(arguments: Arguments) -> None:
    """Write the engine, and an image of its memories."""
    from allspin.hdl.export import MODULE, engine_verilog, memory_image

    path = arguments.verilog
    if path.suffix not in DIALECTS:
        raise UserError(f"cannot write {path}: name it .v for Verilog or .sv for SystemVerilog")
    image_path = path.with_suffix(".mem")
    if arguments.profile is not None:
        _write_core(arguments)
        return
    for file in (path, image_path):
        check_writable(file)
    profile = read_options(arguments, HardwareProfile)
    network = open_network(arguments.network)
    with arguments.steps.waiting("writing Verilog"):
        with refused("the gateware cannot run this network: "):
            parameters = EngineParameters.from_network(network, profile)
        verilog = engine_verilog(parameters, DIALECTS[path.suffix])
        image = memory_image(network)
    write_atomically(path, verilog.encode())
    write_atomically(image_path, image.encode())
    beats = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {MODULE}, {len(verilog.splitlines())} lines")
    say(f"{image_path}: {beats} payloads of its port load")


def _write_core(arguments: Arguments) -> None:
    """Write a board's machine as a core, its program, and what tools are told of it."""
    from allspin.boards.core import MODULE as CORE, core_verilog, program_image, tool_files
    from allspin.boards.shell import ShellParameters
    from allspin.host.bitstreams.build_options import BuildChanges
    from allspin.host.bitstreams.jobs import find_jobs

    path, name = arguments.verilog, arguments.profile
    files = {suffix: path.with_suffix(suffix) for suffix in (".mem", ".vlt", ".core")}
    for file in (path, *files.values()):
        check_writable(file)
    if re.fullmatch(r"\w+", path.stem, re.ASCII) is None:
        raise UserError(f"cannot write {path}: a core's name has letters, digits and underscores")
    network = open_network(arguments.network)
    with naming_options():
        job, *more = find_jobs([name], network, None, BuildChanges(arguments.lanes))
    if more:
        raise UserError("--profile is the machine of one board, such as ulx3s-25f:chips")
    link = ShellParameters.from_network(job.board, job.network, job.profile).machine.link
    program = KeptProgram(name, Identity.parse(identity_bytes(link)))
    # Where neurons switch by chance, an ideal network has noise at each use too.
    chip = ideal_chip(network) if network.neuron.noise else None
    if arguments.chip is not None:
        chip = read_options(arguments, ChipOptions).make(network)
    if chip is None:
        program.load_network(network)
    else:
        program.load_chip(chip)
    with arguments.steps.waiting("writing Verilog"), refused(f"no core of {name}: "):
        verilog = core_verilog(link.engine, name, DIALECTS[path.suffix])
    image = program_image(program.kept)
    contents = {".mem": image, **tool_files(path.stem, path.suffix)}
    write_atomically(path, verilog.encode())
    for suffix, file in files.items():
        write_atomically(file, contents[suffix].encode())
    writes = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {CORE}, {len(verilog.splitlines())} lines")
    say(f"{files['.mem']}: {writes} writes to its Wishbone side")
    say(f"{files['.vlt']}, {files['.core']}: for Verilator and FuseSoC")
