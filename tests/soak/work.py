"""Work of one round with a board, each result compared with the golden model's."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from allspin.host.data.catalogue import open_device
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import ResidentImages
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.program import program

TOPOLOGY = (64, 20, 10)
MAX_IMAGES = 400
"""Images of a step."""
MAX_STEPS = 6
"""Steps of a round."""
LAST_NUMBER = 2**32 - MAX_IMAGES


class Wrong(Exception):
    """A result that is not the golden model's; the message is one line."""


@dataclass
class Tally:
    """Counts of correct work, and of the rounds' outcomes.

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
        Mistakes, a line each.
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
    """Return a network that the soak's boards can run."""
    return random_network(TOPOLOGY, seed)


class Round:
    """A client's work from opening the port to closing it: networks, chips, images, in any order.

    Parameters
    ----------
    machine : LinkedMachine
        A board for `TOPOLOGY` that makes chips and keeps images.
    rng : numpy.random.Generator
        Generator by which every step is drawn.
    tally : Tally
        Counts, to which the round adds.
    """

    def __init__(self, machine: LinkedMachine, rng: np.random.Generator, tally: Tally) -> None:
        self._machine = machine
        self._rng = rng
        self._tally = tally
        self._paper = open_device("paper")
        self._network = soak_network(self._seed())
        self._first_chip = True
        self._images = np.empty((0, *self._network.image_shape), np.uint8)
        self._labels = np.empty(0, np.int64)
        self._resident: ResidentImages | None = None

    def _seed(self) -> int:
        return int(self._rng.integers(2**32))

    def run(self) -> None:
        """Run random steps.

        Raises
        ------
        Wrong
            If a result differs from the golden model's.
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
        """Load another network, or another chip of the same."""
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
        images = self._some_images()
        first = self._first()
        answers = self._machine.stream(images, first=first)
        _compare("streamed logits", answers.logits, model.logits(images, first))
        self._tally.images += len(images)

    def _run_resident(self, model: GoldenModel) -> None:
        if self._resident is None or self._rng.random() < 0.5:
            images = self._some_images()
            labels = self._rng.integers(0, TOPOLOGY[-1], len(images))
            self._resident = ResidentImages(self._machine)
            held = self._resident.load(images, labels)
            self._images = images[:held]
            self._labels = labels[:held]
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
