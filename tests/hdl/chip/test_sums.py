"""Noise of sums against the golden chip's own draws, in hidden layers and the last."""

import struct

import numpy as np
import pytest

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import AMPLIFIERS, CHIP, ENGINE, SUM_NOISE, USE_NOISE
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.chip.generator import Purpose, use_normals
from allspin.sim.network.random_network import random_network
from tests.hdl.driving import draw_noise

SEED = 0xC0FFEE42


def drawn(parameters, told, numbers, stall=0.0, seed=0):
    """Return the noise of each layer for some images; `told` is (layer, memory, bytes), in
    order."""
    last = len(parameters.crossbars) - 1
    expected = [
        len(numbers) * -(-crossbar.columns // crossbar.neurons_per_clock)
        for crossbar in parameters.crossbars
    ]
    # The highest bit of the last layer's four bytes.
    silent = (last, SUM_NOISE, True) not in {
        (layer, memory, content[3] >= 128) for layer, memory, content in told
    }
    if silent:
        expected[last] = 0
    taken = draw_noise(parameters, told, numbers, expected, stall=stall, seed=seed)

    def columns(layer, part):
        beats = [[int(one) for one in getattr(beat, part)] for beat in taken[layer]]
        return np.array(beats).reshape(len(numbers), -1)[:, : parameters.crossbars[layer].columns]

    uses = [columns(layer, "uses") for layer in range(last)]
    sums = [
        None if silent and layer == last else columns(layer, "sums") for layer in range(last + 1)
    ]
    return uses, sums


def engine(topology, rows_per_clock=1, memory="block", **more):
    variation = VariationParameters(10, 22, sum_noise=True)
    profile = HardwareProfile(rows_per_clock=rows_per_clock, memory=memory, variation=variation)
    return EngineParameters.from_network(random_network(topology, 1, **more), profile)


def told_of(parameters, uses, reads, starts):
    """Everything that is written: chip, spreads, and each column's start and gain."""
    told = [(ENGINE, CHIP, struct.pack("<IHHI", SEED, 0, 0, 0))]
    for layer, spread in enumerate(uses):
        told.append((layer, USE_NOISE, struct.pack("<I", spread)))
    for layer, spread in enumerate(reads):
        on = spread is not None
        told.append((layer, SUM_NOISE, struct.pack("<I", on << 31 | (spread or 0))))
        content = b"".join(
            int(start).to_bytes(6, "little", signed=True) + b"\xaa\xbb" for start in starts[layer]
        )
        told.append((layer, AMPLIFIERS, content))
    return told


def wanted(layer, purpose, spread, start, numbers, columns):
    normals = [use_normals(SEED, layer, purpose, n, 1, columns) for n in numbers]
    total = np.concatenate(normals).astype(np.int64) * spread + np.asarray(start, np.int64)
    return np.floor_divide(total, 2**19)


CASES = {
    "one row per clock": ((5, 9, 3), 1, "block", {}),
    "two, ECP5": ((6, 9, 3), 2, "ecp5", {}),
    "four": ((9, 10, 7), 4, "block", {}),
    "one layer": ((7, 6), 1, "ecp5", {}),
    "deep, wide values": ((4, 3, 6, 2), 1, "block", {"pixel_bits": 8, "hidden_bits": 3}),
}
NUMBERS = [65535, 65536, 2**32 - 1]


@pytest.mark.parametrize(
    ("case", "stall"), [(case, 0.6 * (place % 2)) for place, case in enumerate(CASES)]
)
def test_draws_are_the_golden_chips(case, stall):
    topology, rows_per_clock, memory, more = CASES[case]
    parameters = engine(topology, rows_per_clock, memory, **more)
    layers = range(len(topology) - 1)
    rng = np.random.default_rng(7)
    uses = [int(rng.integers(2**16)) for _ in layers[:-1]]
    tops = [2 ** parameters.sum_spread_bits(layer) for layer in layers]
    reads = [int(rng.integers(top)) for top in tops]
    reads[0] = tops[0] - 1
    # The farthest offset of an amplifier: a normal value times the widest spread.
    starts = [
        rng.integers(-43_000 * top, 43_000 * top, topology[layer + 1])
        for layer, top in enumerate(tops)
    ]
    told = told_of(parameters, uses, reads, starts)
    found_uses, found = drawn(parameters, told, NUMBERS, stall, 3)
    for layer in layers:
        columns = topology[layer + 1]
        np.testing.assert_array_equal(
            found[layer],
            wanted(layer, Purpose.READ, reads[layer], starts[layer], NUMBERS, columns),
        )
        if layer < layers[-1]:
            half = np.full(columns, 2**18)
            np.testing.assert_array_equal(
                found_uses[layer],
                wanted(layer, Purpose.NEURON_USE, uses[layer], half, NUMBERS, columns),
            )


@pytest.mark.parametrize(
    "reads", [(None, None), (0, None), (None, 1000)], ids=["none", "hidden", "last"]
)
def test_sums_without_noise_get_none(reads):
    parameters = engine((5, 9, 3), 2)
    starts = [[2**24] * 9, [2**25] * 3]
    told = told_of(parameters, [500], reads, starts)
    uses, sums = drawn(parameters, told, NUMBERS, 0.3)
    half = np.full(9, 2**18)
    np.testing.assert_array_equal(uses[0], wanted(0, Purpose.NEURON_USE, 500, half, NUMBERS, 9))
    assert np.all(sums[0] == (0 if reads[0] is None else 2**24 >> 19))
    if reads[1] is None:
        assert sums[1] is None
    else:
        np.testing.assert_array_equal(sums[1], wanted(1, Purpose.READ, 1000, starts[1], NUMBERS, 3))
