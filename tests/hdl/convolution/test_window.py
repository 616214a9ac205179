"""Windows of maps against slices of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

from allspin.hdl.convolution.window import Window
from allspin.hdl.parameters.window_parameters import WindowParameters
from allspin.hdl.resident.beats import pack_beats
from allspin.sim.network.layer_kinds import Convolution
from tests.coverage.coverage import Recording
from tests.examples import examples
from tests.hdl.streams import StreamBench

Values = npt.NDArray[np.int64]


def windows(p: WindowParameters, image: Values) -> Values:
    """Return the values at each position, in the order of the kernel's rows."""
    top, left, bottom, right = p.kind.padding
    padded = np.pad(image, ((top, bottom), (left, right), (0, 0)))
    (height, width), (down, across) = p.kind.kernel, p.kind.stride
    rows, columns = padded.shape[0] - height + 1, padded.shape[1] - width + 1
    return np.array(
        [
            padded[y : y + height, x : x + width].ravel()
            for y in range(0, rows, down)
            for x in range(0, columns, across)
        ]
    )


def beats_of(values: Values, parts: int) -> list[dict[str, Any]]:
    """Beats of an image's values, or of a pixel's."""
    beats = pack_beats(values.astype(np.uint8), parts)
    return [
        {
            "slots": [{"row": row, "value": value} for row, value in beat],
            "last": number == len(beats) - 1,
        }
        for number, beat in enumerate(beats)
    ]


def events_of(p: WindowParameters, image: Values) -> list[dict[str, Any]]:
    """Return the beats of a map."""
    if p.flat:
        return beats_of(image.ravel(), p.rows_per_clock)
    pixels = image.reshape(-1, p.map.channels)
    return [beat for pixel in pixels for beat in beats_of(pixel, p.rows_per_clock)]


def see(
    p: WindowParameters,
    images: list[Values],
    *,
    stall: float = 0.0,
    seed: int = 0,
    watch: Callable[[Recording], None] | None = None,
) -> tuple[list[Values], list[int], list[int]]:
    """Return the rows of each position, its beats, and the clock of each map's last beat."""
    dut = Window(p)
    if watch is None:
        bench = StreamBench(dut, stall=stall, seed=seed)
    else:
        watch(recording := Recording(dut))
        bench = recording.bench(stall=stall, seed=seed)
    bench.put(dut.map, [event for image in images for event in events_of(p, image)])
    clocks: list[int] = []
    taken = bench.take(dut.events, 1, clocks=clocks)
    due = len(images) * p.kind.positions

    async def until(ctx: Any) -> None:
        for _ in range(200_000):
            if sum(beat[-1] for beat in taken) >= due:
                return
            await ctx.tick()

    bench.run(until, patience=200_000)
    found, beats, ends = [], [], []
    rows = np.zeros(p.rows, np.int64)
    count = tile = 0
    for (slots, last), clock in zip(taken, clocks, strict=True):
        count += 1
        for part, (row, value) in enumerate(slots):
            assert row < p.part_rows
            if value:
                # A beat's rows are of one tile, and tiles come one after another.
                own = (row * p.rows_per_clock + part) // (p.tile_rows or p.rows)
                assert own >= tile
                assert own == tile or not any(v for _, v in slots[:part])
                tile = own
                assert not rows[row * p.rows_per_clock + part]
                rows[row * p.rows_per_clock + part] += value
        if last:
            found.append(rows)
            beats.append(count)
            rows, count, tile = np.zeros(p.rows, np.int64), 0, 0
            if len(found) % p.kind.positions == 0:
                ends.append(clock)
    assert not count
    return found, beats, ends


@st.composite
def cases(draw: st.DrawFn) -> WindowParameters:
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, side - 1)) for side in (*kernel, *kernel))
    sides = [
        draw(st.integers(max(1, own - padding[k] - padding[k + 2]), 6))
        for k, own in enumerate(kernel)
    ]
    kind = Convolution(
        (*sides, draw(st.integers(1, 5))),
        kernel,
        draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
        padding,
    )
    return WindowParameters(
        kind,
        value_bits=draw(st.sampled_from([1, 4])),
        rows_per_clock=draw(st.sampled_from([1, 2, 4])),
        flat=draw(st.booleans()),
        tile_rows=draw(st.sampled_from([0, 8, 16])),
    )


@examples(12)
@given(
    p=cases(),
    density=st.sampled_from([0.0, 0.05, 0.4, 1.0]),
    stall=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_position_sees_its_part_of_the_map(
    p: WindowParameters, density: float, stall: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shape = 3, p.map.height, p.map.width, p.map.channels
    images = rng.integers(1, 2**p.value_bits, shape) * (rng.random(shape) < density)
    found, _, _ = see(p, list(images), stall=stall, seed=seed)
    expected = [seen for image in images for seen in windows(p, image)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("parts", "flat", "clocks"),
    [
        # Empty maps: a clock a position, and the kernel's lines between two lines of positions.
        (4, True, 6 * (6 + 3)),
        (4, False, 6 * (6 + 3)),
    ],
)
def test_empty_positions_take_a_clock_each(parts: int, flat: bool, clocks: int) -> None:
    p = WindowParameters(Convolution((13, 13, 1), (3, 3), (2, 2)), 4, parts, flat)
    _, beats, ends = see(p, [np.zeros((13, 13, 1), np.int64)] * 3)
    assert set(beats) == {1}
    # Pixels are more than that.
    assert ends[2] - ends[1] == (clocks if flat else 169)


@pytest.mark.parametrize(("parts", "tile_rows"), [(1, 0), (2, 0), (4, 0), (2, 8), (4, 16)])
def test_a_position_takes_as_many_beats_as_its_busiest_part_has_values(
    parts: int, tile_rows: int
) -> None:
    p = WindowParameters(Convolution((9, 9, 2), (3, 3), (2, 2)), 4, parts, True, tile_rows)
    image = np.random.default_rng(parts).integers(0, 2, (9, 9, 2))
    _, beats, _ = see(p, [image] * 2)
    driven = windows(p, image) != 0
    tiles = np.split(driven, range(tile_rows, p.rows, tile_rows), axis=1) if tile_rows else [driven]
    busiest = sum(
        np.max([tile[:, part::parts].sum(axis=1) for part in range(parts)], axis=0)
        for tile in tiles
    )
    assert beats == np.maximum(busiest, 1).tolist() * 2


def test_maps_are_cleared_where_each_is_seen_before_the_last_is_clear() -> None:
    p = WindowParameters(Convolution((5, 2, 1), (5, 2), (1, 1)), 4, 1, flat=True)
    images = np.random.default_rng(0).integers(0, 2, (40, 5, 2, 1))
    images[::2] = 0
    found, _, _ = see(p, list(images))
    np.testing.assert_array_equal(found, images.reshape(40, -1))
