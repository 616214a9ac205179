"""Flatten and Pool against reshaped arrays."""

import numpy as np
import pytest

from allspin.hdl.convolution.flatten import Flatten
from allspin.hdl.convolution.pool import Pool
from allspin.hdl.parameters.window_parameters import MapParameters
from tests.hdl.convolution.test_window import beats_of
from tests.hdl.streams import StreamBench


@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "sizes", [(3, 4, 6, 4, 4), (2, 3, 5, 4, 4), (3, 2, 4, 2, 2), (2, 3, 3, 1, 1), (1, 1, 1, 4, 4)]
)
def test_a_flat_map_has_the_rows_of_its_pixels(sizes: tuple[int, ...], density: float) -> None:
    p, rng = MapParameters(*sizes), np.random.default_rng(sizes[2])
    maps = rng.integers(1, 2**p.value_bits, (3, p.pixels, p.channels))
    maps *= rng.random(maps.shape) < density
    dut = Flatten(p)
    bench = StreamBench(dut, stall=0.3, seed=1)
    bench.put(dut.pixels, [e for own in maps for px in own for e in beats_of(px, p.rows_per_clock)])
    taken = bench.take(dut.events, 3)
    bench.run(settle=200)
    found, rows = [], np.zeros(p.rows, np.int64)
    for slots, last in taken:
        assert last or any(value for _, value in slots)
        for part, (row, value) in enumerate(slots):
            if value:
                rows[row * p.rows_per_clock + part] += value
        if last:
            found.append(rows)
            rows = np.zeros(p.rows, np.int64)
    np.testing.assert_array_equal(found, maps.reshape(3, -1))


@pytest.mark.parametrize("sizes", [(3, 4, 6, 4, 4), (2, 3, 7, 4, 2), (2, 2, 13, 4, 4)])
def test_a_beat_of_a_flat_map_is_of_one_tile(sizes: tuple[int, ...]) -> None:
    p, rng = MapParameters(*sizes), np.random.default_rng(sizes[2])
    parts = p.rows_per_clock
    maps = rng.integers(0, 3, (4, p.pixels, p.pixel.part_rows, parts))
    maps.reshape(4, p.pixels, -1)[..., p.channels :] = 0
    dut = Flatten(p, 8)
    bench = StreamBench(dut, stall=0.3, seed=1)
    bench.put(
        dut.pixels,
        [
            {
                "slots": [{"row": row, "value": v} for v in beat],
                "last": row == len(pixel) - 1,
            }
            for pixel in maps.reshape(-1, *maps.shape[2:]).tolist()
            for row, beat in enumerate(pixel)
        ],
    )
    taken = bench.take(dut.events, 4)
    bench.run(settle=400)
    found, rows, tile = [], np.zeros(p.rows, np.int64), 0
    for slots, last in taken:
        own = {(row * parts + part) // 8 for part, (row, value) in enumerate(slots) if value}
        assert not own or (len(own) == 1 and min(own) >= tile)
        tile = 0 if last else max(own)
        for part, (row, value) in enumerate(slots):
            rows[row * parts + part if value else 0] += value
        if last:
            found.append(rows)
            rows = np.zeros(p.rows, np.int64)
    wanted = maps.reshape(4, p.pixels, -1)[..., : p.channels].reshape(4, -1)
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    "sizes", [(4, 6, 3, 4, 1), (5, 7, 6, 4, 4), (2, 2, 1, 1, 2), (3, 2, 4, 8, 2)]
)
def test_the_largest_of_each_four(sizes: tuple[int, ...]) -> None:
    p, rng = MapParameters(*sizes), np.random.default_rng(1)
    parts, beats = p.rows_per_clock, p.pixel.part_rows
    maps = rng.integers(0, 2**p.value_bits, (3, p.height, p.width, beats * parts))
    dut = Pool(p)
    bench = StreamBench(dut, stall=0.3, seed=2)
    groups = maps.reshape(-1, beats, parts).tolist()
    bench.put(
        dut.activations,
        [
            {"activations": group, "last": number == beats - 1}
            for pixel in groups
            for number, group in enumerate(pixel)
        ],
    )
    high, wide = p.height // 2, p.width // 2
    taken = bench.take(dut.largest, 3 * high * wide * beats)
    bench.run(settle=50)
    cut = maps[:, : 2 * high, : 2 * wide].reshape(3, high, 2, wide, 2, beats * parts)
    found = [value for group, _ in taken for value in group]
    np.testing.assert_array_equal(found, cut.max(axis=(2, 4)).ravel())
    assert [last for _, last in taken] == ([0] * (beats - 1) + [1]) * (3 * high * wide)
