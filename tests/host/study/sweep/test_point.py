"""A point's device has its variations multiplied and nothing else changed."""

import dataclasses

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.study.chips.accuracy import only
from allspin.host.study.sweep.grid import make_grid
from allspin.host.study.sweep.point import scaled
from allspin.sim.device.synapse import SotSynapse
from allspin.sim.device.synapse_response import Polarity
from allspin.sim.device.table_device import TableResponse, TableSynapse
from allspin.sim.errors import UserError

PAPER = open_device("paper")


def test_figures_are_multiplied_one_by_one():
    device = scaled(PAPER, 0.5, 2.0, 3.0, 4.0)
    assert isinstance(device.synapse, SotSynapse)
    synapse, neuron = device.synapse, device.neuron_variation
    # The paper's: C2C 0.065 and 0.029, D2D 0.13 and 0.48, 0.18 and 0.18, 0.014.
    assert (synapse.c2c.potentiation, synapse.c2c.depression) == (0.0325, 0.0145)
    assert (synapse.d2d.potentiation, synapse.d2d.depression) == (0.26, 0.96)
    assert (neuron.gain, neuron.threshold) == pytest.approx((0.54, 0.54))
    assert neuron.use == pytest.approx(0.056)
    assert device.imperfections == PAPER.imperfections
    assert synapse.c2c.reading == "range"


def test_once_is_the_device_and_none_is_without():
    same = scaled(PAPER, 1, 1, 1, 1)
    assert (same.synapse, same.neuron_variation) == (PAPER.synapse, PAPER.neuron_variation)
    without = scaled(PAPER, 0, 0, 0, 0)
    off = only(PAPER, [])
    assert without.neuron_variation == off.neuron_variation
    for polarity in Polarity:
        assert without.synapse.device_deviation(polarity, 5) == 0
        assert without.synapse.cycle_deviation(polarity, 0.0, 5) == 0


def test_a_tables_deviations_are_multiplied_too():
    n = np.linspace(-1, 1, 30)
    table = TableSynapse(
        TableResponse(n, 0 * n + 0.1, 0 * n + 0.2), TableResponse(-n, 0 * n + 0.1, 0 * n + 0.2)
    )
    synapse = scaled(dataclasses.replace(PAPER, synapse=table), 2, 3, 1, 1).synapse
    assert synapse.cycle_deviation(Polarity.DEPRESSION, 0.0, 3) == pytest.approx(0.2)
    assert synapse.device_deviation(Polarity.DEPRESSION, 3) == pytest.approx(0.6)


def test_what_leaves_its_range_names_the_point():
    (point,) = make_grid({"network": "mnist-10", "d2d": 3}).points()
    with pytest.raises(UserError, match=r"paper with c2c 1, d2d 3, .*D2D of depression must be"):
        point.made_of(PAPER)


def test_programming_is_what_the_point_says():
    network = open_network("mnist-10")
    entries = {"network": "mnist-10", "program": "write-verify", "tries": 5, "band": 0.1}
    (point,) = make_grid({**entries, "polarity": "halves"}).points()
    how = point.programming(network)
    assert (how.scheme, how.polarity, how.tries, how.band) == ("write-verify", "halves", 5, 0.1)
