"""Graphs with convolutions, against ONNX's own evaluator; and refusals."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from allspin.host.data.datasets import load_dataset
from allspin.host.foreign.import_options import ImportOptions
from allspin.host.foreign.importing import import_network
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import DENSE, Convolution
from tests.host.foreign.conftest import model, node

SHAPE = (11, 9, 3)
IMAGES = np.random.default_rng(8).uniform(size=(5, *SHAPE)).astype(np.float32)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


FIRST = {"w0": drawn(4, 3, 3, 2), "b0": drawn(4)}
CONV = node("Conv", ["x", "w0", "b0"], ["s0"], name="conv1", strides=[2, 1], pads=[1, 0, 2, 1])
"""Convolution of 11 x 9 x 3 to 6 x 9 x 4; no kernel covers one line of the bottom padding."""
RELU = node("Relu", ["s0"], ["a0"])
POOL = node("MaxPool", ["a0"], ["p0"], kernel_shape=[2, 2], strides=[2, 2])
"""Makes 3 x 4 x 4 of it."""
KIND = Convolution(SHAPE, (3, 2), (2, 1), (1, 0, 1, 1))


def chain(
    *nodes: Any, end: Any = "p0", last: Any = 48, shape: Any = (None, 3, 11, 9), **constants: Any
) -> onnx.ModelProto:
    """Return a model of some nodes with a readout of the last one."""
    readout = node("Flatten", [end], ["f"]), node("Gemm", ["f", "w9", "b9"], ["output"])
    given = {**FIRST, "w9": drawn(last, 5), "b9": drawn(5), **constants}
    return model([*nodes, *readout], given, shape)


ENTER = node("Identity", ["input"], ["x"])
NORM: dict[str, Any] = dict(zip(("g", "b", "m", "v"), np.abs(drawn(4, 4)) + 0.5, strict=True))


def chains() -> dict:
    """Models, with the kinds of their layers."""
    pooled = Convolution(SHAPE, (3, 2), (2, 1), (1, 0, 1, 1), 2)
    turned = [node("Transpose", ["input"], ["x"], perm=[0, 3, 1, 2])]
    # Keras' layout: activations have their channels last, pools and convolutions do not.
    back = node("Transpose", ["s0"], ["t0"], perm=[0, 2, 3, 1])
    laid = [
        *turned,
        CONV,
        back,
        node("Relu", ["t0"], ["r0"]),
        node("Transpose", ["r0"], ["a0"], perm=[0, 3, 1, 2]),
        node("MaxPool", ["a0"], ["q0"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Transpose", ["q0"], ["p0"], perm=[0, 2, 3, 1]),
    ]
    second = [node("Relu", ["s1"], ["a1"]), node("GlobalAveragePool", ["a1"], ["g1"])]
    norm = node("BatchNormalization", ["s0", *NORM], ["n0"])
    clip = node("Clip", ["n0", "low", "high"], ["a0"])
    bounds = {"low": np.float32(-0.5), "high": np.float32(2)}
    return {
        "pool": (chain(ENTER, CONV, RELU, POOL), [pooled, DENSE]),
        "a pool before the activation": (
            chain(
                ENTER,
                CONV,
                node("MaxPool", ["s0"], ["q0"], kernel_shape=[2, 2], strides=[2, 2]),
                node("Relu", ["q0"], ["p0"]),
            ),
            [pooled, DENSE],
        ),
        "channels last": (chain(*laid, shape=(None, *SHAPE)), [pooled, DENSE]),
        "normalised and clipped": (
            chain(ENTER, CONV, norm, clip, POOL, **NORM, **bounds),
            [pooled, DENSE],
        ),
        # A normalised map is padded with a number other than 0.
        "normalised before it is padded": (
            chain(
                ENTER,
                CONV,
                RELU,
                POOL,
                node("BatchNormalization", ["p0", *NORM], ["n0"]),
                node("Conv", ["n0", "w1"], ["s1"], pads=[1, 1, 1, 1]),
                *second,
                end="g1",
                last=2,
                w1=drawn(2, 4, 3, 3),
                **NORM,
            ),
            [pooled, Convolution((3, 4, 4), (3, 3), (1, 1), (1, 1, 1, 1)), DENSE],
        ),
        "an average before a convolution is in its kernels": (
            chain(
                ENTER,
                CONV,
                RELU,
                node("AveragePool", ["a0"], ["p0"], kernel_shape=[2, 2], strides=[2, 2]),
                node("Conv", ["p0", "w1"], ["s1"]),
                *second,
                end="g1",
                last=2,
                w1=drawn(2, 4, 2, 3),
            ),
            [KIND, Convolution((6, 9, 4), (4, 6), (2, 2)), DENSE],
        ),
        "the last lines of a kernel are 0": (
            chain(
                ENTER,
                node("Conv", ["x", "w0"], ["s0"], strides=[3, 1]),
                RELU,
                end="a0",
                last=96,
                w0=FIRST["w0"] * np.array([[1], [0], [0]], np.float32),
            ),
            [Convolution(SHAPE, (3, 2), (3, 1)), DENSE],
        ),
        # The least kernel that has as much: its outer lines are 0.
        "more padding than kernels": (
            chain(
                ENTER,
                node("Conv", ["x", "w0"], ["s0"], pads=[3, 0, 3, 0]),
                RELU,
                end="a0",
                last=480,
            ),
            [Convolution(SHAPE, (5, 2), (1, 1), (4, 0, 4, 0)), DENSE],
        ),
        "padded by a node": (
            chain(
                node("Pad", ["input", "pads"], ["x"]),
                node("Conv", ["x", "w0"], ["s0"], strides=[2, 2]),
                RELU,
                end="a0",
                last=100,
                pads=np.array([0, 0, 0, 1, 0, 0, 1, 1]),
            ),
            [Convolution(SHAPE, (3, 2), (2, 2), (0, 1, 0, 0)), DENSE],
        ),
    }


CHAINS = chains()


@pytest.mark.parametrize("case", CHAINS)
def test_convolutions_are_found(saved, case):
    content, kinds = CHAINS[case]
    read = read_model(saved(content), SHAPE)
    assert [layer.kind for layer in read.network.layers] == kinds
    last = content.graph.input[0].type.tensor_type.shape.dim[3].dim_value == 3
    given = IMAGES if last else IMAGES.transpose(0, 3, 1, 2)
    (expected,) = ReferenceEvaluator(content).run(None, {"input": given})
    flat = IMAGES.reshape(len(IMAGES), -1).astype(np.float64)
    assert read.network.logits(flat) == pytest.approx(np.asarray(expected), abs=1e-4)
    assert read.answers(flat) == pytest.approx(np.asarray(expected), abs=1e-4)


REFUSED = {
    "groups": (
        chain(ENTER, node("Conv", ["x", "w0"], ["p0"], name="deep", group=3)),
        "the node 'deep' (Conv): groups and dilations are not read",
    ),
    "dilated": (
        chain(ENTER, node("Conv", ["x", "w0"], ["p0"], name="wide", dilations=[2, 2])),
        "the node 'wide' (Conv): groups and dilations are not read",
    ),
    "a pool of 3 x 3": (
        chain(
            ENTER,
            CONV,
            RELU,
            node("MaxPool", ["a0"], ["p0"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0]),
        ),
        "the nodes from 'input' to 's0': a pool must take the largest of each 2 x 2 activations",
    ),
    "a pool of pixels": (
        chain(
            node("MaxPool", ["input"], ["x"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Conv", ["x", "w0"], ["s0"]),
            RELU,
            end="a0",
            last=36,
        ),
        "there is no layer of weights before the first MaxPool",
    ),
    "the largest after a factor below 0": (
        chain(ENTER, CONV, RELU, node("Mul", ["a0", "minus"], ["m0"]), POOL, minus=np.float32(-1)),
        "",
    ),
    "mirrored borders": (
        chain(
            node("Pad", ["input", "pads"], ["x"], mode="reflect"),
            node("Conv", ["x", "w0"], ["s0"]),
            RELU,
            end="a0",
            last=280,
            pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        ),
        "no convolution: linear, and the same at all positions",
    ),
}
REFUSED["the largest after a factor below 0"][0].graph.node[4].input[0] = "m0"


@pytest.mark.parametrize("case", REFUSED)
def test_a_graph_that_is_no_convolution_is_refused(saved, case):
    content, words = REFUSED[case]
    with pytest.raises(UserError) as refused:
        read_model(saved(content), SHAPE)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_import_of_colours_has_the_accuracy_of_the_model(saved, idx_folder):
    grey = load_dataset(idx_folder(classes=4, train=700, test=200, shape=(10, 9)))

    def coloured(images):
        return np.stack([images, 255 - images, images // 2], axis=-1)

    train, test = coloured(grey.train_images), coloured(grey.test_images)
    dataset = load_dataset((train, grey.train_labels, test, grey.test_labels))
    weights = {"w0": drawn(6, 3, 3, 3), "b0": drawn(6)}
    nodes = [node("Conv", ["input", "w0", "b0"], ["s0"], pads=[1, 1, 1, 1]), RELU, POOL]
    nodes.append(node("Flatten", ["p0"], ["f"]))
    shape = (None, 3, 10, 9)

    def features(images):
        given = {"input": (images.transpose(0, 3, 1, 2) / 255).astype(np.float32)}
        content = model(nodes, weights, shape, ("f",))
        (found,) = ReferenceEvaluator(content).run(None, given)
        return np.pad(np.asarray(found), ((0, 0), (0, 1)), constant_values=1)

    right = np.eye(4)[grey.train_labels]
    readout = np.linalg.lstsq(features(train), right, rcond=None)[0].astype(np.float32)
    answers = (features(test) @ readout).argmax(axis=1)
    weights |= {"w9": readout[:-1], "b9": readout[-1]}
    content = model([*nodes, node("Gemm", ["f", "w9", "b9"], ["output"])], weights, shape)
    imported = import_network(saved(content), dataset, ImportOptions(states=100, tune=1))
    assert imported.model_accuracy == np.mean(answers == grey.test_labels) > 0.9
    network = imported.quantised.network
    assert network.image_shape == (10, 9, 3)
    assert network.layers[0].kind == Convolution((10, 9, 3), (3, 3), (1, 1), (1,) * 4, 2)
    # A constant channel has a row in the last layer at each position.
    columns = 6 + imported.constant_neurons
    assert imported.constant_neurons
    assert network.layers[1].states.shape == (5 * 4 * columns, 4)
    for stage in imported.stages.values():
        classes = GoldenModel(stage.network).classify(test)
        assert stage.accuracy == np.mean(classes == grey.test_labels)
        assert stage.accuracy > imported.model_accuracy - 0.03
    assert max(imported.quantised.errors) < 0.15
