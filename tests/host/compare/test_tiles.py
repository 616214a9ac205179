"""Costs of tiles' converters: conversions counted image by image, and the cheapest by hand."""

import dataclasses

import numpy as np
import pytest

from allspin.host.compare.assumptions import Assumptions
from allspin.host.compare.dense_array import mac_baseline
from allspin.host.compare.neurons import run_kind
from allspin.host.compare.subject import ComparisonSubject
from allspin.host.compare.tile_costs import Cost, tile_cost, tiles_record, tried
from allspin.host.compare.whole import layers_record, whole_network
from allspin.host.data.catalogue import open_device
from allspin.host.show.display import Display
from allspin.sim.cost.liberty import load_library
from allspin.sim.cost.periphery import amplifier_energy
from allspin.sim.cost.spin import synapse_figures
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.network.tiling import Tiles, with_steps

NETWORK = random_network((150, 9, 4), 2)
IMAGES = random_images(NETWORK, 60, 3)
LABELS = GoldenModel(NETWORK).classify(IMAGES)
DEVICE = open_device("paper")
ASSUMED = Assumptions(current=2e-7, set_time=1e-8, mean_square=1.0, voltage=1.1)


def test_conversions_are_those_of_tiles_that_are_driven() -> None:
    images = IMAGES.copy()
    images[5:30, :, :64] = 0
    network = with_steps(NETWORK, Tiles(64, 5), (7, 4))
    found = tile_cost(network, 0.5, images, ASSUMED)
    traces = GoldenModel(network).trace(images)
    counted = sum(
        columns * any(values[64 * tile : 64 * tile + 64])
        for trace, tiles, columns in ((traces[0], 3, 9), (traces[1], 1, 4))
        for values in trace.inputs.tolist()
        for tile in range(tiles)
    )
    assert found["converters"] == 3 * 9 + 4
    assert found["conversions"] == pytest.approx(counted / 60)
    assert found["conversions"] < found["converters"] - 9 * 25 / 60
    # 5 of 8 bits of 1562.5 fJ; 0.1 pJ an addition of 32 bits, here of 7 and 5.
    assert found["conversion_pj"] == pytest.approx(found["conversions"] * 1.5625 * 5 / 8)
    first = found["conversions"] - 4 * np.mean(traces[1].inputs.any(axis=1))
    added = 0.1 * (first * 7 + (found["conversions"] - first) * 5) / 32
    assert found["addition_pj"] == pytest.approx(added)
    assert found["area_um2"] == pytest.approx(31 * 1200 * 5 / 8 * 0.1 / 1.28)
    assert found["least_pj"] < found["energy_pj"] < found["most_pj"]


def test_an_amplifier_tells_half_a_step() -> None:
    """A step of half the size takes four times as much, and as many bits as settle it."""
    coarse, fine = (
        tile_cost(with_steps(NETWORK, Tiles(256, 24), (shift, 20)), 0.5, IMAGES, ASSUMED)
        for shift in (6, 5)
    )
    assert fine["amplifier_pj"] / coarse["amplifier_pj"] == pytest.approx(4, rel=0.01)
    sums = GoldenModel(NETWORK).trace(IMAGES)[0].sums
    step = ASSUMED.signal * 64 / np.ptp(sums)
    alone = amplifier_energy(ASSUMED.efficiency, step, 1, ASSUMED.set_time, ASSUMED.voltage)
    driven = np.mean(IMAGES.reshape(60, -1).any(axis=1))
    # At one bit the noise is half of the whole step too; 24 bits settle in 25 of its 2 times.
    assert coarse["amplifier_pj"] * 1000 == pytest.approx(9 * driven * alone * 25 / 2, rel=0.01)


def test_a_layer_in_one_piece_has_no_converters() -> None:
    layers = with_steps(NETWORK, Tiles(64, 5), (7, 4)).layers
    half = dataclasses.replace(NETWORK, layers=(layers[0], NETWORK.layers[1]))
    found = tile_cost(half, 0.5, IMAGES, ASSUMED)
    assert (found["converters"], found["shifts"]) == (27, [7, None])


def test_kernels_are_converted_and_read_at_each_position() -> None:
    kind = Convolution((7, 6, 2), (3, 3), (2, 1), (1, 0, 0, 1))
    network = random_network((84, 4, 5), 2, kinds=(kind,), image_shape=(7, 6, 2))
    images = random_images(network, 30, 3)
    tiled = with_steps(network, Tiles(16, 5), (3, 3))
    inputs = GoldenModel(network).trace(images)[0].inputs.reshape(30, 7, 6, 2)
    padded = np.pad(inputs != 0, ((0, 0), (1, 0), (0, 1), (0, 0))).astype(int)
    places = [padded[:, y : y + 3, x : x + 3] for y in (0, 2, 4) for x in range(5)]
    rows = np.stack([each.reshape(30, 18) for each in places], axis=1)
    assert kind.positions == len(places)
    driven = sum(rows[..., part].any(axis=2).sum() for part in (slice(0, 16), slice(16, 18)))
    cut = dataclasses.replace(tiled, layers=(tiled.layers[0], network.layers[1]))
    found = tile_cost(cut, 0.5, images, ASSUMED)
    assert found["conversions"] == pytest.approx(4 * driven / 30)
    assert found["converters"] == 2 * 4
    assert [each["adcs"] for each in layers_record(tiled)] == [2 * 4, 5 * -(-60 // 16)]
    # The neuron is a device, so no cells are mapped.
    labels = np.zeros(30, np.int64)
    subject = ComparisonSubject("it", network, DEVICE, load_library(), images, labels)
    ran = run_kind(network, "", subject, images, 10.0)
    assert ran.rows[0] == pytest.approx(rows.sum() / 30)
    assert ran.currents.shape == (30, 60)
    currents = GoldenModel(network).trace(images)[0].currents
    assert currents is not None
    # A column's neuron: 15 positions of an image, then those of the next.
    first = currents.reshape(30, 15, 4)[:2, :, 0].ravel()
    assert np.array_equal(ran.currents.T[0], first)
    own, base = layers_record(network), mac_baseline(network, ran.rows, 1.0, 1e8, None)
    assert [each["uses_per_image"] for each in own] == [15, 1]
    assert [each["neurons"] for each in own] == [4, 0]
    assert [each["adcs"] for each in own] == [0, 5]
    assert base["operations"] == 15 * 18 * 4 + 60 * 5
    assert base["operations_skipping_zeros"] == pytest.approx(ran.rows[0] * 4 + ran.rows[1] * 5)
    assert base["cycles_per_image"] == 15 * 18
    entry = {
        "name": "sot",
        **dict.fromkeys(("energy_fj", "area_um2", "periphery_area_um2"), 1.0),
        **{"periphery_parts_fj": {}, "latency_ns": 1.0, "uses_per_second": 1.5e9},
    }
    synapse = synapse_figures(DEVICE)
    spent = whole_network(entry, network, ran, synapse, ASSUMED)
    assert spent["parts_fj"]["neurons"] == 60
    # Sixteen reads of 10 ns, one after another.
    assert spent["latency_ns"] == pytest.approx(16 * 10)
    assert spent["images_per_second"] == pytest.approx(1e8 / 15)
    # A neuron that is reset is used every 20 ns: 14 times, then the last position and the classes.
    reset = whole_network(entry | {"uses_per_second": 5e7}, network, ran, synapse, ASSUMED)
    assert reset["latency_ns"] == pytest.approx(14 * 20 + 10 + 10)
    assert reset["images_per_second"] == pytest.approx(5e7 / 15)


def cost(rows: int, accuracy: float, energy: float, area: float) -> Cost:
    return {"tile_rows": rows, "accuracy": accuracy, "energy_pj": energy, "area_um2": area}


def test_the_cheapest_of_those_that_are_accurate_enough() -> None:
    costs = [cost(64, 0.9, 5, 9), cost(128, 0.95, 7, 2), cost(256, 0.8, 1, 1)]
    for accuracy, energy, area in ((0.9, costs[0], costs[1]), (0.96, None, None)):
        found = tiles_record(None, costs, accuracy)
        assert found is not None
        assert found["cheapest"] == {"energy_pj": energy, "area_um2": area}
    assert tiles_record(None, [], None) is None


def test_tiles_that_a_network_has_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allspin.host.compare.tile_costs.BITS", range(4, 6))
    own = with_steps(NETWORK, Tiles(128, 5), (3, 11))
    test_set = IMAGES, LABELS
    found = tried(own, test_set, test_set, IMAGES[:10], ASSUMED, Display())
    assert [(each["tile_rows"], each["adc_bits"]) for each in found] == [
        (rows, bits) for rows in (64, 128, 256) for bits in (4, 5)
    ]
    assert found[3]["shifts"] == [3, 11]
    right = np.mean(GoldenModel(own).classify(IMAGES) == LABELS)
    assert found[3]["accuracy"] == right < found[1]["accuracy"]
