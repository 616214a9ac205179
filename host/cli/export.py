"""``allspin export``: Verilog, an ONNX graph, the array for SPICE, cells for a probe station."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.chips.cell_table import cell_table, check_suffix, table_bytes
from allspin.host.chips.chip_options import PAPER, ChipOptions, ideal_chip
from allspin.host.chips.program_settings import PROGRAM, ProgramSettings
from allspin.host.cli.command import check_needs
from allspin.host.cli.shared import BOARD, DeviceName, NetworkName, Steps
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

EXAMPLES = """\
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


@dataclass(frozen=True)
class _Verilog:
    """Verilog to write: a network's engine, or a board's machine as a core."""

    path: Path
    network: str
    lanes: int | None
    board: str | None
    chip: ChipOptions | None


def run(
    network: NetworkName,
    /,
    *,
    verilog: Annotated[Path | None, Parameter(metavar="OUT.v")] = None,
    onnx: Annotated[Path | None, Parameter(metavar="NET.onnx")] = None,
    spice: Annotated[Path | None, Parameter(metavar="DECK.cir")] = None,
    cells: Annotated[Path | None, Parameter(metavar="CELLS")] = None,
    lanes: int | None = None,
    profile: Annotated[str | None, BOARD] = None,
    layer: int | None = None,
    rows: int | None = None,
    columns: int | None = None,
    device: DeviceName | None = None,
    chip: Annotated[int | None, Parameter(metavar="SEED")] = None,
    program: Annotated[ProgramSettings | None, PROGRAM] = None,
    steps: Steps,
) -> int:
    """Write a network's engine, graph, array or cells in the format of another tool.

    OUT.v is plain Verilog (OUT.sv is SystemVerilog), OUT.mem beside it its memories, for
    $readmemh; docs/export.md describes both, with a testbench. With a board's profile it is the
    machine of the board's bitstream, as a core with AXI-Stream and Wishbone; OUT.vlt and OUT.core
    are for Verilator and FuseSoC. NET.onnx is the ideal network in integers, which gives the same
    logits, bit for bit; docs/networks.md describes it. DECK.cir prints every transfer function of
    a corner of a layer's array; docs/array.md describes it.

    CELLS.csv or CELLS.npz has a row for each cell of the chip that run --chip SEED makes: layer,
    row and column, state, target and reached R_AH in the device's unit and in words, its train of
    pulses, saturations, reads, tries, converged. Only write-verify and incremental read cells:
    with other schemes reads, tries and converged are empty in CSV and missing in NumPy's archive.
    docs/formats.md lists the columns; run --measured scores such cells as they were measured.

    Parameters
    ----------
    network : str
        Network file, or the name of a shipped network.
    verilog : Path, optional
        Verilog to write, OUT.v or OUT.sv.
    onnx : Path, optional
        Graph to write.
    spice : Path, optional
        Deck for ngspice to write.
    cells : Path, optional
        Table of cells to write, CELLS.csv or CELLS.npz.
    lanes : int, optional
        With `verilog`, columns that are computed in a cycle: all unless given.
    profile : str, optional
        With `verilog`, machine of a board, as a core with AXI-Stream and Wishbone.
    layer : int, optional
        With `spice`, layer, from 0: 0 unless given.
    rows : int, optional
        With `spice`, first rows of the layer: all, or a tile's, unless given.
    columns : int, optional
        With `spice`, first columns of the layer: all unless given.
    device : str, optional
        With `spice`, `cells` or `profile`, device file, or the name of a shipped device, which has
        [array] for `spice`: paper unless given.
    chip : int, optional
        With `cells` or `profile`, seed of the chip.
    """
    outputs = {"verilog": verilog, "onnx": onnx, "spice": spice, "cells": cells}
    wanted = [name for name, path in outputs.items() if path is not None]
    if len(wanted) != 1:
        raise UserError(f"give one of {', '.join(f'`{name}`' for name in outputs)}")
    check_needs({"lanes": lanes, "profile": profile}, {"verilog": verilog})
    corner = {"layer": layer, "rows": rows, "columns": columns}
    check_needs(corner, {"spice": spice})
    check_needs({"chip": chip}, {"cells": cells, "profile": profile})
    check_needs({"cells": cells}, {"chip": chip})
    check_needs({"program": program}, {"chip": chip})
    check_needs({"device": device}, {"spice": spice, "chip": chip})
    options = None if chip is None else ChipOptions(chip, device or PAPER, program)
    if verilog is not None:
        _write_verilog(_Verilog(verilog, network, lanes, profile, options), steps)
    if cells is not None and options is not None:
        _write_cells(cells, network, options)
    if onnx is not None:
        _write_graph(onnx, network)
    if spice is not None:
        _write_deck(spice, network, device or PAPER, layer or 0, rows, columns)
    return 0


def _write_cells(path: Path, network: str, options: ChipOptions) -> None:
    """Write the table of a chip's cells."""
    check_suffix(path)
    check_writable(path)
    table = cell_table(options.make(open_network(network)))
    write_atomically(path, table_bytes(table, path))
    say(f"{path}: {table.describe()}")


def _write_graph(path: Path, network: str) -> None:
    """Write the ONNX graph of a network."""
    check_writable(path)
    opened = open_network(network)
    shape = " x ".join(map(str, opened.image_shape))
    write_atomically(path, network_graph(opened))
    say(f"{path}: from {IMAGES}, uint8 of N x {shape}, to {LOGITS} and {CLASSES}")


def _write_deck(
    path: Path, network: str, device: str, layer: int, rows: int | None, columns: int | None
) -> None:
    """Write the deck of a corner of a layer's array, for ngspice."""
    check_writable(path)
    array = open_device(device).array
    reading = "series" if array.reading == "ideal" else array.reading
    opened = open_network(network)
    with refused(kinds=(ValueError, TypeError)):
        deck = layer_deck(
            opened,
            array.read_as(reading),
            printable(network),
            layer=layer,
            rows=rows,
            columns=columns,
        )
    write_atomically(path, deck.encode())
    say(f"{path}: {READINGS[reading]}; run it with ngspice -b {path}")


def _write_verilog(wanted: _Verilog, steps: Steps) -> None:
    """Write the engine, and an image of its memories."""
    from allspin.hdl.export import MODULE, engine_verilog, memory_image

    path = wanted.path
    if path.suffix not in DIALECTS:
        raise UserError(f"cannot write {path}: name it .v for Verilog or .sv for SystemVerilog")
    image_path = path.with_suffix(".mem")
    if wanted.board is not None:
        _write_core(wanted, steps)
        return
    for file in (path, image_path):
        check_writable(file)
    with refused(kinds=(ValueError, TypeError)):
        profile = HardwareProfile(lanes=wanted.lanes)
    network = open_network(wanted.network)
    with steps.waiting("writing Verilog"):
        with refused("the gateware cannot run this network: "):
            parameters = EngineParameters.from_network(network, profile)
        verilog = engine_verilog(parameters, DIALECTS[path.suffix])
        image = memory_image(network)
    write_atomically(path, verilog.encode())
    write_atomically(image_path, image.encode())
    beats = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {MODULE}, {len(verilog.splitlines())} lines")
    say(f"{image_path}: {beats} payloads of its port load")


def _write_core(wanted: _Verilog, steps: Steps) -> None:
    """Write a board's machine as a core, its program, and files for tools."""
    from allspin.boards.core import MODULE as CORE, core_verilog, program_image, tool_files
    from allspin.boards.shell import ShellParameters
    from allspin.host.bitstreams.build_options import BuildChanges
    from allspin.host.bitstreams.jobs import find_jobs

    path, name = wanted.path, wanted.board
    files = {suffix: path.with_suffix(suffix) for suffix in (".mem", ".vlt", ".core")}
    for file in (path, *files.values()):
        check_writable(file)
    if re.fullmatch(r"\w+", path.stem, re.ASCII) is None:
        raise UserError(f"cannot write {path}: a core's name has letters, digits and underscores")
    network = open_network(wanted.network)
    with refused(kinds=(ValueError, TypeError)):
        job, *more = find_jobs([str(name)], network, None, BuildChanges(wanted.lanes))
    if more:
        raise UserError("--profile is the machine of one board, such as ulx3s-25f:chips")
    link = ShellParameters.from_network(job.board, job.network, job.profile).machine.link
    program = KeptProgram(str(name), Identity.parse(identity_bytes(link)))
    # A network of stochastic neurons has noise at each use on an ideal chip too.
    chip = ideal_chip(network) if network.neuron.noise else None
    if wanted.chip is not None:
        chip = wanted.chip.make(network)
    if chip is None:
        program.load_network(network)
    else:
        program.load_chip(chip)
    with steps.waiting("writing Verilog"), refused(f"no core of {name}: "):
        verilog = core_verilog(link.engine, str(name), DIALECTS[path.suffix])
    image = program_image(program.kept)
    contents = {".mem": image, **tool_files(path.stem, path.suffix)}
    write_atomically(path, verilog.encode())
    for suffix, file in files.items():
        write_atomically(file, contents[suffix].encode())
    writes = sum(not line.startswith("//") for line in image.splitlines())
    say(f"{path}: module {CORE}, {len(verilog.splitlines())} lines")
    say(f"{files['.mem']}: {writes} writes to its Wishbone side")
    say(f"{files['.vlt']}, {files['.core']}: for Verilator and FuseSoC")
