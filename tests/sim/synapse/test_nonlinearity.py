"""NeuroSim's nonlinearity against its own table, and against its own walk along a curve."""

import math

import pytest
from hypothesis import given, strategies as st

from allspin.sim.device.device_file import device_from_toml, device_to_toml
from allspin.sim.synapse.nonlinearity import normalised_a
from allspin.sim.synapse.response import Polarity

TABLE = {
    **{0.01: 126.268958, 0.02: 63.134314, 0.04: 31.566827, 0.1: 12.625807, 0.5: 2.519877},
    **{0.61: 2.063266, 0.63: 1.997332, 1.0: 1.2517, 1.46: 0.8487, 1.75: 0.7021, 1.79: 0.6855},
    **{1.85: 0.6619, 1.94: 0.6292, 2.4: 0.4992, 3.68: 0.3006, 4.88: 0.2003, 6.0: 0.1356},
    **{6.76: 0.1003, 7.5: 0.0705, 8.99: 0.0231, 9.0: 0.0228},
}
"""Normalised A by nonlinearity, of MLP+NeuroSim V3.0: those with six decimals of `getParamA` in
formula.cpp, the others of documents/Nonlinearity-NormA.htm."""
FILE = """
format = 1
name = "d"
[synapse]
kind = "sot"
potentiation = {{ {up}, P_max = {pulses}, R_min = 0.0, R_max = 1.0 }}
depression = {{ {down}, P_max = {pulses}, R_min = 0.0, R_max = 1.0 }}
"""


@pytest.mark.parametrize("label", TABLE)
def test_neurosim_s_own_table(label: float) -> None:
    digits = 5e-7 if label in (0.01, 0.02, 0.04, 0.1, 0.5, 0.61, 0.63) else 5.01e-5
    assert normalised_a(label) == pytest.approx(TABLE[label], abs=digits, rel=0)
    assert normalised_a(-label) == -normalised_a(label)


@given(st.floats(-9, 9), st.floats(-9, 9), st.integers(2, 128))
def test_a_device_goes_where_neurosim_s_goes(up: float, down: float, pulses: int) -> None:
    """NeuroSim's write: the place on the curve of either polarity, and pulses added to it."""
    text = FILE.format(up=f"NL = {up}", down=f"NL = {down}", pulses=pulses)
    device = device_from_toml(text)
    for polarity, label in zip(Polarity, (up, down), strict=True):
        a, state = normalised_a(label), 1.0 if polarity else 0.0
        for _ in range(2):
            if abs(a) > 1e6:  # a straight line
                state += (-1 if polarity else 1) / pulses
            else:
                b = 1 / (1 - math.exp(-1 / a))
                x = -a * math.log(1 - state / b) if state < 1 else 1.0
                x += (-1 if polarity else 1) / pulses
                state = b * (1 - math.exp(-x / a))
        assert float(device.synapse.curve(polarity, 2)) == pytest.approx(state, abs=1e-5)
    assert device_to_toml(device_from_toml(device_to_toml(device))) == device_to_toml(device)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("NL = 9.1", r"NL of \[synapse.potentiation\] must be a number from -9 to 9"),
        ("NL = true", "synapse.potentiation.NL is true"),
        ("NL = 1.0, A = 3.0", "has A and NL, which say the same"),
        ("B = 1.0", "has no key B"),
    ],
)
def test_wrong_entries_are_one_line(entry: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        device_from_toml(FILE.format(up=entry, down="NL = 1", pulses=8))
    missing = FILE.format(up="NL = 1", down="NL = 1", pulses=8).replace("P_max = 8, ", "", 1)
    with pytest.raises(ValueError, match="lacks P_max"):
        device_from_toml(missing)
