"""Loads pass each byte on once, and are `loading` as long as a word is on its way to its memory.

The crossbars' proofs assume that no beat is let in while words are on their way. The engine keeps
this rule by `loading`. The proof shows that `loading` lasts long enough, for the clocks that the
engine itself asks of `Loads`. Words may come from the Programmer too.
"""

from typing import Any
from unittest.mock import patch

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Fragment, Module, Mux, Signal, Value

from allspin.hdl.engine import engine, loads as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, STATES
from allspin.hdl.parameters.profile import VariationParameters
from tests.formal.proof import Mutant, Proof, about, later, moves, when
from tests.formal.stand_ins import offer


def settle_of(p: EngineParameters) -> int:
    """The clocks that the engine asks for."""
    with patch.object(engine, "Loads", wraps=engine.Loads) as made:
        Fragment.get(engine.Engine(p), None)
    return made.call_args.args[1]


def properties(hdl: Any, p: EngineParameters) -> Module:
    settle = settle_of(p)
    m, inside = about(dut := hdl.Loads(p, settle))
    offer(m, dut.load)

    # The byte that came last, and whether it waits for the Programmer.
    came, asked, taken = moves(dut.load), dut.load.payload, moves(dut.states)
    of_states: Value = Const(0)
    if p.variation is not None:
        of_states = (asked.memory == STATES) & (asked.layer != ENGINE)
    last: Any = Signal(asked.shape())
    waits, given = Signal(), later(m, came & ~of_states)
    with m.If(came):
        m.d.sync += [last.eq(asked), waits.eq(of_states)]
    with m.Elif(taken):
        m.d.sync += waits.eq(0)

    # The Programmer begins with a byte, at most a clock after it had it.
    word, out = Signal(), given | waits
    begins = dut.programming & ~later(m, dut.programming)
    # Clocks since something was on its way to a layer.
    busy = out | dut.programming
    quiet = Signal(range(settle + 1), init=settle)
    m.d.sync += quiet.eq(Mux(busy, 0, Mux(quiet == settle, settle, quiet + 1)))
    # Clocks of a word on its way to a crossbar, one more where two ways meet.
    meets = p.variation is not None and not p.target.slow_clock
    clocks = max(own.write_clocks for own in p.crossbars) + meets
    under_way = [later(m, word | given, clock) for clock in range(clocks)]
    m.d.comb += [
        word.eq(AnySeq(1)),
        Assume(~word | dut.programming),
        Assume(~begins | later(m, out) | later(m, out, 2)),
        Assert(~Cat(under_way).any() | dut.loading),
        # Each byte, once.
        Assert(dut.load.ready == ~waits),
        Assert(dut.valid == given),
        Assert(dut.layers == Mux(given, (1 << last.layer)[: len(dut.layers)], 0)),
        when(given, Value.cast(dut.byte) == Value.cast(last)),
        when(dut.states.valid, waits, Value.cast(dut.states.payload) == Value.cast(last)),
        when(later(m, waits & ~taken), dut.states.valid),
        # Invariants that close the induction: how long ago each was.
        Assert(quiet <= settle),
        Assert(inside["settling"] == settle - quiet),
        Assert(dut.loading == (later(m, dut.load.valid) | (quiet < settle))),
        Assert(~later(m, busy) | (quiet == 0)),
        Assert(~later(m, out, 2) | (quiet <= 1)),
        [Assert(~one | (quiet < clock)) for clock, one in enumerate(under_way) if clock],
        when(waits, Value.cast(inside["byte"])[1:] == Value.cast(last)[1:]),
        Cover(later(m, dut.loading) & ~dut.loading & last.first),
        Cover(given & dut.layers[1]),
    ]
    if p.variation is not None:
        m.d.comb += [
            when(waits, inside["opens"] == last.first),
            Cover(taken & last.first & (last.layer == 1)),
            Cover(word & ~later(m, busy, 1)),
        ]
    if p.variation is not None and p.target.wide:
        m.d.comb += Assert(inside["held"] == waits)
    return m


def _proof(name: str, memory: str, variation: VariationParameters | None, *more: Mutant) -> Proof:
    own = {"value_bits": 2, "rah_bits": 4, "memory": memory}
    layers = CrossbarParameters(2, 3, 3, **own), CrossbarParameters(3, 2, 2, **own)
    p = EngineParameters(layers, current_bits=4, variation=variation)
    mutants = (
        Mutant("(settling > 1)", "(settling > 4)"),
        Mutant("self.loading.eq(self.load.valid | busy", "self.loading.eq(busy"),
        Mutant("chosen.eq(1 << asked.layer)", "chosen.eq(1)"),
        *more,
    )
    return Proof(
        f"Loads, {name}",
        source,
        lambda hdl: properties(hdl, p),
        depth=3,
        mutants=mutants,
    )


CHIPS = VariationParameters(states=4, use_noise=False)
PROOFS = [
    _proof("block", "block", None),
    _proof(
        "chips on an iCE40",
        "spram",
        VariationParameters(states=4, rounds_per_clock=1, use_noise=False),
        Mutant("self.programming | held", "held"),
    ),
    _proof(
        "chips on an ECP5",
        "ecp5",
        CHIPS,
        Mutant("busy.eq(self.valid | self.programming | held)", "busy.eq(self.valid | held)"),
        Mutant("free.eq(~(self.load.valid & states))", "free.eq(1)"),
        Mutant("opens.eq(asked.first & states)", "opens.eq(0)"),
        Mutant("self.valid.eq(self.load.valid & ~states)", "self.valid.eq(self.load.valid)"),
    ),
]
