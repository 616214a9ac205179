"""Background jobs of a page, in pieces: accuracy over chips, and the score of the test images."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.live.chair import Chair
from allspin.host.live.choices import Choices
from allspin.host.live.page_chip import PageChip
from allspin.host.live.seat import Seat

IMAGES = 2000
"""First test images that each of many chips classifies."""
AT_ONCE = {"golden": 500, "virtual": 50, "board": 25}
"""Images of a piece, by machine: some 15 ms."""
ROWS = 64
"""Rows of a crossbar with words that a piece reads back."""
WRONG = 48
"""Most wrong answers that a page shows."""

Pieces = Iterator[tuple[dict[str, Any], bytes]]


def chip_pieces(
    made: PageChip, choices: Choices, count: int, accuracies: dict[int, float]
) -> Pieces:
    """Measure chips 0, 1, 2 and so on with the page's settings, on the golden model.

    Parameters
    ----------
    made : PageChip
        Network, device, programming and calibration.
    choices : Choices
        The test images.
    count : int
        Chips to measure.
    accuracies : dict of int to float
        Filled: share of the images that each chip classifies rightly, by seed.
    """
    test_set = choices.images[:IMAGES], choices.labels[:IMAGES]
    for seed in range(count):
        lot = Lot(made.device, [seed], made.programming, made.setting.calibrate)
        try:
            accuracies[seed] = float(accuracy_over_chips(made.base, lot, test_set)[0])
        except ValueError as error:  # the next chip could not be made either
            yield {"kind": "problem", "text": f"chips cannot be made: {error}"}, b""
            return
        told = {"accuracy": accuracies[seed], "of": count, "images": len(test_set[0])}
        yield {"kind": "chip", "seed": seed, **told}, b""


def _stream(seat: Seat, images: npt.NDArray[np.uint8], first: int) -> npt.NDArray[np.int64]:
    return seat.machine.stream(images, first=first).logits


def score_pieces(
    made: PageChip, choices: Choices, chair: Chair, confusion: npt.NDArray[np.int64]
) -> Pieces:
    """Stream the test images through a page's machine; then read its words back.

    Parameters
    ----------
    made : PageChip
        The chip.
    choices : Choices
        The test images.
    chair : Chair
        The page's machine; without one the golden model is it.
    confusion : ndarray of int64, shape (classes, classes)
        Filled: images so far, by label and by answer.
    """
    on, shown, compared, mismatches = chair.title, 0, 0, 0
    wrong: list[tuple[int, int, int]] = []

    def told(**more: Any) -> dict[str, Any]:
        return {
            "kind": "score",
            "on": on,
            "images": shown,
            "of": len(choices.images),
            "correct": int(np.trace(confusion)),
            "confusion": confusion.tolist(),
            "compared": compared,
            "mismatches": mismatches,
            "words": None,
            "wrong": None,
            **more,
        }

    while shown < len(choices.images):
        part = slice(shown, shown + AT_ONCE[on])
        images, labels = choices.images[part], choices.labels[part]
        expected = made.golden.logits(images, shown)
        answers = None if on == "golden" else chair.ask(_stream, images, shown)
        if answers is None:
            on, answers = "golden", expected
        else:
            compared += answers.size
            mismatches += int(np.count_nonzero(answers != expected))
        classes = answers.argmax(axis=1)
        np.add.at(confusion, (labels, classes), 1)
        for place in np.flatnonzero(classes != labels)[: WRONG - len(wrong)].tolist():
            wrong.append((shown + place, int(labels[place]), int(classes[place])))
        shown += len(images)
        if shown < len(choices.images):
            yield told(), b""
    # With the grey levels of the wrong ones, one image after another.
    yield told(wrong=wrong), choices.images[[number for number, *_ in wrong]].tobytes()
    if on == "golden":
        return
    read = [0, 0]
    for layer, words in enumerate(made.words):
        for first in range(0, len(words), ROWS):
            own = words[first : first + ROWS]
            found = chair.ask(
                lambda seat, *rows: seat.machine.read_rows(*rows), layer, first, len(own)
            )
            if found is None:
                yield told(), b""
                return
            read = [read[0] + own.size, read[1] + int(np.count_nonzero(found != own))]
            yield {}, b""
    yield told(words=read), b""
