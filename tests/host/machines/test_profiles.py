"""Every profile of a board, as a whole machine on the virtual board, against the golden model."""

import contextlib
import random
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from allspin.boards.catalogue import find_boards
from allspin.boards.top import TopParameters
from allspin.boards.virtual.build import build
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.link.transport import Transport
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_network
from tests.host.machines.work import Work
from tests.host.virtual.faults import (
    Faults,
    FaultyTransport,
)

MACHINES: dict[str, HardwareProfile] = {}
for board in find_boards().values():
    for kind, profile in board.profiles.items():
        if profile.hardware not in MACHINES.values():
            MACHINES[f"{board.name}:{kind}"] = profile.hardware


def small_network(profile: HardwareProfile) -> Network:
    """A network that fills neither the lanes with its columns nor a clock cycle's rows evenly."""
    lanes = profile.lanes or 100
    columns = 5 if lanes >= 100 else lanes + 3
    return random_network((13, columns, 3), 4)


@cache
def program_of(name: str) -> Path:
    """The virtual board of a machine, with the link that boards have."""
    profile = MACHINES[name]
    return build(TopParameters.from_network(small_network(profile), profile, every_clock=False))


class Button(Transport):
    """A virtual board that a closed stream only resets: memories keep their contents.

    Parameters
    ----------
    board : VirtualTransport
        The board.
    """

    def __init__(self, board: VirtualTransport) -> None:
        self.name = board.name
        self._board = board

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        return self._board.exchange(data, timeout)

    def close(self) -> None:
        self._board.process.send_signal(signal.SIGUSR1)


PATIENT = 10.0
"""Latency in seconds: even on a busy machine no request is sent twice on a clean line."""


@contextlib.contextmanager
def power(name: str) -> Iterator[Callable[[], Transport]]:
    """A reset is another process, with empty memories."""
    yield lambda: VirtualTransport(program_of(name))


@contextlib.contextmanager
def button(name: str) -> Iterator[Callable[[], Transport]]:
    """A reset clears registers only."""
    with VirtualTransport(program_of(name)) as board:
        yield lambda: Button(board)


@pytest.mark.long
@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_that_ships_is_the_golden_model(name: str) -> None:
    work = Work.of(small_network(MACHINES[name]))
    with LinkedMachine(VirtualTransport(program_of(name))) as device:
        work.everything(device)


@pytest.mark.long
@pytest.mark.parametrize("kind", [power, button])
@pytest.mark.parametrize("name", MACHINES)
def test_a_reset_in_the_middle_is_told_and_leaves_no_trace(
    name: str, kind: Callable[[str], contextlib.AbstractContextManager[Callable[[], Transport]]]
) -> None:
    work = Work.of(small_network(MACHINES[name]), count=6)
    with kind(name) as power_on:
        clean = FaultyTransport(power_on, Faults())
        clean.latency = PATIENT
        with LinkedMachine(clean) as device:
            work.everything(device)
    # Somewhere else on each machine.
    draws = random.Random(f"{name} {kind.__name__}")
    for frame in draws.sample(range(1, clean.to_host.frames), 3):
        with kind(name) as power_on:
            transport = FaultyTransport(power_on, Faults(reset_after=(frame,), seed=frame))
            with pytest.raises(UserError, match=r"^the virtual board was reset: it is no longer"):
                work.everything(LinkedMachine(transport))
            assert transport.resets == 1
            work.everything(LinkedMachine(transport))
            transport.close()
