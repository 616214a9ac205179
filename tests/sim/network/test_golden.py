"""The fast golden model against the plain one, also where float32 stops being exact."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network import reference
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from tests.sim.chip.exact import synapse
from tests.sim.network.any_network import grey_levels, networks, one_layer


def check(
    network: Network,
    images: npt.NDArray[np.uint8],
    words: Sequence[npt.NDArray[np.int8]] | None = None,
    noise: Any = None,
    first: int = 0,
) -> None:
    """Compare every value that both models compute."""
    model = GoldenModel(network, None if words is None else list(words), noise)
    expected = reference.trace(network, images, words, noise, first)
    at = {"first": first} if first else {}  # the default is 0
    for found, step in zip(model.trace(images, **at), expected, strict=True):
        for name in ("inputs", "sums", "currents", "activations", "outputs"):
            assert np.array_equal(getattr(found, name), getattr(step, name)), name
    logits = model.logits(images, **at)
    assert logits.dtype == np.int64
    assert np.array_equal(logits, expected[-1].sums)
    # Lowest class with the largest logit.
    winners = [row.index(max(row)) for row in logits.tolist()]
    assert model.classify(images, **at).tolist() == winners


@given(networks() | networks(maps=True), st.integers(0, 2**32))
@settings(deadline=None)
def test_any_network(network: Network, seed: int) -> None:
    check(network, grey_levels(network, np.random.default_rng(seed)))


@st.composite
def devices(draw: st.DrawFn) -> Device:
    """Draw a device; neurons, amplifiers and converters each vary or do not."""

    def figure(top: float) -> float:
        return draw(st.just(0.0) | st.floats(0, top))

    return Device(
        "any",
        synapse(),
        SotNeuron(),
        NeuronVariation(figure(0.5), figure(0.5), figure(0.5)),
        Imperfections(
            read_noise=figure(3),
            amplifier_gain=figure(0.5),
            amplifier_offset=figure(3),
            converter_gain=figure(0.5),
            converter_offset=figure(0.5),
        ),
        adc=AdcVariation(figure(50), figure(0.5), figure(50)),
    )


@given(
    networks() | networks(maps=True),
    devices(),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 5),
)
@settings(deadline=None)
def test_any_chip_of_any_network(network: Network, device: Device, seed: int, first: int) -> None:
    """Words of any value, and the noise of amplifiers, converters and neurons at each use."""
    rng = np.random.default_rng(seed)
    chip = Chip(device, seed)
    shapes = [layer.states.shape for layer in network.layers]
    words = [rng.integers(-128, 128, shape, np.int8) for shape in shapes]
    check(
        vary_columns(chip, network),
        grey_levels(network, rng),
        words,
        ColumnNoise.of_chip(chip, network),
        first,
    )


@dataclass(frozen=True, eq=False)
class RealLayer(Layer):
    """A layer whose columns sum eighths of words; some sums lie half way between integers."""

    @property
    def matrix(self) -> npt.NDArray[np.float64]:
        return self.levels[self.states] + np.arange(self.states.size).reshape(self.rows, -1) / 8


@given(networks() | networks(maps=True), st.integers(0, 2**32))
@settings(deadline=None)
def test_real_weights(network: Network, seed: int) -> None:
    real = [RealLayer(**vars(layer)) for layer in network.layers]
    check(replace(network, layers=real), grey_levels(network, np.random.default_rng(seed)))


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
