"""Ticks are round, within the axis and few; scales go where they should."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.sim.drawing import Scale, linear_ticks, log_ticks, padded, tick_text


@settings(deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e6), st.integers(3, 10))
def test_linear_ticks_are_even_few_and_within(low, span, most):
    high = low + span
    ticks = linear_ticks(low, high, most)
    assert len(ticks) <= most + 1
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in ticks)
    steps = [b - a for a, b in pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps) if steps else [], rel=1e-6)
    for step in steps[:1]:
        digits = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(digits - round_) for round_ in (1, 2, 2.5, 5)) < 1e-6


@settings(deadline=None)
@given(st.floats(1e-12, 1e6), st.floats(1.5, 1e9), st.integers(4, 9))
def test_log_ticks_rise_and_are_within(low, factor, most):
    high = low * factor
    ticks = log_ticks(low, high, most)
    assert ticks == sorted(set(ticks))
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in ticks)
    assert len(ticks) <= most + 1


def test_known_ticks():
    assert linear_ticks(0, 100, 6) == [0, 20, 40, 60, 80, 100]
    assert linear_ticks(98.27, 98.9, 9) == [98.3, 98.4, 98.5, 98.6, 98.7, 98.8, 98.9]
    assert log_ticks(1, 1000, 6) == [1, 10, 100, 1000]
    assert log_ticks(0.7, 11, 6) == [1, 2, 5, 10]
    assert log_ticks(20, 60, 6) == [20, 30, 40, 50, 60]


def test_scales():
    linear = Scale(10, 20, 100, 300)
    assert [linear(value) for value in (10, 15, 20)] == [100, 200, 300]
    down = Scale(1, 100, 300, 100, log=True)
    assert [down(value) for value in (1, 10, 100)] == pytest.approx([300, 200, 100])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.5, "0.5"),
        (-70, "\u221270"),
        (20000, "20,000"),
        (1e-15, "1e-15"),
        (3e7, "30 M"),
        (2e10, "2e10"),
    ],
)
def test_tick_labels(value, said):
    assert tick_text(value) == said


def test_room_around_values():
    assert padded([0, 10], share=0.1) == (-1, 11)
    low, high = padded([5])
    assert low < 5 < high
    low, high = padded([2, 200], log=True, share=0.5)
    assert (low, high) == pytest.approx((0.2, 2000))
    low, high = padded([3], log=True)
    assert 0 < low < 3 < high
