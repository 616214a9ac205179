"""Networks and devices that ship, by name; files, by path."""

import re
from pathlib import Path

import pytest

from allspin.host.data.catalogue import (
    DEVICES,
    open_device,
    open_network,
    shipped_devices,
    shipped_networks,
)
from allspin.host.data.datasets import MNIST_DIGEST, load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.sim.chip.model import golden

CMOS = ("cmos-bare", "cmos-relu", "cmos-sigmoid")
LEAST = {f"mnist-{states}-{kind}": 0.985 for states in (10, 100) for kind in CMOS} | {
    "mnist-10": 0.985,
    "mnist-100": 0.987,
    "paper-10": 0.985,
    "paper-100": 0.985,
    "robust-10": 0.985,
    "robust-100": 0.985,
    "conv-10": 0.992,
    "conv-100": 0.993,
    "conv-small-10": 0.99,
    "robust-conv-10": 0.99,
}
"""Accuracy that each network promises on MNIST's test images."""
KERNELS = {
    "conv": ("5x5x16 s2, 5x5x32 s2", 20_000),
    "conv-small": ("5x5x6 s2, 5x5x16 s2", 6_000),
    "robust-conv": ("5x5x32 s2, 3x3x32 s2", 20_000),
}
"""Convolutions of a series, and the most cells of its networks."""


def test_networks_and_devices_that_ship() -> None:
    assert shipped_networks() == tuple(sorted(LEAST))
    assert "paper" in shipped_devices()
    assert sorted(path.stem for path in DEVICES.glob("*")) == list(shipped_devices())


@pytest.mark.parametrize("name", LEAST)
def test_a_network_matches_its_name_and_is_as_good_as_promised(name: str) -> None:
    network = open_network(name)
    series, states, neuron = re.split(r"-(\d+)-?", name)
    kernels, most = KERNELS.get(series, (None, 79_400))
    assert network.provenance["options"].get("conv") == kernels
    assert sum(layer.states.size for layer in network.layers) <= most
    assert kernels or network.topology == (784, 100, 10)
    assert (network.pixel_bits, network.hidden_bits) == (4, 4)
    assert network.neuron.name == (neuron or "sot")
    assert {layer.levels.size for layer in network.layers} == {int(states)}
    assert network.provenance["options"]["states"] == int(states)
    assert network.provenance["interrupted"] is False
    assert network.provenance["data"]["digest"] == MNIST_DIGEST
    images, labels = load_test_set()
    assert (GoldenModel(network).classify(images) == labels).mean() >= LEAST[name]


@pytest.mark.parametrize(
    ("name", "least"), [("robust-10", 0.96), ("robust-100", 0.96), ("robust-conv-10", 0.977)]
)
def test_chips_of_a_robust_network_are_as_good_as_promised(name: str, least: float) -> None:
    """Open loop, all variation, not calibrated: three chips, 2,000 images."""
    images, labels = load_test_set(None)
    device, network = open_device("paper"), open_network(name)
    for seed in range(3):
        chip = Chip(device, seed)
        words = program(network, chip.device, chip.seed, Programming()).words
        classes = golden(chip, network, words).classify(images[:2000])
        assert (classes == labels[:2000]).mean() >= least


def test_a_missing_or_foreign_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"give a file, or one of conv-10, conv-100, .*, robust-conv-10$"
    ):
        open_network(str(tmp_path / "none"))
    with pytest.raises(
        UserError, match="there is no device 'gold'; give a file, or one of ag-a-si, "
    ):
        open_device("gold")
    (tmp_path / "foreign").write_bytes(b"hello")
    with pytest.raises(UserError, match="is not a network file"):
        open_network(str(tmp_path / "foreign"))
