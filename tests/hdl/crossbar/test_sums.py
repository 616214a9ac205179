"""What converts tiles' sums, plain and fast, against whole numbers."""

import random
from typing import Any

import pytest

from allspin.hdl.crossbar.sums import Conversions, FastConversions
from allspin.hdl.parameters.crossbar import CrossbarParameters, Tiling
from tests.hdl.driving import put, simulate

LANES = 6
MOST = 127 * 15
"""Of a beat's product."""
TREE = 2
"""Clocks by which the fast one is told of beats before their terms."""


def converted(total: int, tiling: Tiling) -> int:
    """Half a step added, a step's multiple left, and no more than the range."""
    code = (total + 2**tiling.shift // 2) // 2**tiling.shift
    top = 2 ** (tiling.bits - 1)
    return max(-top, min(top - 1, code))


def a_word(rng: random.Random) -> list[list[int]]:
    """The one beat that reads a row of words."""
    return [[rng.randrange(-128, 128) for _ in range(LANES)]]


def anywhere(rng: random.Random, _: Tiling) -> list[list[int]]:
    """Beats that sum to anything."""
    top = rng.choice([1, 60, MOST])
    beats = range(rng.choice([1, 1, 2, 9]))
    return [[rng.randrange(-top, top) for _ in range(LANES)] for _ in beats]


def at_an_end(rng: random.Random, tiling: Tiling) -> list[list[int]]:
    """Beats that sum to about the lowest or the highest conversion."""
    step = 2**tiling.shift
    ends = [rng.choice([-1, 1]) * step * 2 ** (tiling.bits - 1) for _ in range(LANES)]
    left = [end + rng.randrange(-2 * step, 2 * step + 1) for end in ends]
    beats = []
    while len(beats) < 16 and (any(left) or not beats):
        beats.append([max(-MOST, min(MOST, each)) for each in left])
        left = [each - term for each, term in zip(left, beats[-1], strict=True)]
    return beats


@pytest.mark.parametrize("kind", [Conversions, FastConversions])
@pytest.mark.parametrize(
    ("bits", "shift"), [(6, 7), (4, 10), (2, 0), (8, 1), (12, 3), (20, 0), (2, 18)]
)
@pytest.mark.parametrize("bare", [0, 1])
def test_sums_of_tiles_are_converted(kind: Any, bits: int, shift: int, bare: int) -> None:
    """Tiles of one beat or more, one behind the other or with clocks between them."""
    p = CrossbarParameters(64, LANES, LANES, tiling=Tiling(16, bits, shift))
    tiling = p.tiling
    assert tiling is not None
    rng = random.Random(bits)
    begins: list[int] = []
    converts: list[int] = []
    terms: list[list[int]] = []
    due: dict[int, list[int]] = {}
    totals = [0] * LANES
    for _ in range(60):
        beats = a_word(rng) if bare else rng.choice([anywhere, at_an_end])(rng, tiling)
        for number, term in enumerate(beats):
            totals = term if number == 0 else [a + b for a, b in zip(totals, term, strict=True)]
            begins.append(number == 0)
            converts += [0] * (len(terms) + 1 - len(converts))
            terms.append(term)
        due[len(terms)] = totals if bare else [converted(total, tiling) for total in totals]
        converts.append(1)
        for _ in range(rng.choice([0, 0, 3])):
            begins.append(0)
            terms.append([0] * LANES)
    quiet = [0] * 10
    begins, converts = [*begins, *quiet], [*converts, *[0] * (len(begins) + 10 - len(converts))]
    dut = kind(p)
    fast = kind is FastConversions
    lead = TREE if fast else 0
    found: list[list[int]] = []

    async def testbench(ctx: Any) -> None:
        ctx.set(dut.bare, bare)
        await ctx.tick().repeat(5)
        for clock in range(len(begins)):
            put(ctx, dut, begins=begins[clock], converts=converts[clock])
            here = clock - lead
            ctx.set(dut.terms, terms[here] if 0 <= here < len(terms) else [0] * LANES)
            if not fast:
                ctx.set(dut.adds, 0 <= here < len(terms) and (begins[here] or any(terms[here])))
            found.append([ctx.get(lane) for lane in dut.conversions])
            await ctx.tick()

    simulate(dut, testbench)
    wanted = [due.get(clock - dut.clocks, [0] * LANES) for clock in range(len(found))]
    assert found == wanted
    assert any(any(codes) for codes in due.values()) or bits == 2
