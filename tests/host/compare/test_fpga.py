"""Recorded figures of FPGAs equal new measurements."""

from allspin.host.compare.dense_array import recorded_fpga
from allspin.host.data.catalogue import open_network
from tests.host.compare.fpga import LANES, designs


def test_every_design_has_been_recorded() -> None:
    network = open_network("mnist-10")
    recorded = recorded_fpga(network)
    assert recorded is not None
    assert recorded["lanes"] == LANES
    assert {(use["design"], use["part"]) for use in recorded["usage"]} == set(designs(network))
    assert all(use["lut"] > 0 and use["fmax"] > 20 for use in recorded["usage"])
