"""Rounds of work on several boards, one after another, with resets within."""

import os
import threading
import time
from collections.abc import Sequence

import numpy as np

from allspin.host.link.transport import Disconnected
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import open_port
from allspin.sim.errors import UserError
from tests.soak.memory import Memory, resident_memory
from tests.soak.virtual_process import VirtualProcess
from tests.soak.work import Round, Tally, Wrong

AFTERMATH = 10.0
"""Seconds in which a reset may still be to come: its signal is not waited for."""
DEAF = 60.0
"""Seconds after a reset for which a port without an answer is reset again: the board carries out
the request that was under way on empty memories, and a resident image without an end lasts as
long as the memory."""
FIRST_ROUND = 0.5
"""Expected seconds of the first round; a later round is expected to last as long as the last."""


class Soak:
    """Rounds of work on several boards, one after another.

    Parameters
    ----------
    ports : sequence of VirtualProcess
        The boards.
    seed : int
        Seed that names, with a round's number, the steps of the round.
    resets : float
        Share of rounds in which the board is reset.

    Attributes
    ----------
    tally : Tally
        Outcomes of the rounds so far.
    memory : Memory
        Samples of this process and of each board's two, taken after each round.
    last_resets : list of float
        Time of each board's last reset.
    """

    def __init__(self, ports: Sequence[VirtualProcess], seed: int, resets: float) -> None:
        self.tally = Tally()
        self.memory = Memory()
        self.last_resets = [float("-inf")] * len(ports)
        self._ports = ports
        self._seed = seed
        self._share = resets
        self._lasted = FIRST_ROUND

    def round(self) -> None:
        """Do the next round, and count its outcome."""
        tally = self.tally
        number = tally.rounds
        tally.rounds += 1
        rng = np.random.default_rng([self._seed, number])
        place = number % len(self._ports)
        begun = time.monotonic()
        before = self.last_resets[place]
        within = rng.uniform(0, 1.5 * self._lasted)
        delay = within if rng.random() < self._share else threading.TIMEOUT_MAX
        reset = threading.Timer(delay, self._reset, [place])
        reset.start()
        failure = None
        try:
            with self._open(place) as machine:
                try:
                    Round(machine, rng, tally).run()
                finally:
                    tally.damaged += machine.damaged
                    tally.resent += machine.resent
            self._lasted = time.monotonic() - begun
        except (Wrong, UserError) as error:
            failure = error
        finally:
            reset.cancel()
            reset.join()
        last = self.last_resets[place]
        tally.resets += last != before
        excused = not isinstance(failure, Wrong | Disconnected)
        if failure is not None and excused and last > begun - AFTERMATH:
            tally.noticed += 1
        elif failure is not None:
            tally.wrong.append(f"round {number}: {failure}")
        self._sample()

    def _reset(self, place: int) -> None:
        self.last_resets[place] = time.monotonic()
        self._ports[place].reset()

    def _open(self, place: int) -> LinkedMachine:
        while True:
            try:
                return open_port(self._ports[place].path)
            except Disconnected:
                raise
            except UserError:
                if time.monotonic() > self.last_resets[place] + DEAF:
                    raise
                self._ports[place].reset()

    def _sample(self) -> None:
        sample = {"host": resident_memory(os.getpid())}
        for number, port in enumerate(self._ports, 1):
            sample[f"port {number}"], board = port.memory()
            if board:  # absent while a board is being reset
                sample[f"board {number}"] = board
        self.memory.add(sample)
