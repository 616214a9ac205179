"""The dense array against integer products, and what it takes of a trained network."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.cost.mac_array import MacArray, MacParameters
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.network import reference


def compute(
    p: MacParameters, weights: Any, images: Any, stall: float = 0.0, seed: int = 0
) -> tuple[list[list[int]], list[int]]:
    """Sums of each image, and the clock at which its last one was taken."""
    dut = MacArray(p)
    bench = StreamBench(dut, stall=stall, seed=seed)

    async def stimulus(ctx: Any) -> None:
        for row, column in np.ndindex(weights.shape):
            ctx.set(
                dut.weights.payload,
                {"row": row, "column": column, "weight": int(weights[row, column])},
            )
            ctx.set(dut.weights.valid, 1)
            assert ctx.get(dut.weights.ready)
            await ctx.tick()
        ctx.set(dut.weights.valid, 0)
        for value in images.ravel().tolist():
            ctx.set(dut.values.payload, value)
            ctx.set(dut.values.valid, 1)
            await ctx.tick().until(dut.values.ready)
        ctx.set(dut.values.valid, 0)

    clocks: list[int] = []
    bench.play(stimulus, background=False)
    taken = bench.take(dut.sums, p.columns * len(images), clocks=clocks)
    bench.run()
    assert [last for _, last in taken] == ([0] * (p.columns - 1) + [1]) * len(images)
    sums = [total for total, _ in taken]
    starts = range(0, len(sums), p.columns)
    return [sums[n : n + p.columns] for n in starts], clocks[p.columns - 1 :: p.columns]


@settings(deadline=None, max_examples=10)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 7),
    value_bits=st.integers(2, 8),
    weight_bits=st.integers(2, 8),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_sums_are_integer_products(
    rows: int, columns: int, value_bits: int, weight_bits: int, stall: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    half = 2 ** (weight_bits - 1)
    weights = rng.integers(-half, half, (rows, columns))
    images = rng.integers(0, 2**value_bits, (5, rows))
    images[0] = 2**value_bits - 1  # the largest sums there are
    weights[:, 0] = -half
    sums, _ = compute(
        MacParameters(rows, columns, value_bits, weight_bits), weights, images, stall, seed
    )
    assert sums == (images @ weights).tolist()


def test_a_trained_layer_takes_a_clock_for_every_row() -> None:
    network = open_network("mnist-10")
    images, _ = load_test_set()
    second = reference.trace(network, images[:6])[1]
    p = MacParameters(100, 10)
    weights = network.layers[1].words.astype(int)
    sums, ends = compute(p, weights, second.inputs.astype(int))
    assert sums == second.sums.tolist()
    # Zeros too, and the sums of one image leave while the next one passes by.
    assert np.diff(ends).tolist() == [100] * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 0}, "rows must be from 1 to 65535, not 0"),
        ({"rows": 65536}, "rows must be from 1 to 65535, not 65536"),
        ({"columns": 0}, "columns must be from 1 to 65535, not 0"),
        ({"columns": 65536}, "columns must be from 1 to 65535, not 65536"),
        ({"value_bits": 1}, "value_bits must be from 2 to 8, not 1"),
        ({"value_bits": 9}, "value_bits must be from 2 to 8, not 9"),
        ({"weight_bits": 1}, "weight_bits must be from 2 to 8, not 1"),
        ({"weight_bits": 9}, "weight_bits must be from 2 to 8, not 9"),
    ],
)
def test_parameters_outside_their_ranges(change: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MacParameters(**{"rows": 784, "columns": 100, **change})


def test_the_ends_of_the_ranges_are_in_them() -> None:
    for lines in (1, 65535):
        for bits in (2, 8):
            p = MacParameters(lines, lines, bits, bits)
            assert (p.rows, p.columns, p.value_bits, p.weight_bits) == (lines, lines, bits, bits)
