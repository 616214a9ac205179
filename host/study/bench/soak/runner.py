"""Rounds of work, one after another, with resets within; and what came of them."""

import contextlib
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.machines.opening import open_port
from allspin.host.link.wire.transport import Disconnected
from allspin.host.study.bench.soak.memory import Memory, resident_memory
from allspin.host.study.bench.soak.work import Done, Round, Wrong
from allspin.sim.errors import UserError

AFTERMATH = 10.0
"""Seconds in which a reset may still be to come: its signal is not waited for."""
DEAF = 60.0
"""Seconds after a reset in which it takes another to be heard: what was under way is carried out on
memories that hold nothing, and a resident image without an end takes as long as all of them."""
FIRST_ROUND = 0.5
"""Seconds that a round is taken to last before one was measured."""


class Port(Protocol):
    """A board's port, as `allspin.host.study.bench.soak.port.VirtualProcess` is one."""

    path: str

    def reset(self) -> None:
        """Reset the board."""
        ...

    def memory(self) -> tuple[int, int]:
        """Bytes in memory of the process that carries, and of the board; 0 if there is none."""
        ...


@dataclass
class Tally:
    """What came of the rounds.

    Attributes
    ----------
    done : Done
        What was compared and right.
    rounds, resets, noticed, damaged, resent : int
        Rounds, resets, rounds that ended with a line because of one, frames that came damaged,
        requests that were sent again.
    wrong : list of str
        What should not have been, a line each.
    """

    done: Done = field(default_factory=Done)
    rounds: int = 0
    resets: int = 0
    noticed: int = 0
    damaged: int = 0
    resent: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        done = self.done
        counts = {
            "rounds": self.rounds,
            "images": done.images,
            "chips": done.chips,
            "redraws": done.redraws,
            "resident runs": done.resident_runs,
            "R_AH words read": done.words,
            "frames damaged": self.damaged,
            "requests sent again": self.resent,
            "resets": self.resets,
            "rounds that one ended": self.noticed,
            "wrong": len(self.wrong),
        }
        return "\n".join(f"{name:22}{count:>12,}" for name, count in counts.items())


@dataclass
class Reset:
    """A reset of a board, at some time in a round."""

    last: float = float("-inf")
    """When the last one was asked for."""

    @contextlib.contextmanager
    def within(self, port: Port, delay: float | None) -> Iterator[None]:
        """Reset the board after so many seconds, unless the work is done before; or never."""

        def reset() -> None:
            self.last = time.monotonic()
            port.reset()

        timer = threading.Timer(0.0 if delay is None else delay, reset)
        if delay is not None:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()
            if delay is not None:
                timer.join()


class Soak:
    """Rounds of work on several boards, one after another.

    Parameters
    ----------
    ports : sequence of Port
        The boards.
    seed : int
        Names, with a round's number, what is done in it.
    resets : float
        Share of rounds in which the board is reset.

    Attributes
    ----------
    tally : Tally
        What came of the rounds so far.
    memory : Memory
        Of this process, and of each board's two, sampled after each round.
    resets : list of Reset
        Each board's.
    """

    def __init__(self, ports: Sequence[Port], seed: int, resets: float) -> None:
        self.tally = Tally()
        self.memory = Memory()
        self._ports = ports
        self._seed = seed
        self._share = resets
        self.resets = [Reset() for _ in ports]
        self._lasted: list[float] = [FIRST_ROUND]

    def round(self) -> None:
        """Do the next round, and take note of what came of it."""
        number, tally = self.tally.rounds, self.tally
        tally.rounds += 1
        rng = np.random.default_rng([self._seed, number])
        place = number % len(self._ports)
        port, reset = self._ports[place], self.resets[place]
        begun, before = time.monotonic(), reset.last
        typical = statistics.median(self._lasted[-20:])
        delay = rng.uniform(0, 1.5 * typical) if rng.random() < self._share else None
        failure = None
        try:
            with reset.within(port, delay), self._open(port, reset) as machine:
                try:
                    Round(machine, rng, tally.done).run()
                finally:
                    tally.damaged += machine.damaged
                    tally.resent += machine.resent
            self._lasted.append(time.monotonic() - begun)
        except (Wrong, UserError) as error:
            failure = error
        tally.resets += reset.last != before
        if failure is not None:
            excused = isinstance(failure, UserError) and not isinstance(failure, Disconnected)
            if excused and reset.last > begun - AFTERMATH:
                tally.noticed += 1
            else:
                tally.wrong.append(f"round {number}: {failure}")
        self._sample()

    def _open(self, port: Port, reset: Reset) -> LinkedMachine:
        while True:
            try:
                return open_port(port.path)
            except Disconnected:
                raise
            except UserError:
                if time.monotonic() > reset.last + DEAF:
                    raise
                port.reset()

    def _sample(self) -> None:
        sample = {"host": resident_memory(os.getpid())}
        for number, port in enumerate(self._ports, 1):
            sample[f"port {number}"], board = port.memory()
            if board:  # a board that is being reset has none
                sample[f"board {number}"] = board
        self.memory.add(sample)
