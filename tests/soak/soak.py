"""Rounds of work, one after another, with resets within; and what came of them."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_device
from allspin.host.data.closing import Closing
from allspin.host.link.transport import Disconnected
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.opening import open_port
from allspin.host.machines.resident import ResidentImages
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.program import program

# Whether processes keep to the memory that they have.

MAX_GROWTH = 8 << 20
"""Bytes that a process may have more in the second half of its samples than in the first."""


PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_memory(pid: int) -> int:
    """Bytes of a process that are in memory; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


class Memory:
    """Samples of the memory of processes.

    The first half is for what fills once: caches, buffers, pools of the allocator. What a leak
    loses goes on growing in the second.
    """

    def __init__(self) -> None:
        self._samples: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, sample: Mapping[str, int]) -> None:
        """Take one sample.

        Parameters
        ----------
        sample : mapping of str to int
            Bytes of each process, by what it is called.
        """
        for name, count in sample.items():
            self._samples[name].append(count)

    def growth(self) -> dict[str, int]:
        """Bytes by which the most of the second half exceeds the most of the first, 0 at least."""
        found = {}
        for name, counts in self._samples.items():
            half = len(counts) // 2
            first, second = counts[:half], counts[half:]
            found[name] = max(0, max(second) - max(first, default=max(second)))
        return found

    def excess(self) -> list[str]:
        """Lines about processes that have grown by more than `MAX_GROWTH`."""
        return [
            f"the memory of the {name} grew by {growth / 1e6:.1f} MB"
            for name, growth in self.growth().items()
            if growth > MAX_GROWTH
        ]


# ``allspin virtual`` as a process: its port, its reset button, its memory.

ROOT = Path(__file__).parents[2]
END = 30.0
"""Seconds for the process to end."""


class VirtualProcess(Closing):
    """A virtual board on a port of its own.

    Parameters
    ----------
    network : Network
        What it is built for.
    options : list of str
        Of `tests.host.virtual.faulty_port`.

    Attributes
    ----------
    path : str
        The port.

    Raises
    ------
    UserError
        If it does not start.
    """

    def __init__(self, network: Network, options: list[str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "network.safetensors"
            save_network(network, file)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.host.virtual.faulty_port", str(file), *options],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # an interrupt is for the soak alone
            )
            assert self._process.stdout is not None
            self.path = self._process.stdout.readline().strip()
        if not self.path:
            self.close()
            raise UserError(f"allspin virtual ended with status {self._process.returncode}")

    def reset(self) -> None:
        """Reset the board."""
        self._process.send_signal(signal.SIGUSR1)

    def memory(self) -> tuple[int, int]:
        """Bytes in memory of the process that carries, and of the board."""
        pid = self._process.pid
        boards = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return resident_memory(pid), sum(resident_memory(int(board)) for board in boards)

    def close(self) -> None:
        """End it; harmless when done twice."""
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


# What a soak does with a board in a round, and what should come of it.

TOPOLOGY = (64, 20, 10)
MAX_IMAGES = 400
"""Of a step."""
MAX_STEPS = 6
"""Of a round."""
LAST_NUMBER = 2**32 - MAX_IMAGES


class Wrong(Exception):
    """A result that is not the golden model's; the message is one line."""


@dataclass
class Tally:
    """What was done so far and was right, and what came of the rounds.

    Attributes
    ----------
    rounds : int
        Rounds.
    images, chips, redraws, resident_runs, words : int
        Images whose logits were compared, chips made from states and in place, runs over resident
        images, R_AH words read back.
    damaged, resent, resets, noticed : int
        Frames that came damaged, requests that were sent again, resets, rounds that ended with a
        line because of one.
    wrong : list of str
        What should not have been, a line each.
    """

    rounds: int = 0
    images: int = 0
    chips: int = 0
    redraws: int = 0
    resident_runs: int = 0
    words: int = 0
    damaged: int = 0
    resent: int = 0
    resets: int = 0
    noticed: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        labels = ("rounds", "images", "chips", "redraws", "resident runs", "R_AH words read")
        labels += ("frames damaged", "requests sent again", "resets", "rounds that one ended")
        *counts, wrong = vars(self).values()
        shown = zip((*labels, "wrong"), (*counts, len(wrong)), strict=True)
        return "\n".join(f"{label:22}{count:>12,}" for label, count in shown)


def soak_network(seed: int) -> Network:
    """A network that the soak's boards can run."""
    return random_network(TOPOLOGY, seed)


class Round:
    """A client's work from opening the port to closing it: networks, chips, images, in any order.

    Parameters
    ----------
    machine : LinkedMachine
        A board for `TOPOLOGY` that makes chips and keeps images.
    rng : numpy.random.Generator
        Names all that is done.
    tally : Tally
        Is added to.
    """

    def __init__(self, machine: LinkedMachine, rng: np.random.Generator, tally: Tally) -> None:
        self._machine, self._rng, self._tally = machine, rng, tally
        self._paper = open_device("paper")
        self._network = soak_network(self._seed())
        self._first_chip = True
        self._images = np.empty((0, *self._network.image_shape), np.uint8)
        self._labels = np.empty(0, np.int64)
        self._resident: ResidentImages | None = None

    def _seed(self) -> int:
        return int(self._rng.integers(2**32))

    def run(self) -> None:
        """Do it all.

        Raises
        ------
        Wrong
            If something is not as the golden model has it.
        UserError
            If the host noticed that something is wrong.
        """
        model = self._load()
        for _ in range(self._rng.integers(1, MAX_STEPS + 1)):
            step = self._rng.integers(8)
            if step < 2:
                model = self._load()
            elif step < 4:
                self._run_resident(model)
            elif step == 4:
                self._read_words(model)
            else:
                self._stream(model)
        self._stream(model)

    def _load(self) -> GoldenModel:
        """Another network, or another chip of the same."""
        if self._rng.random() < 0.3:
            self._network = soak_network(self._seed())
            self._first_chip = True
            self._machine.load(self._network)
            return GoldenModel(self._network)
        if self._first_chip:
            self._tally.chips += 1
        else:
            self._tally.redraws += 1
        self._first_chip = False
        chip = program(self._network, self._paper, self._seed())
        self._machine.load(chip)
        return chip.golden()

    def _some_images(self) -> npt.NDArray[np.uint8]:
        count = int(self._rng.integers(1, MAX_IMAGES + 1))
        return random_images(self._network, count, self._seed())

    def _first(self) -> int:
        return int(self._rng.integers(LAST_NUMBER))

    def _stream(self, model: GoldenModel) -> None:
        images, first = self._some_images(), self._first()
        answers = self._machine.stream(images, first=first)
        _compare("streamed logits", answers.logits, model.logits(images, first))
        self._tally.images += len(images)

    def _run_resident(self, model: GoldenModel) -> None:
        if self._resident is None or self._rng.random() < 0.5:
            images = self._some_images()
            labels = self._rng.integers(0, TOPOLOGY[-1], len(images))
            self._resident = ResidentImages(self._machine)
            held = self._resident.load(images, labels)
            self._images, self._labels = images[:held], labels[:held]
        first = self._first()
        expected = model.logits(self._images, first)
        counts = self._resident.run(first=first)
        correct = int(np.count_nonzero(expected.argmax(axis=1) == self._labels))
        if counts.correct != correct:
            raise Wrong(f"{counts.correct} of {counts.images} resident images right, not {correct}")
        _compare("resident images' logits", self._resident.logits().logits, expected)
        self._tally.resident_runs += 1
        self._tally.images += len(self._images)

    def _read_words(self, model: GoldenModel) -> None:
        for number, layer in enumerate(model.network.layers):
            words = self._machine.read_words(number)
            _compare(f"R_AH words of layer {number}", words, layer.words)
            self._tally.words += words.size


def _compare(what: str, found: npt.NDArray[np.integer], expected: npt.NDArray[np.integer]) -> None:
    wrong = np.count_nonzero(found != expected)
    if wrong:
        raise Wrong(f"{wrong:,} of {expected.size:,} {what} differ from the golden model")


AFTERMATH = 10.0
"""Seconds in which a reset may still be to come: its signal is not waited for."""
DEAF = 60.0
"""Seconds after a reset in which it takes another to be heard: what was under way is carried out on
memories that hold nothing, and a resident image without an end takes as long as all of them."""
FIRST_ROUND = 0.5
"""Seconds that a round is taken to last; then it is as many as the one before."""


class Soak:
    """Rounds of work on several boards, one after another.

    Parameters
    ----------
    ports : sequence of VirtualProcess
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
    last_resets : list of float
        When each board was reset last.
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
        """Do the next round, and take note of what came of it."""
        number, tally = self.tally.rounds, self.tally
        tally.rounds += 1
        rng = np.random.default_rng([self._seed, number])
        place = number % len(self._ports)
        begun, before = time.monotonic(), self.last_resets[place]
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
            if board:  # a board that is being reset has none
                sample[f"board {number}"] = board
        self.memory.add(sample)
