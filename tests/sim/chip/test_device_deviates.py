"""Correlation of a cell's D2D deviations of potentiation and depression."""

import numpy as np
import pytest

from allspin.sim.chip.device_deviates import device_deviates
from allspin.sim.chip.write_table import written_words
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import device_from_toml, device_to_toml
from allspin.sim.network.levels import uniform_levels
from allspin.sim.programming.plans import plan_layer
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import DeviceVariation
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse


@pytest.mark.parametrize("correlation", [0.6, -1.0])
def test_a_chip_s_cells_have_correlated_deviations_however_they_are_written(correlation) -> None:
    """An open-loop train leaves the device that pulses find: level, less its own deviate."""
    law = PulseResponse(20.0, 60)
    d2d = DeviceVariation(0.02, 0.02, "range", correlation)
    synapse = SotSynapse(law, law, 16, d2d=d2d)
    shape = (80, 90)
    up, down = device_deviates(synapse, 5, 2, shape)
    assert np.corrcoef(up.ravel(), down.ravel())[0, 1] == pytest.approx(correlation, abs=0.03)
    assert down.std() == pytest.approx(1, abs=0.03)
    levels = uniform_levels(16, 8)
    states = np.random.default_rng(0).integers(0, 16, shape).astype(np.uint8)
    for polarity, own in (("potentiation", up), ("depression", down)):
        table = plan_layer(synapse, levels, Programming(polarity=polarity)).table
        words = written_words(states, int(polarity == "depression"), table, 5, 2) / 2.0**21
        away = words - table.levels[states]
        assert np.abs(away - 0.02 * (levels[-1] - levels[0]) * own).max() < 0.02
    device = Device("both", synapse)
    assert device_from_toml(device_to_toml(device)).synapse == synapse
    none, one = np.zeros(3), np.ones(3)
    up_way, down_way = (TableResponse(np.arange(3.0)[::sign], none, one) for sign in (1, -1))
    table = TableSynapse(up_way, down_way, correlation=correlation)
    back = device_from_toml(device_to_toml(Device("table", table))).synapse
    assert back.correlation == correlation
    assert f"a correlation of {correlation:g}" in " ".join(Device("table", table).readings())
    assert "correlation" not in device_to_toml(Device("none", SotSynapse(law, law)))
