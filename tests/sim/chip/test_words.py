"""Words of cells against the same arithmetic in Python's integers, cell by cell."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.chip.generator import Purpose, draw_bits
from allspin.sim.chip.words import WORD_BITS
from allspin.sim.chip.write_table import WriteTable
from allspin.sim.device.imperfections import STUCK_ENDS, Imperfections
from allspin.sim.network.levels import uniform_levels
from allspin.sim.synapse.response import Polarity
from tests.sim.chip.exact import chip_of, state_words, z


def slow_word(
    state: int,
    polarity: int,
    table: WriteTable,
    address: tuple[int, int, int, int],
    write: int,
    wrong: Imperfections,
    bits: int,
) -> int:
    """One cell's word, as `allspin.sim.chip.words` defines it, in exact fractions."""
    seed, layer, row, column = address
    if wrong.stuck:
        uniform = int(draw_bits(seed, layer, Purpose.STUCK, row, column))
        if uniform < round(wrong.stuck * 2**32):
            top = int(draw_bits(seed, layer, Purpose.STUCK_END, row, column)) >> 31
            if wrong.stuck_at == "open":
                return 0
            high = {"low": False, "high": True, "either": bool(top)}[wrong.stuck_at]
            return int(table.levels[-1 if high else 0])
    d2d = Purpose.D2D_DEPRESSION if polarity else Purpose.D2D_POTENTIATION
    unit = Fraction(1, 2**21)
    word = Fraction(int(table.levels[state]))
    word += z(seed, layer, d2d, row, column) * int(table.d2d[polarity, state]) * unit
    word += (
        z(seed, layer, Purpose.WRITE, row, column, write) * int(table.c2c[polarity, state]) * unit
    )
    decades = math.log10(1 + wrong.age)
    loss = round(wrong.drift * decades * 2**16)
    spread = round(wrong.drift_spread * decades * 2**16)
    normal = z(seed, layer, Purpose.RETENTION, row, column)
    loss += math.floor(Fraction(normal * spread, 2**13) + Fraction(1, 2))
    loss = min(max(loss, 0), 2**16)
    word -= math.floor(word / unit * loss / 2**16) * unit
    ends = int(table.levels[-1]) - int(table.levels[0])
    hall = round(wrong.hall_offset * ends * 256)
    word += z(seed, layer, Purpose.HALL_OFFSET, row, column) * hall * unit
    reference = round(wrong.reference * ends * 256)
    word -= z(seed, layer, Purpose.REFERENCE, row, 0) * reference * unit
    top = 2 ** (bits - 1) - 1
    return min(max(math.floor(word + Fraction(1, 2)), -top), top)


imperfections = st.builds(
    Imperfections,
    hall_offset=st.sampled_from([0.0, 0.02]),
    reference=st.sampled_from([0.0, 0.03]),
    drift=st.sampled_from([0.0, 0.01]),
    drift_spread=st.sampled_from([0.0, 0.004]),
    age=st.sampled_from([0.0, 1e7]),
    stuck=st.sampled_from([0.0, 0.1]),
    stuck_at=st.sampled_from(["low", "high", "either", "open"]),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[WriteTable, int]:
    states = draw(st.integers(2, 128))
    bits = draw(st.integers(max(2, (states - 1).bit_length() + 1), 8))
    spread = st.lists(st.integers(-65535, 65535), min_size=2 * states, max_size=2 * states)
    c2c, d2d = (np.array(draw(spread), np.int32).reshape(2, states) for _ in range(2))
    return WriteTable(uniform_levels(states, bits), c2c, d2d), bits


@settings(max_examples=40, deadline=None)
@given(tables(), imperfections, st.integers(0, 2**32 - 1), st.integers(0, 14), st.data())
def test_every_cell_by_exact_arithmetic(
    table_and_bits: tuple[WriteTable, int],
    wrong: Imperfections,
    seed: int,
    layer: int,
    data: st.DataObject,
) -> None:
    table, bits = table_and_bits
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    states = rng.integers(0, len(table.levels), (3, 4))
    polarity = rng.integers(0, 2, (3, 4))
    write = int(rng.integers(0, 5)) * 13000
    words = state_words(states, polarity, table, seed, layer, write, wrong, bits)
    assert words.dtype == np.int8
    for row, column in np.ndindex(3, 4):
        assert words[row, column] == slow_word(
            int(states[row, column]),
            int(polarity[row, column]),
            table,
            (seed, layer, row, column),
            write,
            wrong,
            bits,
        )


TABLE = WriteTable(uniform_levels(9), *[np.full((2, 9), 900, np.int32)] * 2)
ENDS = int(TABLE.levels[0]), int(TABLE.levels[-1])
SHAPE = (300, 300)


@pytest.mark.parametrize("at", STUCK_ENDS)
def test_stuck_cells_ignore_writes(at: str) -> None:
    wrong = Imperfections(stuck=0.3, stuck_at=at)
    cells, held = chip_of(wrong, 5).stuck(1, SHAPE, ENDS, None)
    assert np.mean(cells) == pytest.approx(0.3, abs=0.01)
    for state, write in ((0, 0), (4, 7), (8, 3)):
        states = np.full(SHAPE, state, np.uint8)
        words = state_words(states, Polarity.DEPRESSION, TABLE, 5, 1, write, imperfections=wrong)
        assert np.array_equal(words[cells].astype(np.int64) << WORD_BITS, held[cells])


@pytest.mark.parametrize(("low", "high"), [(-124, 124), (-3, 2), (-1, 0), (5, 90)])
def test_between_the_ends_each_word_is_as_likely(low: int, high: int) -> None:
    wrong = Imperfections(stuck=1.0, stuck_at="between")
    stuck = chip_of(wrong, 8).stuck(0, SHAPE, (low, high), None)
    words = stuck[1].ravel() >> WORD_BITS
    counts = np.bincount(words - low, minlength=high - low + 1)
    assert len(counts) == high - low + 1
    mean = 90_000 / len(counts)
    assert np.sum((counts - mean) ** 2 / mean) / len(counts) < 1.6  # chi-square a degree


@pytest.mark.parametrize("opened", [None, 77])
def test_open_cells_hold_the_word_of_no_conductance_and_0_in_a_hall_bar(
    opened: int | None,
) -> None:
    wrong = Imperfections(stuck=0.1, stuck_at="open")
    stuck = chip_of(wrong, 8).stuck(0, SHAPE, (5, 90), opened)
    assert (stuck[1] == (opened or 0)).all()


def test_the_highest_bit_of_a_draw_says_at_which_end_a_cell_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The gateware decides by the same bit."""
    draws = np.array([[0, 2**31 - 1, 2**31, 2**32 - 1]])
    monkeypatch.setattr("allspin.sim.chip.chip.draw_bits", lambda *arguments: draws)
    wrong = Imperfections(stuck=0.5, stuck_at="either")
    stuck = chip_of(wrong, 1).stuck(0, (1, 4), (-5, 7), None)
    assert stuck[0].tolist() == [[True, True, False, False]]
    assert (stuck[1] >> WORD_BITS).tolist() == [[-5, -5, 7, 7]]
