"""Networks in safetensors, with PyTorch's names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from allspin.hdl.bench.networks import random_network
from allspin.host.foreign.model import read_safetensors
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import network_to_bytes


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"

    def write(content: bytes):
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "names", [("0", "2", "10"), ("fc1", "fc2", "fc10"), ("net.a", "net.b", "net.c")]
)
def test_layers_follow_their_names_numbers_by_value(file, names):
    rng = np.random.default_rng(0)
    shapes = ((6, 4), (5, 6), (3, 5))
    weights = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    biases = [rng.normal(size=shape[0]).astype(np.float32) for shape in shapes]
    tensors = {f"{name}.weight": weights[k] for k, name in enumerate(names)}
    tensors |= {f"{name}.bias": biases[k] for k, name in enumerate(names) if k != 1}
    network = read_safetensors(file(save(tensors)))
    values = rng.uniform(size=(3, 4))
    hidden = np.maximum(values @ weights[0].T + biases[0], 0)
    hidden = np.maximum(hidden @ weights[1].T, 0)
    assert network.logits(values) == pytest.approx(hidden @ weights[2].T + biases[2], abs=1e-5)


def as_bfloat16(content):
    """A file of half precision that says its numbers are of the other kind of 16 bits."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end].replace(b'"F16"', b'"BF16"')
    return len(header).to_bytes(8, "little") + header + content[end:]


ONE = np.ones((3, 4), np.float32)
HOSTILE = {
    "norm": (
        save({"0.weight": ONE, "1.weight": ONE[0], "1.running_mean": ONE[0]}),
        "'1.running_mean' belongs to a BatchNorm, whose place in the module no names tell",
    ),
    "convolution": (
        save({"conv.weight": np.ones((2, 1, 3, 3), np.float32)}),
        "conv.weight must be a matrix, not of shape (2, 1, 3, 3)",
    ),
    "names": (save({"w": ONE}), "it has no array named NAME.weight"),
    "another": (save({"0.weight": ONE, "scale": ONE}), "it has an array 'scale'"),
    "order": (
        save({"out.weight": ONE, "in.weight": np.ones((4, 3), np.float32), "z.weight": ONE[:2]}),
        "layer 1 has 3 outputs, but layer 2 takes 4 (layers in the order in.weight, out.weight",
    ),
    "own": (network_to_bytes(random_network((6, 4, 3), 1)), "is a network file of allspin already"),
    "header": ((1 << 40).to_bytes(8, "little") + b"{}", "is not a safetensors file"),
    "cut": (save({"0.weight": ONE})[:-1], "is not a safetensors file, or is damaged"),
    "brain": (
        as_bfloat16(save({"0.weight": ONE.astype(np.float16)})),
        "0.weight has numbers of the type BF16, which is not read; save the module in single",
    ),
    "short": (b"{}", "is not a safetensors file"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_network_is_refused_in_a_line(file, case):
    content, words = HOSTILE[case]
    with pytest.raises(UserError) as refused:
        read_safetensors(file(content))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    content = bytearray(save({"0.weight": ONE, "0.bias": ONE[:, 0].copy(), "2.weight": ONE[:, :3]}))
    header = int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, 8 + header - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.safetensors"
    path.write_bytes(content)
    refused = "damaged.safetensors"
    try:
        read_safetensors(path)
    except UserError as error:
        refused = str(error)
    assert "damaged.safetensors" in refused
