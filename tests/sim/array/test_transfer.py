"""Transfer functions against closed forms; `test_spice` compares them with ngspice."""

import math
from typing import Any

import numpy as np
import pytest

from allspin.sim.array.transfer import transfer
from allspin.sim.device.hall_array import HallArray

CROSS: dict[str, Any] = {"hall_resistance": 3.0, "longitudinal": 40.0, "arms": 25.0}


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
    hall = np.random.default_rng(0).uniform(-1, 1, (784, 1))
    array = HallArray("series", hall_resistance=1.0, longitudinal=312.0, arms=arms)
    assert transfer(array, hall) == pytest.approx(hall, abs=error)


def test_ideal_needs_no_resistances():
    hall = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(transfer(HallArray(), hall), hall)


@pytest.mark.parametrize("hall", [31.7, math.nan])
def test_refuses_a_hall_resistance_that_no_cross_has(hall):
    with pytest.raises(ValueError, match=r"from -31.6228 to 31.6228 ohm"):
        transfer(HallArray("series", **CROSS), [[hall]])
