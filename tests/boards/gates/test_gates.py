"""The netlist of a whole board, as nextpnr reads it, against the golden model."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from allspin.boards.build.flow import Build
from allspin.boards.catalogue import find_board
from allspin.boards.gates.models import family_of_cells, models
from allspin.boards.gates.netlist import GateNetlist
from allspin.boards.gates.pins import Pins
from allspin.boards.gates.simulator import build
from allspin.boards.shell import SETTLING_SECONDS, ShellParameters
from allspin.hdl.bench.simulator import BenchFailure, simulate
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_images, random_network

BENCH = Path(__file__).with_name("bench_gates.py")
NETWORK = random_network((4, 2), 1)
PROFILE = HardwareProfile(lanes=1)
BOARD = find_board("icebreaker")
WRAPPER = """
module top(input clk, input rst, input rx, output tx);
  gates gates(.clk(clk), .rx(rx), .tx(tx));
endmodule
"""


PARAMETERS = ShellParameters.from_network(BOARD, NETWORK, PROFILE)


@pytest.fixture(scope="module")
def built():
    """The build, and its netlist for nextpnr."""
    build = Build(PARAMETERS)
    return build, build.synthesise()


def run(netlist, simulator, images=8):
    cells = models(family_of_cells(netlist.types), netlist.types)
    simulate(
        netlist.to_verilog(Pins.of_board(BOARD)) + WRAPPER + cells,
        BENCH,
        tests=("gates_are_the_golden_model",),
        simulator=simulator,
        network=NETWORK,
        profile=PROFILE,
        images=random_images(NETWORK, images, 3),
        options={
            "window": PARAMETERS.machine.link.window,
            "frequency": BOARD.machine_frequency,
            "divisor": str(BOARD.uart_parameters.divisor),
            "settling": round(2 * SETTLING_SECONDS * BOARD.machine_frequency),
        },
    )


@pytest.mark.long
@pytest.mark.tool("iverilog", "vvp")
@pytest.mark.parametrize(
    ("routed", "images", "types"),
    [
        # All that the bitstream is made of: memory, logic, the PLL and the pins.
        (False, 8, {"SB_LUT4", "SB_RAM40_4K", "SB_PLL40_PAD", "SB_IO"}),
        (True, 3, {"ICESTORM_LC", "ICESTORM_RAM", "ICESTORM_PLL", "SB_GB"}),
    ],
)
def test_gates_in_icarus_are_the_golden_model(built, routed, images, types):
    build, synthesised = built
    file = build.route(synthesised, 1).folder / "routed.json" if routed else synthesised.path
    netlist = GateNetlist.read(file)
    assert netlist.digest == hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    assert types <= set(netlist.types)
    run(netlist, "icarus", images)


def flipped(netlist, pattern, table, pins, suits):
    """Invert one bit of one look-up table, in the adder of a column's sum.

    The table reads this bit while all its variable inputs are low.
    """
    place = r"machine\.engine\.layer_0\.crossbar\.columns\.accumulators\."
    cell = min(
        (each for each in netlist.cells if re.match(place + pattern, each.name) and suits(each)),
        key=lambda each: each.name,
    )
    bit = sum(1 << k for k, pin in enumerate(pins) if cell.connections[pin] == ["1"])
    found = f"{int(cell.parameters[table], 2) ^ 1 << bit:016b}"
    wrong = replace(cell, parameters={**cell.parameters, table: found})
    cells = tuple(wrong if each is cell else each for each in netlist.cells)
    return replace(netlist, digest=f"{netlist.digest}-wrong", cells=cells)


@pytest.mark.long
def test_a_flipped_bit_of_a_table_is_found(built):
    netlist = GateNetlist.read(built[1].path)
    broken = flipped(
        netlist,
        r"(total_0|sum_0_SB_DFF\w*_D)_SB_LUT4",  # by the sum, or by the register behind it
        "LUT_INIT",
        ("I0", "I1", "I2", "I3"),
        lambda each: each.type == "SB_LUT4" and each.parameters["LUT_INIT"].count("1") in (4, 8),
    )
    assert broken.digest != netlist.digest
    pairs = zip(netlist.cells, broken.cells, strict=True)
    ((before, after),) = [pair for pair in pairs if pair[0] != pair[1]]
    tables = [int(cell.parameters["LUT_INIT"], 2) for cell in (before, after)]
    assert (tables[0] ^ tables[1]).bit_count() == 1
    with pytest.raises(BenchFailure, match=r"logits|differs"):
        run(broken, "verilator")


MODULE = {
    "attributes": {"top": "1"},
    "ports": {
        "clk": {"direction": "input", "bits": [2]},
        "rx": {"direction": "input", "bits": [3]},
        "tx": {"direction": "output", "bits": [4]},
        "rst": {"direction": "input", "bits": [5]},
        "bus": {"direction": "output", "bits": [6, 7]},
    },
    "cells": {
        "table": {
            "type": "LUT4",
            "parameters": {"INIT": "1000000000000001"},
            "connections": {"A": [3], "B": ["1"], "C": ["x"], "D": [5], "Z": [4]},
        },
        "from": {"type": "$scopeinfo", "parameters": {}, "connections": {}},
        "memory": {
            "type": "DP16KD",
            "parameters": {"CSDECODE_A": "0b000", "WRITEMODE_A": "01 "},
            "connections": {"CLKA": [2], "DOA0": [6]},
        },
    },
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": MODULE, "LUT4": {"cells": {}}}}))
    return path


def test_verilog_says_the_netlist_cell_for_cell(file):
    netlist = GateNetlist.read(file)
    assert netlist.types == {"DP16KD": 1, "LUT4": 1}
    lines = netlist.to_verilog(Pins("clk", "rx", "tx", low=("rst",))).splitlines()
    assert lines[0] == "module gates (input clk, input rx, output tx);"
    assert (
        "  LUT4 #(.INIT(16'b1000000000000001)) c0 "
        "(.A(rx), .B(1'b1), .C(1'b0), .D(1'b0), .Z(tx));" in lines
    )
    assert (
        '  DP16KD #(.CSDECODE_A("0b000"), .WRITEMODE_A("01")) c1 (.CLKA(clk), .DOA0(n6));' in lines
    )


def test_pins_must_be_there(file):
    netlist = GateNetlist.read(file)
    for pins in (Pins("clock", "rx", "tx"), Pins("clk", "rx", "bus")):
        with pytest.raises(ValueError, match=r"no port '(clock|bus)' of one bit"):
            netlist.to_verilog(pins)


def test_a_file_that_is_no_netlist_is_one_line(tmp_path, file):
    with pytest.raises(UserError, match=r"cannot read the netlist .*: No such file"):
        GateNetlist.read(tmp_path / "none")
    none = json.dumps({"modules": {"a": {"cells": {}, "attributes": {}}}})
    for text, line in (
        *((text, "is not a netlist in Yosys' JSON") for text in ("{", "[]", '{"modules": 1}')),
        (none, "must have one top module, not 0"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=line):
            GateNetlist.read(file)


def test_a_carry_goes_on_through_the_cell_that_lets_it_out(tmp_path):
    # In nextpnr's JSON the last cell's carry comes from its table's wire.
    ports = {**dict.fromkeys(("CIN", "I3"), "input"), **dict.fromkeys(("COUT", "O"), "output")}

    def cell(**connections):
        return {
            "type": "ICESTORM_LC",
            "parameters": {},
            "port_directions": ports,
            "connections": {port: connections.get(port, []) for port in ports},
        }

    cells = {
        "first": cell(I3=[2], COUT=[3]),
        "second": cell(CIN=[3], I3=[2], COUT=[4]),
        "out": cell(I3=[4], O=[5], COUT=[6]),
    }
    path = tmp_path / "routed.json"
    path.write_text(
        json.dumps({"modules": {"top": {"attributes": {"top": "1"}, "ports": {}, "cells": cells}}})
    )
    carries = [cell.connections["CIN"] for cell in GateNetlist.read(path).cells]
    assert carries == [["0"], [3], [4]]


def test_unused_ports_of_a_placed_multiplier_are_left_out(tmp_path):
    names = ("CLK0", "SRIA17", "RST3", "C0")  # its model has no registers and no shift chain
    cell = {
        "type": "MULT18X18D",
        "parameters": {},
        "port_directions": dict.fromkeys(names, "input"),
    }
    path = tmp_path / "routed.json"
    cells = {"product": cell | {"connections": {name: [] for name in names}}}
    path.write_text(
        json.dumps({"modules": {"top": {"attributes": {}, "ports": {}, "cells": cells}}})
    )
    (found,) = GateNetlist.read(path).cells
    assert [port for port, bits in found.connections.items() if bits] == ["C0"]


def test_cells_without_a_model_are_one_line():
    with pytest.raises(UserError, match="there are no models for these cells: only for ice40"):
        family_of_cells(["DFF"])
    with pytest.raises(UserError, match="no model of the cell NOTHING for ecp5"):
        models("ecp5", ["LUT4", "NOTHING"])


def test_a_reset_button_is_let_go():
    pins = {name: Pins.of_board(find_board(name)) for name in ("icebreaker", "ecpix-5")}
    assert (pins["icebreaker"].low, pins["icebreaker"].high) == ((), ())
    assert pins["icebreaker"].clock == "clk12_0__io"
    assert pins["ecpix-5"].high or pins["ecpix-5"].low


def test_a_simulator_that_fails_is_one_line(file, monkeypatch):
    monkeypatch.setattr("allspin.boards.gates.simulator.models", lambda family, types: "nonsense")
    with pytest.raises(UserError, match=r"translating the netlist to C\+\+ failed: verilator: "):
        build(GateNetlist.read(file), Pins("clk", "rx", "tx", low=("rst",)))
