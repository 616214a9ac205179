"""Network files: every value comes back, and a file that cannot be read or written is named."""

import os
from pathlib import Path

import numpy as np
import pytest

from allspin.sim.errors import UserError
from allspin.sim.network.netfile import (
    load_network,
    network_from_bytes,
    network_to_bytes,
    save_network,
)
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from tests.sim.network.network_files import SMALL, content, small_network


@pytest.mark.parametrize("neuron", [SotNeuron(), SotNeuron(0.3, 3.0, 0.01, 0.7), ReluNeuron()])
def test_every_value_comes_back(neuron: SotNeuron | ReluNeuron, tmp_path: Path) -> None:
    network = small_network(neuron, pixel_bits=3)
    save_network(network, tmp_path / "net.safetensors")
    assert content(load_network(tmp_path / "net.safetensors")) == content(network)


def test_equal_networks_make_equal_files() -> None:
    assert network_to_bytes(network_from_bytes(SMALL)) == SMALL
    assert network_to_bytes(small_network(seed=1)) != SMALL
    widths = {"pixel_bits": np.int64(4), "image_shape": [np.int64(2), np.uint8(3)]}
    assert network_to_bytes(small_network(SotNeuron(slope=2.0), **widths)) == SMALL


def test_json_that_others_cannot_read_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        network_to_bytes(small_network(provenance={"loss": float("nan")}))


def test_load_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with pytest.raises(UserError, match=rf"^cannot read network {path}: No such file"):
        load_network(path)
    with pytest.raises(UserError, match=rf"^cannot read network {tmp_path}: it is a folder"):
        load_network(tmp_path)
    path.write_bytes(SMALL[:-1])
    with pytest.raises(UserError, match=rf"^{path} is not a network file: it is not a safet"):
        load_network(path)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for place, why in (
        (tmp_path / "absent" / "net", "No such file or directory"),
        (tmp_path / "file" / "net", "Not a directory"),
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / "circle", "ymlink loop|Too many levels"),
        (tmp_path / ("n" * 256), "File name too long"),
        (Path("/proc/net.safetensors"), ""),
    ):
        with pytest.raises(UserError, match=f"^cannot write {place}: .*({why})") as caught:
            save_network(small_network(), place)
        assert "\n" not in str(caught.value)
    names = {path.name for path in tmp_path.rglob("*")}
    assert names == {"file", "folder", "circle"}


@pytest.mark.parametrize("name", ["/dev/zero", "pipe", "sparse"])
def test_pipes_devices_and_large_files_are_not_read(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(UserError, match=r"not a regular file|too large for a network"):
        load_network(tmp_path / name)
