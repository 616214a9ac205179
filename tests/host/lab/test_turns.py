"""Turns of R_AH in runs of known devices."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from allspin.host.lab.curves import Measurement
from allspin.host.lab.turns import all_turns, find_turn
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity
from tests.host.lab.curve_files import curve, rows

P, D = Polarity
Read = Callable[..., Measurement]
RANGE, NOISE = 400.0, 3.0


def way(a: float, pulses: int = 60) -> np.ndarray:
    """R_AH from the one end of the range to the other."""
    return RANGE * (curve(a, pulses + 1, noise=0) - 0.5)


UP_WAY, DOWN_WAY = way(17.0), -way(12.0)
UP_FIRST, DOWN_FIRST = np.r_[UP_WAY, DOWN_WAY[1:]], np.r_[DOWN_WAY, UP_WAY[1:]]
N = np.arange(61.0)
STRETCHED = RANGE * np.expm1(-np.sqrt(N / 6))
SPIKES = np.where(np.isin(np.arange(121), [20, 90]), 600.0, 0) - 200 * (np.arange(121) == 56)


@pytest.mark.parametrize(
    ("truth", "turn", "seeds"),
    [
        (UP_FIRST, 60, 40),
        (DOWN_FIRST, 60, 40),
        (DOWN_FIRST + SPIKES, 60, 3),
        # A plateau belongs to the side before; a stretched exponential is no exponential.
        (np.r_[UP_WAY, np.full(20, RANGE / 2), DOWN_WAY[1:], np.full(20, -RANGE / 2)], 80, 3),
        (np.r_[STRETCHED, STRETCHED[-1] - STRETCHED[1:]], 60, 3),
        # A plateau at the end is no turn, not even with spikes.
        *((way(a, 120), None, 5) for a in (2.0, 8.0)),
        (way(8.0, 120) + SPIKES, None, 5),
        (UP_WAY[:9], None, 1),
    ],
)
def test_turns_of_known_devices_are_where_they_are(
    truth: np.ndarray, turn: int | None, seeds: int
) -> None:
    noises = [np.random.default_rng(seed).normal(0, NOISE, truth.size) for seed in range(seeds)]
    assert [find_turn(truth + noise) for noise in noises] == [turn] * seeds


def test_a_turn_of_a_long_run_is_near_its_place() -> None:
    half = 60_000
    truth = np.r_[way(half / 3, half), -way(half / 3, half)[1:]]
    turn = find_turn(truth + np.random.default_rng(0).normal(0, NOISE, truth.size))
    assert turn == pytest.approx(half, abs=half / 200)


def test_a_curve_there_and_back_is_cut_where_it_turns_and_that_is_told(read: Read) -> None:
    rng = np.random.default_rng(0)
    cycles = [UP_FIRST + rng.normal(0, 8, UP_FIRST.size) for _ in range(4)]
    text = "cycle,pulse,R_AH\n" + "".join(rows(one, 0, f"{n},") for n, one in enumerate(cycles))
    measurement = read(text)
    (note,) = measurement.notes
    assert note.endswith("are cut where R_AH turns (`turn` for elsewhere), at pulse 60")
    found = [(one.polarity, one.x.tolist()) for one in measurement.curves]
    assert found == [(P, list(range(61))), (D, list(range(61)))] * 4
    given = read(text, turn=39)
    assert given.notes == []
    assert [one.x.size for one in given.curves] == [40, 82] * 4


def test_a_run_of_several_turns_is_refused_with_advice(read: Read) -> None:
    truth = np.tile(np.r_[UP_WAY[:-1], DOWN_WAY[:-1]], 4)
    values = truth + np.random.default_rng(0).normal(0, NOISE, truth.size)
    assert [round(turn / 60) for turn in all_turns(values)] == [1, 2, 3, 4, 5, 6, 7]
    for given in ({}, {"turn": 60}):
        with pytest.raises(UserError) as caught:
            read("pulse,R_AH (mohm)\n" + rows(values), **given)
        assert re.search(
            "line 2: device bar0 goes there and back more than once, with turns near pulse .* and "
            "more; number pulses from 0 again where each cycle begins$",
            str(caught.value),
        )
    # The advice works.
    lines = [rows(part) for part in np.split(values, 4)]
    measurement = read("pulse,R_AH (mohm)\n" + "".join(lines))
    assert [one.x.size for one in measurement.curves] == [61, 60] * 4
