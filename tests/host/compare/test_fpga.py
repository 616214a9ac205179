"""What was recorded of FPGAs, and what would be measured."""

from allspin.hdl.neuron.neuron import NEURONS
from allspin.host.compare import fpga
from allspin.host.data.catalogue import open_network


def test_every_design_has_been_recorded() -> None:
    recorded = fpga.recorded()
    network = open_network("mnist-10")
    assert recorded["topology"] == list(network.topology)
    assert recorded["lanes"] == fpga.LANES
    wanted = {
        (design, part) for design, (_, parts) in fpga.designs(network).items() for part in parts
    }
    found = {(use["design"], use["part"]) for use in recorded["usage"]}
    assert found == wanted
    assert {design for design, _ in found} >= {f"neuron {kind}" for kind in NEURONS}
    for use in recorded["usage"]:
        assert use["lut"] > 0
        assert use["fmax"] > 20
    assert any("Yosys" in tool for tool in recorded["tools"])
