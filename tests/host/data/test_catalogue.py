import shutil

import pytest

from allspin.host.data.catalogue import (
    DEVICES,
    FOLDER,
    open_device,
    open_network,
    shipped_networks,
)
from allspin.host.data.datasets import load_dataset, load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

CMOS = ("cmos-bare", "cmos-relu", "cmos-sigmoid")


def test_networks_ship_for_devices_and_for_cmos_neurons() -> None:
    assert shipped_networks() == (
        "mnist-10",
        *(f"mnist-10-{kind}" for kind in CMOS),
        "mnist-100",
        *(f"mnist-100-{kind}" for kind in CMOS),
        "paper-10",
        "paper-100",
        "robust-10",
        "robust-100",
    )


@pytest.mark.parametrize("kind", CMOS)
@pytest.mark.parametrize(("states", "least"), [(10, 0.985), (100, 0.985)])
def test_a_network_for_a_cmos_neuron_is_as_good_as_promised(
    kind: str, states: int, least: float
) -> None:
    dataset = load_dataset(None)
    network = open_network(f"mnist-{states}-{kind}")
    assert network.neuron.name == kind
    assert network.provenance["options"]["states"] == states
    classes = GoldenModel(network).classify(dataset.test_images)
    assert (classes == dataset.test_labels).mean() >= least


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("mnist-10", 10),
        ("mnist-100", 100),
        ("paper-10", 10),
        ("paper-100", 100),
        ("robust-10", 10),
        ("robust-100", 100),
    ],
)
def test_a_shipped_network_is_what_its_name_says(name: str, states: int) -> None:
    network = open_network(name)
    assert network.topology == (784, 100, 10)
    assert (network.pixel_bits, network.hidden_bits) == (4, 4)
    assert network.neuron.name == "sot"
    assert [layer.levels.size for layer in network.layers] == [states, states]
    assert network.provenance["options"]["states"] == states
    assert network.provenance["interrupted"] is False


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("mnist-10", 0.985),
        ("mnist-100", 0.987),
        ("paper-10", 0.985),
        ("paper-100", 0.985),
        ("robust-10", 0.985),
        ("robust-100", 0.985),
    ],
)
def test_a_shipped_network_is_as_good_as_promised(name: str, least: float) -> None:
    dataset = load_dataset(None)
    network = open_network(name)
    classes = GoldenModel(network).classify(dataset.test_images)
    assert (classes == dataset.test_labels).mean() >= least
    assert network.provenance["data"]["digest"] == dataset.digest


@pytest.mark.parametrize("name", ["robust-10", "robust-100"])
def test_chips_of_a_robust_network_are_as_good_as_promised(name: str) -> None:
    """Open loop, all variation, not calibrated: three chips, 2,000 images."""
    images, labels = load_test_set(None)
    device, network = open_device("paper"), open_network(name)
    for seed in range(3):
        chip = Chip(device, seed)
        words = program_chip(chip, network, Programming()).words
        classes = chip.golden(network, words).classify(images[:2000])
        assert (classes == labels[:2000]).mean() >= 0.96


def test_a_file_is_opened_by_its_path(tmp_path) -> None:
    path = tmp_path / "mine.safetensors"
    shutil.copy(FOLDER / "mnist-10.safetensors", path)
    assert open_network(str(path)).topology == (784, 100, 10)


def test_an_unknown_network_is_one_line_with_the_names(tmp_path) -> None:
    missing = str(tmp_path / "none")
    with pytest.raises(UserError, match=r"give a file, or one of mnist-10, .*, robust-100$"):
        open_network(missing)


def test_a_foreign_file_is_one_line(tmp_path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(b"hello")
    with pytest.raises(UserError, match="is not a network file"):
        open_network(str(path))


def test_the_paper_s_device_ships() -> None:
    assert [path.stem for path in DEVICES.glob("*")] == [open_device("paper").name] == ["paper"]


def test_a_device_file_is_opened_by_its_path(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    shutil.copy(DEVICES / "paper.toml", path)
    assert open_device(str(path)).name == "paper"


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(UserError, match="there is no device 'gold'; give a file, or one of paper"):
        open_device("gold")
