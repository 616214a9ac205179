"""The dense array against integer products, and its clocks for a trained network's layer."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.network import reference
from tests.examples import examples
from tests.hdl.cost.mac_array import MacArray, MacParameters
from tests.hdl.driving import send, send_at_once
from tests.hdl.streams import StreamBench


def compute(
    p: MacParameters, weights: Any, images: Any, stall: float = 0.0, seed: int = 0
) -> tuple[list[list[int]], list[int]]:
    """Sums of each image, and the clock at which its last one was taken."""
    dut = MacArray(p)
    bench = StreamBench(dut, stall=stall, seed=seed)

    async def stimulus(ctx: Any) -> None:
        numbered = np.ndenumerate(weights)
        cells = ({"row": row, "column": column, "weight": int(w)} for (row, column), w in numbered)
        await send_at_once(ctx, dut.weights, cells)
        await send(ctx, dut.values, images.ravel().tolist())

    clocks: list[int] = []
    taken = bench.take(dut.sums, p.columns * len(images), clocks=clocks)
    bench.run(stimulus)
    assert [last for _, last in taken] == ([0] * (p.columns - 1) + [1]) * len(images)
    sums = [total for total, _ in taken]
    starts = range(0, len(sums), p.columns)
    return [sums[n : n + p.columns] for n in starts], clocks[p.columns - 1 :: p.columns]


@examples(10)
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
    images[0] = 2**value_bits - 1  # the largest possible sums
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
    ("name", "low", "high"),
    [("rows", 1, 65535), ("columns", 1, 65535), ("value_bits", 2, 8), ("weight_bits", 2, 8)],
)
def test_the_ends_of_a_range_are_in_it_and_no_value_beyond(name: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(replace(MacParameters(784, 100), **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"^{name} must be from {low} to {high}, not {value}$"):
            replace(MacParameters(784, 100), **{name: value})
