"""Cycles and latency are the gateware's own count, and counted once."""

import dataclasses

import numpy as np
import pytest

from allspin.hdl.cache import VARIABLE
from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.bitstreams import latency, throughput
from allspin.host.bitstreams.latency import latencies, measure_latency
from allspin.host.bitstreams.throughput import count_cycles
from allspin.host.data.catalogue import open_network
from allspin.host.machines.resident import VIRTUAL_SDRAM
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_images, random_network
from tests.host.machines.work import GENERAL, WIDEST

NETWORK = random_network((24, 12, 6), 1)

IMAGES = random_images(NETWORK, 300, 2)

LABELS = GoldenModel(NETWORK).classify(IMAGES)

PROFILE = HardwareProfile(rows_per_clock=4, resident=ResidentParameters(beats=300, images=40))


def test_every_image_is_counted_and_none_is_estimated(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    profile = PROFILE
    found = count_cycles(NETWORK, profile, IMAGES, LABELS)
    bound = cycle_bounds(NETWORK, EngineParameters.from_network(NETWORK, profile), IMAGES).mean()
    assert bound < found < 2 * bound + 10
    # A second count runs no machine.
    monkeypatch.setattr(throughput, "open_virtual", lambda *_, **__: pytest.fail("it runs"))
    assert count_cycles(NETWORK, profile, IMAGES, LABELS) == found
    # Another image, network, machine or source is counted anew.
    other = np.flip(IMAGES, axis=0)
    for arguments in (
        (NETWORK, profile, other, LABELS),
        (random_network((24, 12, 6), 2), profile, IMAGES, LABELS),
        (NETWORK, dataclasses.replace(profile, memory="ecp5"), IMAGES, LABELS),
    ):
        with pytest.raises(pytest.fail.Exception, match="it runs"):
            count_cycles(*arguments)
    monkeypatch.setattr("allspin.boards.sources.sources_digest", lambda: "other sources")
    with pytest.raises(pytest.fail.Exception, match="it runs"):
        count_cycles(NETWORK, profile, IMAGES, LABELS)


EVENT, LAST_EVENT, SUM, LAST_SUM = 1, 2, 4, 8


def activity(length, **at):
    """Words with bits set in some clocks, such as ``e0=[3, 4]`` for layer 0's events."""
    bits = {"e": EVENT, "l": LAST_EVENT, "s": SUM, "t": LAST_SUM}
    words = np.zeros(length, np.uint64)
    for name, clocks in at.items():
        words[clocks] |= np.uint64(bits[name[0]] << 4 * int(name[1]))
    return words


def test_from_the_first_event_to_the_last_sum_of_the_last_layer():
    words = activity(60, e0=[2, 3, 5, 30, 31], l0=[5, 31], t0=[9, 35], e1=[11, 40], t1=[20, 47])
    assert latencies(words, 2).tolist() == [20 - 2 + 1, 47 - 30 + 1]
    assert latencies(words, 1).tolist() == [9 - 2 + 1, 35 - 30 + 1]
    assert latencies(np.zeros(9, np.uint64), 2).tolist() == []


@pytest.mark.parametrize(
    "words",
    [
        activity(60, e0=[2, 3, 8], l0=[3, 8], t0=[5, 12], t1=[10, 20]),  # the second began before
        activity(60, e0=[2], t1=[10]),  # its last event is missing
    ],
)
def test_images_that_overlap_are_told(words):
    with pytest.raises(ValueError, match="images overlap"):
        latencies(words, 2)


@pytest.mark.long
@pytest.mark.parametrize("rows_per_clock", [4, 1])
def test_a_machine(rows_per_clock, monkeypatch):
    network = random_network((24, 12, 6), 1)
    profile = dataclasses.replace(PROFILE, rows_per_clock=rows_per_clock)
    images = random_images(network, 12, 3)
    found = measure_latency(network, profile, images)
    trace = GoldenModel(network).trace(images)
    # No image leaves before its rows are driven, a bank each in turn, and its neurons have been
    # heard one after another.
    rows = np.array(
        [
            max(1, *(np.count_nonzero(row[bank::rows_per_clock]) for bank in range(rows_per_clock)))
            for row in trace[0].inputs
        ]
    )
    second = np.count_nonzero(trace[1].inputs, axis=1)
    assert np.all(found > rows + second)
    assert np.all(found < rows + 12 + second + 80)
    # The blank image is through first.
    assert found.argmin() == 0
    # Counts are kept for the next call.
    monkeypatch.setattr(latency, "open_virtual", None)
    again = measure_latency(network, profile, images)
    np.testing.assert_array_equal(again, found)


@pytest.mark.long
def test_a_machine_for_any_network_is_measured_with_one_that_fits():
    network = random_network((18, 9, 4), 2)
    images, made_for = random_images(network, 12, 3), random_network(WIDEST, 0)
    labels = GoldenModel(network).classify(images)
    own = EngineParameters.from_network(network, GENERAL)
    bound = cycle_bounds(network, own, images).mean()
    assert (
        bound < count_cycles(network, GENERAL, images, labels, made_for=made_for) < 2 * bound + 20
    )
    found = measure_latency(network, GENERAL, images, made_for=made_for)
    assert np.all(found > cycle_bounds(network, own, images))
    assert np.all(found < 200)


@pytest.mark.long
def test_images_in_an_sdram_are_those_that_are_asked_for():
    images = np.flip(random_images(NETWORK, 12, 3), axis=0)  # the blank one is last
    profile = HardwareProfile(rows_per_clock=4, resident=VIRTUAL_SDRAM)
    found = measure_latency(NETWORK, profile, images)
    assert found.shape == (12,)
    assert found.argmin() == 11


@pytest.mark.long
def test_a_trace_that_was_cut_is_told(monkeypatch):
    monkeypatch.setattr(latency, "SPARE_CLOCKS", 0)
    monkeypatch.setattr(latency, "cycle_bounds", lambda *_: np.array([20]))
    network = random_network((24, 12, 6), 1)
    with pytest.raises(UserError, match=r"latency cannot be told: [0-9] of 12 images passed"):
        measure_latency(network, PROFILE, random_images(network, 12, 4))


def test_latency_of_maps_is_refused_before_anything_is_made():
    with pytest.raises(UserError, match="convolutions"):
        measure_latency(open_network("conv-small-10"), HardwareProfile(), IMAGES)
