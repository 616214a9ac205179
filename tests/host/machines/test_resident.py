"""Resident images: their code against a slow one, and whole runs on the virtual board."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.boards.profiles import ECP5_85
from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.data.datasets import load_test_set
from allspin.host.machines.image_beats import pack_images
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import ResidentImages
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.network import MAX_LINES
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.random_network import random_network
from tests.hdl.resident.slow_code import most_beats, pack_image, unpack_images

NETWORKS = [random_network((784, 8, 10), seed) for seed in (1, 2)]
RESIDENT = ResidentParameters(beats=8_000, images=250)


@pytest.fixture(scope="module")
def program():
    profile = HardwareProfile(rows_per_clock=4, resident=RESIDENT)
    return build(TopParameters.from_network(NETWORKS[0], profile))


@pytest.fixture
def device(program):
    with LinkedMachine(VirtualTransport(program)) as opened:
        yield opened


@st.composite
def batches(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Images of any density, with blank, full and single-pixel ones among them."""
    bits = draw(st.integers(1, 8))
    rows = draw(st.integers(1, 600))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images = []
    kinds = st.sampled_from(["blank", "full", "first", "last", "some"])
    for kind in draw(st.lists(kinds, max_size=6)):
        image = np.zeros(rows, dtype=np.uint8)
        match kind:
            case "full":
                image[:] = 2**bits - 1
            case "first":
                image[0] = 1
            case "last":
                image[-1] = 1
            case "some":
                share = rng.choice([0.003, 0.05, 0.5])
                image[:] = rng.integers(0, 2**bits, rows) * (rng.random(rows) < share)
        images.append(image)
    return np.array(images, dtype=np.uint8).reshape(len(images), rows), bits


@settings(deadline=None, max_examples=60)
@given(
    batch=batches(),
    slots=st.sampled_from([1, 2, 4]),
    tile_rows=st.sampled_from([None, 8, 64, 256, 1024]),
)
def test_the_code_is_the_slow_ones(batch, slots, tile_rows):
    images, bits = batch
    lines, beats = pack_images(images, slots, bits, tile_rows)
    slow = [pack_image(image.tolist(), slots, bits, tile_rows) for image in images]
    assert beats.tolist() == [len(image) for image in slow]
    assert lines.tolist() == [list(beat) for image in slow for beat in image]
    assert unpack_images(lines.tolist(), images.shape[1]) == images.tolist()


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="values must be below 16, not up to 16"):
        pack_images(np.full((1, 4), 16, dtype=np.uint8), 1, 4)


@pytest.fixture(scope="module")
def test_set():
    return load_test_set(None)


def test_counts_and_logits_of_two_networks(device, test_set):
    images, labels = (part[:400] for part in test_set)
    resident = device.resident_images()
    held = resident.load(images, labels)
    assert 100 < held <= RESIDENT.images
    values = quantise_pixels(images[:held].reshape(held, -1), 4)
    beats = pack_images(values, 4, 4)[1].sum()
    for network in NETWORKS:
        device.load(network)
        expected = reference.logits(network, images[:held])
        correct = expected.argmax(axis=1) == labels[:held]
        counts = resident.run()
        assert (counts.images, counts.correct) == (held, correct.sum())
        assert counts.accuracy == np.mean(correct)
        assert beats <= counts.cycles <= 1.05 * beats + 300
        answers = resident.logits()
        assert np.array_equal(answers.logits, expected)
        assert np.array_equal(answers.classes, expected.argmax(axis=1))
        # The link's own images still go through.
        assert np.array_equal(device.stream(images[:20]).logits, expected[:20])


def test_more_than_fit_run_in_batches(device, test_set):
    images, labels = (part[:600] for part in test_set)
    device.load(NETWORKS[0])
    resident = device.resident_images()
    held = list(resident.batches(images, labels))
    assert [k for batch in held for k in batch] == list(range(600))
    assert len(held) >= 3
    counts = resident.run_all(images, labels)
    answers = reference.logits(NETWORKS[0], images).argmax(axis=1)
    assert (counts.images, counts.correct) == (600, np.sum(answers == labels))


def test_images_that_cannot_be_loaded_or_run_are_refused(device):
    resident = ResidentImages(device)
    for images, pixels, labels, line in (
        (0, 784, 0, "there is no image to keep"),
        (2, 784, 1, "there are 2 images and 1 labels"),
        (2, 783, 2, "images must have 784 pixels each, not"),
    ):
        with pytest.raises((UserError, ValueError), match=line):
            resident.load(np.zeros((images, pixels), np.uint8), np.zeros(labels, np.int64))
    assert resident.load(np.zeros((2, 784), np.uint8), np.zeros(2, np.int64)) == 2


def test_images_stay_resident_only_while_the_line_has_no_mishap(device, test_set, monkeypatch):
    """A block RAM of images is not read back, so a mishap that may change it counts as a change."""
    images, labels = (part[:20] for part in test_set)
    device.load(NETWORKS[0])
    sent = []
    write = device.write_memories
    monkeypatch.setattr(device, "write_memories", lambda *each: sent.append(each) or write(*each))
    line = device.session.line
    for mishap in ("", "told", "", "repeated", "", "resent"):
        if mishap:
            setattr(line, mishap, getattr(line, mishap) + 1)
        sent.clear()
        assert device.resident_images().load(images, labels) == 20
        assert len(sent) == bool(mishap or line.mishaps == (0, 0, 0))


def test_a_machine_that_runs_fewer_images_than_it_holds_is_told(device, test_set):
    resident = device.resident_images()
    resident.load(*(part[:20] for part in test_set))
    (_, line), *_ = device.session.ask_groups([resident.requests(0)], seconds=resident.seconds)
    assert resident.counts(line).images == 20
    longer = (21).to_bytes(4, "little") + line[4:]
    with pytest.raises(UserError, match="ran 21 resident images, not 20"):
        resident.counts(longer)


def test_a_device_without_the_memory_says_so():
    network = random_network((24, 12, 6), 1)
    with (
        LinkedMachine(VirtualTransport(build(TopParameters.from_network(network)))) as device,
        pytest.raises(UserError, match="the virtual board keeps no images"),
    ):
        ResidentImages(device)


@pytest.mark.parametrize(
    ("rows_per_clock", "blocks", "beats", "mean", "images"),
    [
        (1, 56, 65535, 150.6, 466),
        (2, 56, 53248, 76.7, 736),
        (4, 56, 26624, 40.1, 700),
        (8, 33, 8192, 20.5, 429),
    ],
)
def test_the_number_of_images_that_fit_block_rams(
    test_set, rows_per_clock, blocks, beats, mean, images
):
    """The figures of ``docs/architecture.md``: one more block for labels, and an address of 16
    bits; and those of the 85F's profiles.
    """
    crossbar = CrossbarParameters(784, 100, 100, rows_per_clock=rows_per_clock)
    assert min(most_beats(crossbar, blocks), MAX_LINES) == beats
    lengths = beats_of(test_set, rows_per_clock)
    assert round(lengths.mean(), 1) == mean
    assert np.searchsorted(np.cumsum(lengths), beats, side="right") == images
    for name in {4: ["chips"], 8: ["fast"]}.get(rows_per_clock, []):
        assert ECP5_85[name].hardware.resident == ResidentParameters(beats, images)


def beats_of(test_set, rows_per_clock, tile_rows=None):
    values = quantise_pixels(test_set[0].reshape(len(test_set[0]), -1), 4)
    return pack_images(values, rows_per_clock, 4, tile_rows)[1]


@pytest.mark.parametrize(
    ("rows_per_clock", "figures"), [(2, (76.7, 77.8, 78.5, 79.6)), (4, (40.1, 41.6, 42.5, 44.0))]
)
def test_the_number_of_beats_of_an_image_in_tiles(test_set, rows_per_clock, figures):
    """The figures of ``docs/tiles.md``; one row per clock takes as many with any tiles."""
    tiles = (None, 256, 128, 64)
    means = [round(beats_of(test_set, rows_per_clock, rows).mean(), 1) for rows in tiles]
    assert means == list(figures)
