"""ONNX files: whole, and with weights beside them; refusals are one line."""

import os
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from allspin.host.foreign.graph import onnx_graph as loading
from allspin.host.foreign.graph.onnx_graph import read_graph
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import INPUTS, PIXELS, SHAPE, model, node, torch_model


def one_matmul() -> onnx.ModelProto:
    weights = {"w": np.ones((PIXELS, 3), np.float32)}
    return model([node("MatMul", ["input", "w"], ["output"])], weights)


def with_sides(*sides):
    def spoil(content):
        content.graph.initializer[0].dims[:] = sides

    return spoil


def strings(content):
    words = numpy_helper.from_array(np.array(["a", "b"], dtype=object), "w")
    content.graph.initializer[0].CopyFrom(words)


def two_inputs(content):
    del content.graph.initializer[:]
    content.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [PIXELS, 3]))


def old(content):
    content.opset_import[0].version = 6


def many_nodes(content):
    content.graph.node.extend([node("Identity", ["output"], [""])] * loading.MAX_NODES)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            with_sides(1 << 40, 1 << 20),
            "has 1,152,921,504,606,846,976 weights; at most 67,108,864 are taken",
        ),
        (with_sides(-1, 3), "the initializer 'w': its values do not fit its shape (-1, 3)"),
        (strings, "the initializer 'w': its values are no numbers"),
        (two_inputs, "must have one input, the images; it has 2 ('input', 'w')"),
        (old, "has operators of version 6; export it with opset 7 or later"),
        (many_nodes, "has 1,001 nodes; at most 1,000 are taken"),
        (onnx.ModelProto.Clear, "it has no graph with nodes and outputs"),
    ],
)
def test_hostile_files_are_refused_in_a_line(saved, spoil, words):
    content = one_matmul()
    spoil(content)
    with pytest.raises(UserError) as refused:
        read_graph(saved(content))
    assert words in str(refused.value)


def test_weights_in_a_file_beside_the_model(saved, tmp_path):
    one = read_model(saved(torch_model()), SHAPE)
    path = tmp_path / "two.onnx"
    beside = {"save_as_external_data": True, "location": "weights.bin", "size_threshold": 0}
    onnx.save(torch_model(), path, **beside)
    assert (tmp_path / "weights.bin").stat().st_size > 4 * PIXELS
    two = read_model(path, SHAPE)
    np.testing.assert_array_equal(one.answers(INPUTS), two.answers(INPUTS))
    np.testing.assert_array_equal(one.network.logits(INPUTS), two.network.logits(INPUTS))


@pytest.mark.parametrize(
    "about",
    [
        {"location": "/etc/passwd"},
        {"location": "../w.bin"},
        {},
        {"location": "none.bin"},
        {"location": "pipe"},
        {"location": "w.bin", "offset": 4},
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
    refusal = r"model.onnx: the initializer 'w': .*; save the model"
    with pytest.raises(UserError, match=refusal) as refused:
        read_graph(saved(content))
    assert "\n" not in str(refused.value)


def test_without_the_package_a_line_says_how_to_install_it(saved, monkeypatch):
    path = saved(one_matmul())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"needs onnx, which is not installed: .*\[onnx\]"):
        read_model(path, SHAPE)
