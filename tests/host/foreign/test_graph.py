"""Graphs of nodes, against ONNX's own evaluator; and refusals."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from allspin.host.foreign.graph import sizes
from allspin.host.foreign.model import read_model
from allspin.sim.errors import UserError
from tests.host.foreign.conftest import (
    ARRAYS,
    CLASSES,
    HIDDEN,
    INPUTS,
    PIXELS,
    SHAPE,
    model,
    node,
    torch_model,
)
from tests.host.foreign.graph_checks import check_layers, check_refused, limited_memory


def clipped(low: float) -> onnx.ModelProto:
    """A Clip at any lower bound, and factors on either side of it."""
    nodes = [
        node("Flatten", ["input"], ["flat"]),
        node("MatMul", ["flat", "w0"], ["sums"]),
        node("Clip", ["sums", "low", "high"], ["held"]),
        node("Mul", ["held", "half"], ["scaled"]),
        node("Transpose", ["turned"], ["w"], perm=[1, 0]),
        node("Gemm", ["scaled", "w", "b1"], ["output"], alpha=0.5, beta=2.0),
    ]
    constants = {"low": np.float32(low), "high": np.float32(1.5), "turned": ARRAYS["w1"].T}
    constants["half"] = np.full((1, HIDDEN), 0.5, np.float32)
    return model(nodes, {**ARRAYS, **constants}, [None, *SHAPE])


def keras() -> onnx.ModelProto:
    """Return the graph that Keras writes of a Normalization and a Dense layer."""
    rng = np.random.default_rng(6)
    constants = {
        "mean": rng.uniform(0, 1, (1, *SHAPE)).astype(np.float32),
        "deviation": rng.uniform(0.5, 0.9, (1, *SHAPE)).astype(np.float32),
        "flat": np.array([-1, PIXELS], np.int64),
        "one": np.float32(1),
    }
    nodes = [
        node("Sub", ["input", "mean"], ["centred"]),
        node("Div", ["centred", "deviation"], ["scaled"]),
        node("Reshape", ["scaled", "flat"], ["row"]),
        node("MatMul", ["row", "w0"], ["m"]),
        node("Add", ["b0", "m"], ["a"]),
        node("Sub", ["one", "a"], ["s"]),
        node("MatMul", ["s", "w1"], ["output"]),
    ]
    return model(nodes, {**ARRAYS, **constants}, ["unk__1", *SHAPE])


def held_twice() -> onnx.ModelProto:
    """A ReLU that is clipped, which is one activation."""
    nodes = [
        node("MatMul", ["input", "w0"], ["sums"]),
        node("Relu", ["sums"], ["held"]),
        node("Clip", ["held", "low", "high"], ["held_again"]),
        node("MatMul", ["held_again", "w1"], ["output"]),
    ]
    return model(nodes, {**ARRAYS, "low": np.float32(0), "high": np.float32(1.5)})


def opened(*sides: int | None) -> onnx.ModelProto:
    """A layer of images some of whose sides are open."""
    flat = [node("Flatten", ["input"], ["flat"]), node("MatMul", ["flat", "w0"], ["output"])]
    return model(flat, ARRAYS, sides)


def normalized(version: int) -> onnx.ModelProto:
    """Before opset 14 a normalization has no training mode, and is that of inference."""
    content = torch_model()
    content.opset_import[0].version = version
    return content


def scaled_and_held(*between) -> onnx.ModelProto:
    """Return the graph that skl2onnx writes of scalers, one of which clips, and a classifier."""
    offsets = {"offset": [0.5] * PIXELS, "scale": np.linspace(1, 3, PIXELS).tolist()}
    nodes = [
        node("Scaler", ["input"], ["scaled"], domain="ai.onnx.ml", **offsets),
        node("Clip", ["scaled", "low", "high"], ["held"]),
        node("Cast", ["held"], ["real"], to=TensorProto.FLOAT),
        node("MatMul", ["real", "w0"], ["m"]),
        node("Relu", ["m"], ["r"]),
        node("Mul", ["r", "two"], ["d"]),
        node("Clip", ["d", "low", "high"], ["x"]),
        node("MatMul", ["x", "w1"], ["output"]),
    ]
    limits = {"low": np.float32(-0.2), "high": np.float32(0.8), "two": np.float32(2)}
    return model(nodes, {**ARRAYS, **limits})


def steps(kind: type[np.integer], zero: int) -> onnx.ModelProto:
    """QCDQ: a layer's sums as whole numbers, those held, and back; rounded before a bias."""
    nodes = [
        node("MatMul", ["input", "w0"], ["m"]),
        node("QuantizeLinear", ["m", "scale", "zero"], ["q"]),
        node("Clip", ["q", "low", "high"], ["c"]),
        node("DequantizeLinear", ["c", "scale", "zero"], ["x"]),
        node("DequantizeLinear", ["v", "each", "zeros"], ["w"], axis=1),
        node("MatMul", ["x", "w"], ["s"]),
        node("QuantizeLinear", ["s", "fine", "zero"], ["t"]),
        node("DequantizeLinear", ["t", "fine", "zero"], ["u"]),
        node("Add", ["u", "b1"], ["output"]),
    ]
    constants = {
        "scale": np.float32(0.5),
        "fine": np.float32(1e-7),  # of which all logits would be at one end
        "zero": kind(zero),
        "low": kind(zero - 3),
        "high": kind(zero + 4),
        "v": np.rint(9 * ARRAYS["w1"]).astype(np.int8),
        "each": np.array([0.1, 0.2, 0.3], np.float32),
        "zeros": np.zeros(CLASSES, np.int8),
    }
    content = model(nodes, {**ARRAYS, **constants})
    content.opset_import[0].version = 13
    return content


ONE, TWO = (PIXELS, HIDDEN), (PIXELS, HIDDEN, CLASSES)
READ = {
    **{f"PyTorch, opset {v}": (normalized(v), TWO) for v in (11, 13, 14, 18)},
    "Keras": (keras(), (PIXELS, CLASSES)),
    "clipped below 0": (clipped(-0.5), TWO),
    "clipped above 0": (clipped(0.25), TWO),
    "held twice": (held_twice(), TWO),
    "scaled and held": (scaled_and_held(), TWO),
    "both sides open": (opened(None, None, None), ONE),
    "one side open": (opened(None, 1, SHAPE[0], None), ONE),
    "a row of any length": (opened(None, None), ONE),
    "images by the three": (opened(3, PIXELS), ONE),
}
"""Graphs, and widths of their layers."""


@pytest.mark.parametrize("case", READ)
def test_the_layers_of_a_graph_compute_the_outputs_of_onnx(saved, case):
    content, topology = READ[case]
    check_layers(content, saved(content), topology)


@pytest.mark.parametrize(("kind", "zero"), [(np.int8, 0), (np.int8, -100), (np.uint8, 3)])
def test_whole_numbers_between_layers(saved, kind, zero):
    content = steps(kind, zero)
    read = read_model(saved(content), SHAPE)
    get = {each.name: numpy_helper.to_array(each) for each in content.graph.initializer}
    held = np.clip(np.rint(INPUTS @ get["w0"] / 0.5), -3, 4) * 0.5
    expected = held @ (get["v"] * get["each"]) + get["b1"]
    assert len(np.unique(held)) == 8
    assert read.network.logits(INPUTS) == pytest.approx(expected, abs=1e-5)
    assert read.answers(INPUTS) == pytest.approx(expected, abs=1e-5)


def one_output(*behind, outputs) -> onnx.ModelProto:
    """Return a layer of one output, `z`, with nodes behind it."""
    first = [node("MatMul", ["input", "w"], ["z"]), node("Sigmoid", ["z"], ["p"])]
    constants = {"w": ARRAYS["w0"][:, :1], "one": np.float32(1), "labels": np.array(["n", "y"])}
    return model([*first, *behind], constants, outputs=outputs)


SHARES = [
    node("Sub", ["one", "p"], ["rest"]),
    node("Concat", ["rest", "p"], ["both"], axis=1),
    node("ArgMax", ["both"], ["class"], axis=1),
]
TAILS = {
    "share": ([], ("p",)),
    "both shares": (SHARES, ("both", "class")),
    "strings": (
        [
            *SHARES,
            node("ArrayFeatureExtractor", ["labels", "class"], ["name"], domain="ai.onnx.ml"),
            node("ZipMap", ["both"], ["map"], domain="ai.onnx.ml", classlabels_strings=["n", "y"]),
        ],
        ("name", "map"),
    ),
    "encoder": (
        [
            *SHARES,
            node(
                *("LabelEncoder", ["class"], ["name"]),
                domain="ai.onnx.ml",
                keys_int64s=[0, 1],
                values_strings=["n", "y"],
            ),
        ],
        ("name",),
    ),
    "sign": ([node("BipolarQuant", ["z", "one"], ["sign"], domain="onnx.brevitas")], ("sign",)),
}


@pytest.mark.parametrize("case", TAILS)
def test_one_output_is_the_second_class_where_it_is_above_0(saved, case):
    behind, outputs = TAILS[case]
    read = read_model(saved(one_output(*behind, outputs=outputs)), SHAPE)
    expected = INPUTS @ ARRAYS["w0"][:, 0]
    assert read.network.topology == (PIXELS, 2)
    for logits in (read.network.logits(INPUTS), read.answers(INPUTS)):
        assert logits[:, 1] - logits[:, 0] == pytest.approx(expected, abs=1e-5)


def two_layers(*between, shape=(None, PIXELS), outputs=("output",), **constants):
    """A MatMul, some nodes from `m` to `x`, and another MatMul."""
    first = node("MatMul", ["input", "w0"], ["m"], name="first")
    second = node("MatMul", ["x", "w1"], ["output"], name="second")
    return model([first, *between, second], {**ARRAYS, **constants}, shape, outputs)


RELU = node("Relu", ["m"], ["x"], name="middle")
UNKNOWN_TYPE = two_layers(RELU)
UNKNOWN_TYPE.graph.input[0].type.tensor_type.elem_type = 33
NO_LAYERS = {
    "type": (UNKNOWN_TYPE, "its input is of an unknown type: 33"),
    "operator": (
        two_layers(node("Tanh", ["m"], ["x"], name="middle")),
        "the node 'middle' (Tanh): this operator of ai.onnx is not supported; those are: Add",
    ),
    "domain": (
        two_layers(node("Relu", ["m"], ["x"], name="middle", domain="com.microsoft")),
        "(Relu): this operator of com.microsoft is not supported",
    ),
    "circle": (
        two_layers(node("Add", ["m", "y"], ["x"]), node("Identity", ["x"], ["y"])),
        "takes 'y', which no node before it makes (nodes in a circle",
    ),
    "twice": (two_layers(RELU, RELU), "two nodes that make 'x'"),
    "branches": (
        two_layers(node("Relu", ["m"], ["r"]), node("Add", ["m", "r"], ["x"], name="middle")),
        "'output' joins two branches; layers must follow one another",
    ),
    "behind the logits": (
        two_layers(node("Softmax", ["m"], ["x"], name="middle")),
        "the nodes from 'input' to 'output': they are not linear",
    ),
    "shape": (
        two_layers(RELU, w1=np.zeros((HIDDEN + 1, CLASSES), np.float32)),
        "what becomes of 'x' up to 'output': ",
    ),
    "broadcast": (
        two_layers(node("Add", ["m", "b"], ["x"], name="middle"), b=np.zeros(4, np.float32)),
        "what becomes of 'input' up to 'output': ",
    ),
    "columns for images": (
        two_layers(node("Gemm", ["m", "c"], ["x"], transA=1), c=np.eye(HIDDEN, dtype=np.float32)),
        "what becomes of 'input' up to 'output': ",
    ),
    "images in a row": (
        two_layers(node("Flatten", ["m"], ["x"], axis=0)),
        "what becomes of 'input' up to 'output': ",
    ),
    "order": (
        two_layers(node("Identity", ["r"], ["x"]), node("Relu", ["m"], ["r"])),
        "must have one input, the images; it has 0 (are its nodes in order?)",
    ),
    "shares of images": (
        two_layers(node("Softmax", ["m"], ["x"], axis=0), outputs=("x",)),
        "it must keep the order of the classes, and its axis be theirs, the last one",
    ),
    "mixed between activations": (
        two_layers(
            node("Relu", ["m"], ["r"]),
            node("Transpose", ["r"], ["d"], perm=[1, 0]),
            node("Relu", ["d"], ["x"]),
        ),
        "the nodes from 'r' to 'd': there is no layer of weights before the activation, and "
        "Transpose mixes",
    ),
    "falling": (
        two_layers(
            node("Clip", ["m", "l", "h"], ["c"]),
            node("Sub", ["h", "c"], ["d"]),
            node("Relu", ["d"], ["x"]),
            l=np.float32(-1),
            h=np.float32(1),
        ),
        "and its output rises; this one's goes from",
    ),
    "one falling output": (
        one_output(*SHARES[:1], outputs=("rest",)),
        "'rest' must rise with 'z', its one output",
    ),
    "shares are scaled": (
        model(
            [
                node("MatMul", ["input", "w0"], ["m"]),
                node("Softmax", ["m"], ["s"]),
                node("Mul", ["s", "b0"], ["output"]),
            ]
        ),
        "'output' (Mul): it must keep the order of the classes",
    ),
    "labels in another order": (
        model(
            [
                node("MatMul", ["input", "w0"], ["m"]),
                node("ArgMax", ["m"], ["c"], axis=1),
                node("ArrayFeatureExtractor", ["l", "c"], ["output"], domain="ai.onnx.ml"),
            ],
            {**ARRAYS, "l": np.arange(HIDDEN)[::-1].copy()},
        ),
        "the labels 'l' must rise, as classes do",
    ),
    "training": (
        two_layers(
            node("BatchNormalization", ["m", "n", "n", "n", "n"], ["x"], training_mode=1),
            n=np.ones(HIDDEN, np.float32),
        ),
        "they are not linear, as a layer in inference is",
    ),
    "dropping": (
        two_layers(node("Dropout", ["m", "", "t"], ["x"]), t=np.array(True)),
        "what becomes of 'input' up to 'output': ",
    ),
    "rounding": (two_layers(node("Cast", ["m"], ["x"], to=7)), "export it again"),
    "mixed images": (
        two_layers(node("Reshape", ["m", "s"], ["x"]), s=np.array([7, -1], np.int64)),
        "what becomes of 'input' up to 'output': ",
    ),
    "not finite": (
        two_layers(RELU, w1=np.full((HIDDEN, CLASSES), np.inf, np.float32)),
        "weights must be finite numbers of at most 1e+12",
    ),
    "zero": (
        two_layers(node("Div", ["m", "z"], ["x"]), z=np.float32(0)),
        "must be finite numbers",
    ),
    "no lower bound": (
        two_layers(node("Clip", ["m", "", "h"], ["x"]), h=np.float32(1)),
        "a neuron holds its output from below",
    ),
    "an end in a Relu": (two_layers(RELU, outputs=("x",)), "must end in a layer of weights"),
    "two ends": (two_layers(RELU, outputs=("m", "output")), "has 2 different outputs"),
    "a side": (
        two_layers(RELU, shape=(1 << 40, PIXELS)),
        "takes inputs with a side of 1099511627776",
    ),
    "negative sides": (two_layers(RELU, shape=(None, -4, -5)), "takes inputs with a side of -4"),
    "constants": (
        two_layers(
            node("Add", ["c", "r"], ["s"]),
            node("Add", ["m", "s"], ["x"]),
            c=np.zeros((9, 1), np.float32),
            r=np.zeros((1, 9), np.float32),
        ),
        "what becomes of 'input' up to 'output': ",
    ),
    "images": (
        two_layers(RELU, shape=(None, 3, 28, 28)),
        "takes inputs of shape ? x 3 x 28 x 28; the images have 4 x 5 pixels of one channel",
    ),
}


@pytest.mark.parametrize("case", NO_LAYERS)
def test_graphs_that_are_no_network_are_refused(saved, case):
    content, words = NO_LAYERS[case]
    check_refused(saved(content), words)


@pytest.mark.parametrize("kind", ["Conv", "MaxPool", "AveragePool"])
@pytest.mark.parametrize("value", ["SAME", "same_upper", ""])
def test_an_unknown_padding_is_refused(saved, kind, value):
    inputs = ["input", "k"] if kind == "Conv" else ["input"]
    nodes = [
        node(kind, inputs, ["m"], auto_pad=value, kernel_shape=[1, 1]),
        node("Flatten", ["m"], ["x"]),
        node("MatMul", ["x", "w0"], ["output"]),
    ]
    constants = {"k": np.ones((1, 1, 1, 1), np.float32), "w0": ARRAYS["w0"]}
    content = model(nodes, constants, (None, 1, *SHAPE))
    check_refused(saved(content), "auto_pad must be one of NOTSET, SAME_UPPER, SAME_LOWER, VALID")


def test_an_operator_of_two_lines_is_refused_in_one(saved):
    check_refused(saved(two_layers(node("Re\nlu", ["m"], ["x"]))), "(Re lu): this operator")


def quantised(**changes: float) -> onnx.ModelProto:
    """A layer behind a Quant, with another value for one of its parameters."""
    values = {"scale": 0.5, "zero": 0.0, "bits": 4.0} | changes
    rounding = node("Quant", ["m", *values], ["x"], name="rounds", domain="onnx.brevitas", signed=0)
    return two_layers(rounding, **{key: np.float32(value) for key, value in values.items()})


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("scale", "zero", "bits") for value in (np.nan, np.inf, -np.inf)]
    + [("scale", 0.0), ("bits", 0.0), ("bits", -3.0)],
)
def test_a_quantiser_without_steps_is_refused_by_name(saved, name, value):
    read_model(saved(quantised()), SHAPE)
    check_refused(saved(quantised(**{name: value})), f"the node 'rounds' (Quant): {name} must be")


def test_a_constant_that_is_too_large_is_not_computed(saved, monkeypatch):
    monkeypatch.setattr(sizes, "MAX_COMPUTED", 80)
    outer = {"c": np.zeros((9, 1), np.float32), "r": np.zeros((1, 9), np.float32)}
    nodes = node("Add", ["c", "r"], ["s"]), node("Add", ["m", "s"], ["x"])
    with pytest.raises(UserError, match=r"'s' is too large: \[9, 9\]"):
        read_model(saved(two_layers(*nodes, **outer)), SHAPE)


def padded(amount: int, batch: int | None = None) -> onnx.ModelProto:
    """An image with lines around it, whose number is computed from constants."""
    nodes = [
        node("Mul", ["half", "two"], ["pads"]),
        node("Pad", ["input", "pads"], ["large"], name="pads"),
        node("MatMul", ["large", "w"], ["output"]),
    ]
    constants = {
        "half": np.array([0, 0, 0, amount // 2], np.int64),
        "two": np.int64(2),
        "w": np.ones((1, CLASSES), np.float32),
    }
    return model(nodes, constants, (batch, PIXELS))


@pytest.mark.parametrize(("amount", "batch"), [(1 << 40, None), (1 << 20, 100), (1 << 62, None)])
def test_computed_sizes_are_refused_before_they_are_computed(saved, amount, batch):
    path = saved(padded(amount, batch))
    with limited_memory(1 << 30):
        check_refused(path, "'large' (Pad) is too large")


def test_few_images_are_computed_at_once_where_many_are_too_large(saved, monkeypatch):
    content = torch_model()
    path = saved(content)
    monkeypatch.setattr(sizes, "MAX_COMPUTED", 1200)
    check_layers(content, path, TWO)


def test_a_graph_that_takes_too_long_to_read_is_refused(saved, monkeypatch):
    path = saved(torch_model())
    monkeypatch.setattr(sizes, "MAX_WORK", 1000)
    check_refused(path, "it takes too long to read")
