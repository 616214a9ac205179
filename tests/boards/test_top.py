"""The complete machine's parameters, and that every kind of it elaborates."""

import pytest
from amaranth.back import rtlil

from allspin.boards.top import Top, TopParameters
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_network import random_network


def test_parameters_of_a_network():
    network = random_network((784, 100, 10), 0)
    parameters = TopParameters.from_network(network, HardwareProfile(lanes=16), frequency=12_000)
    assert [c.lanes for c in parameters.link.engine.crossbars] == [16, 10]
    assert parameters.link.window == 2048
    assert parameters.link.frequency == 12_000
    assert parameters.uart is None


@pytest.mark.parametrize(
    ("topology", "window"),
    [
        ((784, 100, 10), 2048),
        # An image with a header for each seven rows: 2000 * 8 / 7 bytes.
        ((2000, 10, 10), 4096),
        # Two rows of words.
        ((10, 1200, 10), 4096),
        ((10, 2100, 10), 8192),
        ((28000, 2, 2), 32768),
    ],
)
def test_the_window_holds_an_image_and_two_lines(topology, window):
    assert TopParameters.from_network(random_network(topology, 0)).link.window == window


def test_a_network_that_no_window_holds_is_refused():
    line = "a network of 30000-2-2 needs a receive buffer of 65536 bytes.*the largest has 32768"
    with pytest.raises(ValueError, match=line):
        TopParameters.from_network(random_network((30000, 2, 2), 0))


@pytest.mark.parametrize("uart", [None, UartParameters(4)])
@pytest.mark.parametrize(
    "network",
    [
        random_network((12, 6, 3), 0),
        random_network((12, 6, 4, 3), 0, neuron=ReluNeuron()),
        random_network((12, 3), 0),
    ],
    ids=["sot", "deep relu", "one layer"],
)
def test_elaborates_with_the_ports_that_it_promises(network, uart):
    text = rtlil.convert(Top(TopParameters.from_network(network, uart=uart)))
    ports = ("rx", "tx") if uart else ("received__payload", "sent__payload")
    for port in (*ports, "idle", "activity"):
        assert f"\\{port}\n" in text
