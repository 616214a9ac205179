"""Files that other tools write, against the tools' own answers."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from allspin.host.foreign.model import read_model
from tests.host.foreign.conftest import (
    INPUTS,
    SHAPE,
)

FILES = {
    # A `MLPClassifier` of scikit-learn 1.9.1, by skl2onnx 1.20.0.
    "sklearn": (1, {"MatMul", "Softmax", "ArgMax", "ArrayFeatureExtractor", "ZipMap", "Cast"}),
    # Linear layers behind ``(x / 255 - 0.1307) / 0.3081``, by torch.onnx.export of PyTorch 2.13.0
    # as it is set: for one image, with the weights in a file beside it.
    "pytorch": (255, {"Gemm", "Reshape", "Div", "LogSoftmax"}),
    # Rescaling, Flatten, Dense, Dropout and Dense, by the export of Keras 3.15.1 on PyTorch.
    # Classes that are strings: two behind a StandardScaler, three behind a MinMaxScaler that clips.
    "binary": (1, {"Scaler", "Sigmoid", "Sub", "Concat"}),
    "strings": (1, {"Clip", "ArrayFeatureExtractor", "ZipMap"}),
    # By qonnx 1.0, whose clean-up computes some weights.
    "qonnx": (1, {"IntQuant", "BipolarQuant", "Trunc"}),
    "keras": (255, {"Shape", "Gather", "Unsqueeze", "Concat", "Reshape", "Softmax"}),
}
"""Files for images of 4 x 5 pixels: the value of a white pixel, and their operators."""
ANSWERS = {"binary": [0, 1, 1, 0, 1, 1], "strings": [2, 2, 2, 2, 0, 0]}
"""Classes of `INPUTS`, by scikit-learn itself."""
LABELS = {"binary": ["no", "yes"], "strings": ["a", "b", "c"]}
"""Labels of the files' classes, in scikit-learn's order."""
QONNX_ANSWERS = [
    [3.314781, -0.628562, 2.792406],
    [2.609834, -0.926083, 1.752145],
    [4.372200, -0.331040, 1.846714],
    [3.491018, -0.926083, 2.461414],
    [4.195964, -0.926083, 2.839691],
    [4.372200, -0.628562, 2.508699],
]
"""Answers of qonnx's own evaluator to `INPUTS`."""


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_tools(name):
    path = Path(__file__).with_name(f"{name}.onnx")
    white, operators = FILES[name]
    assert {each.op_type for each in onnx.load(path).graph.node} >= operators
    read = read_model(path, SHAPE)
    logits = read.network.logits(white * INPUTS)
    assert read.answers(white * INPUTS) == pytest.approx(logits, abs=1e-5)
    if name == "keras":
        given = (255 * INPUTS).reshape(-1, *SHAPE).astype(np.float32)
        content = onnx.load(path)
        (shares,) = ReferenceEvaluator(content).run(["39"], {content.graph.input[0].name: given})
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert expected == pytest.approx(np.asarray(shares), abs=1e-5)
    assert list(read.labels) == LABELS.get(name, [])
    if name in ANSWERS:
        assert logits.argmax(axis=1).tolist() == ANSWERS[name]
    if name == "qonnx":
        assert logits == pytest.approx(np.array(QONNX_ANSWERS), abs=1e-5)
