"""Noise of sums, amplifiers and offsets of tiles, whose programming is interrupted.

A frame gets lost, the board is reset, the host dies in the middle of a frame: what these memories
hold cannot be read back, so a logit would be the first to be wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from cobs import cobs

from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.link.protocol import Request
from allspin.hdl.parameters.memory_map import AMPLIFIERS, ENGINE, SUM_NOISE, TILE_OFFSETS
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.link.transport import Transport
from allspin.host.machines.chips import ChipMaker, ResidentChips
from allspin.host.machines.linked import LinkedMachine
from allspin.host.virtual.board import VirtualTransport
from allspin.host.virtual.faults import Faults, FaultyTransport, WireFaults
from allspin.sim.chip.chip import Chip
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.random_networks import random_images, random_network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming
from tests.host.machines.test_profiles import PATIENT, Button
from tests.host.machines.work import SEEDS, SUMS, made_of
from tests.host.virtual import test_tiles
from tests.sim.network.any_network import in_tiles

HIDDEN = (SUM_NOISE, AMPLIFIERS, TILE_OFFSETS)
"""The memories."""
CHIPS = HardwareProfile(
    variation=VariationParameters(10, redraw=True, sum_noise=True),
    resident=ResidentParameters(beats=60, images=4),
)
NETWORK = random_network((13, 5, 3), 4)
IMAGES = random_images(NETWORK, 3, 6)
LABELS = np.array([0, 1, 2])
IN_TILES = [in_tiles(test_tiles.PLAIN, 16, 5, offsets=seed) for seed in (1, 2)]
TILE_IMAGES = random_images(test_tiles.PLAIN, 3, 6)


@cache
def ideal(tiled: bool) -> npt.NDArray[np.int64]:
    """Logits of a network whose sums nothing is added to."""
    return GoldenModel(test_tiles.NETWORK if tiled else NETWORK).logits(
        TILE_IMAGES if tiled else IMAGES
    )


@cache
def of_chip(made: Any, seed: int) -> npt.NDArray[np.int64]:
    """A chip's logits."""
    chip = Chip(made, seed)
    words = program_chip(chip, NETWORK, Programming()).words
    return chip.golden(NETWORK, words).logits(IMAGES)


def shows(device: LinkedMachine, network: Network, images: Any, logits: Any) -> None:
    device.program(network)
    np.testing.assert_array_equal(device.stream(images).logits, logits)


def chips(device: LinkedMachine) -> None:
    """An ideal network, and chips of noisy sums and wrong amplifiers one after another."""
    shows(device, NETWORK, IMAGES, ideal(False))
    made = made_of(device, **SUMS)
    maker = ChipMaker(device, NETWORK, made, Programming())
    for seed in SEEDS:
        maker.make(Chip(made, seed))
        np.testing.assert_array_equal(device.stream(IMAGES).logits, of_chip(made, seed))


def sweep(device: LinkedMachine) -> None:
    """The same chips inside, shown images that stay: groups of requests, many under way."""
    made = made_of(device, **SUMS)
    many = ResidentChips(device, ChipMaker(device, NETWORK, made, Programming()))
    assert many.possible
    seeds = (*SEEDS, *SEEDS)
    counts = many.run(
        [(Chip(made, seed), Chip(made, seed).varied(NETWORK)) for seed in seeds], IMAGES, LABELS
    )
    right = [np.count_nonzero(of_chip(made, s).argmax(axis=1) == LABELS) for s in seeds]
    assert [each.correct for each in counts] == right


def tiles(device: LinkedMachine) -> None:
    """A network without offsets, and two that have others."""
    shows(device, test_tiles.NETWORK, TILE_IMAGES, ideal(True))
    for network in IN_TILES:
        shows(device, network, TILE_IMAGES, GoldenModel(network).logits(TILE_IMAGES))


@dataclass(frozen=True)
class Machine:
    """A virtual board, and what is done with it."""

    program: Callable[[], Path]
    work: Callable[[LinkedMachine], None]


@cache
def chips_program() -> Path:
    return build(TopParameters.from_network(NETWORK, CHIPS))


MACHINES = {
    "chips": Machine(chips_program, chips),
    "sweep": Machine(chips_program, sweep),
    "tiles": Machine(test_tiles.program, tiles),
}
LONG = [pytest.param(n, marks=[pytest.mark.long] * (n != "tiles")) for n in MACHINES]
"""Those whose board no other test builds take long."""
SLOWEST = 2.0
"""Seconds: on a busy machine an answer takes longer than on a board."""


class Noted(FaultyTransport[Any]):
    """Keeps all that was sent."""

    sent = b""

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        taken, received = super().exchange(data, timeout)
        self.sent += data[:taken]
        return taken, received


@cache
def clean(name: str) -> bytes:
    """What a machine's host sends where nothing is lost."""
    machine = MACHINES[name]
    transport = Noted(lambda: VirtualTransport(machine.program()), Faults())
    transport.latency = PATIENT
    with LinkedMachine(transport) as device:
        machine.work(device)
    assert transport.to_device.frames == transport.to_host.frames
    return transport.sent


def hidden(name: str) -> list[tuple[int, int]]:
    """Each frame that writes one of the memories: its number, and where in the stream it ends."""
    found, end, number = [], 0, 0
    for frame in clean(name).split(b"\0")[:-1]:
        end += len(frame) + 1
        number += bool(frame)
        payload = cobs.decode(frame)
        if payload[:1] == bytes([Request.WRITE]) and payload[3] >> 4 != ENGINE:
            found += [(number, end)] if payload[3] & 0xF in HIDDEN else []
    assert len(found) >= 4
    return found


@pytest.mark.long
@pytest.mark.parametrize("kind", ["drop", "damage"])
@pytest.mark.parametrize("direction", ["to_device", "to_host"])
@pytest.mark.parametrize("name", LONG)
def test_a_frame_gets_lost(name: str, direction: str, kind: str) -> None:
    machine = MACHINES[name]
    for number, _ in hidden(name):
        which: dict[str, Any] = {kind: (number,)}
        way: dict[str, Any] = {direction: WireFaults(**which)}
        faults = Faults(**way, seed=number)
        transport = Noted(lambda: VirtualTransport(machine.program()), faults, SLOWEST)
        with LinkedMachine(transport) as device:
            machine.work(device)
        counts = getattr(transport, direction)
        assert counts.dropped + counts.damaged == 1


@pytest.mark.parametrize("button", [False, True])
@pytest.mark.parametrize("name", LONG)
def test_the_board_is_reset(name: str, button: bool) -> None:
    """It is told, and the next host finds nothing of it."""
    machine = MACHINES[name]
    for number, _ in hidden(name)[::2]:
        with VirtualTransport(machine.program()) as board:

            def power_on(board: VirtualTransport = board) -> Transport:
                return Button(board) if button else VirtualTransport(machine.program())

            transport = Noted(power_on, Faults(reset_after=(number,), seed=number), SLOWEST)
            with pytest.raises(UserError, match=r"^the virtual board was reset: it is no longer"):
                machine.work(LinkedMachine(transport))
            assert transport.resets == 1
            machine.work(LinkedMachine(transport))
            transport.close()


class Dying(Transport):
    """A stream of a host that is killed when it has sent so much."""

    def __init__(self, board: VirtualTransport, most: int) -> None:
        self.name, self._board, self._left = board.name, board, most

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        if not self._left:
            raise Killed
        taken, received = self._board.exchange(data[: self._left], timeout)
        self._left -= taken
        return taken, received

    def close(self) -> None:
        """The board lives on."""


class Killed(Exception):
    """It was."""


@pytest.mark.parametrize("name", LONG)
def test_the_host_dies(name: str) -> None:
    """In the middle of a frame, or when it is sent; the next host finds nothing of it."""
    machine = MACHINES[name]
    with VirtualTransport(machine.program()) as board:
        for place, (_, end) in enumerate(hidden(name)):
            dying = Dying(board, end - 3 * (place % 2))
            with pytest.raises(Killed):
                machine.work(LinkedMachine(dying))
            machine.work(LinkedMachine(Dying(board, 2**63)))
