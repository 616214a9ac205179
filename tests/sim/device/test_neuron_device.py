import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allspin.sim.device.device import NeuronVariation
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation

fractions = st.floats(0, 1)


@given(st.floats(-0.5, 1.5), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_without_variation_deviates_do_nothing(i: float, g: float, t: float, u: float) -> None:
    neuron = SotNeuron()
    assert float(NeuronVariation().respond(neuron, i, g, t, u)) == float(neuron.response(i))


def test_what_a_fit_found_is_told_in_three_digits() -> None:
    lines = NeuronVariation(gain=0.0146579, threshold=0.18, use=0.10004).readings()
    assert [re.findall(r"0\.\d+", line) for line in lines] == [["0.0147"], ["0.18"], ["0.1"]]
    assert "0.0147 (potentiation), 0.003 (depression)" in str(CycleVariation(0.0146579, 0.003))
    assert "0.0147 (potentiation), 0.151 (depression)" in str(DeviceVariation(0.0146579, 0.150854))


def test_each_reading_of_the_threshold() -> None:
    neuron = SotNeuron(threshold=0.2, slope=2, saturation=0.8)
    expected = {"range": 0.1, "threshold": 0.02, "linear": 0.04}
    for reading, deviation in expected.items():
        variation = NeuronVariation(threshold=0.1, threshold_reading=reading)
        assert variation.threshold_deviation(neuron) == pytest.approx(deviation)
        # A neuron one deviation up answers as the mean one does to so much less current.
        shifted = variation.respond(neuron, 0.5, threshold_deviate=1)
        assert float(shifted) == pytest.approx(float(neuron.response(0.5 - deviation)))


def test_each_reading_of_a_use() -> None:
    neuron = SotNeuron(threshold=0.2, slope=2, softness=0.01)
    for reading, deviation in {"current": 0.03, "output": 0.015, "threshold": 0.006}.items():
        variation = NeuronVariation(use=0.03, use_reading=reading)
        assert variation.use_deviation(neuron) == pytest.approx(deviation)
    # On the linear part the output's figure is the output's deviation.
    variation = NeuronVariation(use=0.03, use_reading="output")
    spread = variation.respond(neuron, 0.4, use_deviate=np.array([-1.0, 1.0]))
    assert np.ptp(spread) == pytest.approx(0.06, rel=1e-3)


def test_each_reading_of_the_gain() -> None:
    neuron = SotNeuron(threshold=0.2, slope=1, softness=0.001)
    whole = NeuronVariation(gain=0.1)
    slope = NeuronVariation(gain=0.1, gain_reading="slope")
    # Twenty per cent up: the current's factor moves the threshold too, the slope's does not.
    assert float(whole.respond(neuron, 0.5, 2)) == pytest.approx(1.2 * 0.5 - 0.2, abs=1e-6)
    assert float(slope.respond(neuron, 0.5, 2)) == pytest.approx(1.2 * (0.5 - 0.2), abs=1e-6)


def test_a_relu_neuron_varies_by_the_range() -> None:
    variation = NeuronVariation(0.1, 0.2, 0.3, "slope", "threshold", "output")
    neuron = ReluNeuron()
    assert variation.pivot(neuron) == 0
    assert variation.threshold_deviation(neuron) == 0.2
    assert variation.use_deviation(neuron) == 0.3


def test_uses_do_not_remember() -> None:
    # A reset comes before each use: the order of currents does not matter.
    currents = np.random.default_rng(0).uniform(0, 1, 100)
    variation = NeuronVariation(0.1, 0.1)
    forward = variation.respond(SotNeuron(), currents, 1, -1)
    backward = variation.respond(SotNeuron(), currents[::-1], 1, -1)
    assert np.array_equal(forward, backward[::-1])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"gain": -0.1}, "gain must be a number from 0 to 1"),
        ({"threshold": 2}, "threshold must be a number from 0 to 1"),
        ({"use": float("nan")}, "use must be a number from 0 to 1"),
        ({"gain_reading": "x"}, "gain_reading must be one of current, slope, not 'x'"),
        ({"threshold_reading": "x"}, "must be one of range, threshold, linear"),
        ({"use_reading": "x"}, "must be one of current, output, threshold"),
    ],
)
def test_variation_that_cannot_be(arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        NeuronVariation(**arguments)  # type: ignore[arg-type]


def test_readings_name_unit_and_figure() -> None:
    lines = NeuronVariation(0.18, 0.18, 0.014, threshold_reading="linear").readings()
    assert "0.18" in lines[0]
    assert "between threshold and saturation" in lines[1]
    assert "0.014 of the input current's full scale" in lines[2]
