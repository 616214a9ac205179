"""Turns of curves drawn from known devices."""

from pathlib import Path

import numpy as np
import pytest

from allspin.host.fit.columns import ReadOptions
from allspin.host.fit.runs import read_measurement
from allspin.host.fit.turns import all_turns, find_turn
from allspin.sim.errors import UserError

UP, DOWN = 17.0, 12.0
RANGE = 400.0
NOISE = 3.0


def way(a: float, pulses: int = 60) -> np.ndarray:
    """R_AH from the one end of the range to the other."""
    n = np.arange(pulses + 1)
    return RANGE * (np.expm1(-n / a) / np.expm1(-pulses / a) - 0.5)


UP_FIRST = np.r_[way(UP), -way(DOWN)[1:]]
DOWN_FIRST = np.r_[-way(DOWN), way(UP)[1:]]


@pytest.mark.parametrize("truth", [UP_FIRST, DOWN_FIRST], ids=["up first", "down first"])
def test_turns_of_known_devices_are_where_they_are(truth: np.ndarray) -> None:
    found = [
        find_turn(truth + np.random.default_rng(seed).normal(0, NOISE, truth.size))
        for seed in range(40)
    ]
    assert found == [60] * 40


def test_a_turn_behind_a_plateau_and_one_of_another_law() -> None:
    """A plateau belongs to the side before; a stretched exponential is no exponential."""
    rng = np.random.default_rng(1)
    flat = np.r_[way(UP), np.full(20, RANGE / 2), -way(DOWN)[1:], np.full(20, -RANGE / 2)]
    assert find_turn(flat + rng.normal(0, NOISE, flat.size)) == 80
    n = np.arange(61.0)
    stretched = RANGE * np.expm1(-np.sqrt(n / 6))
    both = np.r_[stretched, stretched[-1] - stretched[1:]]
    assert find_turn(both + rng.normal(0, NOISE, both.size)) == 60
    spiky = DOWN_FIRST + rng.normal(0, NOISE, DOWN_FIRST.size)
    spiky[[20, 56, 90]] += (600, -200, -600)
    assert find_turn(spiky) == 60


def test_a_run_of_several_turns_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    truth = np.tile(np.r_[way(UP)[:-1], -way(DOWN)[:-1]], 4)
    values = truth + np.random.default_rng(0).normal(0, NOISE, truth.size)
    assert [round(turn / 60) for turn in all_turns(values)] == [1, 2, 3, 4, 5, 6, 7]
    path = tmp_path / "many.csv"
    path.write_text(
        "pulse,R_AH (mohm)\n" + "".join(f"{n},{value:.3f}\n" for n, value in enumerate(values))
    )
    for options in (ReadOptions(), ReadOptions(turn=60)):
        with pytest.raises(UserError) as caught:
            read_measurement([path], options)
        words = str(caught.value)
        assert "line 2: device many goes there and back more than once, with turns near" in words
        assert words.endswith(" and more; number pulses from 0 again where each cycle begins")
    # What is advised works.
    path.write_text(
        "pulse,R_AH (mohm)\n"
        + "".join(f"{n % 120},{value:.3f}\n" for n, value in enumerate(values))
    )
    measurement = read_measurement([path])
    assert [one.x.size for one in measurement.curves] == [61, 60] * 4
