"""Verdicts: the rule, and that each can come out."""

import statistics

import pytest
from hypothesis import given, strategies as st

from allspin.host.paper.claims import Claim, Reading, Spread, Verdict, falls, within


def claim(*readings):
    """A claim of readings given as (agrees, is an assumption)."""
    return Claim(
        "x",
        "y",
        tuple(Reading(str(n), "z", *reading) for n, reading in enumerate(readings)),
        "because",
    )


TEXT_YES, TEXT_NO, ASSUMED_YES, ASSUMED_NO = (
    (True, False),
    (False, False),
    (True, True),
    (False, True),
)


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        ([TEXT_YES], Verdict.REPRODUCED),
        ([TEXT_YES, TEXT_YES, ASSUMED_NO], Verdict.REPRODUCED),
        ([TEXT_NO], Verdict.CONTRADICTED),
        ([TEXT_NO, ASSUMED_NO], Verdict.CONTRADICTED),
        ([TEXT_NO, ASSUMED_YES], Verdict.ASSUMED),
        ([ASSUMED_YES], Verdict.ASSUMED),
        ([ASSUMED_NO, ASSUMED_YES], Verdict.ASSUMED),
        ([ASSUMED_NO], Verdict.CONTRADICTED),
        ([TEXT_YES, TEXT_NO], Verdict.UNDETERMINED),
    ],
)
def test_the_rule(readings, verdict):
    assert claim(*readings).verdict is verdict


def test_outcomes_carry_their_readings_names():
    assert claim(TEXT_YES).outcome == "z"
    assert claim(TEXT_YES, TEXT_NO).outcome == "0: z; 1: z"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_spread_against_the_standard_library(values):
    spread = Spread.of(values)
    assert spread.mean == pytest.approx(statistics.fmean(values), abs=1e-12)
    assert spread.deviation == pytest.approx(statistics.stdev(values), abs=1e-9)
    assert spread.count == len(values)


def test_a_single_value_has_no_deviation():
    assert Spread.of([0.5]).percent() == "50.00 %"
    assert Spread.of([0.5, 0.52]).percent() == "51.00 ± 1.41 %"


def test_within_takes_both_ends():
    assert within(0.9853, 0.9753, 0.01)
    assert within(0.9653, 0.9753, 0.01)
    assert not within(0.9652, 0.9753, 0.01)


@pytest.mark.parametrize(
    ("last", "deviation", "expected"),
    [
        (0.80, 0.01, True),
        (0.896, 0.0, False),
        (0.91, 0.0, False),
        (0.80, 0.06, True),
        (0.80, 0.07, False),
    ],
)
def test_a_fall_exceeds_half_a_point_and_twice_its_standard_error(last, deviation, expected):
    assert falls([Spread(0.9, deviation, 3), Spread(last, deviation, 3)]) is expected
