"""Core for other designs: a machine as Verilog, files for tools, and its program.

``docs/export.md`` describes its ports, registers and files.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module
from amaranth.lib.wiring import In, Out

from allspin.boards.top import join
from allspin.hdl.bus.bus import BUSES, Bus, Register
from allspin.hdl.export import engine_line
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.resident.sdram import pins_layout
from allspin.hdl.stream.component import Component
from allspin.hdl.verilog import Dialect, to_verilog

MODULE = "allspin_core"
"""Name of the top module."""


class Core(Component):
    """Machine behind AXI-Stream and Wishbone.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the machine.

    Raises
    ------
    ValueError
        If `allspin.hdl.bus.bus.Bus` refuses the machine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        self._bus = Bus(parameters)
        members = self._bus.signature.members
        ports = {name: members[name] for name in (*BUSES, "s_axis_tdata", "fault")}
        if (resident := parameters.resident) and (sdram := resident.sdram):
            ports |= {f"sdram_{name}": Out(pin.shape) for name, pin in pins_layout(sdram)}
            ports["sdram_read"] = In(sdram.width)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the core."""
        join(m, self._parameters, self._bus)
        for name, member in self.signature.members.items():
            outer, inner = getattr(self, name), getattr(self._bus, name, None)
            if inner is None:
                pins = m.submodules.resident
                inner = pins.sdram_read if member.flow == In else pins.sdram[name[6:]]
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)


def core_verilog(parameters: EngineParameters, name: str, dialect: Dialect = "verilog") -> str:
    """Return the core as Verilog.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the machine.
    name : str
        Name of the core in the comment at the top.
    dialect : {"verilog", "systemverilog"}
        As `allspin.hdl.verilog.to_verilog` takes it.

    Raises
    ------
    ValueError
        If `Core` refuses the machine.
    """
    slots = parameters.image.rows_per_clock
    resident = parameters.resident
    times = ""
    if resident is not None and resident.sdram is not None:
        times = (
            f"Its SDRAM's times are for a clock of {resident.sdram.frequency} Hz; a word is in "
            f"sdram_read {resident.sdram.latency - 1} clocks after its command.\n"
        )
    header = (
        f"allspin, {name}, {engine_line(parameters)}\n{times}"
        f"A word of s_axis_tdata for each of {slots} rows: row * {slots} + its number in bits 0 to "
        f"15, value in 16 to 23.\nIts memories are empty; docs/export.md says how to write them."
    )
    return to_verilog(Core(parameters), MODULE, dialect=dialect, header=header)


def program_image(memories: Iterable[tuple[int, npt.NDArray[np.uint8]]]) -> str:
    """Return the Wishbone writes that fill memories, as ``$readmemh`` reads them.

    Parameters
    ----------
    memories : iterable of tuple of int and ndarray of uint8, shape (lines, bytes)
        Space and lines of each memory.

    Returns
    -------
    str
        A write per line, in ten hexadecimal digits: one of `sel`, one of the register, and eight of
        data.
    """
    lines = []
    for space, content in memories:
        lines += [f"// space {space:#04x}", f"f{Register.ADDRESS:x}{space << 16:08x}"]
        flat = content.tobytes()
        for place in range(0, len(flat), 4):
            word = flat[place : place + 4]
            data = int.from_bytes(word, "little")
            lines.append(f"{(1 << len(word)) - 1:x}{Register.DATA:x}{data:08x}")
    return "\n".join(lines) + "\n"


WAIVED = ("UNUSEDSIGNAL", "PROCASSINIT", "DECLFILENAME")
"""Warnings of Verilator that are no faults: members of structures that no logic reads, registers
with a value after configuration, and several modules in a file."""


def tool_files(stem: str, suffix: str) -> Mapping[str, str]:
    """Return the files for Verilator and FuseSoC.

    Parameters
    ----------
    stem, suffix : str
        Name of the Verilog file.

    Returns
    -------
    mapping of str to str
        Contents of the files, by suffix.
    """
    rules = [f'lint_off -rule {rule} -file "*{stem}{suffix}"\n' for rule in WAIVED]
    kind = {".v": "verilogSource", ".sv": "systemVerilogSource"}[suffix]
    return {
        ".vlt": "".join(["`verilator_config\n", *rules]),
        ".core": _CORE.format(stem=stem, source=stem + suffix, kind=kind, top=MODULE),
    }


_CORE = """\
CAPI=2:

name: allspin:core:{stem}:0
description: Emulator of an all-spin neural network, with AXI-Stream and Wishbone

filesets:
  rtl:
    files: [{source}]
    file_type: {kind}
  program:
    files:
      - {stem}.mem: {{file_type: user, copyto: {stem}.mem}}
  waivers:
    files: [{stem}.vlt]
    file_type: vlt

targets:
  default:
    filesets: [rtl, program]
    toplevel: {top}
  lint:
    filesets: [waivers, rtl]
    toplevel: {top}
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
"""
