"""Transfer functions against closed forms, a dense solve of all elements, and one another."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.sim.array.transfer import transfer
from allspin.sim.device.hall_array import HallArray
from tests.sim.array.tableau import dense_transfer

CROSS: dict[str, Any] = {"hall_resistance": 3.0, "longitudinal": 40.0, "arms": 25.0}


def halls(rows, columns, seed=0, most=3.0):
    return np.random.default_rng(seed).uniform(-most, most, (rows, columns))


@pytest.mark.parametrize("supply", ["isolated", "grounded"])
@pytest.mark.parametrize("reading", ["series", "selected", "buffered"])
def test_one_cell(reading, supply):
    # Two equations: V = R_H I - R_T i with i = V / Z, and the supply shares its ampere.
    z, zs, on = 500.0, 900.0, 4.0
    array = HallArray(
        reading,
        supply,
        **CROSS,
        input_impedance=z,
        supply_impedance=zs,
        switch_on=on,
    )
    across = 25.0 + (2 * on if reading == "selected" else 0)
    # The Hall current makes its own voltage along the row, R_H squared over (Z + R_T).
    along = 40.0 + 2.5**2 / (z + across)
    current = zs / (zs + along)
    expected = 2.5 * current * z / (z + across)
    assert transfer(array, [[2.5]]) == pytest.approx(np.array([[expected]]), rel=1e-12)


@pytest.mark.parametrize(("arms", "error"), [(312.0, 1e-9), (3e8, 1e-3)])
def test_one_isolated_column_is_exact_whatever_its_arms(arms, error):
    hall = halls(784, 1, most=1.0)
    array = HallArray("series", hall_resistance=1.0, longitudinal=312.0, arms=arms)
    assert transfer(array, hall) == pytest.approx(hall, abs=error)


VALUES = st.fixed_dictionaries(
    {
        "longitudinal": st.sampled_from([1.0, 40.0, 312.0]),
        "arms": st.sampled_from([2.0, 25.0, 3000.0]),
        "row_line": st.sampled_from([0.0, 0.5, 30.0]),
        "column_line": st.sampled_from([0.0, 0.5, 30.0]),
        "supply_impedance": st.sampled_from([50.0, 1e5, math.inf]),
        "input_impedance": st.sampled_from([50.0, 1e5, math.inf]),
        "common_mode_rejection": st.sampled_from([0.0, 20.0, math.inf]),
        "switch_on": st.sampled_from([0.0, 3.0]),
        "switch_off": st.sampled_from([10.0, 1e6]),
    }
)


@pytest.mark.parametrize("supply", ["isolated", "grounded"])
@pytest.mark.parametrize("reading", ["series", "selected", "buffered"])
@settings(max_examples=25)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    values=VALUES,
    angle=st.sampled_from([0.003, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
def test_equals_a_dense_solve_of_all_elements(reading, supply, rows, columns, values, angle, seed):
    most = angle * math.sqrt(values["longitudinal"] * values["arms"])
    hall = halls(rows, columns, seed, most)
    array = HallArray(reading, supply, hall_resistance=most, **values)
    expected = dense_transfer(hall, reading=reading, supply=supply, **values)
    scale = np.abs(expected).max()
    assert transfer(array, hall) == pytest.approx(expected, rel=1e-6, abs=1e-7 * scale)


def test_temperature_changes_resistances_only():
    hall = halls(4, 3)
    values: dict[str, Any] = {
        "row_line": 2.0,
        "column_line": 1.0,
        "switch_on": 3.0,
        "switch_off": 1e3,
    }
    warm = HallArray(
        "selected", **CROSS, **values, temperature=350.0, temperature_coefficient=0.002
    )
    factor = 1 + 0.002 * 50
    expected = dense_transfer(
        hall,
        reading="selected",
        supply="isolated",
        longitudinal=40.0 * factor,
        arms=25.0 * factor,
        row_line=2.0 * factor,
        column_line=1.0 * factor,
        switch_on=3.0,
        switch_off=1e3,
    )
    assert transfer(warm, hall) == pytest.approx(expected, rel=1e-9)


def test_a_tile_is_an_array_of_its_own():
    hall = halls(6, 5)
    array = HallArray("series", **CROSS)
    tile = transfer(array, hall[2:5, 1:3])
    expected = dense_transfer(
        hall[2:5, 1:3], reading="series", supply="isolated", longitudinal=40.0, arms=25.0
    )
    assert tile == pytest.approx(expected, rel=1e-9)


def test_ideal_needs_no_resistances():
    hall = halls(3, 2)
    assert np.array_equal(transfer(HallArray(), hall), hall)


def test_refuses_a_hall_resistance_that_no_cross_has():
    with pytest.raises(ValueError, match=r"from -31.6228 to 31.6228 ohm"):
        transfer(HallArray("series", **CROSS), [[31.7]])
    with pytest.raises(ValueError, match=r"from -31.6228 to 31.6228 ohm"):
        transfer(HallArray("series", **CROSS), [[math.nan]])
