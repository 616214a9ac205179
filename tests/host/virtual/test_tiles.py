"""Columns that are read tile by tile, on the virtual board: every logit, streamed and resident."""

import dataclasses

import numpy as np
import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import ResidentImages
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.program import program
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from tests.sim.network.any_network import in_tiles

PLAIN = random_network((40, 10, 5), 3)
NETWORK = in_tiles(PLAIN, 16, 5)
RESPONSE = PulseResponse(22.0, 100, -1.0, 1.0)


PROFILE = HardwareProfile(
    rows_per_clock=4, resident=ResidentParameters(4000, 200), tile_offsets=True
)
"""Profile of a board for networks in tiles, whose converters have offsets."""


@pytest.fixture(scope="module")
def device():
    program = build(TopParameters.from_network(NETWORK, PROFILE))
    with LinkedMachine(VirtualTransport(program)) as opened:
        yield opened


@pytest.mark.parametrize("offsets", [None, 1])
def test_every_logit(device, offsets):
    """A network with a chip's offsets, and one without offsets on the same board afterwards."""
    network = in_tiles(PLAIN, 16, 5, offsets=offsets)
    images = random_images(network, 200, 4)
    labels = np.zeros(200, int)
    expected = reference.logits(network, images)
    device.load(network)
    assert np.array_equal(device.stream(images).logits, expected)
    resident = ResidentImages(device)
    held = resident.load(images, labels)
    assert held > 100
    assert resident.run().correct == np.count_nonzero(expected.argmax(axis=1)[:held] == 0)
    assert np.array_equal(resident.logits().logits, expected[:held])
    for layer, crossbar in enumerate(network.layers):
        assert np.array_equal(device.read_words(layer), crossbar.words)


def test_a_network_that_it_was_not_built_for_is_refused(device):
    with pytest.raises(UserError, match=r"in layer 0 tiles of 16 rows.*not columns read in one"):
        device.load(PLAIN)
    adc = NETWORK.layers[0].adc
    assert adc is not None
    offsets = np.full((3, 10), 2**15, np.int32)
    layer = dataclasses.replace(NETWORK.layers[0], adc=dataclasses.replace(adc, offsets=offsets))
    wide = dataclasses.replace(NETWORK, layers=(layer, NETWORK.layers[1]))
    with pytest.raises(UserError, match="with offsets from -32768 to 32767, not 32768"):
        device.load(wide)


def test_a_chip_whose_converters_have_offsets_and_gains(device):
    adc = AdcVariation(offset=0.7, gain=0.1)
    made_of = Device("a test", SotSynapse(RESPONSE, RESPONSE, 100), adc=adc)
    chip = program(NETWORK, made_of, 5)
    images = random_images(NETWORK, 100, 4)
    expected = reference.logits(chip.network, images, noise=chip.noise)
    assert not np.array_equal(expected, reference.logits(NETWORK, images))
    device.load(chip)
    assert np.array_equal(device.stream(images).logits, expected)
