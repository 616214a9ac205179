"""Study of arrays: correlation of transfer functions with words."""

import pytest

from allspin.host.chips.array import SERIES, correlation
from allspin.sim.network.random_network import random_network

NETWORK = random_network((24, 7, 4), 1)


def test_one_column_or_one_row_correlates_fully_and_two_by_two_do_not():
    found = [correlation(NETWORK, SERIES, *size) for size in ((24, 1), (1, 7), (2, 2))]
    assert found[:2] == pytest.approx([1, 1])
    assert abs(found[2]) < 0.9
