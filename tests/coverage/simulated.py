"""A machine in Amaranth's own simulator, as the stream that a host's device is behind."""

import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.sim import Simulator

from allspin.host.link.transport import Transport
from tests.coverage.coverage import Recording

PATIENCE = 20_000
"""Clocks without a byte, after which no further byte is expected."""


class SimulatedTransport(Transport):
    """Bytes to and from a top without a UART, with stalls on both sides.

    Parameters
    ----------
    recording : Recording
        Recording of the top.
    stall : float
        Share of the clocks in which a byte is not offered, or not taken.
    seed : int
        Seed of the stalls.
    beside : callable, optional
        A testbench of the top's other pins; it is given the top.

    Attributes
    ----------
    deaf_until : int
        Clock before which no byte is taken.
    """

    name = "the simulated board"
    holds_back = True
    latency = timeout = probe_timeout = 1e6

    def __init__(
        self,
        recording: Recording,
        *,
        stall: float = 0.0,
        seed: int = 0,
        beside: Callable[[Any, Any], Awaitable[None]] | None = None,
    ) -> None:
        self.deaf_until = 0
        self._stall = stall
        self._clock = 0
        self._random = random.Random(seed)
        self._to_device: deque[int] = deque()
        self._received = bytearray()
        self._silent = 0
        (top,) = recording.of("Top")
        self._dut: Any = top.component
        self._simulator = Simulator(recording.simulated())
        self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(recording.sample, background=True)
        self._simulator.add_testbench(self._carry, background=True)
        if beside is not None:

            async def attend(ctx: Any) -> None:
                await beside(ctx, self._dut)

            self._simulator.add_testbench(attend, background=True)

    async def _carry(self, ctx: Any) -> None:
        received, sent = self._dut.received, self._dut.sent
        offered = willing = False
        ports = received.ready, sent.valid, sent.payload
        async for _, _, taken, comes, byte in ctx.tick().sample(*ports):
            self._clock += 1
            self._silent += 1
            if offered and taken:
                self._to_device.popleft()
                self._silent = 0
                offered = False
            if willing and comes:
                self._received.append(byte)
                self._silent = 0
            if not offered and self._to_device and self._willing():
                ctx.set(received.payload, self._to_device[0])
                offered = True
            ctx.set(received.valid, offered)
            willing = self._clock >= self.deaf_until and self._willing()
            ctx.set(sent.ready, willing)

    def _willing(self) -> bool:
        return self._random.random() >= self._stall

    def exchange(self, data: bytes, timeout: float) -> tuple[int, bytes]:
        """Clock the machine until it sends something; time is the simulation's."""
        self._to_device += data
        self._silent = 0
        while not self._received:
            assert self._silent < PATIENCE, f"nothing has moved for {PATIENCE} clocks"
            self._simulator.advance()
        found = bytes(self._received)
        self._received.clear()
        return len(data), found

    def close(self) -> None:
        """Return at once: no port is open."""
