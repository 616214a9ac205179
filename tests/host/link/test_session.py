"""Each frame of a programming, lost or damaged in turn: what comes out is right all the same."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.data.catalogue import open_device
from allspin.host.machines.chips import ChipMaker, ResidentChips
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.resident import ResidentImages
from allspin.host.virtual.board import VirtualTransport
from allspin.host.virtual.faults import Faults, FaultyTransport, WireFaults
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.fixed_point import Words
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_networks import random_images, random_network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

Logits = npt.NDArray[np.int64]

NETWORK = random_network((60, 11, 5), 1)
IMAGES = random_images(NETWORK, 6, 2)
LABELS = np.array([0, 1, 2, 3, 4, 0])
PAPER = open_device("paper")
SEEDS = (3, 4)
"""Chips."""
RUNS_WITH_TWO_FAULTS = int(os.environ.get("ALLSPIN_FAULT_RUNS", "40"))
"""Of all kinds of machines together; `make faults` does a thousand."""


NETWORKS = (random_network((60, 11, 5), 9), NETWORK)


@cache
def ideal(number: int) -> Logits:
    """Logits of one of the networks."""
    return GoldenModel(NETWORKS[number]).logits(IMAGES)


@cache
def golden(seed: int) -> tuple[list[Words], Logits]:
    """A chip's words and logits."""
    chip = Chip(PAPER, seed)
    words = program_chip(chip, NETWORK, Programming()).words
    return words, chip.golden(NETWORK, words).logits(IMAGES)


@cache
def resident_logits(seed: int, step: int | None) -> Logits:
    """A chip's logits of the images in one order or the other."""
    chip = Chip(PAPER, seed)
    return chip.golden(NETWORK, golden(seed)[0]).logits(IMAGES[::step])


def weights(device: LinkedMachine) -> None:
    """Two networks after another."""
    for which, network in enumerate(NETWORKS):
        device.program(network)
        for number, layer in enumerate(network.layers):
            assert (device.read_words(number) == layer.words).all()
        assert (device.stream(IMAGES).logits == ideal(which)).all()


def chips(device: LinkedMachine) -> None:
    """Two chips after another, each word compared with the golden model's."""
    maker = ChipMaker(device, NETWORK, PAPER, Programming())
    assert maker.reason is None
    for seed in SEEDS:
        words, logits = golden(seed)
        maker.make(Chip(PAPER, seed))
        for number, layer in enumerate(words):
            assert (device.read_words(number) == layer).all()
        assert (device.stream(IMAGES).logits == logits).all()


def resident(device: LinkedMachine) -> None:
    """Images that stay, on two chips; then others in their place."""
    maker = ChipMaker(device, NETWORK, PAPER, Programming())
    images = ResidentImages(device)
    for order in (slice(None), slice(None, None, -1)):
        kept, labels = IMAGES[order], LABELS[order]
        assert images.load(kept, labels) == len(kept)
        for seed in SEEDS:
            maker.make(Chip(PAPER, seed))
            counts = images.run()
            # The noise of a use is drawn by an image's place, so the order matters to it.
            logits = resident_logits(seed, order.step)
            assert counts.correct == (np.argmax(logits, axis=1) == labels).sum()
            assert (images.logits().logits == logits).all()


def sweep(device: LinkedMachine) -> None:
    """Batches outside, chips inside: what each chip counts, several requests under way."""
    maker = ChipMaker(device, NETWORK, PAPER, Programming())
    chips = [(Chip(PAPER, seed), Chip(PAPER, seed).varied(NETWORK)) for seed in SEEDS * 2]
    many = ResidentChips(device, maker)
    assert many.possible
    images, labels = np.concatenate([IMAGES] * 3), np.concatenate([LABELS] * 3)
    counts = many.run(chips, images, labels)
    assert device.identity.resident_images < len(images) == counts[0].images
    assert [each.correct for each in counts] == [sweep_correct(seed) for seed in SEEDS * 2]


@cache
def sweep_correct(seed: int) -> int:
    """What a chip of the sweep classifies as labelled."""
    chip = Chip(PAPER, seed)
    model = chip.golden(NETWORK, golden(seed)[0])
    found = model.classify(np.concatenate([IMAGES] * 3))
    return int(np.count_nonzero(found == np.concatenate([LABELS] * 3)))


@dataclass(frozen=True)
class Machine:
    """A kind of machine, and what is done with it."""

    profile: HardwareProfile
    work: Callable[[LinkedMachine], None]


VARIATION = VariationParameters(states=10, rounds_per_clock=22)
MACHINES = {
    "words": Machine(HardwareProfile(), weights),
    "Programmer": Machine(HardwareProfile(variation=VARIATION), chips),
    "Programmer with redraw": Machine(
        HardwareProfile(variation=VariationParameters(10, 22, redraw=True)), chips
    ),
    "resident": Machine(
        HardwareProfile(
            variation=VariationParameters(10, 22, redraw=True),
            resident=ResidentParameters(beats=512, images=16),
        ),
        resident,
    ),
}
MACHINES["sweep"] = Machine(MACHINES["resident"].profile, sweep)


PATIENT = 10.0
"""Seconds: however busy the machine, nothing is asked twice on a clean line."""


@cache
def program_of(profile: HardwareProfile) -> Path:
    """The virtual board of a profile."""
    return build(TopParameters.from_network(NETWORK, profile))


def run(machine: Machine, faults: Faults) -> FaultyTransport:
    """Do a machine's work on a board behind such a line."""
    program = program_of(machine.profile)
    transport = FaultyTransport(lambda: VirtualTransport(program), faults)
    if faults == Faults():
        transport.latency = PATIENT
    try:
        with LinkedMachine(transport) as device:
            machine.work(device)
    finally:
        transport.close()
    return transport


Fault = tuple[str, str, int]
"""Direction, what happens, and to which frame."""


def faults(*which: Fault, seed: int = 0) -> Faults:
    def wire(direction: str) -> WireFaults:
        def frames(kind: str) -> tuple[int, ...]:
            return tuple(number for *what, number in which if what == [direction, kind])

        return WireFaults(drop=frames("drop"), damage=frames("damage"))

    return Faults(wire("to_device"), wire("to_host"), seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["drop", "damage"])
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@pytest.mark.parametrize("name", MACHINES)
def test_each_frame_may_get_lost(name, direction, kind):
    machine = MACHINES[name]
    clean = run(machine, Faults())
    assert clean.to_device.frames == clean.to_host.frames > 20
    for frame in range(1, clean.to_device.frames + 1):
        faulty = run(machine, faults((direction, kind, frame)))
        counts = getattr(faulty, direction)
        assert (counts.dropped, counts.damaged) == ((1, 0) if kind == "drop" else (0, 1))


@pytest.mark.parametrize("name", MACHINES)
def test_any_two_frames_may_get_lost(name):
    machine = MACHINES[name]
    frames = run(machine, Faults()).to_device.frames
    refused = 0
    for seed in range(RUNS_WITH_TWO_FAULTS // len(MACHINES)):
        draws = random.Random(f"{name} {seed}")
        which = [
            (draws.choice(["to_device", "to_host"]), draws.choice(["drop", "damage"]), frame)
            for frame in draws.sample(range(1, frames + 1), 2)
        ]
        try:
            run(machine, faults(*which, seed=seed))
        except UserError:
            refused += 1
    assert refused == 0


@pytest.mark.parametrize("name", MACHINES)
def test_a_reset_after_any_frame_is_told(name):
    machine = MACHINES[name]
    frames = run(machine, Faults()).to_host.frames
    for frame in range(1, frames):
        with pytest.raises(UserError, match="the virtual board was reset"):
            run(machine, Faults(reset_after=(frame,), seed=frame))
