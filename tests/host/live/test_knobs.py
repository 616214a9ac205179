"""Knobs: one for each variation that a device has, and what they do to it."""

import dataclasses

import numpy as np
import pytest

from allspin.host.chips.accuracy import only
from allspin.host.data.catalogue import open_device
from allspin.host.live.choices import knobs, turned
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Imperfections
from allspin.sim.device.retention import Retention
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity

PAPER = open_device("paper")


def names(device):
    return [knob.name for knob in knobs(device)]


def test_the_papers_device_has_four():
    found = {knob.name: knob for knob in knobs(PAPER)}
    assert list(found) == ["c2c", "d2d", "neuron_d2d", "neuron_c2c"]
    assert {knob.value for knob in found.values()} == {1.0}
    # A deviation of 0.48 takes no factor above 1 / 0.48.
    assert found["d2d"].high == 2.0
    assert found["c2c"].high == 3.0


def test_what_a_device_lacks_has_no_knob():
    assert names(only(PAPER, ("c2c",))) == ["c2c"]
    assert names(only(PAPER, ("c2c", "d2d", "use"))) == ["c2c", "d2d", "neuron_c2c"]


def test_other_imperfections_have_theirs():
    wrong = Imperfections(
        stuck=0.4, hall_offset=0.02, age=999.0, retention=Retention((1.0, 0.85, 1.1))
    )
    device = dataclasses.replace(PAPER, imperfections=wrong)
    found = {knob.name: knob for knob in knobs(device)}
    assert list(found)[4:] == ["hall_offset", "stuck", "age"]
    assert found["stuck"].high == 2.5
    assert found["age"].value == pytest.approx(3.0)
    later = turned(device, {"stuck": 2.0, "age": 6.0})
    assert later.imperfections.stuck == pytest.approx(0.8)
    assert later.imperfections.age == pytest.approx(1e6, rel=1e-5)
    assert later.imperfections.hall_offset == 0.02


def test_factors_are_on_the_deviations():
    device = turned(PAPER, {"c2c": 2.0, "d2d": 0.5, "neuron_d2d": 0.25, "neuron_c2c": 3.0})
    for polarity, c2c, d2d in zip(Polarity, (0.065, 0.029), (0.13, 0.48), strict=True):
        range_ = 2.0  # from -1 to 1
        assert device.synapse.cycle_deviation(polarity, [0.0]) == pytest.approx(2 * c2c * range_)
        at_end = device.synapse.device_deviation(polarity, [100.0])
        assert abs(float(at_end[0])) == pytest.approx(0.5 * d2d, rel=0.02)
    assert device.neuron_variation.gain == pytest.approx(0.25 * 0.18)
    assert device.neuron_variation.threshold == pytest.approx(0.25 * 0.18)
    assert device.neuron_variation.use == pytest.approx(3 * 0.014)


def test_knobs_as_they_stand_change_nothing(network):
    device = turned(PAPER, {knob.name: knob.value for knob in knobs(PAPER)})
    same = [program_chip(Chip(each, 5), network, Programming()).words for each in (PAPER, device)]
    for one, other in zip(*same, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_figure_that_leaves_its_range_is_an_error():
    with pytest.raises(ValueError, match="D2D of depression must be"):
        turned(PAPER, {"d2d": 2.5})
