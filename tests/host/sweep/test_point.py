"""A point's device has its variations multiplied and nothing else changed."""

import dataclasses

import numpy as np
import pytest

from allspin.host.chips.accuracy import only
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.sweep.grid import make_grid
from allspin.host.sweep.point import scaled
from allspin.sim.device.device import AdcVariation, Imperfections
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError
from allspin.sim.network.tiling import Tiles
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.synapse import SotSynapse
from allspin.sim.synapse.table_synapse import TableResponse, TableSynapse

PAPER = open_device("paper")


def test_figures_are_multiplied_one_by_one():
    device = scaled(PAPER, 0.5, 2.0, 3.0, 4.0)
    assert isinstance(device.synapse, SotSynapse)
    synapse, neuron = device.synapse, device.neuron_variation
    # The paper's: C2C 0.065 and 0.029, D2D 0.13 and 0.48, 0.18 and 0.18, 0.014.
    assert (synapse.c2c.potentiation, synapse.c2c.depression) == (0.0325, 0.0145)
    assert (synapse.d2d.potentiation, synapse.d2d.depression) == (0.26, 0.96)
    assert (neuron.gain, neuron.threshold) == pytest.approx((0.54, 0.54))
    assert neuron.use == pytest.approx(0.056)
    assert device.imperfections == PAPER.imperfections
    assert synapse.c2c.reading == "range"


def test_once_is_the_device_and_none_is_without():
    same = scaled(PAPER, 1, 1, 1, 1)
    assert (same.synapse, same.neuron_variation) == (PAPER.synapse, PAPER.neuron_variation)
    without = scaled(PAPER, 0, 0, 0, 0)
    off = only(PAPER, [])
    assert without.neuron_variation == off.neuron_variation
    for polarity in Polarity:
        assert without.synapse.device_deviation(polarity, 5) == 0
        assert without.synapse.cycle_deviation(polarity, 0.0, 5) == 0


def test_a_tables_deviations_are_multiplied_too():
    n = np.linspace(-1, 1, 30)
    table = TableSynapse(
        TableResponse(n, 0 * n + 0.1, 0 * n + 0.2), TableResponse(-n, 0 * n + 0.1, 0 * n + 0.2)
    )
    synapse = scaled(dataclasses.replace(PAPER, synapse=table), 2, 3, 1, 1).synapse
    assert synapse.cycle_deviation(Polarity.DEPRESSION, 0.0, 3) == pytest.approx(0.2)
    assert synapse.device_deviation(Polarity.DEPRESSION, 3) == pytest.approx(0.6)


def test_what_leaves_its_range_names_the_point():
    (point,) = make_grid({"network": "mnist-10", "d2d": 3}).points()
    with pytest.raises(UserError, match=r"paper with c2c 1, d2d 3, .*D2D of depression must be"):
        point.made_of(PAPER)


def test_imperfections_take_the_place_of_the_devices_own():
    entries = {"network": "mnist-10", "read_noise": 0.02, "hall_offset": "0.01", "stuck": 0.1}
    (point,) = make_grid(entries).points()
    wrong = Imperfections(stuck_at="open", stuck=0.5, converter_gain=0.1)
    found = point.made_of(dataclasses.replace(PAPER, imperfections=wrong))
    assert found.imperfections == Imperfections(
        read_noise=0.02, hall_offset=0.01, stuck=0.1, stuck_at="open", converter_gain=0.1
    )
    assert found.synapse == PAPER.synapse


def test_an_age_is_for_what_ages():
    (point,) = make_grid({"network": "mnist-10", "age": 1e5}).points()
    with pytest.raises(UserError, match="paper does not age: it has neither drift nor retention"):
        point.made_of(PAPER)
    for wrong in (Imperfections(drift=0.01), Imperfections(retention=Retention(1.0))):
        found = point.made_of(dataclasses.replace(PAPER, imperfections=wrong))
        assert found.imperfections == dataclasses.replace(wrong, age=1e5)


def test_a_temperature_is_one_of_the_point():
    entries = {"network": "mnist-10", "temperature": 358}
    (point,) = make_grid(entries).points()
    assert point.taken_at() == OperatingPoint(temperature=358)
    (point,) = make_grid({**entries, "at": "current=9000uA"}).points()
    assert point.at == "current=9mA"
    assert point.taken_at() == OperatingPoint(current=9e-3, temperature=358)
    (point,) = make_grid({**entries, "at": "temperature=300"}).points()
    with pytest.raises(UserError, match="at temperature=300K has a temperature already"):
        point.taken_at()
    (point,) = make_grid({"network": "mnist-10"}).points()
    assert point.taken_at() is None


def test_programming_is_what_the_point_says():
    network = open_network("mnist-10")
    entries = {"network": "mnist-10", "program": "write-verify", "tries": 5, "band": 0.1}
    (point,) = make_grid({**entries, "polarity": "halves"}).points()
    how = point.programming(network)
    assert (how.scheme, how.polarity, how.tries, how.band) == ("write-verify", "halves", 5, 0.1)


def test_tiles_and_their_converters_are_factors():
    entries = {"network": "mnist-10", "tile_rows": [64, 128], "adc_bits": "4", "adc_noise": 0.5}
    first, second = make_grid(entries).points()
    assert (first.tiles, second.tiles) == (Tiles(64, 4), Tiles(128, 4))
    own = dataclasses.replace(PAPER, adc=AdcVariation(offset=0.1, noise=0.2))
    assert first.made_of(own).adc == AdcVariation(offset=0.1, noise=0.5)
    (plain,) = make_grid({"network": "mnist-10"}).points()
    assert plain.tiles is None
    assert plain.made_of(own).adc == own.adc


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"tile_rows": 64}, "^`tile_rows` needs `adc_bits`$"),
        ({"tile_rows": 100, "adc_bits": 4}, "^`tile_rows` must be a power of two from 8 to 65536"),
        (
            {"adc_noise": [0, 0.5]},
            "^`adc_noise` is for converters of tiles, and mnist-10 has none: give `tile_rows`",
        ),
        ({"adc_gain": 2}, "^`adc_gain` must be a number from 0 to 1"),
    ],
)
def test_tiles_that_are_none(entries, says):
    with pytest.raises(UserError, match=says):
        make_grid({"network": "mnist-10", **entries}).points()
