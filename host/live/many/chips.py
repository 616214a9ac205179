"""Accuracy of one chip after another, all made and programmed as the page's is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from allspin.host.live.shown.choices import Choices
from allspin.host.live.shown.made import Made
from allspin.host.study.chips.accuracy import Lot, accuracy_over_chips

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
