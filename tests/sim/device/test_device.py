"""What a device is made of: imperfections, neurons that vary, and its array."""

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allspin.sim.device.device import Imperfections, NeuronVariation
from allspin.sim.device.hall_array import READINGS, SUPPLIES, HallArray
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation


def test_all_are_off_by_default_and_say_nothing() -> None:
    off = Imperfections()
    assert all(not value for name, value in vars(off).items() if name != "stuck_at")
    assert off.readings() == []
    assert off.decades == 0


def test_a_decade_of_seconds() -> None:
    assert Imperfections(age=9).decades == pytest.approx(1)
    assert "drifted for 9 s" in Imperfections(drift=0.1, age=9).readings()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"stuck": 1.01}, "stuck must be a number from 0 to 1, not 1.01"),
        ({"read_noise": -1}, "read_noise must be a number from 0 to 100"),
        ({"age": float("nan")}, "age must be a number from 0 to 1e"),
        ({"stuck_at": "middle"}, "stuck_at must be one of low, high, either, between, open, not"),
    ],
)
def test_figures_that_cannot_be(arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Imperfections(**arguments)  # type: ignore[arg-type]


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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"gain": -0.1}, "the neuron's gain must be a number from 0 to 1"),
        ({"threshold": 2}, "the neuron's threshold must be a number from 0 to 1"),
        ({"use": float("nan")}, "the neuron's use must be a number from 0 to 1"),
        ({"gain_reading": "x"}, "gain_reading must be one of current, slope, not 'x'"),
        ({"threshold_reading": "x"}, "must be one of range, threshold, linear"),
        ({"use_reading": "x"}, "must be one of current, output, threshold"),
    ],
)
def test_variation_that_cannot_be(arguments: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        NeuronVariation(**arguments)  # type: ignore[arg-type]


CROSS: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 312.0, "arms": 200.0}


def test_an_ideal_array_needs_nothing_and_says_nothing():
    assert HallArray().readings() == []


@pytest.mark.parametrize("reading", [name for name in READINGS if name != "ideal"])
@pytest.mark.parametrize("supply", SUPPLIES)
def test_every_reading_and_supply_is_named(reading, supply):
    lines = HallArray(reading, supply, **CROSS).readings()
    assert lines[0] == f"array {reading}: {READINGS[reading]}"
    assert lines[1] == f"row supplies {supply}: {SUPPLIES[supply]}"
    assert "1 ohm" in lines[2]
    assert "312 ohm" in lines[2]


def test_what_else_is_given_is_said_with_its_unit():
    array = HallArray("buffered", **CROSS, row_line=2.0, common_mode_rejection=120.0)
    assert array.readings()[3:] == ["row_line 2 ohm, common_mode_rejection 120 dB"]
    assert len(HallArray("buffered", **CROSS).readings()) == 3


@pytest.mark.parametrize("missing", CROSS)
def test_a_cross_needs_its_resistances(missing):
    values = {name: value for name, value in CROSS.items() if name != missing}
    with pytest.raises(ValueError, match=f"reading series needs {missing}, in ohm"):
        HallArray("series", **values)


def test_lines_are_halved_to_either_side_and_all_of_it_warms():
    array = HallArray(
        "series",
        **CROSS,
        row_line=8.0,
        column_line=4.0,
        temperature=310.0,
        temperature_coefficient=0.01,
    )
    assert array.row_arm == pytest.approx((312 + 8) / 2 * 1.1)
    assert array.column_arm == pytest.approx((200 + 4) / 2 * 1.1)
    assert array.hall == 1.0


def test_decibels_become_a_ratio():
    assert HallArray(common_mode_rejection=80.0).rejection == pytest.approx(1e4)
    assert HallArray().rejection == math.inf


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"reading": "other"}, "reading must be one of ideal, series, selected, buffered"),
        ({"supply": "other"}, "supply must be one of isolated, grounded"),
        ({"arms": 0.0}, "arms must be a number from 1e-06 to 1e"),
        ({"switch_off": math.inf}, "switch_off must be a number from 1e-06 to 1e"),
        ({"input_impedance": math.nan}, "input_impedance must be a number"),
        ({"hall_resistance": 250.0}, "hall_resistance must be a number from 0 to 249.8"),
        ({"temperature_coefficient": -0.1, "temperature": 320.0}, "leaves no resistance at 320 K"),
    ],
)
def test_a_wrong_value_is_refused_with_the_legal_range(values, message):
    with pytest.raises(ValueError, match=message):
        HallArray(**{"reading": "series", **CROSS, **values})
