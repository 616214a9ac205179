"""Drivers and monitors of a component's streams in cocotb.

Handshakes are sampled right after a rising edge, where every signal still has the value that the
edge saw; driven signals change after the edge.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import cocotb
from amaranth.lib import data
from cocotb.triggers import Event, RisingEdge

from allspin.hdl.bench.clock import wait_for
from allspin.hdl.payloads import PayloadCode

PATIENCE = 10000
"""Clocks that a driver waits by default before it gives up."""


class Stalls:
    """Stalls of one side of a stream: bursts and gaps, drawn from a seed.

    Parameters
    ----------
    probability : float
        Share of the clocks with a stall, 0 to below 1.
    seed : int or str
        Seed of the draws.

    Raises
    ------
    ValueError
        If the probability is outside its range.
    """

    def __init__(self, probability: float, seed: int | str) -> None:
        if not 0 <= probability < 1:
            raise ValueError(f"a stall's probability must be from 0 to below 1, not {probability}")
        self.probability = probability
        self._random = random.Random(str(seed))
        self._left = 0
        self._rate = 0.0

    def draw(self) -> bool:
        """Return True if this clock has a stall."""
        if not self.probability:
            return False
        if not self._left:
            # A run of clocks that stall never, always or sometimes: each kind finds other faults.
            self._left = self._random.randint(1, 30)
            p = self.probability
            self._rate = self._random.choices((0.0, 1.0, p), ((1 - p) / 2, p / 2, 0.5))[0]
        self._left -= 1
        return self._random.random() < self._rate


def level(handle: Any) -> bool:
    """Return the value of a handshake signal.

    Raises
    ------
    AssertionError
        If it is neither 0 nor 1; a driver would wait for it in vain.
    """
    value = handle.value
    if value == 1:
        return True
    assert value == 0, f"{handle._path} is {value}"
    return False


class StreamEnd:
    """One end of a component's stream, driven or watched from outside.

    Parameters
    ----------
    dut : cocotb handle
        The component, with a clock named ``clk``.
    name : str
        The stream's name, such as ``events``.
    layout : amaranth.lib.data.Layout
        Layout of its payload.
    stalls : Stalls, optional
        Clocks without a transfer; none by default.

    Attributes
    ----------
    code : PayloadCode
        Code of the payload.
    taken : int
        Number of transferred payloads.
    """

    def __init__(
        self, dut: Any, name: str, layout: data.Layout, stalls: Stalls | None = None
    ) -> None:
        self.code = PayloadCode(layout)
        self.taken = 0
        self._name = name
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._edge = RisingEdge(dut.clk)
        self._stalls = stalls or Stalls(0, 0)


class StreamDriver(StreamEnd):
    """Put payloads into a component's input stream.

    A payload that is offered stays until it is taken.
    """

    def __init__(
        self, dut: Any, name: str, layout: data.Layout, stalls: Stalls | None = None
    ) -> None:
        super().__init__(dut, name, layout, stalls)
        self._queue: deque[int] = deque()
        self._more = Event()
        self._empty = Event()
        self._empty.set()
        self._valid.value = 0
        self._payload.value = 0
        cocotb.start_soon(self._run())

    @property
    def waiting(self) -> int:
        """Number of payloads that have not been taken yet."""
        return len(self._queue)

    def put(self, **members: int) -> None:
        """Offer a payload after those that wait."""
        self.put_bits((self.code.pack(**members),))

    def put_bits(self, payloads: Iterable[int]) -> None:
        """Offer packed payloads (see `PayloadCode`) after those that wait."""
        self._queue.extend(payloads)
        if self._queue:
            self._empty.clear()
            self._more.set()

    async def drained(self, patience: int = PATIENCE) -> None:
        """Wait until all payloads were taken.

        Parameters
        ----------
        patience : int
            Clocks without a transfer after which the wait ends.

        Raises
        ------
        AssertionError
            If no payload was taken for so long.
        """
        while not self._empty.is_set():
            before = self.taken
            await wait_for(self._empty, patience)
            assert self._empty.is_set() or self.taken != before, (
                f"{self._name}: nothing was taken for {patience} clocks, "
                f"{len(self._queue)} payloads wait"
            )

    def check(self) -> None:
        """Check that all payloads were taken.

        Raises
        ------
        AssertionError
            If a payload waits.
        """
        assert not self._queue, f"{self._name}: {len(self._queue)} were not taken"

    async def _run(self) -> None:
        while True:
            if not self._queue:
                self._valid.value = 0
                self._more.clear()
                self._empty.set()
                await self._more.wait()
                await self._edge
            while self._stalls.draw():
                self._valid.value = 0
                await self._edge
            self._payload.value = self._queue[0]
            self._valid.value = 1
            await self._edge
            while not level(self._ready):
                await self._edge
            self._queue.popleft()
            self.taken += 1


class StreamMonitor(StreamEnd):
    """Take payloads from a component's output stream.

    A payload that was offered and not taken must not change.

    Parameters
    ----------
    dut, name, layout, stalls
        Parameters of `StreamEnd`.
    take : callable
        Called with the members of each payload, by name.
    """

    def __init__(
        self,
        dut: Any,
        name: str,
        layout: data.Layout,
        take: Callable[..., object],
        stalls: Stalls | None = None,
    ) -> None:
        super().__init__(dut, name, layout, stalls)
        self._offer = RisingEdge(self._valid)
        self._take = take
        self._ready.value = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        await self._edge
        ready = not self._stalls.draw()
        self._ready.value = int(ready)
        held: int | None = None
        while True:
            await self._edge
            if level(self._valid):
                bits = int(self._payload.value)
                assert held in (None, bits), (
                    f"{self._name}: {held:#x} was offered and not taken, then {bits:#x}"
                )
                held = None if ready else bits
                if ready:
                    self.taken += 1
                    self._take(**self.code.unpack(bits))
            else:
                assert held is None, f"{self._name}: {held:#x} was offered and not taken, then none"
                if ready and not self._stalls.probability:
                    # No work in clocks without an offer: sleep until the next one.
                    await self._offer
                    continue
            if self._stalls.draw() == ready:
                ready = not ready
                self._ready.value = int(ready)
