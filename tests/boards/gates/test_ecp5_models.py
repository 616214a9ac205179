"""Our models of ECP5 cells against descriptions of another kind."""

import re
from pathlib import Path

import pytest

from allspin.boards.gates.models import own_models
from allspin.hdl.bench.simulator import simulate

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
BENCH = HERE / "bench_dp16kd.py"
PLAIN, THROUGH, BEFORE = "NORMAL", "WRITETHROUGH", "READBEFOREWRITE"
MODES = [
    # Widths, output registers and write modes of ports A and B.
    (18, 18, False, False, PLAIN, PLAIN),
    (18, 18, False, True, PLAIN, PLAIN),
    (18, 18, True, True, BEFORE, THROUGH),
    (18, 18, False, False, THROUGH, BEFORE),
    (9, 9, False, True, BEFORE, PLAIN),
    (18, 9, False, False, PLAIN, PLAIN),
    (9, 18, True, False, PLAIN, THROUGH),
    (4, 18, False, False, PLAIN, PLAIN),
    (2, 4, False, True, BEFORE, BEFORE),
    (1, 2, False, False, PLAIN, THROUGH),
    (18, 1, False, False, PLAIN, PLAIN),
    (36, 36, False, False, PLAIN, PLAIN),
    (36, 36, False, True, PLAIN, PLAIN),
    (36, 18, False, False, PLAIN, PLAIN),
    (36, 9, False, True, PLAIN, PLAIN),
]


def top():
    """One block in each mode, all with the same inputs."""
    ports = []
    for name in "ab":
        ports += [f"input [13:0] ad_{name}", f"input [35:0] di_{name}"]
        ports += [f"input {signal}_{name}" for signal in ("ce", "we", "oce", "rst")]
    ports += [f"output [35:0] do_{number}" for number in range(len(MODES))]
    lines = [f"module top(input clk, {', '.join(ports)});"]
    for number, (wa, wb, ra, rb, ma, mb) in enumerate(MODES):
        wide = 36 in (wa, wb)
        pins = []
        for name, other in (("A", "a"), ("B", "b")):
            # A wide word's upper half comes in on port B's pins.
            source = "di_a" if wide else f"di_{other}"
            low = 18 if wide and name == "B" else 0
            pins += [f".DI{name}{bit}({source}[{bit + low}])" for bit in range(18)]
            pins += [f".AD{name}{bit}(ad_{other}[{bit}])" for bit in range(14)]
            pins += [f".CLK{name}(clk)", *(f".CS{name}{bit}(1'b0)" for bit in range(3))]
            controls = ("ce", "we", "oce", "rst")
            pins += [f".{signal.upper()}{name}({signal}_{other})" for signal in controls]
            high = 18 if name == "B" else 0
            pins += [f".DO{name}{bit}(do_{number}[{bit + high}])" for bit in range(18)]
        modes = {True: "OUTREG", False: "NOREG"}
        lines.append(
            f'DP16KD #(.DATA_WIDTH_A({wa}), .DATA_WIDTH_B({wb}), .REGMODE_A("{modes[ra]}"), '
            f'.REGMODE_B("{modes[rb]}"), .WRITEMODE_A("{ma}"), .WRITEMODE_B("{mb}")) '
            f"block_{number} ({', '.join(pins)});"
        )
    return "\n".join([*lines, "endmodule", ""])


def model(cell):
    own = own_models("ecp5").read_text()
    (text,) = re.findall(rf"^module {cell}.*?^endmodule", own, re.MULTILINE | re.DOTALL)
    return text


def test_a_block_ram_is_that_of_the_guide(simulator):
    simulate(
        f"{top()}\n{model('DP16KD')}\n",
        BENCH,
        tests=("every_mode_is_what_the_guide_says",),
        simulator=simulator,
        options={"modes": MODES},
    )


def test_a_multiplier_multiplies(simulator):
    pins = [f".{pin}{bit}({pin.lower()}[{bit}])" for pin in "AB" for bit in range(18)]
    pins += [f".C{bit}(1'b0)" for bit in range(18)]
    pins += [f".P{bit}(p[{bit}])" for bit in range(36)]
    pins += [f".SIGNED{pin}(signed_{pin.lower()}), .SOURCE{pin}(1'b0)" for pin in "AB"]
    ports = "input [17:0] a, b, input signed_a, signed_b, output [35:0] p"
    simulate(
        f"module top({ports});\nMULT18X18D multiplier ({', '.join(pins)});\nendmodule\n"
        f"{model('MULT18X18D')}\n",
        HERE / "bench_mult18x18d.py",
        tests=("it_multiplies_signed_and_unsigned",),
        simulator=simulator,
    )
