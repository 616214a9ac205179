"""Verilog that other tools read: stable names, nothing to escape, no contents of memories."""

import re
from itertools import pairwise

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.engine.engine import Engine
from allspin.hdl.export import to_verilog
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.stream.buffers import Component
from allspin.sim.network.random_networks import random_network

ENGINE = EngineParameters.from_network(random_network((9, 5, 3), 1), HardwareProfile(lanes=2))


class Inner(Component):
    """Names that Verilog would have to escape, and two memories."""

    def __init__(self) -> None:
        super().__init__(
            {"i": In(stream.Signature(signed(8))), "o": Out(stream.Signature(signed(8)))}
        )

    def build(self, m: Module, platform: object) -> None:
        m.submodules.empty = empty = memory.Memory(shape=8, depth=8, init=[])
        m.submodules.full = full = memory.Memory(shape=8, depth=8, init=[0, 5])
        write, read = empty.write_port(), empty.read_port(domain="comb")
        table = full.read_port(domain="comb")
        odd = [Signal(8, name=name) for name in ("wait", "a.b", "a_b", "a$b", "9", "x[3]", "end")]
        m.d.comb += [
            write.en.eq(self.i.valid),
            write.data.eq(self.i.payload),
            write.addr.eq(odd[0]),
            read.addr.eq(odd[1]),
            table.addr.eq(odd[2]),
            self.o.payload.eq(read.data + table.data + odd[-1]),
            self.o.valid.eq(1),
        ]
        for one, two in pairwise(odd):
            m.d.sync += two.eq(one + 1)


class Outer(Component):
    """A component in a component."""

    def __init__(self) -> None:
        super().__init__(
            {"i": In(stream.Signature(signed(8))), "o": Out(stream.Signature(signed(8)))}
        )

    def build(self, m: Module, platform: object) -> None:
        m.submodules.inner = inner = Inner()
        wiring.connect(m, wiring.flipped(self.i), inner.i)
        wiring.connect(m, inner.o, wiring.flipped(self.o))


@pytest.fixture(scope="module", params=["verilog", "systemverilog"])
def dialect(request):
    return request.param


def test_nothing_is_escaped_and_names_stay_apart(dialect):
    verilog = to_verilog(Outer(), "outer", dialect=dialect)
    assert "\\" not in verilog
    declared = re.findall(r"^  (?:wire|reg) (?:\[.*?\] )?(\w+)(?: |;)", verilog, re.MULTILINE)
    for name in ("wait_", "a_b", "a_b_2", "a_b_3", "_9", "x_3", "end_"):
        assert declared.count(name) == 1, name


def test_ports_and_modules_have_stable_names(dialect):
    verilog = to_verilog(Outer(), "outer", dialect=dialect)
    assert re.findall(r"^module (\w+)", verilog, re.MULTILINE) == ["outer", "outer_inner"]
    (ports,) = re.findall(r"^module outer\s*\((.*?)\);", verilog, re.MULTILINE)
    assert set(ports.split(", ")) == {
        "clk",
        "rst",
        *(f"{port}__{part}" for port in "io" for part in ("payload", "valid", "ready")),
    }


def test_only_contents_that_mean_something_are_kept(dialect):
    verilog = to_verilog(Outer(), "outer", dialect=dialect)
    assert re.findall(r"reg \[7:0\] (\w+) \[7:0\];", verilog) == ["empty", "full"]
    assert verilog.count("initial begin") == 1
    assert re.findall(r"(\w+)\s*\[1\] = 8'h05", verilog) == ["full"]


def test_same_component_same_text(dialect):
    first = to_verilog(Engine(ENGINE), "engine", dialect=dialect)
    assert to_verilog(Engine(ENGINE), "engine", dialect=dialect) == first


def test_engine_names_no_file_and_keeps_the_hints_for_block_ram(dialect):
    verilog = to_verilog(Engine(ENGINE), "engine", dialect=dialect, header="two\nlines")
    assert verilog.startswith("// two\n// lines\n")
    assert "src" not in verilog
    assert ".py" not in verilog
    assert "initial" not in verilog
    hints = set(re.findall(r"\(\* (\w+)", verilog))
    assert {"no_rw_check"} <= hints <= {"no_rw_check", "ram_style", "parallel_case"}


def test_plain_verilog_has_no_word_of_its_successor():
    verilog = to_verilog(Engine(ENGINE), "engine", dialect="verilog")
    assert not re.search(r"\b(always_comb|always_ff|logic|always @\*)", verilog)
    assert "always @(posedge clk)" in verilog


def test_systemverilog_says_what_is_combinational():
    verilog = to_verilog(Engine(ENGINE), "engine", dialect="systemverilog")
    assert "always_comb" in verilog
    assert "always @" not in verilog
