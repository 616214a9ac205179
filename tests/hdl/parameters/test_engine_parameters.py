"""The engine's parameters, derived from a network, and its memories."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.hdl.parameters.uniform_levels import UniformLevels
from allspin.sim.network import reference
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.network.random_network import random_network
from tests.hdl.parameters.test_crossbar_parameters import CROSSBAR, SMALL, narrowest


def network(neuron: SotNeuron | ReluNeuron | None = None, **changes: Any) -> Network:
    """A network 12-5-3 for 2-bit pixels and 6-bit words."""
    neuron = neuron or SotNeuron()
    parts: dict[str, Any] = {
        "layers": (
            Layer(
                np.ones((12, 5), np.uint8),
                uniform_levels(4, 6),
                Converter(np.full(5, 9), np.zeros(5, int), 3),
                neuron.table(9, 3) if isinstance(neuron, SotNeuron) else None,
            ),
            Layer(np.ones((5, 3), np.uint8), uniform_levels(4, 6)),
        ),
        "neuron": neuron,
        "image_shape": (3, 4),
        "pixel_bits": 2,
        "hidden_bits": 3,
        "rah_bits": 6,
        "current_bits": 9,
    }
    return Network(**(parts | changes))


def test_the_golden_models_sums_fit() -> None:
    worst = Network(
        layers=(Layer(np.zeros((12, 1), np.uint8), np.array([-128, 127])),),
        neuron=ReluNeuron(),
        image_shape=(3, 4),
        pixel_bits=8,
    )
    total = reference.logits(worst, np.full((1, 3, 4), 255, np.uint8))[0, 0]
    bits = EngineParameters.from_network(worst).crossbars[0].sum_bits
    assert narrowest(int(total), 0) == bits


@pytest.mark.parametrize(
    ("rows", "value_bits", "rah_bits", "expected"),
    [(1, 1, 2, 1), (100, 4, 8, 3), (1, 1, 8, 1), (2, 1, 8, 2), (65535, 8, 8, 4)],
)
def test_logit_bytes(rows: int, value_bits: int, rah_bits: int, expected: int) -> None:
    engine = EngineParameters((CrossbarParameters(rows, 1, 1, value_bits, rah_bits),))
    assert engine.logit_bytes == expected
    assert 8 * (expected - 1) < engine.crossbars[0].sum_bits <= 8 * expected


TWO_LAYERS = EngineParameters((SMALL, SMALL))


ENGINE = EngineParameters((CROSSBAR, CrossbarParameters(100, 10, 10)))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"crossbars": ()}, "number of layers must be from 1 to 15, not 0"),
        (
            {"crossbars": (CrossbarParameters(4, 4, 4),) * 16},
            "number of layers must be from 1 to 15, not 16",
        ),
        (
            {"crossbars": (CROSSBAR, CrossbarParameters(99, 10, 10))},
            "a layer must have the columns .* do not fit",
        ),
        (
            {"crossbars": (CROSSBAR, CrossbarParameters(100, 10, 10, rah_bits=7))},
            "all layers must have one rah_bits, and hidden layers one value_bits",
        ),
        (
            {
                "crossbars": (
                    CROSSBAR,
                    CrossbarParameters(100, 20, 10, value_bits=4),
                    CrossbarParameters(20, 10, 10, value_bits=5),
                )
            },
            "all layers must have one rah_bits, and hidden layers one value_bits",
        ),
        (
            {"neuron": "tanh"},
            "neuron must be one of .*stochastic, not 'tanh'; a kind of your own is registered .*",
        ),
        (
            {
                "crossbars": (CROSSBAR, CrossbarParameters(100, 10, 10, value_bits=8)),
                "current_bits": 7,
            },
            "current_bits must be from 8 to 12, not 7",
        ),
        (
            {
                "crossbars": (
                    replace(CROSSBAR, neurons_per_clock=2),
                    CrossbarParameters(100, 10, 10),
                )
            },
            "a layer must have the columns .* do not fit",
        ),
        (
            {"crossbars": (CROSSBAR, CrossbarParameters(100, 10, 10, neurons_per_clock=2))},
            "a layer must have the columns .* do not fit",
        ),
        (
            {
                "crossbars": (
                    replace(CROSSBAR, neurons_per_clock=2),
                    CrossbarParameters(100, 10, 10, rows_per_clock=2),
                ),
                "variation": VariationParameters(rounds_per_clock=1),
            },
            "noise of several neurons per clock needs rounds_per_clock 22, not 1",
        ),
    ],
)
def test_engine_refuses(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}$"):
        replace(ENGINE, **change)


NO_CHIP = "a chip has R_AH words of any value, so a machine that makes chips cannot keep states"
NO_SUM_NOISE = "sum_noise needs use_noise, and rounds_per_clock"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: EngineParameters.from_network(network(), HardwareProfile(rah_bits=5)),
            "the network has R_AH words of 6 bits, the hardware of 5$",
        ),
        (lambda: VariationParameters(rounds_per_clock=1, sum_noise=True), NO_SUM_NOISE),
        (lambda: VariationParameters(use_noise=False, sum_noise=True), NO_SUM_NOISE),
        (lambda: HardwareProfile(states=True, variation=VariationParameters(16, 1)), NO_CHIP),
        (
            lambda: EngineParameters(
                (replace(SMALL, levels=UniformLevels(10, 28, -126)),),
                variation=VariationParameters(16, 1),
            ),
            NO_CHIP,
        ),
    ],
)
def test_parts_that_do_not_go_together_are_refused(make: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}"):
        make()


@pytest.mark.parametrize("neuron", [SotNeuron(), ReluNeuron()])
def test_engine_of_a_network(neuron: SotNeuron | ReluNeuron) -> None:
    engine = EngineParameters.from_network(network(neuron))
    assert engine.crossbars == (
        CrossbarParameters(rows=12, columns=5, lanes=5, value_bits=2, rah_bits=6),
        CrossbarParameters(rows=5, columns=3, lanes=3, value_bits=3, rah_bits=6),
    )
    assert (engine.neuron, engine.current_bits) == (neuron.name, 9)
    assert (engine.pixel_bits, engine.hidden_bits, engine.rah_bits) == (2, 3, 6)
    assert engine.classes == 3


def test_profile_limits_lanes_and_widens_words() -> None:
    engine = EngineParameters.from_network(network(), HardwareProfile(lanes=4, rah_bits=8))
    assert [crossbar.lanes for crossbar in engine.crossbars] == [4, 3]
    assert engine.rah_bits == 8


def test_widths_of_sums_with_noise() -> None:
    engine = replace(TWO_LAYERS, variation=VariationParameters(sum_noise=True))
    assert engine.noisy_sums
    assert [one.numbered for one in (engine, TWO_LAYERS)] == [True, False]
    assert replace(engine, crossbars=(SMALL,)).numbered
    assert TWO_LAYERS.amplified_bits(0) == TWO_LAYERS.crossbars[0].sum_bits
    for layer, crossbar in enumerate(engine.crossbars):
        # The widest spread of a normal value, which is below 5.4, an offset of as much, and a half.
        spread = 2 ** engine.sum_spread_bits(layer) - 1
        assert spread / 64 > 15.9 * 2 ** (crossbar.value_bits + crossbar.rah_bits)
        added = 2 * (int(5.4 * 2**13) * spread + 2**18) / 2**19
        assert added < 2 ** (engine.sum_noise_bits(layer) - 1)
        largest = 2 ** (crossbar.sum_bits - 1) + added
        last = layer == len(engine.crossbars) - 1
        assert largest * (2 if last else 1) < 2 ** (engine.amplified_bits(layer) - 1)


def test_widths_of_noise() -> None:
    engine = replace(TWO_LAYERS, current_bits=8, variation=VariationParameters())
    assert engine.noisy
    assert not replace(engine, variation=VariationParameters(use_noise=False)).noisy
    assert not replace(engine, crossbars=(SMALL,)).noisy
    assert not TWO_LAYERS.noisy
    # Six fraction bits, and up to four times full scale; a signed spread has a bit more, and
    # that of words is of 17.
    assert (engine.use_spread_bits, engine.use_bits, engine.spread_bits) == (16, 14, 17)
    wide = replace(engine, current_bits=12)
    assert (wide.use_spread_bits, wide.use_bits, wide.spread_bits) == (20, 18, 21)


@pytest.mark.parametrize(
    ("topology", "lanes", "expected"),
    [
        # The first layer takes rows times passes clocks; later layers get the fewest lanes that
        # keep up: 784 x 7 = 5488 clocks are 54 for each of 100 rows, in which one lane visits ten
        # columns.
        ((784, 100, 10), 16, [16, 1]),
        ((20, 16, 10), 8, [8, 5]),
        ((4, 8, 10), 8, [8, 8]),
        ((16, 9, 7), 8, [8, 3]),
    ],
)
def test_layers_behind_an_spram_have_no_more_lanes_than_are_of_use(
    topology: tuple[int, ...], lanes: int, expected: list[int]
) -> None:
    layers = [
        Layer(
            np.zeros((rows, columns), np.uint8),
            uniform_levels(10, 8),
            Converter(np.ones(columns, int), np.zeros(columns, int), 3)
            if number < len(topology) - 2
            else None,
        )
        for number, (rows, columns) in enumerate(itertools.pairwise(topology))
    ]
    other = Network(tuple(layers), ReluNeuron(), (1, topology[0]))
    profile = HardwareProfile(lanes=lanes, states=lanes > 8, memory="spram")
    engine = EngineParameters.from_network(other, profile)
    assert [crossbar.lanes for crossbar in engine.crossbars] == expected


@pytest.mark.parametrize("memory", ["block", "spram", "ecp5"])
def test_states_are_kept_in_the_fewest_bits_where_levels_are_uniform(memory: str) -> None:
    profile = HardwareProfile(lanes=4, memory=memory, states=True)
    uniform = network(
        layers=(
            Layer(
                np.ones((12, 5), np.uint8),
                uniform_levels(10, 8),
                Converter(np.full(5, 9), np.zeros(5, int), 3),
                SotNeuron().table(9, 3),
            ),
            Layer(np.ones((5, 3), np.uint8), uniform_levels(4, 8)),
        ),
        rah_bits=8,
    )
    engine = EngineParameters.from_network(uniform, profile)
    assert [crossbar.levels for crossbar in engine.crossbars] == [
        UniformLevels(10, 28, -126), UniformLevels(4, 84, -126)
    ]  # fmt: skip
    assert [crossbar.word_bits for crossbar in engine.crossbars] == [4, 2]
    assert [crossbar.rah_bits for crossbar in engine.crossbars] == [8, 8]
    for levels, bits in (
        (uniform_levels(2, 8), 1),
        (uniform_levels(3, 8), 2),
        (uniform_levels(100, 8), 7),
        (np.array([-90, -30, 30, 90]) - 20, 2),
        # Others are words.
        (np.array([-90, -30, 31, 90]), 8),
        (np.array([90, 30, -30, -90]), 8),
        (np.array([7, 7]), 8),
    ):
        first = replace(uniform.layers[0], levels=levels, states=np.zeros((12, 5), np.uint8))
        other = replace(uniform, layers=(first, uniform.layers[1]))
        engine = EngineParameters.from_network(other, profile)
        assert [crossbar.word_bits for crossbar in engine.crossbars] == [bits, 2]
    engine = EngineParameters.from_network(uniform, replace(profile, states=False))
    assert not any(crossbar.keeps_states for crossbar in engine.crossbars)


def test_noise_may_have_a_pipeline_of_its_own() -> None:
    own = VariationParameters(10, 1, noise_rounds_per_clock=22)
    assert own.iterative
    assert not own.iterative_noise
    assert VariationParameters(10, 1).iterative_noise
    assert not VariationParameters(10).iterative_noise
    # Four neurons per clock want noise at that rate.
    profile = HardwareProfile(rows_per_clock=4, variation=own)
    assert EngineParameters.from_network(network(), profile).noisy


def test_a_small_part_has_no_room_for_maps() -> None:
    kind = Convolution((3, 4, 1), (2, 2))
    convolutional = random_network((12, 5, 3), 1, kinds=(kind,), image_shape=(3, 4))
    engine = EngineParameters.from_network(convolutional)
    assert (engine.image.rows, engine.uses(0), engine.uses(1)) == (12, 30, 3)
    with pytest.raises(ValueError, match="this part has no room for feature maps"):
        EngineParameters.from_network(convolutional, HardwareProfile(memory="spram"))
