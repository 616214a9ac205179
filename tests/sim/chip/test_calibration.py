"""Calibration against the deviations that the chip was drawn with."""

import dataclasses

import numpy as np
import pytest

from allspin.sim.chip.calibration import calibrate
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.converters import vary_columns
from allspin.sim.chip.generator import Purpose, column_normals
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from tests.sim.chip.exact import converter_of, synapse

COLUMNS = 60


def network() -> Network:
    rng = np.random.default_rng(4)
    neuron = SotNeuron()
    return Network(
        (
            Layer(
                rng.integers(0, 10, (30, COLUMNS), np.uint8),
                uniform_levels(10),
                Converter(
                    rng.integers(20, 40, COLUMNS, np.int32),
                    rng.integers(-60, 60, COLUMNS, np.int32),
                    9,
                ),
                neuron.table(8, 4),
            ),
            Layer(rng.integers(0, 10, (COLUMNS, 4), np.uint8), uniform_levels(10)),
        ),
        neuron,
        (1, 30),
    )


def chip(variation: NeuronVariation, wrong: Imperfections | None = None, seed: int = 2) -> Chip:
    return Chip(
        Device(
            "test", synapse(), neuron_variation=variation, imperfections=wrong or Imperfections()
        ),
        seed,
    )


def thresholds(chip: Chip, sigma: float) -> np.ndarray:
    """Error of each neuron's threshold, in units of the current."""
    drawn = column_normals(chip.seed, 0, Purpose.NEURON_THRESHOLD, COLUMNS)
    return drawn * np.int64(round(sigma * 256 * 64)) + 2**18 >> 19


def moved(found: Network) -> np.ndarray:
    """By how much offsets moved."""
    return converter_of(found).offsets - converter_of(network()).offsets


def test_thresholds_alone_are_found_to_the_last_bit() -> None:
    """If only thresholds vary, each offset moves back by the drawn error of its threshold."""
    one, net = chip(NeuronVariation(threshold=0.18)), network()
    found, _ = calibrate(one, net)
    drawn = thresholds(one, 0.18)
    # Some neurons start to switch with no current at all: those cannot be told by a current
    # of zero, but the V-I converter's offset goes the other way only.
    told = drawn > -40
    np.testing.assert_array_equal(moved(found)[told], -drawn[told])
    assert told.mean() > 0.7
    varied = vary_columns(one, found)
    np.testing.assert_array_equal(
        varied.layers[0].converter.offsets[told],  # type: ignore[union-attr]
        net.layers[0].converter.offsets[told],  # type: ignore[union-attr]
    )


def test_use_noise_is_averaged_out() -> None:
    """0.014 of the range is 3.6 currents a use; 64 uses leave less than one."""
    net = network()
    quiet, _ = calibrate(chip(NeuronVariation(threshold=0.18)), net)
    noisy, _ = calibrate(chip(NeuronVariation(threshold=0.18, use=0.014)), net, 64)
    off = moved(noisy) - moved(quiet)
    assert np.abs(off).max() <= 2
    assert abs(off.mean()) < 0.5
    again, _ = calibrate(chip(NeuronVariation(threshold=0.18, use=0.014)), net, 64)
    np.testing.assert_array_equal(moved(again), moved(noisy))


def test_a_gain_is_made_up_for_about_the_mark() -> None:
    """Half of full scale, 8 of 15, is asked of the same sum as of the mean neuron."""
    net = network()
    one = chip(NeuronVariation(gain=0.18, threshold=0.1))
    varied = vary_columns(one, calibrate(one, net)[0])
    mark = int(np.argmax(np.asarray(net.layers[0].table) >= 8))
    drawn = thresholds(one, 0.1)
    before, after = converter_of(net), converter_of(varied)
    for column in range(COLUMNS):
        # The sum that gives the mean neuron the mark, in reals; then this neuron's current.
        total = (mark + before.offsets[column]) * 2.0**before.shift / before.gains[column]
        here = total * after.gains[column] / 2.0**after.shift - after.offsets[column]
        if abs(drawn[column]) < 40:
            # A gain is a whole number of about 30: rounding it moves the current in proportion.
            slack = 2 + abs(total) * 0.5 / 2.0**after.shift
            assert abs(here - mark) <= slack


def test_uses_are_counted() -> None:
    _, uses = calibrate(chip(NeuronVariation(threshold=0.18)), network(), 3)
    # 512 currents and one are halved down in at most ten steps.
    assert uses % (3 * COLUMNS) == 0
    assert 9 <= uses // (3 * COLUMNS) <= 10
    deep = dataclasses.replace(network(), layers=network().layers[1:], image_shape=(1, COLUMNS))
    assert calibrate(chip(NeuronVariation()), deep)[1] == 0


def test_reads_are_checked() -> None:
    with pytest.raises(ValueError, match="must be from 1 to 4096, not 0"):
        calibrate(chip(NeuronVariation()), network(), 0)
