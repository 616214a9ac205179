"""What was recorded of FPGAs, and what would be measured."""

from allspin.hdl.neuron.neuron import NEURONS
from allspin.host.compare.whole import recorded_fpga
from allspin.host.data.catalogue import open_network
from tests.host.compare.fpga import LANES, designs


def test_every_design_has_been_recorded() -> None:
    network = open_network("mnist-10")
    recorded = recorded_fpga(network)
    assert recorded is not None
    assert recorded["lanes"] == LANES
    wanted = {(design, part) for design, (_, parts) in designs(network).items() for part in parts}
    found = {(use["design"], use["part"]) for use in recorded["usage"]}
    assert found == wanted
    assert {design for design, _ in found} >= {f"neuron {kind}" for kind in NEURONS}
    assert all(use["lut"] > 0 and use["fmax"] > 20 for use in recorded["usage"])
    assert any("Yosys" in tool for tool in recorded["tools"])
