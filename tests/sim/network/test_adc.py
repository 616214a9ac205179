"""Tiles of the golden model, against conversions written out cell by cell."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from allspin.hdl.bench.networks import random_network
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

ROWS, IMAGES = 20, 6


@pytest.fixture
def network() -> Network:
    """Of twenty rows, which tiles of eight do not divide."""
    return random_network((ROWS, 7, 3), seed=4)


def with_adc(network: Network, adc: Adc) -> Network:
    """The network, each of whose layers is cut alike."""
    layers = tuple(dataclasses.replace(layer, adc=adc) for layer in network.layers)
    return dataclasses.replace(network, layers=layers)


def by_hand(adc: Adc, inputs: np.ndarray, words: np.ndarray) -> list[list[int]]:
    """Sums of each image and column, by the text of `Adc` and in Python's integers."""
    sums = []
    for values in inputs.tolist():
        sums.append([])
        for column in range(words.shape[1]):
            total = 0
            for tile in range(-(-len(values) // adc.rows)):
                rows = range(tile * adc.rows, min((tile + 1) * adc.rows, len(values)))
                if not any(values[row] for row in rows):
                    continue
                read = sum(values[row] * int(words[row, column]) for row in rows)
                read += 0 if adc.offsets is None else int(adc.offsets[tile, column])
                code = (read + 2**adc.shift // 2) // 2**adc.shift
                total += min(max(code, -(2 ** (adc.bits - 1))), 2 ** (adc.bits - 1) - 1)
            sums[-1].append(total * 2**adc.shift)
    return sums


@pytest.mark.parametrize("adc", [Adc(8, 6, 3), Adc(16, 3, 7), Adc(8, 2, 0), Adc(32, 12, 1)])
@pytest.mark.parametrize("offset", [None, 9])
def test_tiles_are_converted_and_added(network: Network, adc: Adc, offset: int | None) -> None:
    """With silent tiles among them, which add nothing even where a converter has an offset."""
    layer = network.layers[0]
    if offset is not None:
        shape = adc.tiles(ROWS), layer.columns
        adc = dataclasses.replace(adc, offsets=np.full(shape, offset))
    first = dataclasses.replace(layer, adc=adc)
    tiled = dataclasses.replace(network, layers=(first, *network.layers[1:]))
    images = np.random.default_rng(1).integers(0, 256, (IMAGES, ROWS), np.uint8)
    images[0] = 0
    images[1, :8] = 0
    trace = GoldenModel(tiled).trace(images)[0]
    assert trace.sums.tolist() == by_hand(adc, trace.inputs, layer.words)


def test_one_tile_of_enough_bits_is_a_column_in_one_piece(network: Network) -> None:
    """Bit for bit, in every layer."""
    images = np.random.default_rng(2).integers(0, 256, (IMAGES, ROWS), np.uint8)
    tiled = GoldenModel(with_adc(network, Adc(32, 24, 0)))
    assert np.array_equal(tiled.logits(images), GoldenModel(network).logits(images))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": 4}, "rows must be from 8 to 65536"),
        ({"rows": 24}, "a power of two from 8 to 65536, not 24"),
        ({"bits": 1}, "bits must be from 2 to 24"),
        ({"shift": 24}, "shift must be from 0 to 23"),
        ({"offsets": [[0.5]]}, "offsets must be whole numbers"),
        ({"offsets": [[2**31]]}, "offsets must be from -2147483647 to 2147483647"),
        ({"offsets": [[float("nan")]]}, "offsets must be from"),
        ({"offsets": [["1"]]}, "offsets must be from"),
    ],
)
def test_what_no_converter_is(change: dict[str, Any], says: str) -> None:
    """Each message names the legal range."""
    with pytest.raises(ValueError, match=says):
        Adc(**(dict[str, Any](rows=8, bits=6, shift=0) | change))


def test_offsets_fit_the_layer(network: Network) -> None:
    """One for each tile's column."""
    with pytest.raises(ValueError, match=r"not \(2, 7\)"):
        dataclasses.replace(network.layers[0], adc=Adc(8, 6, 0, np.zeros((2, 7), np.int32)))
