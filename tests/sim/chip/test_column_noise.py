"""Noise of each use against the same arithmetic in Python's own integers."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from allspin.sim.chip import noise as column_noise
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.generator import Purpose, normal_table
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.golden import BATCH, CHUNK
from allspin.sim.network.layer import Converter
from allspin.sim.network.network import Network
from tests.sim.chip.exact import converter_of, images, shifted, small_network, synapse, z
from tests.sim.chip.model import golden


def network_of(bits: int) -> Network:
    """The small network with currents of some bits, some of them about either end."""
    small = small_network()
    hidden, own = small.layers[0], converter_of(small)
    converter = Converter(own.gains + 400, own.offsets + 20, 21 - bits)
    first = dataclasses.replace(hidden, converter=converter, table=small.neuron.table(bits, 4))
    return dataclasses.replace(small, layers=(first, *small.layers[1:]), current_bits=bits)


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
    first = 2**16 - 1
    trace = golden(chip, network, [layer.words for layer in network.layers]).trace(images(), first)
    inside = 0
    for number, step in enumerate(trace):
        words = network.layers[number].words.astype(int)
        converter = vary_columns(chip, network).layers[number].converter
        unit = 252 * 15
        for image, column in itertools.product(range(0, 50, 7), range(words.shape[1])):
            high, low = divmod(first + image, 2**16)
            total = int(step.inputs[image].astype(int) @ words[:, column])
            added = z(77, number, Purpose.READ, low, column, high) * round(read_noise * unit * 64)
            offset = z(77, number, Purpose.AMPLIFIER_OFFSET, 0, column)
            offset *= round(amplifier_offset * unit * 64)
            total += shifted(added + offset, 19)
            if converter is None:
                share = z(77, number, Purpose.AMPLIFIER_GAIN, 0, column)
                share *= round(amplifier_gain * 2**16)
                total += shifted(total * shifted(share, 16), 13)
                assert step.sums[image, column] == total
                continue
            assert step.sums[image, column] == total
            current = math.floor(Fraction(total * int(converter.gains[column]), 2**converter.shift))
            current -= int(converter.offsets[column])
            use = z(77, number, Purpose.NEURON_USE, low, column, high) * round(of_use * 256 * 64)
            current += shifted(use, 19)
            assert np.asarray(step.currents)[image, column] == min(max(current, 0), 255)
            inside += 0 < current < 255
    # Clamped currents do not show the noise.
    assert inside > 5


@pytest.mark.parametrize(("bits", "of_use"), [(8, 0.2), (8, 1), (12, 1)])
def test_noise_of_every_current_that_is_not_held_at_an_end_whatever_is_drawn(
    bits: int, of_use: float
) -> None:
    """A current of 12 bits takes products of 64."""
    network = network_of(bits)
    converter = converter_of(network)
    device = Device("x", synapse(), network.neuron, NeuronVariation(use=of_use))
    model = golden(Chip(device, 5), network, [layer.words for layer in network.layers])
    step, _ = model.trace(images(), 9)
    currents = np.asarray(step.currents)
    sums = step.inputs.astype(int) @ network.layers[0].words
    quiet = (sums * converter.gains >> converter.shift) - converter.offsets
    lifted = lowered = 0
    for image, column in np.ndindex(quiet.shape):
        use = z(5, 0, Purpose.NEURON_USE, 9 + image, column) * round(of_use * 2**bits * 64)
        current = int(quiet[image, column]) + shifted(use, 19)
        top = 2**bits - 1
        assert currents[image, column] == min(max(current, 0), top)
        lifted += quiet[image, column] <= 0 < current
        lowered += quiet[image, column] >= top > current
    assert lifted
    assert lowered
    assert np.array_equal(model.logits(images(), 9), model.trace(images(), 9)[-1].sums)


@pytest.mark.parametrize(("bits", "of_use"), [(8, 0.01), (8, 1), (10, 1), (12, 1)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_draws_count_too(
    bits: int, of_use: float, sign: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each draw is the largest possible: at 10 bits, a product of 32 bits is one bit too short."""
    network = network_of(bits)
    largest = int(normal_table()[0].max())
    monkeypatch.setattr(
        column_noise,
        "use_normals",
        lambda *_, places: np.full(places.size, sign * largest, np.int32),
    )
    device = Device("x", synapse(), network.neuron, NeuronVariation(use=of_use))
    noise = ColumnNoise(Chip(device, 5), network)
    spread = round(of_use * 2**bits * 64)
    added = shifted(sign * largest * spread, 19)
    top = 2**network.current_bits - 1
    near = np.arange(-9, 9)
    quiet = np.stack([near - abs(added), near + top + abs(added)])
    noisy = noise.on_currents(0, 0, quiet.copy())
    assert np.array_equal(np.clip(noisy, 0, top), np.clip(quiet + added, 0, top))
    assert np.array_equal(noise.on_currents(0, 0, np.asfortranarray(quiet)), noisy)


def test_an_image_has_its_noise_in_whichever_batch_it_is() -> None:
    network = small_network()
    wrong = Imperfections(read_noise=0.3)
    chip = Chip(Device("x", synapse(), network.neuron, NeuronVariation(use=0.05), wrong), 3)
    model = golden(chip, network, [layer.words for layer in network.layers])
    many = np.resize(images(), (BATCH + CHUNK + 7, 2, 3))
    first = 2**16 - BATCH + 5
    assert np.array_equal(model.logits(many, first), model.trace(many, first)[-1].sums)
