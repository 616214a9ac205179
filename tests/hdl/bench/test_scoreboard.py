"""The scoreboard passes only what is complete and right."""

import pytest

from allspin.hdl.bench.drivers import Scoreboard


def board(expected, received):
    scoreboard = Scoreboard("logits")
    scoreboard.expect(*expected)
    for item in received:
        scoreboard.receive(item)
    return scoreboard


def test_all_that_was_expected_in_order_passes():
    right = board([1, 2, 2], [1, 2, 2])
    right.check()
    assert (right.received, right.waiting, right.mismatches) == (3, 0, [])


@pytest.mark.parametrize(
    ("expected", "received", "message"),
    [
        ([1, 2], [1, 3], "logits: 1 of 2 are wrong: number 1: expected 2, received 3"),
        ([1, 2], [2, 1], "logits: 2 of 2 are wrong"),
        ([1], [1, 1], "logits: 1 of 2 are wrong: number 1: expected nothing, received 1"),
        ([1, 2, 3], [1], "logits: 2 did not come, first 2"),
        ([], [], "logits: nothing was compared"),
        ([0], [None], "logits: 1 of 1 are wrong: number 0: expected 0, received None"),
    ],
)
def test_anything_else_fails(expected, received, message):
    with pytest.raises(AssertionError, match=message):
        board(expected, received).check()
