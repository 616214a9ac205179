"""Our models of iCE40 cells against descriptions of another kind."""

from pathlib import Path

import pytest

from allspin.boards.gates.models import models
from allspin.hdl.bench.simulator import simulate

BENCH = Path(__file__).with_name("bench_dsp.py")
# The engine's multipliers after Yosys: a product, and a product added to C and D.
MODES = {
    "product": {"B_SIGNED": 1, "A_REG": 1, "TOPOUTPUT_SELECT": 3, "BOTOUTPUT_SELECT": 3},
    "total": {
        **{"A_SIGNED": 1, "B_SIGNED": 1, "A_REG": 1},
        **{"TOPADDSUB_LOWERINPUT": 2, "TOPADDSUB_UPPERINPUT": 1, "TOPADDSUB_CARRYSELECT": 3},
        **{"BOTADDSUB_LOWERINPUT": 2, "BOTADDSUB_UPPERINPUT": 1},
        **{"TOPOUTPUT_SELECT": 1, "BOTOUTPUT_SELECT": 1},
    },
}
LOW = (
    *(f"{name}HOLD" for name in "ABCD"),
    *("IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT", "OLOADTOP", "OLOADBOT"),
    *("ADDSUBTOP", "ADDSUBBOT", "OHOLDTOP", "OHOLDBOT", "CI", "ACCUMCI", "SIGNEXTIN"),
)


def top():
    """One multiplier in each mode, all with the same inputs."""
    inputs = ", ".join(f"input [15:0] {name}" for name in "abcd")
    outputs = ", ".join(f"output [31:0] {name}" for name in MODES)
    lines = [f"module top(input clk, {inputs}, {outputs});"]
    for name, parameters in MODES.items():
        given = ", ".join(f".{key}({value})" for key, value in parameters.items())
        pins = [".CLK(clk)", ".CE(1'b1)", *(f".{low}(1'b0)" for low in LOW)]
        pins += [f".{port.upper()}_{bit}({port}[{bit}])" for port in "abcd" for bit in range(16)]
        pins += [f".O_{bit}({name}[{bit}])" for bit in range(32)]
        lines.append(f"ICESTORM_DSP #({given}) dsp_{name} ({', '.join(pins)});")
    return "\n".join([*lines, "endmodule", ""])


@pytest.mark.long
def test_a_routed_multiplier_is_that_of_integers(simulator):
    simulate(
        top() + models("ice40", ["ICESTORM_DSP"]),
        BENCH,
        tests=("products_and_sums_are_those_of_integers",),
        simulator=simulator,
    )
