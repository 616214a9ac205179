"""LevelSums are sums of R_AH words, `clocks` later."""

from collections.abc import Callable
from types import ModuleType

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Cover, Module, Signal

from allspin.hdl.crossbar import sums as source
from allspin.hdl.parameters.crossbar import CrossbarParameters, UniformLevels
from tests.formal.proof import Mutant, Proof


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    m = Module()
    assert p.levels is not None
    m.submodules.dut = dut = hdl.LevelSums(p)
    m.d.comb += dut.driven.eq(AnySeq(len(dut.driven)))
    age = Signal(range(dut.clocks + 1))
    with m.If(age != dut.clocks):
        m.d.sync += age.eq(age + 1)
    for number, own in enumerate(dut.states):
        m.d.comb += own.eq(AnySeq(len(own)))
        # Two's complement: both are what fits a column's sum.
        expected = own * p.levels.step + dut.driven * p.levels.lowest
        expected = expected[: p.sum_bits].as_signed()
        for clock in range(dut.clocks):
            later = Signal.like(expected, name=f"expected_{number}_{clock}")
            m.d.sync += later.eq(expected)
            expected = later
        with m.If(age == dut.clocks):
            m.d.comb += Assert(dut.sums[number] == expected)
            m.d.comb += Cover(dut.sums[number] == p.levels.lowest + p.levels.step)
    return m


def _proof(rows: int, levels: UniformLevels, *mutants: Mutant) -> Proof:
    p = CrossbarParameters(
        rows, columns=2, lanes=2, value_bits=2, neurons_per_clock=2, levels=levels
    )
    return Proof(
        f"LevelSums, {levels}",
        source,
        lambda hdl: properties(hdl, p),
        depth=6,
        bounded="whatever comes is gone after five clocks",
        mutants=mutants,
    )


WRONG_SIGN = Mutant("if sign > 0 else times_step - lowest", "if sign > 0 else times_step")
WRONG_ORDER = Mutant("if its == sign else one - other", "if its == sign else other - one")
NARROW = Mutant("min(shape.width, bits)", "min(shape.width, 3)")
PROOFS = [
    _proof(3, UniformLevels(10, 28, -126), WRONG_ORDER),
    _proof(2, UniformLevels(100, 2, -99), NARROW),
    _proof(2, UniformLevels(2, 171, -64), WRONG_SIGN),
    _proof(2, UniformLevels(3, 5, 0), NARROW),
]


def test_level_sums(prove: Callable[[], None]) -> None:
    prove()
