"""Beats of an image: which rows are driven together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allspin.hdl.resident.beat_memory import beat_members, pack_beats


def test_beats_by_hand() -> None:
    assert pack_beats(np.array([0, 5, 7, 0, 9]), 2) == [((1, 7), (0, 5)), ((2, 9), (0, 0))]
    assert pack_beats(np.zeros(5, np.int64), 4) == [((0, 0),) * 4]
    assert pack_beats(np.array([0, 3]), 1) == [((1, 3),)]


@given(
    values=st.lists(st.sampled_from([0, 0, 1, 7]), min_size=1, max_size=40),
    rows_per_clock=st.sampled_from([1, 2, 4, 8]),
    tile_rows=st.sampled_from([None, 8, 16]),
)
def test_each_row_is_driven_once_and_as_early_as_can_be(
    values: list[int], rows_per_clock: int, tile_rows: int | None
) -> None:
    beats = pack_beats(np.array(values), rows_per_clock, tile_rows)
    driven = [
        (row * rows_per_clock + part, value)
        for beat in beats
        for part, (row, value) in enumerate(beat)
        if value
    ]
    assert sorted(driven) == [(row, value) for row, value in enumerate(values) if value]
    assert all(slot == (0, 0) for beat in beats for slot in beat if not slot[1])
    tiles = [
        values[first:][:tile_rows] for first in range(0, len(values), tile_rows or len(values))
    ]
    busiest = [
        max(sum(map(bool, tile[part::rows_per_clock])) for part in range(rows_per_clock))
        for tile in tiles
    ]
    assert len(beats) == max(1, sum(busiest))
    for beat in beats:
        rows = [row * rows_per_clock + part for part, (row, value) in enumerate(beat) if value]
        assert len({row // (tile_rows or len(values)) for row in rows}) <= 1


def test_members_of_a_beat() -> None:
    assert beat_members(((1, 7), (0, 5)), True) == {
        "last": 1,
        "slots[0].row": 1,
        "slots[0].value": 7,
        "slots[1].row": 0,
        "slots[1].value": 5,
    }
    assert beat_members(((2, 3),), False)["last"] == 0
