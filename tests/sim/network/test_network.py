from typing import Any

import numpy as np
import pytest

from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron


def converter(gains: Any, offsets: Any, shift: int = 6) -> Converter:
    return Converter(np.array(gains), np.array(offsets), shift)


def layer(rows: int, columns: int, hidden: bool = False, **changes: Any) -> Layer:
    parts: dict[str, Any] = {
        "states": np.arange(rows * columns).reshape(rows, columns) % 10,
        "levels": uniform_levels(10),
        "converter": converter([5] * columns, [0] * columns) if hidden else None,
        "table": SotNeuron().table(8, 4) if hidden else None,
    }
    return Layer(**(parts | changes))


def network(**changes: Any) -> Network:
    parts: dict[str, Any] = {
        "layers": [layer(12, 5, hidden=True), layer(5, 3)],
        "neuron": SotNeuron(),
        "image_shape": (3, 4),
    }
    return Network(**(parts | changes))


def test_a_network_knows_its_shape() -> None:
    made = network()
    assert made.topology == (12, 5, 3)
    assert made.classes == 3
    assert [made.input_bits(number) for number in range(2)] == [4, 4]
    two = network(pixel_bits=2)
    assert [two.input_bits(number) for number in range(2)] == [2, 4]
    deep = network(layers=[layer(12, 5, True), layer(5, 4, True), layer(4, 2)])
    assert (deep.topology, deep.classes) == ((12, 5, 4, 2), 2)


def test_words_are_the_levels_of_the_states() -> None:
    made = Layer(states=np.array([[0, 2], [1, 0]]), levels=np.array([-128, 3, 127]))
    assert made.words.dtype == np.int8
    assert made.words.tolist() == [[-128, 127], [3, -128]]


def test_weights_are_read_only() -> None:
    made = network()
    for weights in made.weights:
        with pytest.raises(ValueError, match="read-only"):
            weights[:] = 0


def test_networks_are_equal_by_their_values() -> None:
    made = network()
    assert made == network()
    assert hash(made) == hash(network())
    assert len({made, network()}) == 1
    states = np.array(made.layers[1].states)
    states[0, 0] ^= 1
    others = [
        network(layers=[made.layers[0], layer(5, 3, states=states)]),
        network(neuron=SotNeuron(slope=2)),
        network(pixel_bits=3),
        network(image_shape=(4, 3)),
        network(provenance={"seed": 1}),
        network(layers=[layer(12, 5, True, converter=converter([6] * 5, [0] * 5)), layer(5, 3)]),
    ]
    assert all(made != other for other in others)
    assert made != "a network"


def test_arrays_are_read_only_copies() -> None:
    states = np.zeros((2, 2), np.uint8)
    made = Layer(states=states, levels=uniform_levels(2))
    states[:] = 1
    assert made.states.sum() == 0
    for array in (made.states, made.levels, converter([1], [1]).gains):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_most_layers_that_a_device_can_tell_apart() -> None:
    assert len(network(layers=[layer(12, 12, True)] * 14 + [layer(12, 3)]).layers) == 15


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"pixel_bits": 0}, "pixel_bits must be from 1 to 8, not 0"),
        ({"pixel_bits": 9}, "pixel_bits must be from 1 to 8, not 9"),
        ({"hidden_bits": 0}, "hidden_bits must be from 1 to 8, not 0"),
        ({"rah_bits": 1}, "rah_bits must be from 2 to 8, not 1"),
        ({"rah_bits": 9}, "rah_bits must be from 2 to 8, not 9"),
        ({"current_bits": 3}, "current_bits must be from 4 to 12, not 3"),
        ({"current_bits": 13}, "current_bits must be from 4 to 12, not 13"),
        ({"current_bits": 7, "hidden_bits": 8}, "current_bits must be from 8 to 12, not 7"),
        ({"rah_bits": 7}, "levels of layer 0 must be from -64 to 63"),
        ({"image_shape": (4, 4)}, r"shape \(4, 4\) do not fit a first layer of 12 rows"),
        ({"image_shape": (-3, -4)}, "each side of an image must be from 1 to 65535, not -3"),
        ({"image_shape": (12,)}, r"shape \(12,\) do not fit"),
        ({"image_shape": (1, 3, 5)}, r"shape \(1, 3, 5\) do not fit"),
        ({"image_shape": (1, 3, 4, 1)}, r"shape \(1, 3, 4, 1\) do not fit"),
        ({"layers": []}, "number of layers must be from 1 to 15, not 0"),
        ({"layers": [layer(12, 12, True)] * 15 + [layer(12, 3)]}, "from 1 to 15, not 16"),
        (
            {"layers": [layer(12, 5, True), layer(6, 3)]},
            "layer 0 has 5 columns, but layer 1 has 6 rows",
        ),
        (
            {"layers": [layer(12, 5, True, converter=None), layer(5, 3)]},
            "layer 0 needs a V-I converter",
        ),
        (
            {"layers": [layer(12, 5, True)]},
            "layer 0 is the last and has no V-I converter",
        ),
        (
            {"layers": [layer(12, 5, True, table=None), layer(5, 3)]},
            "layer 0 needs a table",
        ),
        ({"neuron": ReluNeuron()}, "layer 0 has a table, which does not fit"),
        ({"current_bits": 9}, "table of layer 0 must have 512 entries from 0 to 15"),
        ({"hidden_bits": 3}, "table of layer 0 must have 256 entries from 0 to 7"),
    ],
)
def test_parts_that_do_not_fit_are_named(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        network(**change)


@pytest.mark.parametrize("bits", [4, 8])
def test_levels_and_offsets_reach_the_ends_of_their_words(bits: int) -> None:
    """Offsets reach twice the current either way."""
    half, bound = 2 ** (bits - 1), 2 ** (bits + 1)
    table = SotNeuron().table(bits, 4)

    def levels(*values: int) -> Network:
        only = Layer(np.zeros((12, 3), np.uint8), np.array(values, np.int16), None, None)
        return network(layers=[only], rah_bits=bits)

    def offset(value: int) -> Network:
        first = layer(12, 2, True, converter=converter([5, 5], [value, 0]), table=table)
        return network(layers=[first, layer(2, 3)], current_bits=bits)

    for legal in (-bound, bound - 1):
        offset(legal)
    levels(-half, half - 1)
    for wrong, ends in (
        (lambda: levels(-half - 1, half - 1), half),
        (lambda: levels(-half, half), half),
        (lambda: offset(-bound - 1), bound),
        (lambda: offset(bound), bound),
    ):
        with pytest.raises(ValueError, match=f"layer 0 must be from {-ends} to {ends - 1}"):
            wrong()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"states": np.zeros(3)}, "states must be rows x columns"),
        ({"states": np.zeros((0, 3))}, "states must be rows x columns"),
        ({"states": np.zeros((2, 0))}, "states must be rows x columns"),
        ({"states": np.zeros((65536, 1))}, "each from 1 to 65535"),
        ({"states": np.full((2, 2), 10)}, "states must be from 0 to 9, not up to 10"),
        ({"states": np.full((2, 2), -1)}, "values do not fit uint8"),
        ({"states": np.full((2, 2), 256)}, "values do not fit uint8"),
        ({"states": np.full((2, 2), 0.5)}, "values do not fit uint8"),
        ({"states": np.full((2, 2), np.nan)}, "values do not fit uint8"),
        ({"levels": np.array([3])}, "levels must be a vector of 2 to 128 words"),
        ({"levels": np.arange(129)}, "levels must be a vector of 2 to 128 words"),
        ({"levels": np.zeros((10, 1))}, "levels must be a vector of 2 to 128 words"),
        ({"levels": np.full(10, 40000)}, "values do not fit int16"),
        ({"converter": converter([1], [1])}, "2 columns needs as many V-I converters, not 1"),
        ({"table": [256]}, "values do not fit uint8"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_bad_layers(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        layer(2, 2, **change)


@pytest.mark.parametrize(
    ("gains", "offsets", "shift", "expected"),
    [
        ([1024], [0], 0, "gains must be from 0 to 1023"),
        ([-1], [0], 0, "gains must be from 0 to 1023"),
        ([1, 2], [0], 0, "one length, not shapes"),
        ([[1]], [[0]], 0, "gains and offsets must be vectors"),
        ([0.5], [0], 0, "values do not fit int32"),
        ([1], [0], -1, "shift must be from 0 to 31, not -1"),
        ([1], [0], 32, "shift must be from 0 to 31, not 32"),
    ],
)
def test_bad_converters(gains: Any, offsets: Any, shift: int, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        converter(gains, offsets, shift)
