"""Programming that is interrupted anywhere: the logits are right all the same, or an error is told.

A frame is lost or damaged or comes again, the board is reset, the host dies. Some memories cannot
be read back, so a wrong logit would be the first sign of a fault.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.link.transport import Transport
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.machine import programmed_anew
from allspin.host.machines.resident import ResidentImages
from allspin.host.run.inference import RunOptions, run as infer
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.chip.words import Words
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.program import ProgrammedChip, program
from tests.host.machines.test_profiles import PATIENT, Button
from tests.host.machines.work import SUMS, made_of
from tests.host.virtual import test_tiles
from tests.host.virtual.faults import (
    NO_FAULTS,
    Faults,
    FaultyTransport,
    FaultyWire,
    WireFaults,
)
from tests.sim.network.any_network import in_tiles

NETWORKS = (random_network((60, 11, 5), 1), random_network((60, 11, 5), 9))
SMALL = random_network((13, 5, 3), 4)
TILED = (
    test_tiles.NETWORK,
    *(in_tiles(test_tiles.PLAIN, 16, 5, offsets=seed) for seed in (1, 2)),
)
"""Networks without offsets, and with two sets of offsets."""
SEEDS = (3, 4)
"""Seeds of chips."""
RUNS_WITH_TWO_FAULTS = int(os.environ.get("ALLSPIN_FAULT_RUNS", "24"))
"""Runs of all kinds of machines together; `make faults` does a thousand."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Kind of machine, and its work."""

    profile: HardwareProfile
    work: Callable[["Kind", LinkedMachine], None]
    networks: tuple[Network, ...] = NETWORKS
    count: int = 6
    wrong: dict[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> npt.NDArray[np.uint8]:
        return random_images(self.networks[0], self.count, 2)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        return np.arange(self.count) % self.networks[0].classes


@cache
def board_of(kind: Kind) -> Path:
    """Build the virtual board of a kind."""
    return build(TopParameters.from_network(kind.networks[0], kind.profile))


@cache
def ideal(kind: Kind, number: int) -> npt.NDArray[np.int64]:
    """Return the logits of one of the networks."""
    return reference.logits(kind.networks[number], kind.images)


@cache
def programmed(kind: Kind, made: Device, seed: int) -> ProgrammedChip:
    """Program a chip with the first network."""
    return program(kind.networks[0], made, seed)


@cache
def golden(
    kind: Kind, chip: ProgrammedChip, order: int = 1
) -> tuple[list[Words], npt.NDArray[np.int64]]:
    """Return a chip's words, and its logits of the images in an order.

    The noise of a use is drawn by an image's place, so the order matters to it.
    """
    network, images = chip.network, kind.images[::order]
    return chip.words, reference.logits(network, images, noise=chip.noise)


def networks(kind: Kind, device: LinkedMachine) -> None:
    """Program one network after another."""
    for which, network in enumerate(kind.networks):
        device.load(network)
        for number, layer in enumerate(network.layers):
            assert (device.read_words(number) == layer.words).all()
        assert (device.stream(kind.images).logits == ideal(kind, which)).all()


def chips(kind: Kind, device: LinkedMachine) -> None:
    """Program two chips one after another, and compare each word with the golden model's."""
    made = made_of(device, **kind.wrong)
    for seed in SEEDS:
        chip = programmed(kind, made, seed)
        words, logits = golden(kind, chip)
        device.load(chip)
        assert device.words_from == "words made by the gateware"
        for number, layer in enumerate(words):
            assert (device.read_words(number) == layer).all()
        assert (device.stream(kind.images).logits == logits).all()


def resident(kind: Kind, device: LinkedMachine) -> None:
    """Load images that stay, on two chips; then others in their place."""
    made = made_of(device)
    images = ResidentImages(device)
    for order in (1, -1):
        labels = kind.labels[::order]
        assert images.load(kind.images[::order], labels) == kind.count
        for seed in SEEDS:
            chip = programmed(kind, made, seed)
            _, logits = golden(kind, chip, order)
            device.load(chip)
            assert images.run().correct == np.count_nonzero(logits.argmax(axis=1) == labels)
            assert (images.logits().logits == logits).all()


def sweep(kind: Kind, device: LinkedMachine) -> None:
    """Sweep chips over batches, with several requests under way."""
    made = made_of(device, **kind.wrong)
    some = [programmed(kind, made, seed) for seed in SEEDS * 2]
    assert device.classifies_together(some[0])
    counts = device.classify_together(some, kind.images, kind.labels)
    assert device.identity.resident_images < kind.count == counts[0].images
    right = [golden(kind, chip)[1].argmax(axis=1) == kind.labels for chip in some]
    assert [each.correct for each in counts] == [np.count_nonzero(each) for each in right]


def made_again(kind: Kind, device: LinkedMachine) -> None:
    """Program an ideal network, and chips of noisy sums and wrong amplifiers in its place."""
    networks(kind, device)
    chips(kind, device)


KEPT = HardwareProfile(
    variation=VariationParameters(10, 22, redraw=True),
    resident=ResidentParameters(beats=512, images=16),
)
OF_SUMS = HardwareProfile(
    variation=VariationParameters(10, redraw=True, sum_noise=True),
    resident=ResidentParameters(beats=60, images=4),
)
KINDS = {
    "words": Kind(HardwareProfile(), networks),
    "Programmer": Kind(
        HardwareProfile(variation=VariationParameters(states=10, rounds_per_clock=22)), chips
    ),
    "Programmer with redraw": Kind(KEPT, chips),
    "resident": Kind(KEPT, resident),
    "sweep": Kind(KEPT, sweep, count=18),
    "tiles": Kind(test_tiles.PROFILE, networks, TILED, count=3),
    "sums": Kind(OF_SUMS, made_again, (SMALL,), 3, SUMS),
    "sweep of sums": Kind(OF_SUMS, sweep, (SMALL,), 5, SUMS),
}
LONG_KINDS = "Programmer", "sums", "sweep of sums", "Programmer with redraw", "resident", "sweep"
NAMES = [pytest.param(name, marks=[pytest.mark.long] * (name in LONG_KINDS)) for name in KINDS]
"""Kinds; those with a board of their own are long, but for one of plain words."""
every_kind = pytest.mark.parametrize("name", NAMES)


class Noted(FaultyTransport[Any]):
    """Line that keeps all bytes that were sent."""

    sent = b""

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        taken, received = super().exchange(data, timeout)
        self.sent += data[:taken]
        return taken, received


def run(kind: Kind, faults: Faults, patience: float | None = None) -> Noted:
    """Do a machine's work on a board behind such a line."""
    transport = Noted(lambda: VirtualTransport(board_of(kind)), faults)
    transport.latency = transport.latency if patience is None else patience
    with transport:
        kind.work(kind, LinkedMachine(transport))
    return transport


@cache
def clean(name: str) -> Noted:
    """Do a machine's work without losses and repetitions."""
    found = run(KINDS[name], Faults(), PATIENT)
    assert found.to_device.frames == found.to_host.frames > 20
    return found


Fault = tuple[str, str, int]
"""Direction, kind of fault, and number of the frame."""


def faults(*which: Fault, seed: int = 0) -> Faults:
    def wire(direction: str) -> WireFaults:
        def frames(kind: str) -> tuple[int, ...]:
            return tuple(number for *what, number in which if what == [direction, kind])

        return WireFaults(drop=frames("drop"), damage=frames("damage"))

    return Faults(wire("to_device"), wire("to_host"), seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["drop", "damage"])
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@every_kind
def test_each_frame_may_get_lost(name: str, direction: str, kind: str) -> None:
    for frame in range(1, clean(name).to_device.frames + 1):
        wire = getattr(run(KINDS[name], faults((direction, kind, frame))), direction)
        assert (wire.dropped, wire.damaged) == ((1, 0) if kind == "drop" else (0, 1))


@every_kind
def test_any_two_frames_may_get_lost(name: str) -> None:
    frames = range(1, clean(name).to_device.frames + 1)
    for seed in range(RUNS_WITH_TWO_FAULTS // len(KINDS)):
        draws = random.Random(f"{name} {seed}")
        which = [
            (draws.choice(["to_device", "to_host"]), draws.choice(["drop", "damage"]), frame)
            for frame in draws.sample(frames, 2)
        ]
        run(KINDS[name], faults(*which, seed=seed))


class Old(FaultyWire):
    """Wire that repeats old frames: behind frame n the one with number `again[n]`."""

    def __init__(self, again: dict[int, int]) -> None:
        super().__init__(NO_FAULTS, [0])
        self.again, self.past, self._begun = again, [b""], b""

    def carry(self, data: bytes) -> bytes:
        *frames, self._begun = (self._begun + data).split(b"\0")
        left = b""
        for frame in filter(None, frames):
            now = len(self.past)
            self.past.append(frame + b"\0")
            left += self.past[now] + self.past[self.again.get(now, 0)]
        return super().carry(left)


@every_kind
def test_an_old_frame_that_comes_again_is_told_and_the_machine_programmed_anew(name: str) -> None:
    kind, frames = KINDS[name], clean(name).to_device.frames
    for seed in range(RUNS_WITH_TWO_FAULTS // len(KINDS)):
        draws = random.Random(f"{name} {seed}")
        # One of the first programming, and one of the second, in which any of both comes again.
        places = draws.randrange(3, frames), frames + draws.randrange(3, frames)
        said: list[str] = []
        with FaultyTransport(lambda: VirtualTransport(board_of(kind)), Faults(), PATIENT) as line:
            line.latency = PATIENT
            line.to_device = Old({now: draws.randrange(1, now) for now in places})
            device = LinkedMachine(line)
            programmed_anew(lambda device=device: kind.work(kind, device), said.append)
        assert said
        assert all("was sent an old request again" in line for line in said)


@pytest.mark.parametrize("way", ["to_device", "to_host"])
def test_an_identify_of_an_earlier_session_that_comes_again_ends_no_run(way: str) -> None:
    kind = KINDS["words"]
    network = kind.networks[0]
    for frame in some_of(range(3, 12)):
        with FaultyTransport(lambda: VirtualTransport(board_of(kind)), Faults(), PATIENT) as line:
            line.latency = PATIENT
            setattr(line, way, Old({frame: 1}))
            LinkedMachine(line)  # of the earlier session
            machine = LinkedMachine(line)
            checked = RunOptions(check=True)
            with pytest.warns(UserWarning, match="it is programmed again"):
                score = infer(network, machine, checked, data=(kind.images, kind.labels))
            assert score.difference is None


@pytest.mark.long
def test_states_that_an_old_frame_may_have_changed_are_sent_again() -> None:
    kind = KINDS["Programmer with redraw"]
    wire, said = Old({}), list[str]()
    with FaultyTransport(lambda: VirtualTransport(board_of(kind)), Faults(), PATIENT) as line:
        line.to_device, line.latency = wire, PATIENT
        device = LinkedMachine(line)
        made = made_of(device)
        chip = programmed(kind, made, 3)
        device.load(program(kind.networks[1], made, 3))
        states = len(wire.past) - 2  # the last frame but that which clears the counters
        device.load(chip)
        wire.again[len(wire.past)] = states
        programmed_anew(lambda: device.load(chip), said.append)
        assert len(said) == 1
        for number, layer in enumerate(golden(kind, chip)[0]):
            assert (device.read_words(number) == layer).all()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
@every_kind
def test_a_reset_after_any_frame_is_told(name: str, every: bool) -> None:
    frames = range(1, clean(name).to_host.frames)
    for frame in frames if every else some_of(frames):
        with pytest.raises(UserError, match=r"^the virtual board was reset: it is no longer"):
            run(KINDS[name], Faults(reset_after=(frame,), seed=frame))


@pytest.mark.parametrize("button", [False, True])
@every_kind
def test_after_a_reset_the_next_host_finds_no_trace_of_the_one_before(
    name: str, button: bool
) -> None:
    kind = KINDS[name]
    for frame in some_of(range(1, clean(name).to_host.frames)):
        with VirtualTransport(board_of(kind)) as board:

            def power_on(board: VirtualTransport = board) -> Transport:
                return Button(board) if button else VirtualTransport(board_of(kind))

            faults = Faults(reset_after=(frame,), seed=frame)
            with FaultyTransport(power_on, faults, PATIENT) as transport:
                with pytest.raises(UserError, match="was reset"):
                    kind.work(kind, LinkedMachine(transport))
                assert transport.resets == 1
                kind.work(kind, LinkedMachine(transport))


def some_of(places: range) -> Iterator[int]:
    """Return four of the places, which depend on the machine."""
    return iter(random.Random(len(places)).sample(places, 4))


class Dying(Transport):
    """Stream of a host that is killed after a number of bytes; the board lives on."""

    def __init__(self, board: VirtualTransport, most: int) -> None:
        self.name, self._board, self._left = board.name, board, most

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        if not self._left:
            raise Killed
        taken, received = self._board.exchange(data[: self._left], timeout)
        self._left -= taken
        return taken, received

    def close(self) -> None:
        pass


class Killed(Exception):
    """End of a host."""


@every_kind
def test_the_next_host_finds_no_trace_of_one_that_died(name: str) -> None:
    """Most hosts die in the middle of a frame."""
    kind = KINDS[name]
    with VirtualTransport(board_of(kind)) as board:
        for place in some_of(range(20, len(clean(name).sent))):
            with pytest.raises(Killed):
                kind.work(kind, LinkedMachine(Dying(board, place)))
            kind.work(kind, LinkedMachine(Dying(board, 2**63)))
