"""Parameters of a training: ranges, and the device."""

import dataclasses

import numpy as np
import pytest

from allspin.host.data.catalogue import open_device
from allspin.host.train.parameters import TrainingParameters
from allspin.host.train.target import TrainingTarget
from allspin.host.train.training_options import Robustness
from allspin.sim.network.neuron import CmosSigmoidNeuron, SotNeuron
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

PAPER = open_device("paper")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"states": 1}, "`states` must be from 2 to 128, not 1"),
        ({"states": 129}, "`states` must be from 2 to 128, not 129"),
        ({"states": 100, "rah_bits": 6}, "100 states need R_AH words of at least 8 bits, not 6"),
        ({"rah_bits": 9}, "`rah_bits` must be from 2 to 8, not 9"),
        ({"hidden": ()}, "number of hidden layers must be from 1 to 14, not 0"),
        ({"hidden": (8,) * 15}, "number of hidden layers must be from 1 to 14, not 15"),
        ({"hidden": (100, 0)}, "`hidden` must be from 1 to 65535, not 0"),
        (
            {"neuron": "tanh"},
            "neuron must be one of .*stochastic, not 'tanh'; a kind of your own is registered .*",
        ),
        ({"pixel_bits": 0}, "`pixel_bits` must be from 1 to 8, not 0"),
        ({"hidden_bits": 9}, "`hidden_bits` must be from 1 to 8, not 9"),
        ({"noise": -0.1}, "`noise` must be a number from 0 to 0.5, not -0.1"),
        ({"noise": float("nan")}, "`noise` must be a number from 0 to 0.5, not nan"),
        ({"epochs": 0}, "`epochs` must be from 1 to 10000, not 0"),
        ({"seed": -1}, "`seed` must be from 0 to 4294967295, not -1"),
        ({"rate": 0.0}, "`rate` must be a number from 1e-06 to 1, not 0.0"),
        ({"rate": float("nan")}, "`rate` must be a number from 1e-06 to 1, not nan"),
        ({"batch": 0}, "`batch` must be from 1 to 65536, not 0"),
        ({"robust": Robustness()}, "`robust` needs `device`.*"),
    ],
)
def test_values_outside_their_range_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(TrainingParameters(), **changes)


def test_noise_is_that_of_a_write() -> None:
    """0.029 of the range where depression meets the levels, 0.065 by potentiation."""
    np.testing.assert_allclose(TrainingTarget(PAPER).noise(10, 8), 0.029, rtol=0.02)
    up = TrainingTarget(PAPER, "nearest", "potentiation").noise(10, 8)
    assert np.all(up >= 0.064)
    missed = TrainingTarget(PAPER, "uniform").noise(10, 8)
    # A level that no train meets is missed by as much each time.
    reached = 126 - 252 * (1 - np.exp(-np.arange(101) / 9)) / (1 - np.exp(-100 / 9))
    off = np.abs(reached - 42).min() / 252
    assert missed[6] == pytest.approx(np.hypot(0.029, off), abs=0.002)


def test_more_states_than_pulses_reach_are_said() -> None:
    """A table of ten pulses a polarity that all meet: eleven levels, for any number of states."""
    way, still = np.linspace(0.0, 1.0, 11), np.zeros(11)
    table = TableSynapse(TableResponse(way, still, still), TableResponse(1 - way, still, still))
    target = TrainingTarget(dataclasses.replace(PAPER, name="short", synapse=table))
    assert target.shared(11, 8) == ""
    assert target.shared(100, 8) == (
        "of 100 states 11 have a level of their own: pulses of short reach no more, and the "
        "others share a neighbour's"
    )


def test_the_neuron_is_the_device_s_unless_another_kind_is_asked_for() -> None:
    mine = CmosSigmoidNeuron(steepness=6.0)
    target = TrainingTarget(dataclasses.replace(PAPER, neuron=mine))
    assert TrainingParameters(target=target).formats.neuron == mine
    assert TrainingParameters(target=target, neuron="cmos-sigmoid").formats.neuron == mine
    assert TrainingParameters(target=target, neuron="sot").formats.neuron == SotNeuron()
    assert TrainingParameters().formats.neuron == SotNeuron()


def test_levels_that_a_device_has_not_are_refused_before_the_training() -> None:
    way, none = np.linspace(-1, 1, 21), np.zeros(21)
    tables = TableResponse(way, none, none), TableResponse(-way, none, none)
    measured = dataclasses.replace(PAPER, synapse=TableSynapse(*tables, states=10))
    with pytest.raises(ValueError, match="levels by pulses need a device with an A"):
        TrainingParameters(target=TrainingTarget(measured, "pulses"))
