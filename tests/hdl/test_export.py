"""Contents of memories as payloads, and Verilog for other tools."""

import re
from itertools import pairwise

import pytest
from amaranth.hdl import Const, Module, Signal, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hypothesis import given, strategies as st

from allspin.hdl.contents import load_beats, network_contents
from allspin.hdl.engine.engine import Engine
from allspin.hdl.export import memory_image
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.payloads import PayloadCode
from allspin.hdl.stream.component import Component
from allspin.hdl.verilog import to_verilog
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_network import random_network

NETWORKS = {
    "sot": random_network((11, 5, 4, 3), 7, current_bits=6),
    "relu": random_network((11, 5, 3), 8, neuron=ReluNeuron()),
    "one layer": random_network((6, 3), 9),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_memory_but_the_counters_is_filled(name):
    network = NETWORKS[name]
    memories = memory_map(EngineParameters.from_network(network))
    wanted = [(m.space, m.lines, m.line_bytes) for m in memories if m.space & 15 != 4]
    contents = network_contents(network)
    assert [(c.space, len(c.lines), len(c.lines[0])) for c in contents] == wanted
    assert all(len({len(line) for line in c.lines}) == 1 for c in contents)


def test_lines_follow_the_protocol():
    network = NETWORKS["sot"]
    by_space = {contents.space: contents.lines for contents in network_contents(network)}
    for number, layer in enumerate(network.layers):
        for row, line in enumerate(by_space[number << 4]):
            words = [byte - 256 if byte > 127 else byte for byte in line]
            assert words == [int(layer.levels[state]) for state in layer.states[row]]
    layer = network.layers[1]
    assert layer.table is not None
    assert layer.converter is not None
    assert b"".join(by_space[0x11]) == bytes(int(entry) for entry in layer.table)
    for column, line in enumerate(by_space[0x12]):
        assert int.from_bytes(line[:2], "little") == layer.converter.gains[column]
        assert int.from_bytes(line[2:], "little", signed=True) == layer.converter.offsets[column]
    assert by_space[0x13] == (bytes([layer.converter.shift]),)


def test_an_image_of_the_memories_has_a_payload_for_every_byte():
    network = random_network((7, 3), 0)
    lines = [line for line in memory_image(network).splitlines() if line[:2] != "//"]
    assert len(lines) == sum(len(row) for of in network_contents(network) for row in of.lines)
    assert all(re.fullmatch("[0-9a-f]{9}", line) for line in lines)


def test_beats_start_a_memory_once():
    contents = network_contents(NETWORKS["sot"])[2]
    beats = list(load_beats(contents))
    assert [beat[4] for beat in beats] == list(b"".join(contents.lines))
    assert [beat[:4] for beat in beats[:2]] == [(0, 2, 1, 0), (0, 2, 0, 0)]
    assert sum(beat[2] for beat in beats) == 1


LAYOUT = data.StructLayout({"one": 1, "none": 0, "level": signed(5), "row": range(100)})
CODE = PayloadCode(LAYOUT)


@given(st.integers(0, 1), st.integers(-16, 15), st.integers(0, 127))
def test_bits_are_amaranths(one, level, row):
    constant = LAYOUT.const({"one": one, "none": 0, "level": level, "row": row})
    bits = CODE.pack(one=one, level=level, row=row)
    assert bits == Const.cast(constant).value
    assert CODE.unpack(bits) == {"one": one, "none": 0, "level": level, "row": row}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"level": 16}, "level must be from -16 to 15, not 16"),
        ({"level": -17}, "level must be from -16 to 15, not -17"),
        ({"row": 128}, "row must be from 0 to 127, not 128"),
        ({"none": 1}, "none must be from 0 to 0, not 1"),
        ({"column": 1}, "the payload has one, none, level, row, but no column"),
    ],
)
def test_values_that_do_not_fit_are_refused(members, message):
    with pytest.raises(ValueError, match=message):
        CODE.pack(**members)


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
        for one, two in pairwise([*odd, odd[0]]):
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


@pytest.fixture(scope="module")
def outer(dialect):
    return to_verilog(Outer(), "outer", dialect=dialect)


@pytest.fixture(scope="module")
def engine(dialect):
    return to_verilog(Engine(ENGINE), "engine", dialect=dialect, header="two\nlines")


def test_nothing_is_escaped_and_names_stay_apart(outer):
    verilog = outer
    assert "\\" not in verilog
    declared = re.findall(r"^  (?:wire|reg) (?:\[.*?\] )?(\w+)(?: |;)", verilog, re.MULTILINE)
    for name in ("wait_", "a_b", "a_b_2", "a_b_3", "_9", "x_3", "end_"):
        assert declared.count(name) == 1, name


def test_ports_and_modules_have_stable_names(outer):
    verilog = outer
    assert re.findall(r"^module (\w+)", verilog, re.MULTILINE) == ["outer", "outer_inner"]
    (ports,) = re.findall(r"^module outer\s*\((.*?)\);", verilog, re.MULTILINE)
    assert set(ports.split(", ")) == {
        "clk",
        "rst",
        *(f"{port}__{part}" for port in "io" for part in ("payload", "valid", "ready")),
    }


def test_only_contents_that_mean_something_are_kept(outer):
    verilog = outer
    assert re.findall(r"reg \[7:0\] (\w+) \[7:0\];", verilog) == ["empty", "full"]
    assert verilog.count("initial begin") == 1
    assert re.findall(r"(\w+)\s*\[1\] = 8'h05", verilog) == ["full"]


def test_same_component_same_text(dialect, outer):
    assert to_verilog(Outer(), "outer", dialect=dialect) == outer


def test_engine_names_no_file_and_keeps_the_hints_for_block_ram(engine):
    verilog = engine
    assert verilog.startswith("// two\n// lines\n")
    assert "src" not in verilog
    assert ".py" not in verilog
    assert "initial" not in verilog
    hints = set(re.findall(r"\(\* (\w+)", verilog))
    assert {"no_rw_check"} <= hints <= {"no_rw_check", "ram_style", "parallel_case"}


def test_processes_are_written_as_the_dialect_has_them(dialect, engine):
    verilog = engine
    newer = {"always_comb", "always_ff", "logic"}
    words = set(re.findall(r"always @\*|\w+", verilog))
    assert words.isdisjoint({*newer, "always @*"} if dialect == "verilog" else {"always"})
    assert ("always_comb" in words) == (dialect == "systemverilog")
