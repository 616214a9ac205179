"""The script of docs/formats.md computes what the golden model does."""

import gzip
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.data.catalogue import network_path
from allspin.host.data.datasets import MNIST, load_test_set
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import NEURONS, Neuron
from tests.docs.documents import blocks, python, read


def logits_by_script(tmp_path: Path, network: Path, images: Path) -> npt.NDArray[np.int64]:
    (tmp_path / "logits.py").write_text(blocks(read("formats.md"), "python")[0])
    # Isolated (-I), so that nothing of allspin can be imported by accident.
    done = python(tmp_path, "-I", "logits.py", network, images, "out.npy")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return np.load(tmp_path / "out.npy", allow_pickle=False)


@pytest.mark.parametrize("name", ["mnist-10", "mnist-100"])
def test_the_script_on_the_networks_that_ship(tmp_path: Path, name: str) -> None:
    path = network_path(name)
    logits = logits_by_script(tmp_path, path, MNIST / "t10k-images-idx3-ubyte.gz")
    images, labels = load_test_set()
    assert np.array_equal(logits, GoldenModel(load_network(path)).logits(images))
    assert np.mean(logits.argmax(axis=1) == labels) > 0.97


@pytest.mark.parametrize("neuron", [kind() for kind in NEURONS.values()], ids=NEURONS)
@pytest.mark.parametrize(("seed", "tiled"), [(0, False), (1, True), (2, False), (2, True)])
def test_the_script_on_any_network(tmp_path: Path, neuron: Neuron, seed: int, tiled: bool) -> None:
    rng = np.random.default_rng(seed)
    hidden_bits, current_bits, rah_bits = ((1, 4, 2), (8, 12, 8), (5, 5, 6))[seed]
    half = 2 ** (rah_bits - 1)
    sizes = ((12, 3), (12, 9, 4), (12, 9, 7, 5))[seed]
    layers = []
    for number, (rows, columns) in enumerate(pairwise(sizes)):
        converter = table = adc = None
        if number < len(sizes) - 2:
            gains = rng.integers(0, 1024, columns, np.int32)
            converter = Converter(gains, rng.integers(-half, half, columns, np.int32), shift=10)
            if neuron.has_table:
                table = rng.integers(0, 2**hidden_bits, 2**current_bits, np.uint8)
        if tiled and number != 1:
            offsets = rng.integers(-300, 300, (-(-rows // 8), columns), np.int32)
            bits, shift = (6, 2, 9)[seed], (2, 4, 0)[seed]
            adc = Adc(8, bits, shift, offsets if number else None)
        levels = rng.integers(-half, half, 30, np.int16)
        states = rng.integers(0, 30, (rows, columns), np.uint8)
        layers.append(Layer(states, levels, converter, table, adc))
    network = Network(
        layers=tuple(layers),
        neuron=neuron,
        image_shape=(3, 4),
        pixel_bits=(1, 8, 3)[seed],
        hidden_bits=hidden_bits,
        rah_bits=rah_bits,
        current_bits=current_bits,
    )
    save_network(network, tmp_path / "net.safetensors")
    images = rng.integers(0, 256, (50, 3, 4), np.uint8)
    images[0] = 0
    content = struct.pack(">4I", 0x803, *images.shape) + images.tobytes()
    (tmp_path / "images").write_bytes(gzip.compress(content) if seed else content)
    logits = logits_by_script(tmp_path, tmp_path / "net.safetensors", tmp_path / "images")
    assert logits.dtype == np.int64
    assert np.array_equal(logits, GoldenModel(network).logits(images))
