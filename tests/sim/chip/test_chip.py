"""Chips against the same arithmetic in Python's own integers, cell by cell."""

import dataclasses
import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from allspin.sim.chip.chip import (
    MAX_SPREAD,
    Chip,
    WriteTable,
    state_words,
    write_table,
)
from allspin.sim.chip.generator import Purpose, draw_bits, normal_values
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.synapse import SotSynapse
from allspin.sim.device.synapse_response import Polarity, PulseResponse
from allspin.sim.device.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import SotNeuron

P, D = Polarity


def z(seed: int, layer: int, purpose: Purpose, row: int, column: int, number: int = 0) -> int:
    bits = draw_bits(seed, layer, purpose, row, column, number)
    return int(normal_values(bits.reshape(1))[0])


def slow_word(
    state: int,
    polarity: int,
    table: WriteTable,
    address: tuple[int, int, int, int],
    write: int,
    wrong: Imperfections,
    bits: int,
) -> int:
    """One cell's word, as `allspin.sim.chip.chip` defines it, in exact fractions of a word."""
    seed, layer, row, column = address
    if wrong.stuck:
        uniform = int(draw_bits(seed, layer, Purpose.STUCK, row, column))
        if uniform < round(wrong.stuck * 2**32):
            top = int(draw_bits(seed, layer, Purpose.STUCK_END, row, column)) >> 31
            high = {"low": False, "high": True, "either": bool(top)}[wrong.stuck_at]
            return int(table.levels[-1 if high else 0])
    d2d = Purpose.D2D_DEPRESSION if polarity else Purpose.D2D_POTENTIATION
    unit = Fraction(1, 2**21)
    word = Fraction(int(table.levels[state]))
    word += z(seed, layer, d2d, row, column) * int(table.d2d[polarity, state]) * unit
    word += (
        z(seed, layer, Purpose.WRITE, row, column, write) * int(table.c2c[polarity, state]) * unit
    )
    decades = math.log10(1 + wrong.age)
    loss = round(wrong.drift * decades * 2**16)
    spread = round(wrong.drift_spread * decades * 2**16)
    normal = z(seed, layer, Purpose.RETENTION, row, column)
    loss += math.floor(Fraction(normal * spread, 2**13) + Fraction(1, 2))
    loss = min(max(loss, 0), 2**16)
    word -= math.floor(word / unit * loss / 2**16) * unit
    ends = int(table.levels[-1]) - int(table.levels[0])
    hall = round(wrong.hall_offset * ends * 256)
    word += z(seed, layer, Purpose.HALL_OFFSET, row, column) * hall * unit
    reference = round(wrong.reference * ends * 256)
    word -= z(seed, layer, Purpose.REFERENCE, row, 0) * reference * unit
    top = 2 ** (bits - 1) - 1
    return min(max(math.floor(word + Fraction(1, 2)), -top), top)


imperfections = st.builds(
    Imperfections,
    hall_offset=st.sampled_from([0.0, 0.02]),
    reference=st.sampled_from([0.0, 0.03]),
    drift=st.sampled_from([0.0, 0.01]),
    drift_spread=st.sampled_from([0.0, 0.004]),
    age=st.sampled_from([0.0, 1e7]),
    stuck=st.sampled_from([0.0, 0.1]),
    stuck_at=st.sampled_from(["low", "high", "either"]),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[WriteTable, int]:
    states = draw(st.integers(2, 128))
    bits = draw(st.integers(max(2, (states - 1).bit_length() + 1), 8))
    spread = st.lists(st.integers(-65535, 65535), min_size=2 * states, max_size=2 * states)
    c2c, d2d = (np.array(draw(spread), np.int32).reshape(2, states) for _ in range(2))
    return WriteTable(uniform_levels(states, bits), c2c, d2d), bits


@settings(max_examples=40, deadline=None)
@given(tables(), imperfections, st.integers(0, 2**32 - 1), st.integers(0, 14), st.data())
def test_every_cell_by_exact_arithmetic(
    table_and_bits: tuple[WriteTable, int],
    wrong: Imperfections,
    seed: int,
    layer: int,
    data: st.DataObject,
) -> None:
    table, bits = table_and_bits
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    states = rng.integers(0, len(table.levels), (3, 4))
    polarity = rng.integers(0, 2, (3, 4))
    write = rng.integers(0, 5, (3, 4)) * 13000
    words = state_words(states, polarity, table, seed, layer, write, wrong, bits)
    assert words.dtype == np.int8
    for row, column in np.ndindex(3, 4):
        assert words[row, column] == slow_word(
            int(states[row, column]),
            int(polarity[row, column]),
            table,
            (seed, layer, row, column),
            int(write[row, column]),
            wrong,
            bits,
        )


def synapse(**variation: Any) -> SotSynapse:
    return SotSynapse(PulseResponse(22, 100), PulseResponse(9, 100), **variation)


def test_a_deviation_is_in_the_range_that_the_protocol_has() -> None:
    text = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert f"D2D in units of 2^-8 words, -{MAX_SPREAD} to {MAX_SPREAD}." in " ".join(text.split())


def test_table_of_the_paper_s_cycle_figures() -> None:
    table = write_table(synapse(c2c=CycleVariation(0.065, 0.029)), uniform_levels(10))
    # 0.065 and 0.029 of 252 words, in 256ths, whatever the state.
    assert set(table.c2c[P].tolist()) == {round(0.065 * 252 * 256)}
    assert set(table.c2c[D].tolist()) == {round(0.029 * 252 * 256)}
    assert not table.d2d.any()


@pytest.mark.parametrize("reading", ["range", "step", "weight", "span", "nonlinearity"])
@pytest.mark.parametrize("polarity", list(Polarity))
def test_table_of_each_reading_is_the_curve_s_own_change(reading: str, polarity: Polarity) -> None:
    device = synapse(states=11, d2d=DeviceVariation(0.02, 0.01, reading))
    levels = uniform_levels(11)
    top = int(levels[-1])
    table = write_table(device, levels)
    for state in range(11):
        r = float(levels[state]) / top
        n = device.pulses_to(polarity, r)
        change = float(device.curve(polarity, n, 0.5)) - float(device.curve(polarity, n, -0.5))
        assert table.d2d[polarity, state] == pytest.approx(change * top * 256, abs=2)


def test_moments_of_a_million_cells() -> None:
    table = write_table(
        synapse(c2c=CycleVariation(0.03, 0.02), d2d=DeviceVariation(0.04, 0.05, "range")),
        uniform_levels(3),
    )
    states = np.ones((1000, 1000), np.uint8)
    polarity = np.arange(1000) % 2
    error = state_words(states, polarity, table, 11, 0).astype(float)
    for one, sigma in ((P, math.hypot(0.03, 0.04)), (D, math.hypot(0.02, 0.05))):
        part = error[:, polarity == one].ravel()
        # Rounding to whole words adds a variance of 1/12.
        expected = math.sqrt((sigma * 252) ** 2 + 1 / 12)
        assert part.std() == pytest.approx(expected, rel=4 / math.sqrt(2 * part.size))
        assert part.mean() == pytest.approx(0, abs=4 * expected / math.sqrt(part.size))
        assert stats.kurtosis(part) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(("stuck_at", "low_share"), [("low", 1), ("high", 0), ("either", 0.5)])
def test_share_of_stuck_cells(stuck_at: str, low_share: float) -> None:
    table = WriteTable(uniform_levels(3), *(np.zeros((2, 3), np.int32),) * 2)
    wrong = Imperfections(stuck=0.2, stuck_at=stuck_at)
    words = state_words(np.ones((300, 300), np.uint8), P, table, 4, 0, imperfections=wrong)
    again = state_words(np.zeros((300, 300), np.uint8), D, table, 4, 0, 7, imperfections=wrong)
    assert np.mean(words != 0) == pytest.approx(0.2, abs=0.007)
    assert np.mean(words[words != 0] < 0) == pytest.approx(low_share, abs=0.02)
    # Stuck cells stay stuck, whatever is written.
    assert np.array_equal(words[words != 0], again[words != 0])


@st.composite
def networks(draw: st.DrawFn) -> Network:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    current_bits = draw(st.integers(4, 10))
    neuron = SotNeuron(draw(st.floats(0, 0.5)))
    shape = (6, draw(st.integers(1, 5)), 3)
    layers = []
    for number in range(2):
        converter = table = None
        if number == 0:
            bound = 2 ** (current_bits + 1)
            gains: Any = rng.integers(0, 1024, shape[1])
            offsets: Any = rng.integers(-bound, bound, shape[1])
            converter = Converter(gains, offsets, 9)
            table = neuron.table(current_bits, 4)
        states: Any = rng.integers(0, 10, shape[number : number + 2])
        layers.append(Layer(states, uniform_levels(10), converter, table))
    return Network(tuple(layers), neuron, (2, 3), current_bits=current_bits)


def halves_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


@settings(max_examples=40, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1), st.sampled_from(["current", "slope"]))
def test_converters_by_exact_arithmetic(network: Network, seed: int, reading: str) -> None:
    variation = NeuronVariation(0.18, 0.1, gain_reading=reading, threshold_reading="range")
    wrong = Imperfections(amplifier_gain=0.05, converter_gain=0.03, converter_offset=0.02)
    device = Device("x", synapse(), network.neuron, variation, wrong)
    varied = Chip(device, seed).varied(network)
    before, after = network.layers[0].converter, varied.layers[0].converter
    assert before is not None
    assert after is not None
    current = 2**network.current_bits
    pivot = round(network.neuron.threshold * (current - 1)) if reading == "slope" else 0  # type: ignore[union-attr]

    def share(purpose: Purpose, sigma: float, column: int) -> int:
        return halves_up(Fraction(z(seed, 0, purpose, 0, column) * round(sigma * 2**16), 2**16))

    def current_of(purpose: Purpose, sigma: float, column: int) -> int:
        spread = round(sigma * current * 64)
        return halves_up(Fraction(z(seed, 0, purpose, 0, column) * spread, 2**19))

    for column in range(network.layers[0].columns):
        gain = int(before.gains[column])
        neuron = share(Purpose.NEURON_GAIN, 0.18, column)
        for part in (
            share(Purpose.AMPLIFIER_GAIN, 0.05, column),
            share(Purpose.CONVERTER_GAIN, 0.03, column),
            neuron,
        ):
            gain = min(max(gain + halves_up(Fraction(gain * part, 2**13)), 0), 1023)
        offset = int(before.offsets[column]) - current_of(Purpose.CONVERTER_OFFSET, 0.02, column)
        offset += halves_up(Fraction((offset + pivot) * neuron, 2**13))
        offset += current_of(Purpose.NEURON_THRESHOLD, 0.1, column)
        bound = 2 * current
        assert after.gains[column] == gain
        assert after.offsets[column] == min(max(offset, -bound), bound - 1)
    assert varied.layers[0].states is not None
    assert np.array_equal(varied.layers[1].words, network.layers[1].words)


def test_a_slope_s_deviation_turns_the_curve_about_the_threshold() -> None:
    columns = 200
    neuron = SotNeuron(threshold=0.3)
    converter = Converter(np.full(columns, 512), np.zeros(columns, int), 9)
    hidden = Layer(np.zeros((6, columns), int), uniform_levels(10), converter, neuron.table(10, 4))
    last = Layer(np.zeros((columns, 3), int), uniform_levels(10))
    network = Network((hidden, last), neuron, (2, 3), current_bits=10)
    device = Device("x", synapse(), neuron, NeuronVariation(0.18, gain_reading="slope"))
    varied = Chip(device, 1).varied(network).layers[0].converter
    assert varied is not None
    shares = (
        z(1, 0, Purpose.NEURON_GAIN, 0, column) * round(0.18 * 2**16) for column in range(columns)
    )
    assert varied.offsets.tolist() == [
        halves_up(Fraction(307 * halves_up(Fraction(share, 2**16)), 2**13)) for share in shares
    ]


def test_a_chip_without_variation_is_the_network() -> None:
    network = small_network()
    chip = Chip(Device("ideal", synapse()), 5)
    assert chip.noise(network) is None
    words = chip.words(network, P)
    for layer, own in zip(network.layers, words, strict=True):
        assert np.array_equal(layer.words, own)
    assert np.array_equal(
        chip.golden(network, words).logits(images()), GoldenModel(network).logits(images())
    )


def small_network() -> Network:
    rng = np.random.default_rng(0)
    neuron = SotNeuron()
    gains, offsets = np.full((2, 8), [[600], [-40]], np.int32)
    first, last = (rng.integers(0, 10, shape).astype(np.uint8) for shape in ((6, 8), (8, 3)))
    return Network(
        (
            Layer(first, uniform_levels(10), Converter(gains, offsets, 13), neuron.table(8, 4)),
            Layer(last, uniform_levels(10)),
        ),
        neuron,
        (2, 3),
    )


def images() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (50, 2, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("read_noise", "amplifier_offset", "amplifier_gain", "of_use"),
    [(0.3, 0.2, 0.1, 0.05), (0.3, 0, 0, 0), (0, 0.2, 0, 0), (0, 0, 0.1, 0), (0, 0, 0, 0.05)],
)
def test_noise_of_each_use_by_exact_arithmetic(
    read_noise: float, amplifier_offset: float, amplifier_gain: float, of_use: float
) -> None:
    network = small_network()
    variation = NeuronVariation(use=of_use)
    wrong = Imperfections(
        read_noise=read_noise, amplifier_offset=amplifier_offset, amplifier_gain=amplifier_gain
    )
    chip = Chip(Device("x", synapse(), network.neuron, variation, wrong), 77)
    noise = chip.noise(network)
    assert noise is not None
    first = 2**16 - 1
    trace = chip.golden(network, [layer.words for layer in network.layers]).trace(images(), first)
    inside = 0
    for number, step in enumerate(trace):
        words = network.layers[number].words.astype(int)
        converter = chip.varied(network).layers[number].converter
        unit = 252 * 15
        for image, column in itertools.product(range(0, 50, 7), range(words.shape[1])):
            high, low = divmod(first + image, 2**16)
            total = int(step.inputs[image].astype(int) @ words[:, column])
            added = z(77, number, Purpose.READ, low, column, high) * round(read_noise * unit * 64)
            offset = z(77, number, Purpose.AMPLIFIER_OFFSET, 0, column)
            offset *= round(amplifier_offset * unit * 64)
            total += halves_up(Fraction(added + offset, 2**19))
            if converter is None:
                share = z(77, number, Purpose.AMPLIFIER_GAIN, 0, column)
                share *= round(amplifier_gain * 2**16)
                total += halves_up(Fraction(total * halves_up(Fraction(share, 2**16)), 2**13))
                assert step.sums[image, column] == total
                continue
            assert step.sums[image, column] == total
            current = math.floor(Fraction(total * int(converter.gains[column]), 2**converter.shift))
            current -= int(converter.offsets[column])
            use = z(77, number, Purpose.NEURON_USE, low, column, high) * round(of_use * 256 * 64)
            current += halves_up(Fraction(use, 2**19))
            assert step.currents is not None
            assert step.currents[image, column] == min(max(current, 0), 255)
            inside += 0 < current < 255
    # Whatever is clamped tells nothing of the noise.
    assert inside > 5


def test_an_image_s_noise_goes_with_its_number() -> None:
    network = small_network()
    variation = NeuronVariation(use=0.05)
    chip = Chip(Device("x", synapse(), network.neuron, variation), 3)
    model = chip.golden(network, chip.words(network, P))
    together = model.logits(images(), 10)
    assert np.array_equal(together[20:], model.logits(images()[20:], 30))
    assert not np.array_equal(together, model.logits(images(), 11))


def test_seeds_differ_and_repeat() -> None:
    network = small_network()
    device = Device("x", synapse(c2c=CycleVariation(0.065, 0.029)))
    one, two, again = (Chip(device, seed).words(network, D) for seed in (1, 2, 1))
    assert not np.array_equal(one[0], two[0])
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))


def test_polarity_may_differ_from_cell_to_cell() -> None:
    network = small_network()
    chip = Chip(Device("x", synapse(c2c=CycleVariation(0.065, 0))), 1)
    polarities: Any = [np.arange(layer.columns) % 2 + 0 * layer.states for layer in network.layers]
    words = chip.words(network, polarities)
    for layer, own in zip(network.layers, words, strict=True):
        # Depression has no deviation here.
        assert np.array_equal(own[:, 1::2], layer.words[:, 1::2])
        assert not np.array_equal(own[:, ::2], layer.words[:, ::2])


def test_a_seed_has_32_bits() -> None:
    with pytest.raises(ValueError, match="chip seed must be from 0 to 4294967295"):
        Chip(Device("x", synapse()), 2**32)


def test_levels_must_rise() -> None:
    with pytest.raises(ValueError, match="the last level must be above the first"):
        write_table(synapse(), [5, 5])


def test_readings_of_a_device_name_everything_that_is_on() -> None:
    wrong = Imperfections(stuck=0.1, read_noise=0.5)
    device = Device("x", synapse(), imperfections=wrong)
    lines = "\n".join(device.readings())
    assert "stuck 0.1 of the cells" in lines
    assert "at either end" in lines
    assert "read_noise 0.5 of a cell's range" in lines
    quiet = "\n".join(dataclasses.replace(device, imperfections=Imperfections()).readings())
    assert "stuck" not in quiet
