"""docs/formats.md holds what it says: its script computes what the golden model does."""

import gzip
import re
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.chips.cell_table import COLUMNS
from allspin.host.data.datasets import MNIST, load_test_set
from allspin.sim.device.device_file import device_from_toml
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import NEURONS, Neuron

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
SCRIPT = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[0]


def logits_by_script(tmp_path: Path, network: Path, images: Path) -> npt.NDArray[np.int64]:
    (tmp_path / "logits.py").write_text(SCRIPT)
    # Isolated (-I), so that nothing of allspin can be imported by accident.
    done = subprocess.run(
        [sys.executable, "-I", "logits.py", network, images, "out.npy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return np.load(tmp_path / "out.npy", allow_pickle=False)


@pytest.mark.parametrize("name", ["mnist-10", "mnist-100"])
def test_the_script_on_the_networks_that_ship(tmp_path: Path, name: str) -> None:
    path = ROOT / "host" / "data" / "networks" / f"{name}.safetensors"
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
        converter = table = None
        if number < len(sizes) - 2:
            converter = Converter(
                gains=rng.integers(0, 1024, columns, np.int32),
                offsets=rng.integers(-half, half, columns, np.int32),
                shift=10,
            )
            if neuron.has_table:
                table = rng.integers(0, 2**hidden_bits, 2**current_bits, np.uint8)
        levels = rng.integers(-half, half, 30, np.int16)
        states = rng.integers(0, 30, (rows, columns), np.uint8)
        adc = None
        if tiled and number != 1:
            offsets = (
                rng.integers(-300, 300, (-(-rows // 8), columns), np.int32) if number else None
            )
            adc = Adc(8, (6, 2, 9)[seed], (2, 4, 0)[seed], offsets)
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


def test_the_operating_points_of_the_document_are_those_of_a_device() -> None:
    (block,) = re.findall(r"^```toml\n(\[synapse.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    file = f'format = 1\nname = "document"\n{block}'
    default, other = (
        device_from_toml(file, at) for at in (None, OperatingPoint.parse("current=11mA"))
    )
    assert default.synapse.record()["potentiation"]["A"] == 22
    assert other.synapse.record()["c2c"]["potentiation"] == 0.07
    assert other.electrical.potentiation_current == other.electrical.depression_current == 0.011
    assert default.electrical.potentiation_current == 0.008


def test_the_ranges_in_the_document_are_those_of_the_code() -> None:
    from allspin.sim.network import formats as levels
    from allspin.sim.network import network

    assert f"N is {levels.MIN_STATES} to {levels.MAX_STATES}" in TEXT
    assert f"signed, {levels.MIN_RAH_BITS} to {levels.MAX_RAH_BITS} |" in TEXT
    assert f"factor, 0 to {2**network.GAIN_BITS - 1};" in TEXT
    assert f"right shifts, 0 to {network.MAX_SHIFT}," in TEXT
    assert f"unsigned, {network.MIN_CURRENT_BITS} to {network.MAX_CURRENT_BITS}, at" in TEXT
    assert f"up to {network.MAX_LINES} pixels" in TEXT


def test_the_columns_of_cells_are_those_of_the_document() -> None:
    section = TEXT.partition("\n## Cells of a chip\n")[2].partition("\n| column |")[2]
    rows = re.findall(r"^\| (`.*?`) \|", section.partition("\n\n")[0], re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(COLUMNS)
