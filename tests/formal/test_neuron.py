"""Each kind of neuron gives each current's activation once and in order, under any stalls.

A kind with logic of its own gives the golden model's activation. Of a table the proof follows one
entry, any: it is the entry that was loaded last, and no current is under way while bytes come.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value

from allspin.hdl.neuron import cmos_neuron, neuron, neuron_kinds as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import TABLE
from allspin.sim.network.neuron import NEURONS
from tests.formal.proof import Mutant, Proof, about, later, number_below, pick, when


def parameters(memory: str = "block", current_bits: int = 5) -> EngineParameters:
    layers = (
        CrossbarParameters(2, 3, 3, value_bits=2, memory=memory),
        CrossbarParameters(3, 2, 2, value_bits=3, memory=memory),
    )
    return EngineParameters(layers, current_bits=current_bits)


def pipeline(m: Module, dut: Any, stages: int) -> tuple[list[Value], list[Any]]:
    """Current of each stage, if it has one; all stages move when the last one may."""
    valid, items = [dut.currents.valid], [dut.currents.payload]
    go = Signal()
    for stage in range(stages):
        valid.append(Signal(name=f"valid_{stage}"))
        items.append(Signal(dut.currents.payload.shape(), name=f"item_{stage}"))
        with m.If(go):
            m.d.sync += [valid[-1].eq(valid[-2]), items[-1].eq(items[-2])]
    given = dut.activations
    m.d.comb += [
        go.eq(~valid[-1] | given.ready),
        Assert(dut.currents.ready == go),
        Assert(given.valid == valid[-1]),
        when(given.valid, given.payload.last == items[-1].last),
        Cover(given.valid & ~given.ready & Cat(valid).all() & items[-1].last),
    ]
    return valid, items


def of_logic(hdl: Any, kind: str, name: str, bits: int) -> Module:
    p = parameters(current_bits=bits)
    m, _ = about(dut := getattr(hdl, kind)(p))
    valid, items = pipeline(m, dut, 1)
    table = NEURONS[name]().table(bits, p.hidden_bits).tolist()
    given = dut.activations.payload.activation
    m.d.comb += [
        when(valid[-1], given == pick(table, items[-1].current)),
        Cover(valid[-1] & (given == max(table))),
        Cover(valid[-1] & (given == 1)),
    ]
    return m


def of_table(hdl: Any, memory: str) -> Module:
    p = parameters(memory, 4)
    m, inside = about(dut := hdl.TableNeuron(p))
    late = int(p.target.wide)
    valid, items = pipeline(m, dut, 2 + late)

    # The entry that is followed, as soon as it is in the memory.
    load, mine = dut.load.payload, number_below(m, 2**p.current_bits)
    line = Signal(p.current_bits)
    here = Mux(load.first, load.address, line)[: p.current_bits]
    loads = dut.load.valid & (load.memory == TABLE)
    with m.If(loads):
        m.d.sync += line.eq(here + 1)
    stored, known, data = Signal(p.hidden_bits), Signal(), later(m, load.data, late)
    with m.If(later(m, loads & (here == mine), late)):
        m.d.sync += [stored.eq(data), known.eq(1)]
    is_mine = [item.current == mine for item in items]
    going = Cat(*valid, dut.probe).any()
    writing = dut.load.valid | later(m, dut.load.valid)
    asks = dut.probe & (dut.address == mine) & known
    asked = Cat(later(m, asks, clock) for clock in range(4)).all()
    m.d.comb += [
        Assert(dut.load.ready),
        Assume(~writing | ~going),
        Assume(~dut.probe | ~Cat(valid).any()),
        when(valid[-1] & known & is_mine[-1], dut.activations.payload.activation == stored),
        when(asked, dut.entry == stored),
        # Invariants that close the induction: the content of the memory, and of the register behind
        # it.
        Assert(inside["valid"] == Cat(valid[1:])),
        Assert(inside["last"] == Cat(item.last for item in items[1:])),
        Assert(inside["line"] == line),
        when(known, inside.word("table", mine) == stored),
        when(valid[1 + late] & known & is_mine[1 + late], inside["read_entry"] == stored),
        Cover(valid[-1] & known & is_mine[-1] & (stored == 5)),
        Cover(asked & (stored == 3)),
    ]
    if late:
        m.d.comb += when(valid[1], inside["held"] == items[1].current)
    return m


TABLES = (
    Mutant("here.eq(Mux(load.first, load.address, line))", "here.eq(line)"),
    Mutant("line.eq(here + 1)", "line.eq(here)"),
    Mutant("(load.memory == TABLE)", "(load.memory != TABLE)"),
    Mutant("address.eq(Mux(self.probe, self.address,", "address.eq(Mux(self.probe, line,"),
    Mutant("go.eq(~valid[-1] | self.activations.ready)", "go.eq(1)"),
)


def _logic(kind: str, name: str, bits: int, *mutants: Mutant) -> Proof:
    return Proof(
        f"{kind}, {bits} bits",
        source,
        lambda hdl: of_logic(hdl, kind, name, bits),
        depth=1,
        parts=(cmos_neuron, neuron),
        mutants=mutants,
    )


PROOFS = [
    *(
        Proof(
            f"TableNeuron, {memory}",
            source,
            lambda hdl, memory=memory: of_table(hdl, memory),
            depth=5,
            mutants=mutants,
        )
        for memory, mutants in (("block", TABLES[:4]), ("ecp5", TABLES[4:]))
    ),
    _logic(
        "ReluGateware",
        "relu",
        5,
        Mutant("rounded.eq(current[drop:] +", "rounded.eq(current[drop:] |"),
        Mutant("Mux(rounded[-1], 2**p.hidden_bits - 1, rounded)", "rounded"),
    ),
    _logic(
        "CmosBareGateware",
        "cmos-bare",
        5,
        Mutant("gate.negative.eq(~current[-1])", "gate.negative.eq(current[-1])"),
        Mutant("[-p.hidden_bits :]", "[: p.hidden_bits]"),
    ),
    _logic(
        "CmosReluGateware",
        "cmos-relu",
        5,
        Mutant("relu.start.eq(-(2 ** (p.current_bits - 3)))", "relu.start.eq(0)"),
        Mutant("relu.enable.eq(1)]", "relu.enable.eq(0)]"),
    ),
]
