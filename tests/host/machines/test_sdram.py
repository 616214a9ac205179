"""Images in the virtual board's SDRAM: counts, logits, damage, bad lines, resets and its times."""

from dataclasses import replace

import numpy as np
import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.link.protocol import Request
from allspin.hdl.parameters.memory_map import ENGINE, RESIDENT_BEATS
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES, HardwareProfile
from allspin.hdl.resident.packing import pack_words
from allspin.host.link.line import Undone
from allspin.host.link.memories import line_address
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.machine import programmed_anew
from allspin.host.machines.resident import VIRTUAL_SDRAM, ResidentImages, logits_digest
from allspin.host.selftest.checks import selftest
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.network import reference
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.random_network import random_images, random_network
from tests.host.virtual.faults import (
    Faults,
    FaultyTransport,
    WireFaults,
)

pytestmark = pytest.mark.long

NETWORK = random_network((64, 8, 3), 1)
IMAGES = random_images(NETWORK, 500, 1)
LABELS = np.arange(len(IMAGES)) % 3
TRACE = reference.trace(NETWORK, IMAGES)
HITS = int((TRACE[-1].sums.argmax(1) == LABELS).sum())


@pytest.fixture(scope="module")
def program():
    profile = HardwareProfile(rows_per_clock=4, resident=VIRTUAL_SDRAM)
    return build(TopParameters.from_network(NETWORK, profile))


@pytest.fixture
def device(program):
    with LinkedMachine(VirtualTransport(program)) as opened:
        yield opened


def test_counts_and_logits_are_the_golden_models(device):
    device.load(NETWORK)
    resident = device.resident_images()
    assert resident.load(IMAGES, LABELS) == len(IMAGES)
    counts = resident.run()
    assert (counts.images, counts.correct) == (len(IMAGES), HITS)
    assert counts.digest == logits_digest(TRACE[-1].sums, device.identity)
    assert np.array_equal(resident.logits().logits, TRACE[-1].sums)
    # After another load, only the new images are judged.
    assert resident.run_all(IMAGES[7:99], LABELS[7:99]).images == 92


@pytest.mark.parametrize("bit", [3, 11 * 16, 11 * 16 + 9])
def test_a_word_that_is_not_as_it_was_sent_is_told(device, bit):
    device.load(NETWORK)
    resident = device.resident_images()
    resident.load(IMAGES, LABELS)
    values = quantise_pixels(IMAGES.reshape(len(IMAGES), -1), NETWORK.pixel_bits)
    words, _ = pack_words(values, LABELS, NETWORK.pixel_bits)
    words[bit // 16] ^= 1 << bit % 16
    line = words[: SDRAM_LINE_BYTES // 2].astype("<u2").view(np.uint8)[np.newaxis]
    device.write_memories([(ENGINE << 4 | RESIDENT_BEATS, line)])
    with pytest.raises(Undone, match="SDRAM"):
        resident.run()


def test_images_that_lie_there_are_not_sent_again_and_checked(device, monkeypatch):
    device.load(NETWORK)
    device.resident_images().load(IMAGES, LABELS)
    with monkeypatch.context() as silenced:
        silenced.setattr(device, "write_memories", None)
        device.session.line.told += 1  # damage elsewhere does not matter: words are checked
        again = device.resident_images()
        assert again.load(IMAGES, LABELS) == len(IMAGES)
        assert again.run().correct == HITS
        body = line_address(ENGINE << 4 | RESIDENT_BEATS, 0) + bytes(SDRAM_LINE_BYTES)
        device.session.ask(Request.WRITE, [body])
        with pytest.raises(Undone, match="SDRAM"):
            device.resident_images().load(IMAGES, LABELS)
    assert device.resident_images().run_all(IMAGES, LABELS).correct == HITS


def test_over_a_bad_line_and_through_a_reset_no_count_is_wrong(program):
    wire = WireFaults(3e-5, (9,))
    transport = FaultyTransport(
        lambda: VirtualTransport(program), Faults(wire, wire, (60,), 3), 20.0
    )
    told = []
    with LinkedMachine(transport) as device:

        def work():
            device.reopen()
            device.load(NETWORK)
            return device.resident_images().run_all(IMAGES, LABELS)

        counts = programmed_anew(work, told.append)
    assert (counts.images, counts.correct) == (len(IMAGES), HITS)
    assert transport.resets == 1
    assert len(told) >= 1


@pytest.mark.parametrize("topology", [(64, 8, 3), (64, 8, 2), (40, 5, 1)])
def test_a_self_test_with_a_network_of_fewer_classes_finds_a_right_board_right(device, topology):
    """The machine's digest is of all its logits, those of spare classes among them."""
    network = random_network(topology, 4)
    found = {each.name: each for each in selftest(device, network)}
    assert found["resident images"].right, found["resident images"].text
    # On a chip a spare class could win, so that check has no result.
    assert found["chip"].right is (True if network.classes == 3 else None)
    assert device.running == network


@pytest.mark.parametrize("wrong", [lambda digest: 0, lambda digest: digest ^ 1])
def test_a_self_test_finds_a_wrong_digest_of_logits(device, monkeypatch, wrong):
    run = ResidentImages.run

    def lies(self, *, first=0):
        counts = run(self, first=first)
        return replace(counts, digest=wrong(counts.digest))

    monkeypatch.setattr(ResidentImages, "run", lies)
    found = {each.name: each for each in selftest(device, NETWORK)}
    assert [name for name, each in found.items() if each.right is False] == ["resident images"]
    assert "the logits' digest is" in found["resident images"].text
