"""Drive a component's streams in Amaranth's own simulator."""

import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from amaranth.lib import data
from amaranth.sim import Simulator

Process = Callable[[Any], Coroutine[Any, Any, None]]


def plain(payload: Any) -> Any:
    """A payload as an int, or a tuple of ints in the order of its layout."""
    if isinstance(payload, data.Const):
        return tuple(plain(payload[name]) for name, _ in payload.shape())
    return int(payload)


class StreamBench:
    """Put payloads into streams and take them out, with random stalls on every side.

    Every stream that is taken from is watched: a payload that was offered must stay until
    it is taken.

    Parameters
    ----------
    dut : Elaboratable
        The component.
    stall : float
        Probability that a side of a stream is not willing in a clock, 0 to below 1.
    seed : int
        Seed of the stalls.

    Attributes
    ----------
    clock : int
        Clocks since the start.

    Examples
    --------
    >>> from allspin.hdl.stream.buffers import Queue
    >>> queue = Queue(8, 4)
    >>> bench = StreamBench(queue, stall=0.5, seed=1)
    >>> bench.put(queue.i, [1, 2, 3])
    >>> taken = bench.take(queue.o, 3)
    >>> bench.run()
    >>> taken
    [1, 2, 3]
    """

    def __init__(self, dut: Any, *, stall: float = 0.0, seed: int = 0) -> None:
        self.stall = stall
        self.clock = 0
        self._random = random.Random(seed)
        self._simulator = Simulator(dut)
        self._simulator.add_clock(1e-6)
        self._unfinished = 0
        self._movement = 0

    def put(self, port: Any, payloads: Iterable[Any]) -> None:
        """Offer payloads, one after another, to an input stream."""
        rng = random.Random(self._random.random())
        self._unfinished += 1

        async def process(ctx: Any) -> None:
            for payload in payloads:
                while rng.random() < self.stall:
                    await ctx.tick()
                ctx.set(port.payload, payload)
                ctx.set(port.valid, 1)
                await ctx.tick().until(port.ready)
                ctx.set(port.valid, 0)
                self._movement = self.clock
            self._unfinished -= 1

        self.play(process)

    def take(
        self,
        port: Any,
        count: int,
        *,
        clocks: list[int] | None = None,
        stall: float | None = None,
        after: int = 0,
    ) -> list[Any]:
        """Take payloads from an output stream.

        Parameters
        ----------
        port : stream
            The output.
        count : int
            Payloads that must come before `run` may end.
        clocks : list of int, optional
            Gets the clock of each payload.
        stall : float, optional
            In place of the bench's.
        after : int
            Clocks without an item taken.

        Returns
        -------
        list
            Filled by `run` with payloads as `plain` gives them; longer than `count` if
            more come than should.
        """
        rng = random.Random(self._random.random())
        stall = self.stall if stall is None else stall
        taken: list[Any] = []
        if count:
            self._unfinished += 1

        async def process(ctx: Any) -> None:
            waiting = None
            ready = rng.random() >= stall and not after
            ctx.set(port.ready, ready)
            async for _, _, valid, offered in ctx.tick().sample(port.valid, port.payload):
                payload = plain(offered) if valid else None
                assert waiting in (None, payload), (
                    f"{waiting} was offered and not taken, then {payload} was offered"
                )
                waiting = None if ready else payload
                if valid and ready:
                    taken.append(payload)
                    self._movement = self.clock
                    if clocks is not None:
                        clocks.append(self.clock)
                    if len(taken) == count:
                        self._unfinished -= 1
                ready = rng.random() >= stall and self.clock >= after
                ctx.set(port.ready, ready)

        self.play(process)
        return taken

    def play(self, process: Process) -> None:
        """Run a testbench of one's own beside the streams, for as long as `run` does."""
        self._simulator.add_testbench(process, background=True)

    def moves(self) -> None:
        """Say that a testbench of one's own is not at its end, nor waits for a stream."""
        self._movement = self.clock

    def run(
        self,
        *processes: Process,
        patience: int = 2000,
        settle: int = 20,
        clocks: int | None = None,
    ) -> None:
        """Run until all has been put and taken.

        Parameters
        ----------
        *processes : callable
            Testbenches of one's own, which must end too.
        patience : int
            Clocks without progress that count as a deadlock.
        settle : int
            Clocks to run on after the end, in case more comes than should.
        clocks : int, optional
            Run for so many clocks in place of all that.

        Raises
        ------
        AssertionError
            If a stream stood still for too long, or broke its rules.
        """

        def counted(process: Process) -> Process:
            async def play(ctx: Any) -> None:
                await process(ctx)
                self._unfinished -= 1

            return play

        async def count(ctx: Any) -> None:
            while self._unfinished if clocks is None else self.clock < clocks:
                await ctx.tick()
                self.clock += 1
                assert clocks or self.clock - self._movement < patience, (
                    f"nothing has moved since clock {self._movement}"
                )
            for _ in range(0 if clocks else settle):
                await ctx.tick()
                self.clock += 1

        self._unfinished += len(processes)
        for process in processes:
            self.play(counted(process))
        self._simulator.add_testbench(count)
        self._simulator.run()
