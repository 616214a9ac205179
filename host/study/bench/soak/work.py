"""What a soak does with a board in a round, and what should come of it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.hdl.bench.networks import random_images, random_network
from allspin.host.data.catalogue import open_device
from allspin.host.link.machines.chip_programming import ChipMaker
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.machines.resident import ResidentImages
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.column_noise import ColumnNoise
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import chip_network, program_chip
from allspin.sim.programming.schemes import Programming

TOPOLOGY = (64, 20, 10)
MAX_IMAGES = 400
"""Of a step."""
MAX_STEPS = 6
"""Of a round."""
LAST_NUMBER = 2**32 - MAX_IMAGES


class Wrong(Exception):
    """A result that is not the golden model's; the message is one line."""


@dataclass
class Done:
    """What was done so far, and was right.

    Attributes
    ----------
    images, chips, redraws, resident_runs, words : int
        Images whose logits were compared, chips made from states and in place, runs over resident
        images, R_AH words read back.
    """

    images: int = 0
    chips: int = 0
    redraws: int = 0
    resident_runs: int = 0
    words: int = 0


@dataclass
class _Loaded:
    """What the board is, as far as the host knows."""

    network: Network
    noise: ColumnNoise | None
    model: GoldenModel = field(init=False)

    def __post_init__(self) -> None:
        self.model = GoldenModel(self.network, noise=self.noise)


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
    done : Done
        Is added to.
    """

    def __init__(self, machine: LinkedMachine, rng: np.random.Generator, done: Done) -> None:
        self._machine = machine
        self._rng = rng
        self._done = done
        self._paper = open_device("paper")
        self._network = soak_network(self._seed())
        self._maker: ChipMaker | None = None
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
        loaded = self._load()
        for _ in range(self._rng.integers(1, MAX_STEPS + 1)):
            step = self._rng.integers(8)
            if step < 2:
                loaded = self._load()
            elif step < 4:
                self._run_resident(loaded)
            elif step == 4:
                self._read_words(loaded)
            else:
                self._stream(loaded)
        self._stream(loaded)

    def _load(self) -> _Loaded:
        """Another network, or another chip of the same."""
        if self._rng.random() < 0.3:
            self._network = soak_network(self._seed())
            self._maker = None
            self._machine.program(self._network)
            return _Loaded(self._network, None)
        programming = Programming()
        if self._maker is None:
            self._maker = ChipMaker(self._machine, self._network, self._paper, programming)
            self._done.chips += 1
        else:
            self._done.redraws += 1
        chip = Chip(self._paper, self._seed())
        self._maker.make(chip)
        words = program_chip(chip, self._network, programming).words
        return _Loaded(chip_network(chip, self._network, words), chip.noise(self._network))

    def _some_images(self) -> npt.NDArray[np.uint8]:
        count = int(self._rng.integers(1, MAX_IMAGES + 1))
        return random_images(self._network, count, self._seed())

    def _first(self) -> int:
        return int(self._rng.integers(LAST_NUMBER))

    def _stream(self, loaded: _Loaded) -> None:
        images, first = self._some_images(), self._first()
        answers = self._machine.stream(images, first=first)
        _compare("streamed logits", answers.logits, loaded.model.logits(images, first))
        self._done.images += len(images)

    def _run_resident(self, loaded: _Loaded) -> None:
        if self._resident is None or self._rng.random() < 0.5:
            images = self._some_images()
            labels = self._rng.integers(0, TOPOLOGY[-1], len(images))
            self._resident = ResidentImages(self._machine)
            held = self._resident.load(images, labels)
            self._images, self._labels = images[:held], labels[:held]
        first = self._first()
        expected = loaded.model.logits(self._images, first)
        counts = self._resident.run(first=first)
        correct = int(np.count_nonzero(expected.argmax(axis=1) == self._labels))
        if counts.correct != correct:
            raise Wrong(f"{counts.correct} of {counts.images} resident images right, not {correct}")
        _compare("resident images' logits", self._resident.logits().logits, expected)
        self._done.resident_runs += 1
        self._done.images += len(self._images)

    def _read_words(self, loaded: _Loaded) -> None:
        for number, layer in enumerate(loaded.network.layers):
            words = self._machine.read_words(number)
            _compare(f"R_AH words of layer {number}", words, layer.words)
            self._done.words += words.size


def _compare(what: str, found: npt.NDArray[np.integer], expected: npt.NDArray[np.integer]) -> None:
    wrong = np.count_nonzero(found != expected)
    if wrong:
        raise Wrong(f"{wrong:,} of {expected.size:,} {what} differ from the golden model")
