"""The script of docs/formats.md computes the golden model's logits."""

import gzip
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, strategies as st

from allspin.host.data.catalogue import network_path
from allspin.host.data.datasets import MNIST, load_test_set
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.network import Network
from tests.docs.documents import blocks, python, read
from tests.examples import examples
from tests.sim.network.any_network import grey_levels, networks


def logits_by_script(tmp_path: Path, network: Path, images: Path) -> npt.NDArray[np.int64]:
    (tmp_path / "logits.py").write_text(blocks(read("formats.md"), "python")[0])
    # Isolated (-I), so that no part of allspin can be imported by accident.
    done = python(tmp_path, "-I", "logits.py", network, images, "out.npy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return np.load(tmp_path / "out.npy", allow_pickle=False)


@pytest.mark.parametrize("name", ["mnist-10", pytest.param("mnist-100", marks=pytest.mark.long)])
def test_the_script_on_the_networks_that_ship(tmp_path: Path, name: str) -> None:
    path = network_path(name)
    logits = logits_by_script(tmp_path, path, MNIST / "t10k-images-idx3-ubyte.gz")
    images, labels = load_test_set()
    assert np.array_equal(logits, GoldenModel(load_network(path)).logits(images))
    assert np.mean(logits.argmax(axis=1) == labels) > 0.97


@examples(25)
@given(networks() | networks(maps=True), st.integers(0, 2**32), st.booleans())
def test_the_script_on_any_network(
    tmp_path_factory: pytest.TempPathFactory, network: Network, seed: int, packed: bool
) -> None:
    folder = tmp_path_factory.mktemp("script")
    save_network(network, folder / "net.safetensors")
    images = grey_levels(network, np.random.default_rng(seed))
    content = (
        struct.pack(f">{images.ndim + 1}I", 0x800 + images.ndim, *images.shape) + images.tobytes()
    )
    (folder / "images").write_bytes(gzip.compress(content) if packed else content)
    logits = logits_by_script(folder, folder / "net.safetensors", folder / "images")
    assert logits.dtype == np.int64
    assert np.array_equal(logits, GoldenModel(network).logits(images))
