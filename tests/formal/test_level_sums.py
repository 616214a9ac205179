"""LevelSums are sums of R_AH words, `clocks` later."""

from types import ModuleType
from typing import Any

from amaranth.hdl import Const, Cover, Module

from allspin.hdl.crossbar import level_sums as source
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.uniform_levels import UniformLevels
from tests.formal.proof import Mutant, Proof, about, later, when


def properties(hdl: ModuleType, p: CrossbarParameters) -> Module:
    levels: Any = p.levels
    m, _ = about(dut := hdl.LevelSums(p))
    there = later(m, Const(1, 1), dut.clocks)
    for found, own in zip(dut.sums, dut.states, strict=True):
        # Two's complement: both are cut to the width of a column's sum.
        expected = (own * levels.step + dut.driven * levels.lowest)[: p.sum_bits].as_signed()
        m.d.comb += [
            when(there, found == later(m, expected, dut.clocks)),
            Cover(there & (found == levels.lowest + levels.step)),
        ]
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
