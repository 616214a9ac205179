import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl.parameters import (
    CrossbarParameters,
    EngineParameters,
    HardwareProfile,
    MemoryMap,
    VariationParameters,
)
from sim.golden import GoldenModel
from sim.levels import uniform_levels
from sim.network import Converter, Layer, Network
from sim.neuron import NEURONS, ReluNeuron, SotNeuron

CROSSBAR = CrossbarParameters(rows=784, columns=100, lanes=100)


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


# Width of a column sum.


def narrowest(low: int, high: int) -> int:
    """Bits of the narrowest two's complement number that holds both."""
    return next(
        bits for bits in range(1, 99) if -(2 ** (bits - 1)) <= low <= high < 2 ** (bits - 1)
    )


@pytest.mark.parametrize(
    ("rows", "value_bits", "rah_bits"),
    [(1, 1, 2), (2, 1, 2), (3, 1, 2), (1, 2, 3), (2, 2, 3), (3, 2, 2), (1, 4, 4), (2, 3, 2)],
)
def test_sum_bits_by_trying_everything(rows: int, value_bits: int, rah_bits: int) -> None:
    values = range(2**value_bits)
    words = range(-(2 ** (rah_bits - 1)), 2 ** (rah_bits - 1))
    products = {value * word for value in values for word in words}
    sums = {sum(terms) for terms in itertools.product(products, repeat=rows)}
    crossbar = CrossbarParameters(rows, 1, 1, value_bits, rah_bits)
    assert crossbar.sum_bits == narrowest(min(sums), max(sums))


@given(st.integers(1, 65535), st.integers(1, 8), st.integers(2, 8))
def test_sum_bits_by_the_two_extremes(rows: int, value_bits: int, rah_bits: int) -> None:
    top, half = 2**value_bits - 1, 2 ** (rah_bits - 1)
    crossbar = CrossbarParameters(rows, 1, 1, value_bits, rah_bits)
    assert crossbar.sum_bits == narrowest(-rows * top * half, rows * top * (half - 1))


def test_sum_bits_of_mnist_as_the_design_found_them() -> None:
    assert CROSSBAR.sum_bits == 22


def test_the_golden_models_sums_fit() -> None:
    worst = Network(
        layers=(Layer(np.zeros((12, 1), np.uint8), np.array([-128, 127])),),
        neuron=ReluNeuron(),
        image_shape=(3, 4),
        pixel_bits=8,
    )
    total = GoldenModel(worst).logits(np.full((1, 3, 4), 255, np.uint8))[0, 0]
    bits = EngineParameters.from_network(worst).crossbars[0].sum_bits
    assert narrowest(int(total), 0) == bits


# Passes and bytes.


@given(st.integers(1, 300), st.data())
def test_passes_visit_every_column(columns: int, data: st.DataObject) -> None:
    lanes = data.draw(st.integers(1, columns))
    crossbar = CrossbarParameters(1, columns, lanes)
    assert crossbar.passes == len(range(0, columns, lanes))


@pytest.mark.parametrize(
    ("rows", "value_bits", "rah_bits", "expected"),
    [(1, 1, 2, 1), (100, 4, 8, 3), (1, 1, 8, 1), (2, 1, 8, 2), (65535, 8, 8, 4)],
)
def test_logit_bytes(rows: int, value_bits: int, rah_bits: int, expected: int) -> None:
    engine = EngineParameters((CrossbarParameters(rows, 1, 1, value_bits, rah_bits),))
    assert engine.logit_bytes == expected
    assert 8 * (expected - 1) < engine.crossbars[0].sum_bits <= 8 * expected


# Ranges and their messages.


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": 0}, "rows must be from 1 to 65535, not 0"),
        ({"rows": 65536}, "rows must be from 1 to 65535, not 65536"),
        ({"columns": 0}, "columns must be from 1 to 65535, not 0"),
        ({"columns": 65536}, "columns must be from 1 to 65535, not 65536"),
        ({"lanes": 0}, "lanes must be from 1 to 100, not 0"),
        ({"lanes": 101}, "lanes must be from 1 to 100, not 101"),
        ({"value_bits": 0}, "value_bits must be from 1 to 8, not 0"),
        ({"value_bits": 9}, "value_bits must be from 1 to 8, not 9"),
        ({"rah_bits": 1}, "rah_bits must be from 2 to 8, not 1"),
        ({"rah_bits": 9}, "rah_bits must be from 2 to 8, not 9"),
    ],
)
def test_crossbar_ranges(change: dict[str, int], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}$"):
        replace(CROSSBAR, **change)


def test_a_fraction_of_a_row() -> None:
    with pytest.raises(TypeError, match=r"^rows must be an integer from 1 to 65535, not 7.5$"):
        CrossbarParameters(rows=7.5, columns=1, lanes=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lanes": 0}, "lanes must be from 1 to 65535, not 0"),
        ({"lanes": 65536}, "lanes must be from 1 to 65535, not 65536"),
        ({"rah_bits": 1}, "rah_bits must be from 2 to 8, not 1"),
        ({"rah_bits": 9}, "rah_bits must be from 2 to 8, not 9"),
    ],
)
def test_profile_ranges(change: dict[str, int], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}$"):
        HardwareProfile(**change)  # type: ignore[arg-type]


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
            "layer 0 has 100 columns, but layer 1 has 99 rows",
        ),
        (
            {"crossbars": (CROSSBAR, CrossbarParameters(100, 10, 10, rah_bits=7))},
            "all layers must have one rah_bits",
        ),
        (
            {
                "crossbars": (
                    CROSSBAR,
                    CrossbarParameters(100, 20, 10, value_bits=4),
                    CrossbarParameters(20, 10, 10, value_bits=5),
                )
            },
            "hidden layers must have one value_bits, not 4 and 5",
        ),
        (
            {"neuron": "tanh"},
            "neuron must be one of .*relu, sot, not 'tanh'",
        ),
        ({"current_bits": 3}, "current_bits must be from 4 to 12, not 3"),
        ({"current_bits": 13}, "current_bits must be from 4 to 12, not 13"),
        (
            {
                "crossbars": (CROSSBAR, CrossbarParameters(100, 10, 10, value_bits=8)),
                "current_bits": 7,
            },
            "current_bits must be from 8 to 12, not 7",
        ),
        ({"counter_bits": 15}, "counter_bits must be from 16 to 64, not 15"),
        ({"counter_bits": 65}, "counter_bits must be from 16 to 64, not 65"),
    ],
)
def test_engine_refuses(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{expected}$"):
        replace(ENGINE, **change)


# Derived from a network.


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
    with pytest.raises(
        ValueError, match=r"^the network has R_AH words of 6 bits, the hardware of 5$"
    ):
        EngineParameters.from_network(network(), HardwareProfile(rah_bits=5))


def test_every_neuron_makes_an_engine() -> None:
    for name in NEURONS:
        replace(ENGINE, neuron=name)


# The memories, as docs/protocol.md lists them.


def test_memory_map_of_mnist() -> None:
    assert ENGINE.memory_map() == (
        MemoryMap(space=0x00, lines=784, line_bytes=100),
        MemoryMap(space=0x01, lines=256, line_bytes=1),
        MemoryMap(space=0x02, lines=100, line_bytes=4),
        MemoryMap(space=0x03, lines=1, line_bytes=1),
        MemoryMap(space=0x04, lines=2, line_bytes=8),
        MemoryMap(space=0x10, lines=100, line_bytes=10),
        MemoryMap(space=0x14, lines=2, line_bytes=8),
        MemoryMap(space=0xF4, lines=2, line_bytes=8),
    )


def test_a_neuron_without_a_table_has_no_table_memory() -> None:
    spaces = {memory.space for memory in replace(ENGINE, neuron="relu").memory_map()}
    assert spaces == {0x00, 0x02, 0x03, 0x04, 0x10, 0x14, 0xF4}


def test_fifteen_layers_have_spaces_of_their_own() -> None:
    engine = EngineParameters((CrossbarParameters(4, 4, 4),) * 15)
    spaces = [memory.space for memory in engine.memory_map()]
    assert len(set(spaces)) == len(spaces) == 14 * 5 + 2 + 1
    assert max(spaces) == 0xF4


# Rows a clock, and the kinds of memory.


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"lanes": 5, "neurons_per_clock": 2},
            "lanes must be a multiple of 2, the neurons a clock, or all 100 columns, not 5",
        ),
        ({"rows_per_clock": 3}, "rows_per_clock must be one of 1, 2, 4, not 3"),
        ({"memory": "flash"}, "memory must be one of block, spram, ecp5, not 'flash'"),
        ({"memory": "spram"}, "SPRAMs give 64 bits a clock: lanes must be at most 8, not 100"),
        (
            {"memory": "spram", "lanes": 17, "level_step": 14},
            "SPRAMs give 64 bits a clock: lanes must be at most 16, not 17",
        ),
        (
            {"memory": "spram", "lanes": 4},
            "SPRAMs have 16384 lines, and the array needs 19600",
        ),
        (
            {"memory": "spram", "lanes": 8, "rows_per_clock": 2},
            "the memory spram drives 1 row a clock",
        ),
        ({"level_step": 14}, "only the memory spram keeps states of 4 bits"),
        (
            {"memory": "ecp5", "lanes": 10},
            "a block RAM of an ECP5 has at most 2048 words, and each lane needs 7840: "
            "take more lanes or memory block",
        ),
    ],
)
def test_what_a_memory_cannot_do_is_said(parameters: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        replace(CROSSBAR, **parameters)


@pytest.mark.parametrize(("rows_per_clock", "lanes", "banks"), [(1, 2, 50), (2, 4, 25), (4, 4, 25)])
def test_words_of_an_ecp5_fill_its_blocks(rows_per_clock: int, lanes: int, banks: int) -> None:
    crossbar = replace(CROSSBAR, rows_per_clock=rows_per_clock, memory="ecp5")
    assert (crossbar.bank_lanes, crossbar.banks) == (lanes, banks)


def test_four_bits_of_spram_are_for_states_of_uniform_levels() -> None:
    profile = HardwareProfile(lanes=16, rah_bits=4, memory="spram")
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
    assert [crossbar.level_step for crossbar in engine.crossbars] == [14, 0]
    assert [crossbar.rah_bits for crossbar in engine.crossbars] == [8, 8]
    assert [crossbar.memory for crossbar in engine.crossbars] == ["spram", "block"]
    for levels in (uniform_levels(3, 8), uniform_levels(18, 8), np.array([-90, -30, 31, 90])):
        first = replace(uniform.layers[0], levels=levels, states=np.zeros((12, 5), np.uint8))
        other = replace(uniform, layers=(first, uniform.layers[1]))
        with pytest.raises(ValueError, match="levels must be uniform, and an even number"):
            EngineParameters.from_network(other, profile)


def test_states_of_four_bits_hold_no_chip() -> None:
    profile = HardwareProfile(
        lanes=4, rah_bits=4, memory="spram", variation=VariationParameters(16, 1)
    )
    levels = uniform_levels(10, 8)
    layers = (Layer(np.zeros((12, 5), np.uint8), levels),)
    words = network(layers=layers, rah_bits=8)
    with pytest.raises(ValueError, match=r"^a Programmer makes R_AH words of any value, and the"):
        EngineParameters.from_network(words, profile)
    EngineParameters.from_network(words, replace(profile, variation=None))
    EngineParameters.from_network(words, replace(profile, rah_bits=8))


def test_noise_may_have_a_pipeline_of_its_own() -> None:
    own = VariationParameters(10, 1, noise_rounds_per_clock=22)
    assert own.iterative
    assert not own.iterative_noise
    assert VariationParameters(10, 2).iterative_noise
    assert not VariationParameters(10).iterative_noise
    # Four neurons a clock want noise at that rate.
    profile = HardwareProfile(rows_per_clock=4, variation=own)
    assert EngineParameters.from_network(network(), profile).noisy
    with pytest.raises(ValueError, match="noise_rounds_per_clock must be one of 1, 22, not 2"):
        VariationParameters(10, 1, noise_rounds_per_clock=2)
