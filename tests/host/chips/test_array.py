"""Scans of arrays, against the same arrays one by one."""

import dataclasses

import numpy as np
import pytest

from allspin.host.chips.array import (
    PAPER,
    Curve,
    scan,
    tiles,
)
from allspin.sim.array.in_array import in_array
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_networks import random_images, random_network

NETWORK = random_network((24, 7, 4), 1)


IMAGES = random_images(NETWORK, 40, 2)


LABELS = GoldenModel(NETWORK).classify(IMAGES)


def test_a_point_is_the_array_with_this_value():
    array = HallArray("selected", **PAPER)
    curve = Curve("a curve", "switch_off", (1e4, 1e12), array)
    points = list(scan(curve, NETWORK, IMAGES, LABELS))
    assert [point.value for point in points] == [1e4, 1e12]
    for point in points:
        made = in_array(NETWORK, dataclasses.replace(array, switch_off=point.value))
        assert point.accuracy == np.mean(GoldenModel(made.network).classify(IMAGES) == LABELS)
        assert (point.error, point.folded) == (made.error, made.folded)
    # The labels are what the ideal array says.
    assert points[1].accuracy == 1
    assert points[0].error > points[1].error


def test_one_column_or_one_row_correlates_whole_and_two_by_two_do_not():
    array = HallArray("series", **PAPER)
    found = tiles(NETWORK, array, ((24, 1), (1, 7), (2, 2)))
    assert [size[:2] for size in found] == [(24, 1), (1, 7), (2, 2)]
    assert found[0][2] == pytest.approx(1)
    assert found[1][2] == pytest.approx(1)
    assert abs(found[2][2]) < 0.9
