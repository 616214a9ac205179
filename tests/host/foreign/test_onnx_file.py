"""ONNX files: whole, with weights beside them, cut, damaged; what is refused is so in a line."""

import os
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from allspin.host.foreign import onnx_file as loading
from allspin.host.foreign.model import read_model
from allspin.host.foreign.onnx_file import read_graph
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import (
    HEIGHT,
    PIXELS,
    WIDTH,
    Arrays,
    keras_model,
    model,
    torch_model,
)

SHAPE = (HEIGHT, WIDTH)


def one_matmul() -> onnx.ModelProto:
    weights = {"w": np.ones((PIXELS, 3), np.float32)}
    return model([helper.make_node("MatMul", ["input", "w"], ["output"])], weights, [None, PIXELS])


def larger_than_it_is() -> onnx.ModelProto:
    content = one_matmul()
    content.graph.initializer[0].dims[:] = [1 << 40, 1 << 20]
    return content


def no_shape() -> onnx.ModelProto:
    content = one_matmul()
    content.graph.initializer[0].dims[:] = [-1, 3]
    return content


def strings() -> onnx.ModelProto:
    content = one_matmul()
    words = numpy_helper.from_array(np.array(["a", "b"], dtype=object), "w")
    content.graph.initializer[0].CopyFrom(words)
    return content


def two_inputs() -> onnx.ModelProto:
    content = one_matmul()
    del content.graph.initializer[:]
    content.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [PIXELS, 3]))
    return content


def old() -> onnx.ModelProto:
    content = one_matmul()
    content.opset_import[0].version = 6
    return content


def many_nodes() -> onnx.ModelProto:
    content = one_matmul()
    idle = helper.make_node("Identity", ["output"], [""])
    content.graph.node.extend([idle] * loading.MAX_NODES)
    return content


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (larger_than_it_is, "has 1,152,921,504,606,846,976 weights; at most 67,108,864 are taken"),
        (no_shape, "the initializer 'w': its values do not fit its shape (-1, 3)"),
        (strings, "the initializer 'w': its values are no numbers"),
        (two_inputs, "must have one input, the images; it has 2 ('input', 'w')"),
        (old, "has operators of version 6; export it with opset 7 or later"),
        (many_nodes, "has 1,001 nodes; at most 1,000 are taken"),
        (onnx.ModelProto, "it has no graph with nodes and outputs"),
    ],
)
def test_hostile_files_are_refused_in_a_line(saved, make, words):
    with pytest.raises(UserError) as refused:
        read_graph(saved(make()))
    assert words in str(refused.value)


def test_weights_in_a_file_beside_the_model(arrays, inputs, tmp_path):
    content = torch_model(arrays)
    (tmp_path / "one.onnx").write_bytes(content.SerializeToString())
    onnx.save(
        content,
        tmp_path / "two.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    assert (tmp_path / "weights.bin").stat().st_size > 4 * PIXELS
    one, two = (read_model(tmp_path / name, (HEIGHT, WIDTH)) for name in ("one.onnx", "two.onnx"))
    np.testing.assert_array_equal(one.answers(inputs), two.answers(inputs))
    np.testing.assert_array_equal(one.network.logits(inputs), two.network.logits(inputs))


@pytest.mark.parametrize(
    "about",
    [
        {"location": "/etc/passwd"},
        {"location": "../w.bin"},
        {},
        {"location": "none.bin"},
        {"location": "pipe"},
        {"location": "w.bin", "offset": 4},
        {"location": "w.bin", "offset": -4},
        {"location": "w.bin", "offset": "9" * 400},
        {"location": "w.bin", "length": 100},
    ],
)
def test_weights_that_are_not_there(saved, tmp_path, about):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "w.bin").write_bytes(bytes(4 * PIXELS * 3))
    content = one_matmul()
    tensor = content.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in about.items():
        tensor.external_data.add(key=key, value=str(value))
    with pytest.raises(
        UserError, match=r"model.onnx: the initializer 'w': .*; save the model"
    ) as e:
        read_graph(saved(content))
    assert "\n" not in str(e.value)


def test_what_is_no_onnx_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"GIF89a, and more of it than fits a header")
    with pytest.raises(UserError, match="is not an ONNX model"):
        read_graph(path)


def test_without_the_package_a_line_says_how_to_install_it(saved, monkeypatch):
    path = saved(one_matmul())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"pip install onnx, or allspin\[onnx\]"):
        read_model(path, SHAPE)


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(tmp_path_factory, data):
    rng = np.random.default_rng(1)
    sizes = ((PIXELS, 7), (7,), (7, 3), (3,))
    arrays = Arrays(*(rng.normal(size=size).astype(np.float32) for size in sizes))
    make = data.draw(st.sampled_from((torch_model, keras_model)))
    content = bytearray(make(arrays).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(content)
    refused = "damaged.onnx"
    try:
        read_model(path, SHAPE).answers(np.zeros((2, PIXELS)))
    except UserError as error:
        refused = str(error)
    assert "damaged.onnx" in refused
