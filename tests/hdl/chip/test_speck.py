"""The cipher in gateware against the published vectors and the golden generator."""

import itertools
import random

from hypothesis import given, strategies as st

from allspin.hdl.chip.speck import NUMBERED, IterativeSpeck, Key, PipelinedSpeck
from allspin.sim.chip.generator import Purpose, draw_bits
from allspin.sim.chip.speck import ROUNDS
from tests.examples import examples
from tests.hdl.driving import put, simulate, step
from tests.hdl.streams import StreamBench

ADDRESS = st.tuples(
    st.integers(0, 14),
    st.sampled_from(list(Purpose)),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.integers(0, 65535),
)


def iterate(seed, addresses, stall=0.0):
    """Bits of draws of one chip, in order, and the clock of each."""
    dut = IterativeSpeck(8)
    bench = StreamBench(dut, stall=stall, seed=seed)
    bench.put(
        dut.draws,
        [
            {"layer": layer, "purpose": int(purpose), "row": row, "column": column,
             "number": number, "tag": place % 256}
            for place, (layer, purpose, row, column, number) in enumerate(addresses)
        ],
    )  # fmt: skip
    clocks = []
    taken = bench.take(dut.bits, len(addresses), clocks=clocks)

    async def name_the_chip(ctx):
        ctx.set(dut.seed, seed)

    bench.play(name_the_chip)
    bench.run()
    assert [tag for _, tag in taken] == [place % 256 for place in range(len(addresses))]
    return [bits for bits, _ in taken], clocks


def test_iterative_draws_are_the_published_ones(draw_vectors):
    for (seed, layer, purpose, row, column, number), bits, _ in draw_vectors:
        assert iterate(seed, [(layer, purpose, row, column, number)])[0] == [bits]


@examples(10)
@given(
    seed=st.integers(0, 2**32 - 1),
    addresses=st.lists(ADDRESS, min_size=1, max_size=6),
    stall=st.sampled_from([0.0, 0.5]),
)
def test_iterative_draws_are_the_golden_generators(seed, addresses, stall):
    assert iterate(seed, addresses, stall)[0] == [
        int(draw_bits(seed, *address)) for address in addresses
    ]


def test_an_iterative_draw_takes_its_rounds_and_a_clock():
    clocks = iterate(1, [(0, Purpose.WRITE, 0, n, 0) for n in range(4)])[1]
    assert {b - a for a, b in itertools.pairwise(clocks)} == {ROUNDS + 1}


LANES = (
    (Key(Purpose.D2D_POTENTIATION), Key(Purpose.READ, 2), Key(Purpose.READ)),
    (Key(Purpose.WRITE),),
)


def pipeline(lanes, seed, layer, number, blocks, gaps=0.0, given_up=None):
    """Bits of each block (row, columns, selects) in one lot of keys.

    Other keys come first if `given_up` is an integer; they are given up after that many clocks.
    """
    dut = PipelinedSpeck(lanes, 16)
    taken = []
    clock = 0
    asked = {}
    rng = random.Random(seed)

    async def stimulus(ctx):
        nonlocal clock

        async def rekey(seed):
            await step(ctx, dut, seed=seed, rekey=1)
            ctx.set(dut.rekey, 0)

        put(ctx, dut, layer=layer, number=number)
        if given_up is not None:
            await rekey(seed ^ 1)
            await ctx.tick().repeat(given_up)
        await rekey(seed)
        await ctx.tick().until(dut.keyed)
        waiting = list(enumerate(blocks))
        while len(taken) < len(blocks):
            valid = bool(waiting) and rng.random() >= gaps
            ctx.set(dut.valid, valid)
            if valid:
                tag, (row, columns, selects) = waiting.pop(0)
                ctx.set(dut.draws, {"row": row, "columns": columns, "selects": selects, "tag": tag})
                asked[tag] = clock
            _, _, done, bits, tag = await ctx.tick().sample(dut.done, dut.bits, dut.tag)
            if done:
                assert tag == len(taken)
                assert clock - asked[tag] == ROUNDS
                taken.append([int(bits[lane]) for lane in range(len(lanes))])
            clock += 1

    simulate(dut, stimulus)
    return taken


@examples(8)
@given(
    seed=st.integers(0, 2**32 - 1),
    layer=st.integers(0, 12),
    number=st.integers(0, 65535),
    draw=st.randoms(use_true_random=False),
    gaps=st.sampled_from([0.0, 0.4]),
    # In the middle of each key's rounds, and when all of them are done.
    given_up=st.sampled_from([None, *range(1, 5 * ROUNDS, ROUNDS // 2)]),
)
def test_pipelined_draws_are_the_golden_generators(seed, layer, number, draw, gaps, given_up):
    blocks = [
        (draw.randrange(65536), [draw.randrange(65536) for _ in LANES], [draw.randrange(3), 0])
        for _ in range(12)
    ]
    wanted = [
        [
            int(
                draw_bits(
                    seed, layer + keys[select].behind, keys[select].purpose, row, column,
                    number if keys[select].purpose in NUMBERED else 0,
                )
            )
            for keys, column, select in zip(LANES, columns, selects, strict=True)
        ]
        for row, columns, selects in blocks
    ]  # fmt: skip
    assert pipeline(LANES, seed, layer, number, blocks, gaps, given_up) == wanted


def test_pipelined_draws_are_the_published_ones(draw_vectors):
    for (seed, layer, purpose, row, column, number), bits, _ in draw_vectors:
        if number and purpose not in NUMBERED:
            continue
        lanes = ((Key(Purpose(purpose)),),)
        assert pipeline(lanes, seed, layer, number, [(row, [column], [0])]) == [[bits]]
