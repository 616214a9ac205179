"""Drive and watch a component's streams in cocotb.

Handshakes are sampled straight after a rising edge, where every signal still has the value
that the edge saw; what is driven then changes after the edge.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import cocotb
from amaranth.lib import data
from cocotb.clock import Clock
from cocotb.handle import Immediate
from cocotb.triggers import Event, RisingEdge, SimTimeoutError, Timer, with_timeout

from allspin.hdl.payloads import PayloadCode

# Clock and reset of a component in cocotb.

PERIOD = 10
"""Length of a clock in nanoseconds of simulated time; the benches count clocks only."""


async def start_clock(dut: Any, *, reset: int = 2) -> None:
    """Start the clock and reset the component.

    Every input must have been driven before.

    Parameters
    ----------
    dut : cocotb handle
        The component, with ``clk`` and ``rst``.
    reset : int
        Clocks that the reset lasts.
    """
    dut.rst.set(Immediate(1))
    # In C: a clock in Python costs more than the whole simulation. It starts low, since an
    # edge at time 0 would come before Icarus has computed what the registers take.
    Clock(dut.clk, PERIOD, "ns", impl="gpi").start(start_high=False)
    for _ in range(reset):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)


async def clocks(count: int) -> None:
    """Wait, without a look at every clock."""
    await Timer(count * PERIOD, "ns")


async def wait_for(event: Event, limit: int) -> bool:
    """Wait for an event, at most so many clocks, and return whether it came."""
    try:
        await with_timeout(event.wait(), limit * PERIOD, "ns")
    except SimTimeoutError:
        return False
    return True


PATIENCE = 10000
"""Clocks that a driver waits by default before it gives up."""


class Stalls:
    """When a side of a stream is not willing: bursts and gaps, drawn from a seed.

    Parameters
    ----------
    probability : float
        Share of the clocks with a stall, 0 to below 1.
    seed : int or str
        Of the draws.

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
        """Whether there is a stall in this clock."""
        if not self.probability:
            return False
        if not self._left:
            # A run of clocks in which it is never, always, or sometimes unwilling: each
            # finds other faults.
            self._left = self._random.randint(1, 30)
            p = self.probability
            self._rate = self._random.choices((0.0, 1.0, p), ((1 - p) / 2, p / 2, 0.5))[0]
        self._left -= 1
        return self._random.random() < self._rate


def level(handle: Any) -> bool:
    """Value of a handshake signal.

    Raises
    ------
    AssertionError
        If it is neither 0 nor 1, for which a driver would wait in vain.
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
        The stream's, such as ``events``.
    layout : amaranth.lib.data.Layout
        Of its payload.
    stalls : Stalls, optional
        When nothing is to move; never by default.

    Attributes
    ----------
    code : PayloadCode
        Of the payload.
    taken : int
        Payloads that have moved.
    """

    def __init__(
        self, dut: Any, name: str, layout: data.Layout, stalls: Stalls | None = None
    ) -> None:
        self.code = PayloadCode(layout)
        self.taken = 0
        self._name = name
        parts = ("payload", "valid", "ready")
        self._payload, self._valid, self._ready = (getattr(dut, f"{name}__{p}") for p in parts)
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
        """How many payloads have not been taken yet."""
        return len(self._queue)

    def put(self, **members: int) -> None:
        """Offer a payload, after those that wait."""
        self.put_bits((self.code.pack(**members),))

    def put_bits(self, payloads: Iterable[int]) -> None:
        """Offer packed payloads (see `PayloadCode`), after those that wait."""
        self._queue.extend(payloads)
        if self._queue:
            self._empty.clear()
            self._more.set()

    async def drained(self, patience: int = PATIENCE) -> None:
        """Wait until all was taken.

        Parameters
        ----------
        patience : int
            Clocks without a payload taken after which it is given up.

        Raises
        ------
        AssertionError
            If nothing was taken for so long.
        """
        while not self._empty.is_set():
            before = self.taken
            await wait_for(self._empty, patience)
            assert self._empty.is_set() or self.taken != before, (
                f"{self._name}: nothing was taken for {patience} clocks, "
                f"{len(self._queue)} payloads wait"
            )

    def check(self) -> None:
        """See that all was taken.

        Raises
        ------
        AssertionError
            If something waits.
        """
        assert not self._queue, f"{self._name}: {len(self._queue)} were not taken"

    async def _run(self) -> None:
        edge, queue, stalls = self._edge, self._queue, self._stalls
        payload, valid, ready = self._payload, self._valid, self._ready
        while True:
            if not queue:
                valid.value = 0
                self._more.clear()
                self._empty.set()
                await self._more.wait()
                await edge
            while stalls.draw():
                valid.value = 0
                await edge
            payload.value = queue[0]
            valid.value = 1
            await edge
            while not level(ready):
                await edge
            queue.popleft()
            self.taken += 1


class StreamMonitor(StreamEnd):
    """Take payloads from a component's output stream.

    A payload that was offered and not taken must stay as it is.

    Parameters
    ----------
    dut, name, layout, stalls
        As of `StreamEnd`.
    take : callable
        Gets the members of each payload, by name.
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
                if ready:
                    held = None
                    self.taken += 1
                    self._take(**self.code.unpack(bits))
                else:
                    held = bits
            else:
                assert held is None, f"{self._name}: {held:#x} was offered and not taken, then none"
                if ready and not self._stalls.probability:
                    # Nothing to do in clocks without an offer: sleep until the next one.
                    await self._offer
                    continue
            if self._stalls.draw() == ready:
                ready = not ready
                self._ready.value = int(ready)


# Compare what came with what should have come, one after another.


class Scoreboard:
    """A queue of what must come, emptied by what comes.

    Parameters
    ----------
    name : str
        What is compared, for messages.

    Attributes
    ----------
    received : int
        How many items came.
    mismatches : list of str
        Those that were not the expected ones, each in words.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = 0
        self.mismatches: list[str] = []
        self._expected: deque[Any] = deque()

    @property
    def waiting(self) -> int:
        """How many expected items have not come yet."""
        return len(self._expected)

    def expect(self, *items: Any) -> None:
        """Add items that must come, in this order, after those already expected."""
        self._expected.extend(items)

    def receive(self, item: Any) -> None:
        """Compare an item that came with the next expected one."""
        expected = self._expected.popleft() if self._expected else "nothing"
        if expected != item:
            self.mismatches.append(f"number {self.received}: expected {expected}, received {item}")
        self.received += 1

    def check(self) -> None:
        """See that all that was expected came, and nothing else.

        Raises
        ------
        AssertionError
            If something was expected and there is nothing that did not come, or came
            otherwise, or too much.
        """
        shown = "; ".join(self.mismatches[:5])
        assert not self.mismatches, (
            f"{self.name}: {len(self.mismatches)} of {self.received} are wrong: {shown}"
        )
        assert not self._expected, (
            f"{self.name}: {len(self._expected)} did not come, first {self._expected[0]}"
        )
        assert self.received, f"{self.name}: nothing was compared"
