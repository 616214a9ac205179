"""The golden model against the machine written out cell by cell.

The reference uses no NumPy arithmetic and no code of `sim`: Python's integers and
fractions, one synapse after another.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.sim.network.golden import BATCH, CHUNK, GoldenModel
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron

Words = list[npt.NDArray[np.int8]]


def neuron_of(network: Network, number: int, current: int) -> int:
    if network.neuron.name == "sot":
        table = network.layers[number].table
        assert table is not None
        return int(table[current])
    # ReLU: the current as a fraction of 2**hidden_bits, to the nearest, ties up.
    scaled = Fraction(current, 2 ** (network.current_bits - network.hidden_bits))
    return min(math.floor(scaled + Fraction(1, 2)), 2**network.hidden_bits - 1)


def reference(network: Network, image: Any, words: Words | None = None) -> list[dict[str, Any]]:
    """What each layer computes for one image, as lists of Python's integers."""
    top = 2**network.pixel_bits - 1
    values = [round(Fraction(int(grey) * top, 255)) for grey in np.ravel(image)]
    trace = []
    for number, layer in enumerate(network.layers):
        sums = []
        for column in range(layer.columns):
            total = 0
            for row in range(layer.rows):
                if words is None:
                    word = int(layer.levels[layer.states[row, column]])
                else:
                    word = int(words[number][row, column])
                total += values[row] * word
            sums.append(total)
        step: dict[str, Any] = {"inputs": values, "sums": sums}
        step |= {"currents": None, "activations": None}
        if layer.converter is not None:
            step["currents"] = []
            for column, total in enumerate(sums):
                product = Fraction(total * int(layer.converter.gains[column]))
                current = math.floor(product / 2**layer.converter.shift)
                current -= int(layer.converter.offsets[column])
                step["currents"].append(max(0, min(current, 2**network.current_bits - 1)))
            values = [neuron_of(network, number, current) for current in step["currents"]]
            step["activations"] = values
        trace.append(step)
    return trace


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Networks of every legal kind, with sizes that the reference can bear."""
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    sizes = [height * width, *draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))]
    hidden_bits = draw(st.integers(1, 8))
    current_bits = draw(st.integers(max(4, hidden_bits), 12))
    rah_bits = draw(st.integers(2, 8))
    neuron = draw(st.sampled_from([SotNeuron(), ReluNeuron()]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    half = 2 ** (rah_bits - 1)
    layers = []
    for number in range(len(sizes) - 1):
        shape = (sizes[number], sizes[number + 1])
        converter = table = None
        if number < len(sizes) - 2:
            bound = draw(st.sampled_from([1, 2 ** (current_bits - 2), 2 ** (current_bits + 1)]))
            converter = Converter(
                gains=rng.integers(0, 1024, shape[1], np.int32),
                offsets=rng.integers(-bound, bound, shape[1], np.int32),
                shift=draw(st.integers(0, 31) | st.integers(4, 16)),
            )
            if neuron.has_table:
                table = rng.integers(0, 2**hidden_bits, 2**current_bits, np.uint8)
        levels = rng.integers(-half, half, draw(st.integers(2, 128)), np.int16)
        states = rng.integers(0, len(levels), shape, np.uint8)
        layers.append(Layer(states, levels, converter, table))
    return Network(
        layers=tuple(layers),
        neuron=neuron,
        image_shape=(height, width),
        pixel_bits=draw(st.integers(1, 8)),
        hidden_bits=hidden_bits,
        rah_bits=rah_bits,
        current_bits=current_bits,
    )


def check(network: Network, images: npt.NDArray[np.uint8], words: Words | None = None) -> None:
    model = GoldenModel(network, words)
    trace = model.trace(images)
    logits = model.logits(images)
    classes = model.classify(images)
    for number, image in enumerate(images):
        steps = reference(network, image, words)
        for found, expected in zip(trace, steps, strict=True):
            for name, values in expected.items():
                array = getattr(found, name)
                got = None if array is None else array[number].tolist()
                assert got == values, f"{name} of image {number}"
        assert logits[number].tolist() == steps[-1]["sums"]
        # Lowest class with the largest logit.
        assert classes[number] == steps[-1]["sums"].index(max(steps[-1]["sums"]))


@given(networks(), st.integers(0, 2**32))
@settings(deadline=None)
def test_every_value_of_any_network(network: Network, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (4, *network.image_shape), np.uint8)
    images[0] = 0
    images[1] = 255
    images[2] *= rng.integers(0, 2, network.image_shape, np.uint8)
    check(network, images)


@given(networks(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_another_chip_of_any_network(network: Network, seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = [
        rng.integers(-128, 128, (layer.rows, layer.columns), np.int8) for layer in network.layers
    ]
    check(network, rng.integers(0, 256, (3, *network.image_shape), np.uint8), words)


def one_layer(words: npt.ArrayLike, pixel_bits: int = 8) -> Network:
    """A network without neurons whose crossbar holds given words."""
    wanted = np.asarray(words)
    levels, states = np.unique(wanted, return_inverse=True)
    return Network(
        layers=(
            Layer(
                states=states.reshape(wanted.shape).astype(np.uint8),
                levels=np.append(levels, [0]).astype(np.int16),  # at least two states
            ),
        ),
        neuron=ReluNeuron(),
        image_shape=(1, len(wanted)),
        pixel_bits=pixel_bits,
    )


# Where float32 stops being exact.


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("beyond", [-1, 0, 1, 2, 3, 500])
def test_sums_about_two_to_the_24(sign: int, beyond: int) -> None:
    # 65793 * 255 is 2**24 - 1, the largest worst case that float32 bears; the words of the
    # column reach that, stay one below, or go beyond, where odd sums are no float32.
    total = 65793 + beyond
    largest = 127 if sign > 0 else 128
    column = [sign * largest] * (total // largest) + [sign * (total % largest)]
    words = np.array([column, column[::-1]]).T
    network = one_layer(words)
    rng = np.random.default_rng(total)
    images = np.full((9, 1, len(column)), 255, np.uint8)
    images[1, 0, rng.integers(len(column))] = 254
    images[2:] -= rng.integers(0, 2, images[2:].shape, np.uint8)
    check(network, images)
    assert GoldenModel(network).logits(images)[0, 0] == sign * 255 * total


@pytest.mark.parametrize(("pixel_bits", "hidden_bits"), [(1, 8), (8, 1), (8, 8)])
def test_the_bound_of_a_layer_is_that_of_its_own_inputs(pixel_bits: int, hidden_bits: int) -> None:
    # Each of 600 rows drives its neuron to full scale; then a sum of 600 of those.
    top = 2**hidden_bits - 1
    deep = np.full((600, 1), 127)
    deep[0] = 126
    network = Network(
        layers=(
            Layer(
                np.eye(600, dtype=np.uint8),
                np.array([0, 127]),
                Converter(np.full(600, 1023), np.zeros(600, int), 0),
            ),
            one_layer(deep).layers[0],
        ),
        neuron=ReluNeuron(),
        image_shape=(20, 30),
        pixel_bits=pixel_bits,
        hidden_bits=hidden_bits,
    )
    images = np.full((1, 20, 30), 255, np.uint8)
    assert GoldenModel(network).logits(images).tolist() == [[top * (127 * 600 - 1)]]


def test_the_largest_crossbar_there_is() -> None:
    words = np.full((65535, 2), -128)
    words[:, 1] = 127
    network = one_layer(words)
    images = np.full((2, 1, 65535), 255, np.uint8)
    images[1, 0, 7] = 254
    bright = [-128 * 255 * 65535, 127 * 255 * 65535]
    assert GoldenModel(network).logits(images).tolist() == [
        bright,
        [bright[0] + 128, bright[1] - 127],
    ]


def test_sums_that_cancel_after_large_partial_sums() -> None:
    words = np.array([127] * 400 + [1] + [-127] * 400).reshape(-1, 1)
    network = one_layer(words)
    images = np.full((1, 1, 801), 255, np.uint8)
    assert GoldenModel(network).logits(images).tolist() == [[255]]


def currents_of(rows: int, word: int, converter: Converter) -> object:
    """The current of a column of equal words, all of whose rows are driven as far as they go."""
    network = Network(
        layers=(
            Layer(np.zeros((rows, 1), np.uint8), np.array([word, 0]), converter),
            Layer(np.zeros((1, 1), np.uint8), np.array([1, 0])),
        ),
        neuron=ReluNeuron(),
        image_shape=(1, rows),
        pixel_bits=8,
        current_bits=12,
    )
    first, _ = GoldenModel(network).trace(np.full((1, 1, rows), 255, np.uint8))
    assert first.currents is not None
    return first.currents.tolist()


def test_largest_product_in_the_converter() -> None:
    # 65535 rows * 255 * 128 * 1023 needs 42 bits.
    expected = ((-128 * 255 * 65535 * 1023) >> 31) + 4095
    assert 0 < expected < 4095
    converter = Converter(np.array([1023]), np.array([-4095]), 31)
    assert currents_of(65535, -128, converter) == [[expected]]


@pytest.mark.parametrize("rows", [64, 65])  # 127 * 255 * 1023 times that, on both sides of 2**31
@pytest.mark.parametrize(("word", "offset", "shift"), [(127, 0, 20), (-127, -2100, 20)])
def test_products_about_two_to_the_31(rows: int, word: int, offset: int, shift: int) -> None:
    expected = (word * 255 * rows * 1023 >> shift) - offset
    assert 0 < expected < 4095
    assert currents_of(rows, word, Converter(np.array([1023]), np.array([offset]), shift)) == [
        [expected]
    ]


def test_an_offset_that_leads_beyond_two_to_the_31() -> None:
    # -128 * 255 * 241 * 273 is 128 above -2**31; beyond it a number of 32 bits is positive.
    silent = Converter(np.array([273]), np.array([4096]), 0)
    assert currents_of(241, -128, silent) == [[0]]


class CubeNeuron(ReluNeuron):
    """Arithmetic of its own, which needs three times the currents' bits."""

    def activations(self, currents, table, current_bits, hidden_bits):
        return (currents**3 >> 3 * current_bits - hidden_bits).astype(np.uint8)


def test_a_neuron_of_ones_own_computes_with_64_bits() -> None:
    network = Network(
        layers=(
            Layer(
                np.zeros((1, 1), np.uint8),
                np.array([100, 0]),
                Converter(np.array([32]), np.array([0]), 8),
            ),
            Layer(np.zeros((1, 1), np.uint8), np.array([1, 0])),
        ),
        neuron=CubeNeuron(),
        image_shape=(1, 1),
        pixel_bits=8,
        current_bits=12,
    )
    images = np.array([[[255]], [[128]]], np.uint8)
    currents = [100 * grey * 32 >> 8 for grey in (255, 128)]
    assert currents[0] ** 3 >= 2**31
    expected = [[current**3 >> 32] for current in currents]
    assert GoldenModel(network).logits(images).tolist() == expected


# Blank images, ties, batches.


def test_blank_image_has_no_sums() -> None:
    network = one_layer([[5, -5], [7, 100]])
    assert GoldenModel(network).logits(np.zeros((1, 1, 2), np.uint8)).tolist() == [[0, 0]]


def test_blank_image_is_shifted_by_the_thresholds_alone() -> None:
    network = Network(
        layers=(
            Layer(
                np.zeros((2, 3), np.uint8),
                np.array([99, 0]),
                Converter(np.array([9, 9, 9]), np.array([-40, 0, 40]), 3),
            ),
            Layer(np.zeros((3, 1), np.uint8), np.array([2, 0])),
        ),
        neuron=ReluNeuron(),
        image_shape=(1, 2),
        hidden_bits=8,
    )
    trace = GoldenModel(network).trace(np.zeros((1, 1, 2), np.uint8))
    assert trace[0].activations is not None
    assert trace[0].activations.tolist() == [[40, 0, 0]]
    assert trace[1].sums.tolist() == [[80]]


def test_a_tie_goes_to_the_lowest_class() -> None:
    network = one_layer([[1, 9, 9, 9], [1, -9, -9, 2]])
    images = np.array([[255, 0], [0, 0], [0, 255], [255, 255]], np.uint8)
    assert GoldenModel(network).classify(images).tolist() == [1, 0, 3, 3]


def test_batches_of_any_length_give_the_same() -> None:
    rng = np.random.default_rng(0)
    network = one_layer(rng.integers(-128, 128, (20, 3)))
    images = rng.integers(0, 256, (BATCH + CHUNK + 3, 4, 5), np.uint8)
    model = GoldenModel(network)
    whole = model.logits(images)
    assert np.array_equal(whole, images.reshape(-1, 20).astype(int) @ network.layers[0].words)
    for count in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, BATCH - 1, BATCH, BATCH + 1):
        assert np.array_equal(model.logits(images[:count]), whole[:count])
    flat = images.reshape(len(images), 20)
    assert np.array_equal(model.logits(flat), whole)
    assert np.array_equal(model.logits(images[::-3]), whole[::-3])
    assert np.array_equal(model.logits(np.asfortranarray(flat)), whole)


@pytest.mark.parametrize("method", ["logits", "trace", "classify"])
def test_images_that_do_not_fit(method: str) -> None:
    call = getattr(GoldenModel(one_layer([[1, 2], [3, 4]])), method)
    for shape in ((3, 3), (3, 1), (0, 3), (2,), (2, 2, 2)):
        with pytest.raises(ValueError, match=r"^images must have 2 pixels each, not shape \("):
            call(np.zeros(shape, np.uint8))
    for dtype in (np.float64, np.int64, np.int8, bool):
        with pytest.raises(ValueError, match=f"type uint8, not {np.dtype(dtype)}"):
            call(np.zeros((3, 2), dtype))


@pytest.mark.parametrize("shapes", [[], [(2, 3)], [(3, 2)], [(2, 2), (2, 2)]])
def test_words_that_do_not_fit(shapes: list[tuple[int, int]]) -> None:
    network = one_layer([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match=r"^words must have shapes \[\(2, 2\)\], not \["):
        GoldenModel(network, [np.zeros(shape, np.int8) for shape in shapes])
