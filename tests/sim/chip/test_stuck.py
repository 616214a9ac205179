"""Stuck cells: where they are stuck, and that nothing that is written changes that."""

import numpy as np
import pytest

from allspin.sim.chip.fixed_point import WORD_BITS
from allspin.sim.chip.retained import stuck_cells
from allspin.sim.chip.words import WriteTable, state_words
from allspin.sim.device.device import STUCK_ENDS, Imperfections
from allspin.sim.network.formats import uniform_levels
from allspin.sim.synapse.response import Polarity

TABLE = WriteTable(uniform_levels(9), *(np.full((2, 9), 900, np.int32),) * 2)
ENDS = int(TABLE.levels[0]), int(TABLE.levels[-1])
SHAPE = (300, 300)


@pytest.mark.parametrize("at", STUCK_ENDS)
def test_what_is_written_does_not_matter(at: str) -> None:
    wrong = Imperfections(stuck=0.3, stuck_at=at)
    stuck = stuck_cells(5, 1, SHAPE, wrong)
    assert stuck is not None
    assert np.mean(stuck.cells) == pytest.approx(0.3, abs=0.01)
    for state, write in ((0, 0), (4, 7), (8, 3)):
        states = np.full(SHAPE, state, np.uint8)
        words = state_words(states, Polarity.DEPRESSION, TABLE, 5, 1, write, imperfections=wrong)
        held = stuck.held(ENDS)[stuck.cells]
        assert np.array_equal(words[stuck.cells].astype(np.int64) << WORD_BITS, held)


@pytest.mark.parametrize(("low", "high"), [(-124, 124), (-3, 2), (-1, 0), (5, 90)])
def test_between_the_ends_each_word_is_as_likely(low: int, high: int) -> None:
    stuck = stuck_cells(8, 0, SHAPE, Imperfections(stuck=1.0, stuck_at="between"))
    assert stuck is not None
    words = stuck.held((low, high)).ravel() >> WORD_BITS
    counts = np.bincount(words - low, minlength=high - low + 1)
    assert len(counts) == high - low + 1
    mean = 90_000 / len(counts)
    assert np.sum((counts - mean) ** 2 / mean) / len(counts) < 1.6  # chi-square a degree


def test_open_cells_add_nothing() -> None:
    stuck = stuck_cells(8, 0, SHAPE, Imperfections(stuck=0.1, stuck_at="open"))
    assert stuck is not None
    assert not stuck.held((5, 90)).any()


def test_the_highest_bit_of_a_draw_says_at_which_end_a_cell_is_stuck(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in gateware, at the very value too."""
    draws = np.array([[0, 2**31 - 1, 2**31, 2**32 - 1]])
    monkeypatch.setattr("allspin.sim.chip.retained.draw_bits", lambda *arguments: draws)
    stuck = stuck_cells(1, 0, (1, 4), Imperfections(stuck=0.5, stuck_at="either"))
    assert stuck is not None
    assert stuck.cells.tolist() == [[True, True, False, False]]
    assert (stuck.held((-5, 7)) >> WORD_BITS).tolist() == [[-5, -5, 7, 7]]
