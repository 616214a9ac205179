"""Machines by name: golden, virtual (also through its UART), a serial port, auto."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import serial

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.main import main
from allspin.host.link import serial_port
from allspin.host.link.uart_options import UartOptions
from allspin.host.machines import opening
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.machine import Machine
from allspin.host.machines.opening import ask_ports, open_machine
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import (
    CmosBareNeuron,
    CmosReluNeuron,
    CmosSigmoidNeuron,
    ReluNeuron,
)
from allspin.sim.network.random_network import random_images, random_network

NETWORK = random_network((24, 12, 6), 1)
OTHER = random_network((24, 13, 6), 1)


@pytest.fixture(scope="module")
def program():
    return build(TopParameters.from_network(NETWORK))


def stream(device: Machine, network: Network, count: int, seed: int = 0) -> int:
    """Mismatches of a device's logits and classes."""
    images = random_images(network, count, seed)
    device.load(network)
    answers = device.stream(images)
    expected = reference.logits(network, images)
    return int(
        np.count_nonzero(answers.logits != expected)
        + np.count_nonzero(answers.classes != expected.argmax(axis=1))
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("network", "lanes"),
    [
        # Three lanes do not divide the columns; two states; one layer deeper.
        (random_network((50, 14, 8, 5), 1, states=2, pixel_bits=1), 3),
        (random_network((50, 13, 10), 2, states=128, pixel_bits=8, hidden_bits=6), None),
        (random_network((50, 13, 10), 3, states=16, pixel_bits=2, rah_bits=5), 4),
        (random_network((50, 13, 10), 4, hidden_bits=8, neuron=ReluNeuron()), 1),
        (random_network((50, 13, 10), 6, neuron=CmosBareNeuron()), None),
        (random_network((50, 13, 10), 7, hidden_bits=3, neuron=CmosReluNeuron()), None),
        (random_network((50, 13, 10), 8, neuron=CmosSigmoidNeuron()), None),
        (random_network((40, 7), 5, states=100, pixel_bits=6), 2),
    ],
    ids=[
        "3 lanes, 2 states, 1-bit",
        "128 states, 8-bit",
        "5-bit words, 2-bit",
        "relu",
        "cmos-bare",
        "cmos-relu, 3-bit",
        "cmos-sigmoid",
        "one layer",
    ],
)
def test_virtual_runs_every_kind_of_network(network, lanes):
    with open_machine("virtual", network, HardwareProfile(lanes=lanes)) as device:
        assert isinstance(device, LinkedMachine)
        assert device.identity.layers[0].lanes == (lanes or network.layers[0].columns)
        assert stream(device, network, 500) == 0


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"baud": 9600, "frequency": 10**9},
            "1000000000 Hz makes no rate within 1 % of 9600 baud; .* works is 15259",
        ),
        ({"baud": 4_000_000}, "no rate within 1 % of 4000000 baud; .* that works is 3000000"),
        ({"baud": 9_000_000, "frequency": 24_000_000}, "the nearest that works is 6000000"),
    ],
)
def test_illegal_uarts_are_one_line(options, line):
    with pytest.raises(UserError, match=line):
        open_machine("virtual", NETWORK, uart=UartOptions(**options))


def test_a_network_that_no_gateware_runs_is_one_line():
    line = "the gateware cannot run this network: a network of 30000-2 needs a receive buffer"
    with pytest.raises(UserError, match=line):
        open_machine("virtual", random_network((30000, 2), 0))
    with pytest.raises(UserError, match=r"the gateware cannot run .* 8 bits, the hardware of 5"):
        open_machine("virtual", NETWORK, HardwareProfile(rah_bits=5))


@pytest.mark.parametrize("on", ["the port itself", "auto"])
def test_the_command_runs_on_a_serial_port(
    on, program, bridged, idx_folder, tmp_path, monkeypatch, capfd
):
    port = bridged(program)
    monkeypatch.setattr(opening, "serial_ports", lambda: [port])
    file = tmp_path / "net.safetensors"
    save_network(NETWORK, file)
    data = idx_folder(shape=(1, 24), classes=6, train=12, test=60)
    options = ["--data", str(data), "--on", "auto" if on == "auto" else port, "--check", "--json"]
    assert main(["run", str(file), *options]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["on"], result["images"], result["mismatches"]) == (port, 60, 0)
    assert result["cycles_per_image"] >= result["cycles_bound"] >= 12


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the machines that are closed from now on."""
    names: list[str] = []
    close = LinkedMachine.close
    monkeypatch.setattr(LinkedMachine, "close", lambda self: (names.append(self.name), close(self)))
    return names


def test_a_port_with_another_network_is_one_line_and_let_go_of(program, bridged, closed):
    port = bridged(program)
    with pytest.raises(UserError, match=f"{port} was not built for .* 24-12-6, not 24-13-6$"):
        open_machine(port, OTHER)
    assert closed == [port]


def test_auto_asks_every_port(program, bridged, dead_port, closed, monkeypatch):
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.5)
    port, other = bridged(program), bridged(program)
    monkeypatch.setattr(opening, "serial_ports", lambda: [dead_port, port])
    with open_machine("auto", NETWORK) as device:
        assert device.name == port
        assert stream(device, NETWORK, 20) == 0
    with pytest.raises(UserError, match=f"no board was built for this network: {port} has 24-12-6"):
        open_machine("auto", OTHER)
    assert closed == [port, port]

    monkeypatch.setattr(opening, "serial_ports", lambda: [port, dead_port, other])
    answers = ask_ports()
    assert list(answers) == [port, dead_port, other]
    assert answers.pop(dead_port) is None
    for device in answers.values():
        assert device is not None
        assert device.identity.topology == (24, 12, 6)
        device.close()


@pytest.mark.parametrize("first", ["its own", "a larger one"])
def test_auto_takes_the_machine_of_the_networks_own_topology(program, bridged, monkeypatch, first):
    """A larger machine is connected too, on which the network would leave rows and columns idle."""
    larger = random_network((26, 14, 6), 1)
    own = bridged(program)
    ports = [own, bridged(build(TopParameters.from_network(larger)))]
    with open_machine(ports[1], NETWORK):
        pass
    monkeypatch.setattr(opening, "serial_ports", lambda: ports[:: 1 if first == "its own" else -1])
    with open_machine("auto", NETWORK) as device:
        assert device.name == own


@pytest.mark.parametrize("there", [False, True])
def test_auto_without_a_board_is_one_line(there, dead_port, monkeypatch):
    monkeypatch.setattr(serial_port, "PROBE_TIMEOUT", 0.05)
    monkeypatch.setattr(opening, "serial_ports", lambda: [dead_port] * there)
    asked = f"asked {dead_port}" if there else "there is no serial port"
    line = rf"no board answers \({asked}\); connect one, or run on virtual"
    with pytest.raises(UserError, match=line):
        open_machine("auto", NETWORK)


def test_a_port_is_asked_at_the_rates_of_boards_with_its_usb_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a programmed iCEBreaker whose bitstream has a rate of its own."""
    asked: list[int] = []

    def answers_at_12(transport: Any) -> str:
        asked.append(transport.baud)
        if transport.baud != 12_000_000:
            raise UserError("nothing answers")
        return "a machine"

    devices = {"a": "0403:6010", "b": "1d50:602b", "c": "ffff:ffff"}
    monkeypatch.setattr(opening, "usb_devices", lambda: devices)
    monkeypatch.setattr(opening, "SerialTransport", lambda _, baud: SimpleNamespace(baud=baud))
    monkeypatch.setattr(opening, "LinkedMachine", answers_at_12)
    assert opening.open_port("a") == "a machine"
    assert asked == [3_000_000, 6_000_000, 12_000_000]
    for port, rate in (("b", 1_000_000), ("c", 3_000_000), ("no USB", 3_000_000)):
        asked.clear()
        with pytest.raises(UserError, match="nothing answers"):
            opening.open_port(port)
        assert asked == [rate]
    asked.clear()
    assert opening.open_port("b", 12_000_000) == "a machine"
    assert asked == [12_000_000]


def test_a_bridge_is_told_to_hand_over_its_bytes_at_once(
    program: Path, bridged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that cannot be told, like this one, works too."""
    told: list[bool] = []

    def tell(port: serial.Serial, low: bool) -> None:
        told.append(low)
        raise ValueError("no such driver")

    monkeypatch.setattr(serial.Serial, "set_low_latency_mode", tell, raising=False)
    with open_machine(bridged(program), NETWORK) as device:
        assert stream(device, NETWORK, 20) == 0
    assert told == [True]


def test_a_port_may_be_called_almost_as_a_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(opening, "SerialTransport", lambda port, _: opened.append(port))
    monkeypatch.setattr(opening, "LinkedMachine", lambda transport: transport)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError):
        opening.open_port("golde")
    Path("golde").touch()
    opening.open_port("golde")
    assert opened == ["golde"]
