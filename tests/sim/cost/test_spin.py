"""Spin devices' energies against the arithmetic on the paper's numbers, and published figures."""

import dataclasses
from pathlib import Path

import pytest

from allspin.sim.cost.adc_cost import conversion_energy, converter_area
from allspin.sim.cost.periphery import amplifier_energy
from allspin.sim.cost.spin import joule_heat, neuron_figures, supplied, synapse_figures
from allspin.sim.device.device_file import load_device
from allspin.sim.device.electrical import Electrical, NeuronElectrical

PAPER = load_device(
    Path(__file__).resolve().parents[3] / "host" / "data" / "devices" / "paper.toml"
)


def test_the_papers_neuron_three_ways() -> None:
    neuron = neuron_figures(PAPER)
    assert neuron.set_heat() == pytest.approx(0.0004)  # 0.2 uA, 1000 ohm, 10 ns
    assert neuron.use() == pytest.approx(0.0008)  # and the reset
    low, high = (neuron.set_heat(current) for current in neuron.switching_currents)
    assert (low, high) == (pytest.approx(1.78, abs=0.01), pytest.approx(3.36, abs=0.01))
    # 8 and 11 mA across 30 um are 267 and 367 A/m: 13 and 18 uA across 50 nm.
    assert neuron.switching_currents == (
        pytest.approx(13.3e-6, rel=0.01),
        pytest.approx(18.3e-6, rel=0.01),
    )
    assert neuron.rate == pytest.approx(50e6)
    assert neuron.area == pytest.approx(0.04)
    assert 4.7 / neuron.area == pytest.approx(117.5)
    assert neuron.positions == pytest.approx(40)


def test_heat_follows_the_mean_square() -> None:
    neuron = neuron_figures(PAPER)
    assert neuron.use(3.0) == pytest.approx(0.0004 * 3 + 0.0004)
    assert joule_heat(2e-3, 50, 1e-6) == pytest.approx(2e-10 * 1e15)
    assert supplied(0.2e-6, 1.1, 10e-9) == pytest.approx(2.2)


def test_the_synapse_is_read_with_the_neurons_current_where_the_file_has_none() -> None:
    synapse = synapse_figures(PAPER)
    assert synapse.assumed
    assert (synapse.current, synapse.time) == (0.2e-6, pytest.approx(10e-9))
    assert synapse.area == pytest.approx(4500)
    assert synapse.scaled_area == pytest.approx(0.05 * 0.25)
    assert synapse.read(0.25, 100) == pytest.approx(0.25 * 100 * 0.2e-6**2 * 312.5 * 10e-9 * 1e15)
    known = dataclasses.replace(
        PAPER,
        electrical=dataclasses.replace(PAPER.electrical, read_current=1e-6, read_time=2e-9),
    )
    assert not synapse_figures(known).assumed
    assert synapse_figures(known).read(1, 1) == pytest.approx(1e-12 * 312.5 * 2e-9 * 1e15)


@pytest.mark.parametrize("key", ["width", "length", "resistance", "current", "velocity"])
def test_figures_that_the_file_lacks_are_named(key: str) -> None:
    lacking = dataclasses.replace(PAPER.neuron_electrical, **{key: None})
    with pytest.raises(ValueError, match=rf"needs {key} in \[neuron.electrical\]"):
        neuron_figures(dataclasses.replace(PAPER, neuron_electrical=lacking))
    with pytest.raises(ValueError, match=r"needs width in \[synapse.electrical\]"):
        synapse_figures(dataclasses.replace(PAPER, electrical=Electrical()))
    assert NeuronElectrical().velocity is None


def test_an_amplifier_by_its_noise() -> None:
    # Ten times the signal is a hundredth of the energy; time and bandwidth cancel.
    once = amplifier_energy(4, 10e-3, 4, 10e-9, 1.1)
    assert amplifier_energy(4, 100e-3, 4, 10e-9, 1.1) == pytest.approx(once / 100)
    assert amplifier_energy(8, 10e-3, 4, 10e-9, 1.1) == pytest.approx(once * 4)
    assert amplifier_energy(4, 10e-3, 4, 5e-9, 1.1) == pytest.approx(once)
    # The noise of an ideal single transistor (F = 1) is 2 k T^2 pi B / (q I): by hand,
    # for 1 V, 1 bit (noise 0.5 V), 1 s: B = 2 ln 2 / 2 pi.
    current = 3.14159 * 0.025852 * 1.6568e-20 * 0.22064 / (2 * 0.25)
    assert amplifier_energy(1, 1.0, 1, 1.0, 1.0) == pytest.approx(current * 1e15, rel=1e-3)


def test_eight_bits_are_the_published_converter() -> None:
    """2 mW at 1.28 GS/s are 1562.5 fJ; 0.0012 mm^2 are 1200 um^2."""
    assert conversion_energy(8).value == pytest.approx(1562.5)
    assert converter_area(8).value == converter_area(8).low == converter_area(8).high == 1200


def test_a_conversion_of_four_bits() -> None:
    """Half of the published converter's energy; at least 16 Walden steps, at most all of it."""
    energy = conversion_energy(4)
    assert energy.value == pytest.approx(1562.5 / 2)
    assert energy.low == pytest.approx(4.4 * 16)
    assert energy.high == pytest.approx(1562.5)


@pytest.mark.parametrize("bits", range(2, 24))
def test_more_bits_take_more(bits: int) -> None:
    for figure in (conversion_energy, converter_area):
        here, more = figure(bits), figure(bits + 1)
        assert here.low <= here.value <= here.high
        assert here.value < more.value
        assert here.low < more.low


def test_illegal_converters() -> None:
    with pytest.raises(ValueError, match="bits of a converter must be from 2 to 24"):
        conversion_energy(1)
