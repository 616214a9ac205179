"""Networks in npz: as NumPy saves them, and what strangers may put there."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.foreign import model as npz_file
from allspin.host.foreign.model import read_npz
from allspin.sim.errors import UserError


def packed(**arrays) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.npz"

    def write(content: bytes):
        path.write_bytes(content)
        return path

    return write


def test_layers_follow_their_numbers(file):
    rng = np.random.default_rng(0)
    shapes = [(4, 5)] + [(5, 5)] * 10 + [(5, 3)]
    weights = [rng.normal(size=shape) for shape in shapes]
    biases = {"b3": rng.normal(size=5).astype(np.float32), "b11": np.array([1, -2, 3], np.int16)}
    order = rng.permutation(len(shapes))
    network = read_npz(
        file(packed(**{f"W{k}": np.asfortranarray(weights[k]) for k in order}, **biases))
    )
    assert network.topology == (4, *[5] * 11, 3)
    for number, layer in enumerate(network.layers):
        assert np.array_equal(layer.weights, weights[number])
        assert np.array_equal(layer.biases, biases.get(f"b{number}", np.zeros(len(layer.biases))))
    values = rng.uniform(size=(3, 4))
    expected = values
    for number in range(11):
        expected = np.maximum(expected @ weights[number] + biases.get(f"b{number}", 0), 0)
    assert network.logits(values) == pytest.approx(expected @ weights[11] + biases["b11"])


def zipped(**members: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return content.getvalue()


def npy(array, lie: tuple[int, ...] | None = None) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    data = content.getvalue()
    return data if lie is None else data.replace(repr(array.shape).encode(), repr(lie).encode())


W = np.ones((4, 3))
HOSTILE = {
    "objects": (zipped(W0=npy(W).replace(b"<f8", b"|O ")), "W0 has a damaged header"),
    "larger than it is": (zipped(W0=npy(W, (4000000000000, 3))), "which are not"),
    "negative": (zipped(W0=npy(W, (-4, -3))), "W0"),
    "no array": (zipped(W0=b"GIF89a"), "W0"),
    "text": (packed(W0=np.array(["a"])), "W0 has values of the type '<U1'"),
    "no layer": (packed(weights=W), "it has no array W0"),
    "a gap": (packed(W0=W, W2=W), "it has an array 'W2'"),
    "biases": (packed(W0=W, b0=np.ones(4)), "W0: 3 outputs need as many biases"),
    "vector": (packed(W0=np.ones(4)), "W0 must be a matrix, not of shape (4,)"),
    "not a number": (packed(W0=W * np.nan), "W0: weights must be finite numbers"),
    "layers": (packed(W0=W, W1=W), "layer 0 has 3 outputs, but layer 1 takes 4"),
    "one output": (packed(W0=np.ones((4, 1))), "at least two outputs"),
    "many": (packed(**{f"W{k}": np.eye(2) for k in range(16)}), "1 to 15 layers, not 16"),
    "no zip": (b"PK, but no more", "holds no network"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_no_network_is_refused_in_a_line(file, case):
    content, words = HOSTILE[case]
    with pytest.raises(UserError) as refused:
        read_npz(file(content))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_unpacks_to_too_much_is_not_unpacked(file, monkeypatch):
    monkeypatch.setattr(npz_file, "MAX_UNPACKED", 1000)
    with pytest.raises(UserError, match=r"it unpacks to .* bytes; at most 1,000 are taken"):
        read_npz(file(packed(W0=np.zeros((20, 20)))))


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    content = bytearray(zipped(W0=npy(W), W1=npy(np.ones((3, 2)))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    refused = "damaged.npz"
    try:
        read_npz(path)
    except UserError as error:
        refused = str(error)
    assert "damaged.npz" in refused
