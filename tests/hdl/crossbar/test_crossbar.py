"""The crossbar against exact integer products."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth.back import rtlil
from amaranth.hdl import ResetInserter, Signal
from hypothesis import example, given, strategies as st

from allspin.hdl.engine.crossbar_kinds import make_crossbar
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import Tiling
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.hdl.resident.beats import pack_beats
from tests.coverage.coverage import Recording
from tests.examples import examples
from tests.hdl.driving import send, send_at_once, step
from tests.hdl.streams import StreamBench

Words = npt.NDArray[np.int64]
KINDS = ("block", "ecp5")
FULL = CrossbarParameters(50, 9, 9)


def cells(words: Words) -> list[dict[str, int]]:
    """Every word in order; only the first says where it goes."""
    flat = words.ravel().tolist()
    return [{"first": number == 0, "row": 0, "word": word} for number, word in enumerate(flat)]


def slots(*driven: tuple[int, int]) -> list[dict[str, int]]:
    """The slots of a beat: row within the part, and value, of each part."""
    return [{"row": row, "value": value} for row, value in driven]


def beats(
    image: npt.NDArray[np.int64], p: CrossbarParameters, rng: random.Random, pauses: bool
) -> list[list[dict[str, int]]]:
    """Return an image's driven rows, several in a beat if a beat has several parts.

    Rows lie in random beats, so any part may be silent in any beat; each driven row comes once,
    after those of the tiles before. With `pauses` a beat between tiles may be silent.
    """
    silent: list[list[tuple[int, int]]] = [[] for _ in range(p.rows_per_clock)]
    found: list[list[list[tuple[int, int]]]] = []
    for first in range(0, p.rows, p.tile_rows):
        tile: list[list[list[tuple[int, int]]]] = []
        for row in (first + np.flatnonzero(image[first : first + p.tile_rows])).tolist():
            line, part = divmod(row, p.rows_per_clock)
            free = [beat for beat in tile if not beat[part]]
            if not free or rng.random() < 0.2:
                free = [[[] for _ in range(p.rows_per_clock)]]
                tile += free
            rng.choice(free)[part].append((line, int(image[row])))
        found += tile + [silent] * (pauses and p.tiling is not None and rng.random() < 0.3)
    return [slots(*((own or [(0, 0)])[0] for own in beat)) for beat in found or [silent]]


def sums_of(
    p: CrossbarParameters, words: Words, images: Words, offsets: Words | None = None
) -> list[list[int]]:
    """Column sums of images, read as `p` says, number by number."""
    if p.tiling is None:
        return (images @ words).tolist()
    top, step = 2 ** (p.tiling.bits - 1), 2**p.tiling.shift
    sums = np.zeros((len(images), p.columns), np.int64)
    for first in range(0, p.rows, p.tiling.rows):
        rows = slice(first, first + p.tiling.rows)
        for image, values in enumerate(images[:, rows]):
            if values.any():
                total = values @ words[rows]
                if offsets is not None:
                    total += offsets[first // p.tiling.rows]
                read = np.floor(total / step + (0.5 if step > 1 else 0))
                sums[image] += step * np.clip(read, -top, top - 1).astype(np.int64)
    return sums.tolist()


def compute(
    p: CrossbarParameters,
    words: Words,
    images: Words,
    *,
    stall: float = 0.0,
    seed: int = 0,
    clocks: list[int] | None = None,
    offsets: Words | None = None,
    bare: bool = False,
    packed: bool = False,
    watch: Callable[[Recording], None] | None = None,
) -> list[list[int]]:
    """Column sums of each image, and the flag of the last column checked.

    With `bare` each image is a row that is read, with `packed` its beats are as few as possible;
    `watch` gets the recording.
    """
    dut = make_crossbar(p)
    if watch is None:
        bench = StreamBench(dut, stall=stall, seed=seed)
    else:
        recording = Recording(dut)
        watch(recording)
        bench = recording.bench(stall=stall, seed=seed)
    loaded = [False]
    rng = random.Random(seed)

    def stalls() -> bool:
        bench.moves()
        return rng.random() < stall

    async def stimulus(ctx: Any) -> None:
        if bare:
            ctx.set(dut.bare, 1)
        await send(ctx, dut.cells, cells(words), stalls)
        if offsets is not None:
            content = enumerate(offsets.astype("<i2").tobytes())
            told = ({"first": not number, "tile": 0, "data": byte} for number, byte in content)
            await send_at_once(ctx, dut.offsets, told)
        await ctx.tick().repeat(p.write_clocks)
        loaded[0] = True
        for image in images:
            driven = beats(image, p, rng, stall > 0)
            if packed:
                driven = [slots(*beat) for beat in pack_beats(image, p.rows_per_clock)]
            last = len(driven) - 1
            events = ({"slots": beat, "last": n == last} for n, beat in enumerate(driven))
            await send(ctx, dut.events, events, stalls)

    groups = -(-p.columns // p.neurons_per_clock)
    taken = bench.take(dut.sums, len(images) * groups, clocks=clocks)
    bench.run(stimulus, patience=p.rows * p.columns + 20 * p.passes * (p.rows + 10))
    assert loaded[0]
    assert [last for _, last in taken] == ([0] * (groups - 1) + [1]) * len(images)
    found = []
    for start in range(0, len(taken), groups):
        sums = [value for together, _ in taken[start : start + groups] for value in together]
        found.append(sums[: p.columns])
    return found


@st.composite
def crossbars(draw: st.DrawFn) -> CrossbarParameters:
    columns = draw(st.integers(1, 11))
    rows_per_clock = draw(st.sampled_from([1, 2, 4, 8, 16]))
    tiling = st.builds(
        Tiling,
        rows=st.sampled_from([max(8, rows_per_clock), 16]),
        bits=st.integers(2, 9),
        shift=st.integers(0, 13),
        offsets=st.booleans(),
    )
    neurons = draw(st.sampled_from([1, 2, 4, 8, 16]))
    lanes = draw(st.integers(1, columns))
    return CrossbarParameters(
        rows=draw(st.integers(1, 30)),
        columns=columns,
        lanes=lanes if lanes % neurons == 0 else columns,
        rows_per_clock=rows_per_clock,
        neurons_per_clock=neurons,
        memory=draw(st.sampled_from(["block", "ecp5"])),
        value_bits=draw(st.integers(1, 8)),
        rah_bits=draw(st.integers(2, 8)),
        tiling=draw(st.none() | tiling),
        pipelined=draw(st.booleans()),
    )


@examples(20)
@example(
    # Sums that leave one by one behind a sink that stalls: the next image was never let in.
    p=CrossbarParameters(
        rows=3, columns=9, lanes=9, value_bits=1, rah_bits=2, memory="ecp5", neurons_per_clock=2
    ),
    seed=0,
    density=0.0,
    stall=0.7,
)
@example(
    # The last pass has fewer columns than lanes.
    p=CrossbarParameters(rows=3, columns=7, lanes=3, value_bits=2, rah_bits=4, memory="ecp5"),
    seed=1,
    density=1.0,
    stall=0.3,
)
@example(
    # Weights take longer to write than sums may take to come.
    p=CrossbarParameters(
        rows=22, columns=10, lanes=10, value_bits=2, rah_bits=2, neurons_per_clock=2
    ),
    seed=146972,
    density=0.2,
    stall=0.7,
)
@given(
    p=crossbars(),
    seed=st.integers(0, 2**32 - 1),
    density=st.sampled_from([0.0, 0.2, 1.0]),
    stall=st.sampled_from([0.0, 0.3, 0.7]),
)
def test_sums_are_integer_products(
    p: CrossbarParameters, seed: int, density: float, stall: float
) -> None:
    rng = np.random.default_rng(seed)
    half = 2 ** (p.rah_bits - 1)
    words = rng.integers(-half, half, (p.rows, p.columns))
    images = rng.integers(0, 2**p.value_bits, (6, p.rows)) * (rng.random((6, p.rows)) < density)
    offsets = None
    if p.tiling is not None and p.tiling.offsets:
        offsets = rng.integers(-(2**15), 2**15, (p.tiles, p.columns))
        offsets[0] >>= 8
    sums = compute(p, words, images, stall=stall, seed=seed, offsets=offsets)
    assert sums == sums_of(p, words, images, offsets)


WORST = CrossbarParameters(40, 3, 3, value_bits=8)


@pytest.mark.parametrize(
    "p",
    [
        WORST,
        replace(WORST, lanes=1, memory="ecp5"),
        replace(WORST, rows_per_clock=4),
        replace(WORST, rows_per_clock=2, memory="ecp5"),
        *(
            replace(WORST, tiling=Tiling(16, bits, shift), memory=memory)
            for bits, shift in ((24, 0), (2, 23))
            for memory in KINDS
        ),
    ],
)
def test_the_largest_sums_do_not_overflow(p: CrossbarParameters) -> None:
    words, images = np.full((40, 3), -128), np.full((2, 40), 255)
    words[:, 1] = 127
    assert compute(p, words, images) == sums_of(p, words, images)


WIDE = CrossbarParameters(32, 100, 100, rows_per_clock=4, neurons_per_clock=4, memory="ecp5")
TILES = CrossbarParameters(120, 5, 5, tiling=Tiling(8, 6, 6))
SHORT = CrossbarParameters(12, 6, 6, memory="ecp5", pipelined=True)


@pytest.mark.parametrize(
    ("p", "rows", "clocks"),
    [
        # A row takes a clock, and the next image follows at once, with sums drained meanwhile.
        (CrossbarParameters(30, 5, 5), slice(None), 30),
        # With a third of the lanes an image takes three times its rows.
        (CrossbarParameters(30, 6, 2), slice(None), 90),
        # Tiles of one beat follow one another at once.
        (TILES, slice(0, None, 8), 15),
        (replace(TILES, memory="ecp5"), slice(0, None, 8), 15),
        # Full beats take as many clocks as the busiest part has rows.
        *(
            (replace(FULL, rows_per_clock=n, neurons_per_clock=n, memory=memory), rows, clocks)
            for n, rows, clocks in ((2, slice(41), 21), (4, slice(None), 13))
            for memory in KINDS
        ),
        # An image of one row is bound by draining the columns, and by four clocks of hand-over;
        # three on an ECP5, and at least by the way of its sums.
        (CrossbarParameters(4, 20, 20), slice(2, 3), 24),
        (replace(SHORT, rows_per_clock=16, pipelined=False), slice(2, 3), 14),
        # A pipelined departure is bound by the columns alone, even if they are few.
        *(
            (
                replace(SHORT, columns=n, lanes=n, rows_per_clock=r, neurons_per_clock=r),
                rows,
                clocks,
            )
            for n, r, rows, clocks in (
                (6, 1, slice(2, 3), 6),
                (6, 4, slice(2, 3), 2),
                (2, 2, slice(0, 1), 1),
                (4, 4, slice(0, 12), 3),
                (6, 16, slice(0, 12), 1),
            )
        ),
        (replace(SHORT, columns=9, lanes=3), slice(2, 3), 9),
        *(
            pytest.param(replace(WIDE, tiling=tiling), slice(2, 3), 28, marks=pytest.mark.long)
            for tiling in (None, Tiling(16, 6, 6), Tiling(16, 6, 6, offsets=True))
        ),
    ],
)
def test_images_follow_one_another_at_their_pace(
    p: CrossbarParameters, rows: slice, clocks: int
) -> None:
    words = np.random.default_rng(1).integers(-128, 128, (p.rows, p.columns))
    images = np.zeros((8, p.rows), np.int64)
    images[:, rows] = 9
    offsets = np.full((2, p.columns), 1000) if p.tiling is not None and p.tiling.offsets else None
    taken: list[int] = []
    found = compute(p, words, images, clocks=taken, offsets=offsets, packed=p.tiling is None)
    assert found == sums_of(p, words, images, offsets)
    assert np.diff(taken[:: -(-p.columns // p.neurons_per_clock)]).tolist() == [clocks] * 7


@pytest.mark.parametrize("memory", ["block", "ecp5"])
def test_a_row_that_is_read_is_not_converted(memory: str) -> None:
    """Neither rounded nor clamped, and without its converters' offsets."""
    p = CrossbarParameters(11, 3, 2, memory=memory, tiling=Tiling(8, 2, 6, offsets=True))
    words = np.random.default_rng(2).integers(-128, 128, (11, 3))
    offsets = np.full((2, 3), 1000)
    found = compute(p, words, np.eye(11, dtype=int), stall=0.3, offsets=offsets, bare=True)
    assert found == (words << 6).tolist()


@st.composite
def uniform_levels(draw: st.DrawFn) -> UniformLevels:
    count = draw(st.sampled_from([2, 3, 4, 5, 10, 16, 17, 100, 128]))
    step = draw(st.integers(1, 255 // (count - 1)))
    return UniformLevels(count, step, draw(st.integers(-128, 127 - step * (count - 1))))


@examples(25)
@example(
    # A line of SPRAMs is full, and its last two states are in block RAM.
    p=CrossbarParameters(
        rows=9, columns=36, lanes=18, memory="spram", levels=UniformLevels(10, 28, -126)
    ),
    stall=0.0,
    seed=0,
)
@example(
    # A line of block RAM is full, and two more states follow.
    p=CrossbarParameters(
        rows=13, columns=11, lanes=11, memory="ecp5", levels=UniformLevels(10, 28, -126),
        rows_per_clock=8, neurons_per_clock=8,
    ),
    stall=0.3,
    seed=1,
)  # fmt: skip
@given(
    p=st.builds(
        lambda p, levels, memory: replace(
            p,
            levels=levels,
            memory=memory,
            lanes=min(p.lanes, 8) if memory == "spram" else p.lanes,
            rows_per_clock=1 if memory == "spram" else p.rows_per_clock,
            neurons_per_clock=1 if memory == "spram" else p.neurons_per_clock,
            rah_bits=8,
            tiling=None,
        ),
        crossbars(),
        uniform_levels(),
        st.sampled_from(["block", "ecp5", "spram"]),
    ),
    stall=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_states_stand_for_uniform_levels(p: CrossbarParameters, stall: float, seed: int) -> None:
    assert p.levels is not None
    rng = np.random.default_rng(seed)
    states = rng.integers(0, p.levels.count, (p.rows, p.columns))
    words = p.levels.lowest + p.levels.step * states
    top = 2**p.value_bits
    images = rng.integers(0, top, (5, p.rows)) * (rng.random((5, p.rows)) < 0.6)
    images[0], images[1, : p.rows // 2] = top - 1, top - 1
    assert compute(p, words, images, stall=stall, seed=seed) == (images @ words).tolist()


@pytest.mark.parametrize(
    ("lanes", "rows_per_clock", "memory", "levels"),
    [
        (3, 1, "block", None),
        (6, 4, "block", UniformLevels(3, 43, -50)),
        (3, 1, "ecp5", UniformLevels(3, 43, -50)),
        (6, 4, "ecp5", None),
    ],
)
def test_a_reset_discards_the_image_under_way(
    lanes: int, rows_per_clock: int, memory: str, levels: UniformLevels | None
) -> None:
    """Words and products have no reset, so they survive one; the first image comes at once."""
    p = CrossbarParameters(
        8, 6, lanes, 8, rows_per_clock=rows_per_clock, memory=memory, levels=levels
    )
    possible = range(-128, 128) if levels is None else levels.words
    words = np.random.default_rng(5).choice(possible, (8, 6))
    image = np.array([0, 1, 0, 0, 0, 0, 0, 0])
    row, part = divmod(1, rows_per_clock)
    every = slots(*[(0, 255)] * rows_per_clock)
    one = slots(*[(row * (k == part), int(k == part)) for k in range(rows_per_clock)])
    reset = Signal()
    dut = make_crossbar(p)
    bench = StreamBench(ResetInserter(reset)(dut))
    found: list[list[int]] = []

    async def stimulus(ctx: Any) -> None:
        await send_at_once(ctx, dut.cells, cells(words))
        await ctx.tick().repeat(p.write_clocks)
        for under_way in range(30):
            # Two images that are not taken, then a third that never ends.
            for number in range(under_way):
                await step(
                    ctx, dut.events, payload={"slots": every, "last": number in (3, 7)}, valid=1
                )
            ctx.set(dut.events.valid, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await send(ctx, dut.events, [{"slots": one, "last": 1}])
            ctx.set(dut.sums.ready, 1)
            sums: list[int] = []
            while len(sums) < p.columns:
                _, _, taken, valid = await ctx.tick().sample(dut.sums.payload, dut.sums.valid)
                if valid:
                    sums.append(taken.sums[0])
                    assert taken.last == (len(sums) == p.columns)
            found.append(sums)
            ctx.set(dut.sums.ready, 0)

    bench.run(stimulus)
    assert found == [(image @ words).tolist()] * 30


@pytest.mark.parametrize(
    ("options", "multipliers"),
    [
        ({"memory": "spram"}, 6),  # of eight; the converter takes two
        ({"memory": "spram", "levels": UniformLevels(10, 28, -126)}, 0),
        ({"memory": "block"}, 0),
    ],
)
def test_products_of_words_in_sprams_take_the_multipliers_that_a_part_has(
    options: dict[str, Any], multipliers: int
) -> None:
    text = rtlil.convert(make_crossbar(CrossbarParameters(8, 8, 8, **options)), emit_src=False)
    assert len(set(re.findall(r"cell .*\\multiplier_\d+_\d+", text))) == multipliers


def test_it_becomes_rtlil_with_one_memory_for_each_block_ram() -> None:
    text = rtlil.convert(make_crossbar(CrossbarParameters(784, 20, 20)), name="crossbar")
    widths = [line.split()[2] for line in text.splitlines() if line.startswith("  memory width")]
    assert widths == ["16"] * 10
