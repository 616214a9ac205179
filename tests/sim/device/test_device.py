"""Parts of a device: imperfections, neurons that vary, and its array."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.hall_array import READINGS, SUPPLIES, HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.retention import Retention
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

CROSS: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 312.0, "arms": 200.0}
SERIES = {"reading": "series", **CROSS}


@given(st.floats(-0.5, 1.5), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_without_variation_deviates_do_nothing(i: float, g: float, t: float, u: float) -> None:
    neuron = SotNeuron()
    assert float(NeuronVariation().respond(neuron, i, g, t, u)) == float(neuron.response(i))


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


def test_lines_are_halved_to_either_side_and_all_of_it_warms() -> None:
    array = HallArray(
        "series",
        **CROSS,
        row_line=8.0,
        column_line=4.0,
        common_mode_rejection=80.0,
        temperature=310.0,
        temperature_coefficient=0.01,
    )
    assert array.row_arm == pytest.approx((312 + 8) / 2 * 1.1)
    assert array.column_arm == pytest.approx((200 + 4) / 2 * 1.1)
    assert (array.hall, array.rejection) == (1.0, pytest.approx(1e4))
    assert HallArray().rejection == math.inf


def test_readings_tell_of_parts_that_are_on_with_their_units() -> None:
    assert Imperfections().readings() == HallArray().readings() == AdcVariation().readings() == []
    assert Imperfections(drift=0.1, age=9).decades == pytest.approx(1)
    assert "drifted for 9 s" in Imperfections(drift=0.1, age=9).readings()
    array = HallArray("buffered", "grounded", **CROSS, row_line=2.0, common_mode_rejection=120.0)
    assert array.readings() == [
        f"array buffered: {READINGS['buffered']}",
        f"row supplies grounded: {SUPPLIES['grounded']}",
        "R_AH up to 1 ohm, longitudinal 312 ohm, Hall arms 200 ohm",
        "row_line 2 ohm, common_mode_rejection 120 dB",
    ]


@pytest.mark.parametrize(
    ("make", "arguments", "expected"),
    [
        (Imperfections, {"stuck": 1.01}, "stuck must be a number from 0 to 1, not 1.01"),
        (Imperfections, {"read_noise": -1}, "read_noise must be a number from 0 to 100"),
        (Imperfections, {"age": math.nan}, "age must be a number from 0 to 1e"),
        (Imperfections, {"stuck_at": "middle"}, "must be one of low, high, either, between, open"),
        (NeuronVariation, {"gain": -0.1}, "the neuron's gain must be a number from 0 to 1"),
        (NeuronVariation, {"use": math.nan}, "the neuron's use must be a number from 0 to 1"),
        (NeuronVariation, {"gain_reading": "x"}, "must be one of current, slope, not 'x'"),
        (NeuronVariation, {"threshold_reading": "x"}, "one of range, threshold, linear"),
        (NeuronVariation, {"use_reading": "x"}, "must be one of current, output, threshold"),
        (CycleVariation, {"potentiation": 1.5}, "C2C of potentiation must be a number from 0 to 1"),
        (CycleVariation, {"depression": -1}, "C2C of depression must be a number from 0 to 1"),
        (CycleVariation, {"reading": "A"}, "C2C must be one of range, step, increment, not"),
        (CycleVariation, {"occasion": "day"}, "must be one of write, pulse, root, not 'day'"),
        (DeviceVariation, {"potentiation": math.nan}, "D2D of potentiation must be a number"),
        (DeviceVariation, {"reading": "?"}, "D2D must be one of range, step, weight, span, non"),
        (HallArray, {"reading": "other"}, "must be one of ideal, series, selected, buffered"),
        (HallArray, {"supply": "other"}, "supply must be one of isolated, grounded"),
        (HallArray, {"arms": 0.0}, "arms must be a number from 1e-06 to 1e"),
        (HallArray, {"switch_off": math.inf}, "switch_off must be a number from 1e-06 to 1e"),
        (HallArray, SERIES | {"arms": None}, "reading series needs arms, in ohm"),
        (HallArray, SERIES | {"hall_resistance": 250.0}, "must be a number from 0 to 249.8"),
        (
            HallArray,
            SERIES | {"temperature_coefficient": -0.1, "temperature": 320.0},
            "leaves no resistance at 320 K",
        ),
        (Retention, {"barrier": -1}, "barrier must be a number from 0 to 100, not -1"),
        (Retention, {"barrier": []}, "barrier must be 1 to 128 numbers, not 0"),
        (Retention, {"barrier": 1, "temperature": 0}, "temperature must be a number from 1 to 20"),
        (Retention, {"barrier": [1, 2], "positions": [0.5]}, "as many as barriers, 2, not 1"),
        (Retention, {"barrier": [1, 2], "positions": [0.5, 0.5]}, "positions must rise"),
        (Retention, {"barrier": 1, "distribution": "lorentz"}, "must be one of normal, uniform"),
    ],
)
def test_a_wrong_value_is_refused_with_the_legal_range(
    make: Callable[..., object], arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        make(**arguments)
