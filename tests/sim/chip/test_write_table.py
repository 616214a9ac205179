"""What a write makes of each state, against the device's own curve."""

from pathlib import Path

import pytest

from allspin.sim.chip.words import MAX_SPREAD, write_table
from allspin.sim.network.formats import uniform_levels
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation
from tests.sim.chip.exact import synapse

P, D = Polarity


def test_a_deviation_is_in_the_range_that_the_protocol_has() -> None:
    text = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert f"D2D in units of 2^-8 words, -{MAX_SPREAD} to {MAX_SPREAD}." in " ".join(text.split())


def test_table_of_the_paper_s_cycle_figures() -> None:
    table = write_table(synapse(c2c=CycleVariation(0.065, 0.029)), uniform_levels(10))
    # 0.065 and 0.029 of 252 words, in 256ths, whatever the state.
    assert set(table.c2c[P].tolist()) == {round(0.065 * 252 * 256)}
    assert set(table.c2c[D].tolist()) == {round(0.029 * 252 * 256)}
    assert not table.d2d.any()


@pytest.mark.parametrize("reading", ["range", "step", "weight", "span", "nonlinearity"])
@pytest.mark.parametrize("polarity", list(Polarity))
def test_table_of_each_reading_is_the_curve_s_own_change(reading: str, polarity: Polarity) -> None:
    device = synapse(states=11, d2d=DeviceVariation(0.02, 0.01, reading))
    levels = uniform_levels(11)
    top = int(levels[-1])
    table = write_table(device, levels)
    for state in range(11):
        r = float(levels[state]) / top
        n = device.pulses_to(polarity, r)
        change = float(device.curve(polarity, n, 0.5)) - float(device.curve(polarity, n, -0.5))
        assert table.d2d[polarity, state] == pytest.approx(change * top * 256, abs=2)


def test_levels_must_rise() -> None:
    with pytest.raises(ValueError, match="the last level must be above the first"):
        write_table(synapse(), [5, 5])
