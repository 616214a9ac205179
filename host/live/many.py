"""All test images on this chip: accuracy, confusion, wrong ones, and what was compared."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.live.choices import Choices
from allspin.host.live.seat import Chair
from allspin.host.live.shown import Made

# Accuracy of one chip after another, all made and programmed as the page's is.

IMAGES = 2000
"""Test images that each chip is shown, the first ones."""

Send = Callable[[dict[str, Any], bytes], Awaitable[None]]


class ChipsJob:
    """Measures chips 0, 1, 2 and so on, on the golden model.

    Parameters
    ----------
    made : Made
        Network, device, programming and calibration.
    choices : Choices
        The test images.
    count : int
        Chips to measure.

    Attributes
    ----------
    accuracies : dict of int to float
        Share of the images that each chip classifies rightly, by seed.
    """

    def __init__(self, made: Made, choices: Choices, count: int) -> None:
        self._made = made
        self._test_set = choices.images[:IMAGES], choices.labels[:IMAGES]
        self._count = count
        self.accuracies: dict[int, float] = {}

    @property
    def done(self) -> bool:
        """Whether all are measured."""
        return len(self.accuracies) >= self._count

    async def step(self, send: Send) -> None:
        """Measure one more chip, and tell the page of it."""
        seed = len(self.accuracies)
        try:
            self.accuracies[seed] = await asyncio.to_thread(self._accuracy, seed)
        except ValueError as error:
            # The next chip could not be made either.
            self._count = 0
            await send({"kind": "problem", "text": f"chips cannot be made: {error}"}, b"")
            return
        told = {
            "kind": "chip",
            "seed": seed,
            "accuracy": self.accuracies[seed],
            "of": self._count,
            "images": len(self._test_set[0]),
        }
        await send(told, b"")

    def _accuracy(self, seed: int) -> float:
        made = self._made
        lot = Lot(made.device, [seed], made.programming, made.setting.calibrate)
        return float(accuracy_over_chips(made.base, lot, self._test_set)[0])


AT_ONCE = {"golden": 500, "virtual": 50, "board": 25}
"""Images of a step, by machine: some 15 ms."""
ROWS = 64
"""Rows of a crossbar whose words are read back in a step."""
WRONG = 48
"""Wrong ones that a page is shown."""


class ScoreJob:
    """Streams the test images through a page's machine, some at a time; then reads its words back.

    Parameters
    ----------
    made : Made
        The chip.
    choices : Choices
        The test images.
    chair : Chair
        The page's machine; without one the golden model is it.

    Attributes
    ----------
    confusion : ndarray of int64, shape (classes, classes)
        Images so far, by label and by what they were taken for.
    done : bool
        Whether it has shown all images, and read all words.
    """

    def __init__(self, made: Made, choices: Choices, chair: Chair) -> None:
        self._made = made
        self._images, self._labels = choices.images, choices.labels
        self._chair = chair
        self._on = chair.title
        self._next = 0
        self._mismatches = 0
        self._compared = 0
        self._wrong: list[tuple[int, int, int]] = []
        self._rows = [
            (layer, first)
            for layer, words in enumerate(made.words)
            for first in range(0, len(words), ROWS)
        ]
        self._words = [0, 0]
        classes = made.base.classes
        self.confusion = np.zeros((classes, classes), np.int64)
        self.done = False

    async def step(self, send: Send) -> None:
        """Show some more images, or read some more words; and tell the page of them."""
        if self._next < len(self._images):
            await asyncio.to_thread(self._some)
            ended = self._next >= len(self._images)
            self.done = ended and self._on == "golden"
            await send(self._told(ended), self._pictures() if ended else b"")
        else:
            self.done = not await asyncio.to_thread(self._some_words)
            if self.done:
                await send(self._told(False), b"")
        await self._chair.say()

    def _some_words(self) -> bool:
        """Compare some words with the chip's; whether there are more."""
        layer, first = self._rows.pop(0)
        own = self._made.words[layer][first : first + ROWS]
        found = self._chair.ask(lambda seat: seat.machine.read_rows(layer, first, len(own)))
        if found is None:
            self._words, self._rows = [0, 0], []
        else:
            self._words[0] += own.size
            self._words[1] += int(np.count_nonzero(found != own))
        return bool(self._rows)

    def _some(self) -> None:
        part = slice(self._next, self._next + AT_ONCE[self._on])
        images, labels = self._images[part], self._labels[part]
        expected = self._made.golden.logits(images, part.start)
        answers = None
        if self._on != "golden":
            streamed = self._chair.ask(lambda seat: seat.machine.stream(images, first=part.start))
            answers = None if streamed is None else streamed.logits
        if answers is None:
            self._on = "golden"
            answers = expected
        else:
            self._compared += answers.size
            self._mismatches += int(np.count_nonzero(answers != expected))
        classes = answers.argmax(axis=1)
        np.add.at(self.confusion, (labels, classes), 1)
        for place in np.flatnonzero(classes != labels)[: WRONG - len(self._wrong)]:
            number = part.start + int(place)
            self._wrong.append((number, int(labels[place]), int(classes[place])))
        self._next += len(images)

    def _told(self, wrong: bool) -> dict[str, Any]:
        return {
            "kind": "score",
            "on": self._on,
            "images": self._next,
            "of": len(self._images),
            "correct": int(np.trace(self.confusion)),
            "confusion": self.confusion.tolist(),
            "compared": self._compared,
            "mismatches": self._mismatches,
            "words": self._words if self.done and self._words[0] else None,
            "wrong": self._wrong if wrong else None,
        }

    def _pictures(self) -> bytes:
        """Grey levels of the wrong ones, one image after another."""
        return self._images[[number for number, *_ in self._wrong]].tobytes()
