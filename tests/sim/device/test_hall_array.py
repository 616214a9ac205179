"""What an array is made of: checked when it is made."""

import math
from typing import Any

import pytest

from allspin.sim.device.hall_array import READINGS, SUPPLIES, HallArray

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
