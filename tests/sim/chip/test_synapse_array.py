"""Arrays of synapses under pulses: draws of each cell, and moments over many cells."""

import numpy as np
import pytest

from allspin.sim.chip.generator import Purpose, normals
from allspin.sim.chip.synapse_array import SynapseArray
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from tests.sim.chip.exact import synapse

P, D = Polarity


def test_without_variation_it_is_the_synapse() -> None:
    array = SynapseArray(synapse(), 0, 0, (2, 3))
    assert array.read() == pytest.approx(np.full((2, 3), -1))
    array.pulse(P)
    array.pulse(P, 2)
    assert array.read() == pytest.approx(np.full((2, 3), synapse().curve(P, 3)))
    array.saturate(P)
    assert array.read() == pytest.approx(np.ones((2, 3)))
    array.pulse(D, 4)
    assert array.read() == pytest.approx(np.full((2, 3), synapse().curve(D, 4)))
    assert (array.polarity, array.writes) == (D, 3)


def test_a_pulse_at_a_time_has_the_deviation_of_many_at_once() -> None:
    varied = synapse(c2c=CycleVariation(0.01, 0.01, occasion="pulse"))
    each, once = (SynapseArray(varied, seed, 0, (300, 300)) for seed in (1, 2))
    for _ in range(8):
        each.pulse(P)
    once.pulse(P, 8)
    assert each.read().std() == pytest.approx(once.read().std(), rel=0.02)
    assert each.read().mean() == pytest.approx(once.read().mean(), abs=1e-3)


def test_a_cell_s_draws_are_those_of_its_place() -> None:
    varied = synapse(c2c=CycleVariation(0.02, 0.02), d2d=DeviceVariation(0.1, 0.1, "nonlinearity"))
    small, large = (SynapseArray(varied, 9, 3, shape) for shape in ((3, 4), (4, 5)))
    for array in (small, large):
        array.pulse(P, 2)
        array.pulse(D)
    assert np.array_equal(small.read(), large.read()[:3, :4])
    z = normals(9, 3, Purpose.D2D_POTENTIATION, 2, 3) * 2.0**-13
    assert large.deviates[P][2, 3] == float(z)


def test_devices_stop_at_the_range_s_ends() -> None:
    array = SynapseArray(synapse(c2c=CycleVariation(0.5, 0.5)), 0, 0, (50, 50))
    array.pulse(P, 50)
    assert (array.read().min(), array.read().max()) == (-1, 1)


def test_cells_that_were_written_too_often() -> None:
    array = SynapseArray(synapse(c2c=CycleVariation(0.1)), 0, 0, (1, 2))
    array.writes = 2**16
    with pytest.raises(ValueError, match="number of the draw must be from 0 to 65535"):
        array.pulse(P)
