"""Weights in files beside a model: those that tools write, and those that lie."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from allspin.host.foreign import onnx_file as external
from allspin.host.foreign.model import read_model
from allspin.host.foreign.onnx_file import read_graph
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import HEIGHT, PIXELS, WIDTH, model, torch_model


def outside(tensor: onnx.TensorProto, **about: object) -> None:
    """Let a tensor's values lie in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in about.items():
        tensor.external_data.add(key=key, value=str(value))


def one_matmul() -> onnx.ModelProto:
    weights = {"w": np.ones((PIXELS, 3), np.float32)}
    return model([helper.make_node("MatMul", ["input", "w"], ["output"])], weights, [None, PIXELS])


def test_as_onnx_writes_them(arrays, inputs, tmp_path):
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
    ("about", "words"),
    [
        ({"location": "/etc/passwd"}, "which is no file beside the model"),
        ({"location": "../w.bin"}, "which is no file beside the model"),
        ({"location": "folder/w.bin"}, "which is no file beside the model"),
        ({"location": ".."}, "which is no file beside the model"),
        ({}, "its values lie in '', which is no file beside the model"),
        ({"location": "none.bin"}, "cannot read file of an ONNX model's weights"),
        ({"location": "pipe"}, "it is a pipe, not a regular file"),
        ({"location": "w.bin", "offset": 4}, "is cut short: weights end at byte 244"),
        ({"location": "w.bin", "offset": -4}, "the offset of its values is '-4'"),
        ({"location": "w.bin", "offset": "9" * 400}, "the offset of its values is '999"),
        ({"location": "w.bin", "length": 100}, "its values do not fit its shape"),
    ],
)
def test_what_lies_is_refused_in_a_line(tmp_path, about, words):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "w.bin").write_bytes(bytes(4 * PIXELS * 3))
    content = one_matmul()
    outside(content.graph.initializer[0], **about)
    (tmp_path / "model.onnx").write_bytes(content.SerializeToString())
    with pytest.raises(UserError) as refused:
        read_graph(tmp_path / "model.onnx")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def written(tmp_path: Path, content: onnx.ModelProto) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(content.SerializeToString())
    return path


def test_one_place_in_a_file_taken_often_is_refused_once_it_is_too_much(tmp_path, monkeypatch):
    (tmp_path / "w.bin").write_bytes(bytes(4 * PIXELS * 3))
    weights = {name: np.ones((PIXELS, 3), np.float32) for name in "abc"}
    nodes = [helper.make_node("MatMul", ["input", name], [name.upper()]) for name in "abc"]
    content = model(nodes, weights, [None, PIXELS], outputs=("A", "B", "C"))
    for tensor in content.graph.initializer:
        outside(tensor, location="w.bin")
    monkeypatch.setattr(external, "MAX_BYTES", 2 * 4 * PIXELS * 3)
    with pytest.raises(UserError, match="the initializer 'c': its values make more than 480"):
        read_graph(written(tmp_path, content))


def test_a_shape_that_is_none_and_a_type_of_words(tmp_path):
    content = one_matmul()
    outside(content.graph.initializer[0], location="w.bin")
    content.graph.initializer[0].dims[:] = [-1, 3]
    with pytest.raises(UserError, match="it has no possible shape"):
        read_graph(written(tmp_path, content))
    content.graph.initializer[0].data_type = onnx.TensorProto.STRING
    with pytest.raises(UserError, match="its values are no numbers"):
        read_graph(written(tmp_path, content))
