"""Arrays of synapses under pulses: draws by cell, and moments over 10^6 of them."""

import numpy as np
import pytest

from allspin.sim.chip.generator import Purpose, normals
from allspin.sim.chip.words import SynapseArray
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation, SotSynapse

P, D = Polarity


def synapse(**variation: object) -> SotSynapse:
    return SotSynapse(PulseResponse(22, 100), PulseResponse(9, 100), **variation)  # type: ignore[arg-type]


def test_without_variation_it_is_the_synapse() -> None:
    array = SynapseArray(synapse(), 0, 0, (2, 3))
    assert array.read() == pytest.approx(np.full((2, 3), -1))
    array.pulse(P, np.array([1, 2, 3]))
    assert array.read()[1] == pytest.approx(synapse().curve(P, np.array([1, 2, 3])))
    array.saturate(P)
    array.pulse(D, 4, where=np.array([[True], [False]]))
    assert array.read()[0] == pytest.approx(np.full(3, synapse().curve(D, 4)))
    assert array.read()[1] == pytest.approx(np.ones(3))
    assert array.polarity.tolist() == [[D] * 3, [P] * 3]
    assert array.writes.tolist() == [[2] * 3, [1] * 3]


def test_a_pulse_at_a_time_has_the_deviation_of_many_at_once() -> None:
    varied = synapse(c2c=CycleVariation(0.01, 0.01, occasion="pulse"))
    each, once = (SynapseArray(varied, seed, 0, (300, 300), bounded=False) for seed in (1, 2))
    for _ in range(8):
        each.pulse(P)
    once.pulse(P, 8)
    assert each.read().std() == pytest.approx(once.read().std(), rel=0.02)
    assert each.read().mean() == pytest.approx(once.read().mean(), abs=1e-3)


def test_a_cell_s_draws_do_not_depend_on_the_others() -> None:
    varied = synapse(c2c=CycleVariation(0.02, 0.02), d2d=DeviceVariation(0.1, 0.1, "nonlinearity"))
    together, apart = (SynapseArray(varied, 9, 3, (4, 5)) for _ in range(2))
    where = np.zeros((4, 5), bool)
    where[2, 3] = True
    apart.pulse(P, 2, where)
    apart.pulse(P, 2, ~where)
    apart.pulse(D, 1, where)
    together.pulse(P, 2)
    together.pulse(D, 1)
    assert together.read()[2, 3] == apart.read()[2, 3]
    assert together.writes.tolist() == [[2] * 5] * 4
    z = normals(9, 3, Purpose.D2D_POTENTIATION, 2, 3) * 2.0**-13
    assert together.deviates[P][2, 3] == float(z)


def test_a_bounded_film_ends_at_the_range_s_ends() -> None:
    varied = synapse(c2c=CycleVariation(0.5, 0.5))
    array = SynapseArray(varied, 0, 0, (50, 50))
    array.pulse(P, 50)
    assert array.read().min() == -1
    assert array.read().max() == 1


def test_a_cell_that_was_written_too_often() -> None:
    array = SynapseArray(synapse(c2c=CycleVariation(0.1)), 0, 0, (1, 2))
    array.writes[0, 1] = 2**16
    with pytest.raises(ValueError, match="a cell has 65536 writes"):
        array.pulse(P)
