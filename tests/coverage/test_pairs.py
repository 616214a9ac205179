"""Covering arrays: few choices have every pair."""

import itertools

import pytest
from hypothesis import given, settings, strategies as st

from tests.coverage.pairs import all_choices, cover_pairs

pytestmark = pytest.mark.long


def pairs(choices):
    return {
        frozenset(pair) for choice in choices for pair in itertools.combinations(choice.items(), 2)
    }


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    keep=st.randoms(use_true_random=False),
    cost=st.integers(1, 5),
)
def test_every_pair_that_may_be_chosen_is_chosen(sizes, keep, cost):
    options = {f"option {n}": range(size) for n, size in enumerate(sizes)}
    allowed = [choice for choice in all_choices(options) if keep.random() < 0.7]
    found = cover_pairs(allowed, cost=lambda choice: cost + choice["option 0"])
    assert pairs(found) == pairs(allowed)
    assert all(choice in allowed for choice in found)
    made, rest = found[:2], cover_pairs(allowed, made=found[:2])
    assert pairs(made + rest) == pairs(allowed)
    assert cover_pairs(allowed, made=found) == []


def test_seven_options_of_three_values_take_few_more_than_the_fewest():
    # 3 x 3 is the bound, and 12 the fewest known for five to seven.
    options = {str(n): range(3) for n in range(7)}
    found = cover_pairs(all_choices(options))
    assert 9 <= len(found) <= 20


def test_the_cheaper_of_equals_is_chosen():
    options = {"one": (0, 1), "two": (0, 1), "three": (0,)}
    found = cover_pairs(all_choices(options), cost=lambda choice: 2 - choice["two"])
    assert found[0]["two"] == 1
    assert len(found) == 4
