"""Normal values in gateware against the published vectors and the golden generator."""

import functools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.hdl.chip.normal import IterativeNormal, PipelinedNormal
from allspin.sim.chip.generator import normal_values
from tests.examples import examples
from tests.hdl.driving import put, simulate
from tests.hdl.streams import StreamBench

SPREAD_BITS = 17
# Every group of the table, both ends of it, and anything.
BITS = st.one_of(
    st.integers(0, 2**32 - 1),
    st.builds(
        lambda sign, zeros, rest: sign << 31 | (1 << 31 | rest) >> 1 + zeros,
        st.integers(0, 1),
        st.integers(0, 30),
        st.integers(0, 2**31 - 1),
    ),
)
SPREAD = st.one_of(st.integers(-65535, 65535), st.sampled_from([-65535, -1, 0, 1, 65535]))


def golden(bits):
    return normal_values(np.array(bits, np.uint32)).tolist()


def iterate(bits, spreads, stall=0.0, registered=False):
    dut = IterativeNormal(SPREAD_BITS, 8, registered=registered)
    bench = StreamBench(dut, stall=stall, seed=len(bits))
    bench.put(dut.bits, [{"bits": one, "tag": place} for place, one in enumerate(bits)])
    taken = bench.take(dut.products, len(bits))

    async def look_up(ctx):
        # A memory and the register behind it.
        late = 0
        async for _, _, tag in ctx.tick().sample(dut.lookup):
            ctx.set(dut.spread, late)
            late = spreads[tag]

    bench.play(look_up)
    bench.run()
    assert [tag for _, tag in taken] == list(range(len(bits)))
    return [product for product, _ in taken]


def pipeline(bits, spreads):
    dut = PipelinedNormal(SPREAD_BITS, 8)
    taken = []

    async def stimulus(ctx):
        late = 0
        for clock in range(len(bits) + PipelinedNormal.LATENCY):
            valid = clock < len(bits)
            ctx.set(dut.valid, valid)
            if valid:
                put(ctx, dut, bits=bits[clock], tag=clock)
            _, _, done, product, tag, lookup = await ctx.tick().sample(
                dut.done, dut.product, dut.tag_out, dut.lookup
            )
            assert done == (clock >= PipelinedNormal.LATENCY)
            ctx.set(dut.spread, late)
            late = spreads[lookup]
            if done:
                assert tag == clock - PipelinedNormal.LATENCY
                taken.append(product)

    simulate(dut, stimulus)
    return taken


FORMS = {
    "iterative": iterate,
    "iterative, either side late": functools.partial(iterate, stall=0.6),
    "registered": functools.partial(iterate, registered=True),
    "pipelined": pipeline,
}


@pytest.mark.parametrize("form", FORMS)
def test_values_are_the_published_ones(form, normal_vectors, draw_vectors):
    pairs = normal_vectors + [(bits, normal) for _, bits, normal in draw_vectors]
    bits = [bits for bits, _ in pairs]
    assert FORMS[form](bits, [1] * len(bits)) == [normal for _, normal in pairs]


@pytest.mark.parametrize("form", FORMS)
@examples(10)
@given(draws=st.lists(st.tuples(BITS, SPREAD), min_size=1, max_size=12))
def test_values_are_the_golden_generators(form, draws):
    bits, spreads = [bits for bits, _ in draws], [spread for _, spread in draws]
    products = [value * spread for value, spread in zip(golden(bits), spreads, strict=True)]
    assert FORMS[form](bits, spreads) == products
