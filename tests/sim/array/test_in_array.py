"""A network in an array, against real arithmetic with the array's own matrix."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.sim.array.in_array import effective_words, in_array
from allspin.sim.array.transfer import transfer
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_network
from allspin.sim.network.tiling import Tiles, with_steps
from allspin.sim.programming.program import program, with_words
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse

NETWORK = random_network((24, 7, 4), 1)
CROSS: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 300.0, "arms": 200.0}
IMAGES = np.random.default_rng(5).integers(0, 256, (40, 24), np.uint8)
RESPONSE = PulseResponse(22.0, 100, -1.0, 1.0)


def device(**values):
    return Device("a test", SotSynapse(RESPONSE, RESPONSE, 100), **values)


def test_an_ideal_array_changes_nothing():
    assert in_array(NETWORK, HallArray()).network is NETWORK


def test_effective_words_are_the_array_s_transfer():
    layer, array = NETWORK.layers[0], HallArray("series", "grounded", **CROSS)
    ohm = 1.0 / np.abs(layer.levels.astype(int)).max()
    expected = transfer(array, layer.words * ohm)
    assert effective_words(array, layer) * ohm == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_each_tile_is_an_array_that_stands_alone():
    array = HallArray("series", "grounded", **CROSS)
    tiled = with_steps(NETWORK, Tiles(16, 24), (0, 0))
    found = effective_words(array, tiled.layers[0])
    for first in (0, 16):
        states = NETWORK.layers[0].states[first : first + 16]
        alone = dataclasses.replace(NETWORK.layers[0], states=states)
        assert np.array_equal(found[first : first + 16], effective_words(array, alone))
    made = in_array(tiled, array).network
    assert made.layers[0].adc is tiled.layers[0].adc
    trace = GoldenModel(made).trace(IMAGES)[0]
    parts = [np.rint(trace.inputs[:, part] @ found[part]) for part in (slice(16), slice(16, 24))]
    assert np.array_equal(trace.sums, sum(parts))


def test_an_arrays_gain_comes_before_a_tiles_converters():
    array = HallArray("buffered", **CROSS, input_impedance=800.0)
    made = in_array(with_steps(NETWORK, Tiles(16, 6), (5, 5)), array)
    assert not made.folded
    with pytest.raises(ValueError, match=r"layer 0: .* before its converters.*run it on golden"):
        EngineParameters.from_network(made.network)


def test_amplifiers_that_load_their_cells_are_gains():
    # Every Hall voltage is Z / (Z + arms) of itself: 0.8.
    made = in_array(NETWORK, HallArray("buffered", **CROSS, input_impedance=800.0))
    assert made.folded
    assert made.residual < 1e-3
    for before, after in zip(NETWORK.layers, made.network.layers, strict=True):
        if before.converter is not None:
            assert after.converter is not None
            gains = before.converter.gains
            assert np.abs(after.converter.gains - 0.8 * gains).max() <= 0.5
    EngineParameters.from_network(made.network)


def test_columns_without_words_are_computed_with_the_matrix_and_refused_by_gateware():
    array = HallArray("series", **CROSS)
    made = in_array(NETWORK, array)
    assert not made.folded
    layer = made.network.layers[0]
    first = GoldenModel(made.network).trace(IMAGES)[0]
    expected = np.rint(first.inputs @ effective_words(array, NETWORK.layers[0]))
    assert np.array_equal(first.sums, expected)
    assert layer.converter is NETWORK.layers[0].converter
    with pytest.raises(
        ValueError, match=r"layer 0: the array's columns are not .*run it on golden"
    ):
        EngineParameters.from_network(made.network)


def test_folded_words_compute_the_matrix_s_currents():
    array = HallArray("selected", **CROSS, switch_off=1e8)
    folded, real = in_array(NETWORK, array), in_array(NETWORK, array, folding=False)
    assert folded.folded
    assert not real.folded
    ours, theirs = (GoldenModel(made.network).trace(IMAGES) for made in (folded, real))
    assert ours[0].currents is not None
    assert theirs[0].currents is not None
    assert np.abs(ours[0].currents - theirs[0].currents).max() <= 2


def test_a_chip_is_in_its_array_and_noise_on_sums_keeps_the_matrix_whose_units_it_has():
    array = HallArray("buffered", **CROSS, input_impedance=1e6)
    chip = Chip(device(array=array), 7)
    programmed = program(NETWORK, chip.device, chip.seed)
    made = programmed.array
    same = in_array(with_words(vary_columns(chip, NETWORK), programmed.words), array)
    for ours, theirs in zip(made.network.layers, same.network.layers, strict=True):
        assert np.array_equal(ours.words, theirs.words)
    assert made.folded
    noisy = device(array=array, imperfections=Imperfections(read_noise=0.01))
    assert not program(NETWORK, noisy, 7).array.folded
