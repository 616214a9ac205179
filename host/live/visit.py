"""One page: what it has chosen, what it is shown, and who computes it.

Everything that takes long is done in a thread, one thing after another, the most urgent first: a
new chip, an image, an archive, and while nobody draws the test images for the confusion matrix and
the accuracy of other chips.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.live.choices import BOARD, Choices, PageSetting
from allspin.host.live.messages import Show, hello, parse
from allspin.host.live.seat import Chair, Seat
from allspin.host.live.shown import Flow, Made, archive, drawn_image, timeline
from allspin.sim.errors import UserError

IMAGES = 2000
"""Test images that each of many chips is shown, the first ones."""
AT_ONCE = {"golden": 500, "virtual": 50, "board": 25}
"""Images of a piece, by machine: some 15 ms."""
ROWS = 64
"""Rows of a crossbar whose words are read back in a piece."""
WRONG = 48
"""Wrong ones that a page is shown."""

Pieces = Iterator[tuple[dict[str, Any], bytes]]


def chip_pieces(made: Made, choices: Choices, count: int, accuracies: dict[int, float]) -> Pieces:
    """Measure chips 0, 1, 2 and so on, on the golden model, all made as the page's is.

    Parameters
    ----------
    made : Made
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
    made: Made, choices: Choices, chair: Chair, confusion: npt.NDArray[np.int64]
) -> Pieces:
    """Stream the test images through a page's machine; then read its words back.

    Parameters
    ----------
    made : Made
        The chip.
    choices : Choices
        The test images.
    chair : Chair
        The page's machine; without one the golden model is it.
    confusion : ndarray of int64, shape (classes, classes)
        Filled: images so far, by label and by what they were taken for.
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


REST = 0.2
"""Seconds without a message after which nobody draws."""
LOOK = 2.0
"""Seconds between two looks at whether a board is still there, while it has nothing to do."""
SETTLED = 0.04
"""Seconds without a message after which an image is not followed by the next one of a stroke."""

Send = Callable[[dict[str, Any], bytes], Awaitable[None]]
"""Sends a page an object, and bytes that belong to it."""


class Visit:
    """What one page is shown.

    Parameters
    ----------
    choices : Choices
        What may be chosen.
    send : callable
        Sends the page a message.
    """

    def __init__(self, choices: Choices, send: Send) -> None:
        self._choices = choices
        self._send = send
        self._wake = asyncio.Event()
        self._setting: PageSetting | None = None
        self._show: Show | None = None
        self._save = False
        self._last = 0.0
        self._made: Made | None = None
        self._shown: Show | None = None
        self._flow: Flow | None = None
        self._traced = False
        self._activity: npt.NDArray[np.uint64] | None = None
        self._chair = Chair(choices, self._tell, self._wake.set)
        self._count = 0
        self._accuracies: dict[int, float] = {}
        self._confusion: npt.NDArray[np.int64] | None = None
        self._jobs: dict[str, Pieces] = {}

    def receive(self, text: str) -> None:
        """Take what a page said; of several settings or images the last one counts.

        Raises
        ------
        ValueError, TypeError
            If it may not say that.
        """
        match parse(text, self._choices):
            case PageSetting() as setting:
                self._setting = setting
            case Show() as show:
                self._show = show
            case None:
                self._save = True
            case count:
                self._count = count
                self._renew_chips()
        self._last = time.monotonic()
        self._wake.set()

    async def run(self) -> None:
        """Serve the page until it is cancelled."""
        try:
            await self._send(hello(self._choices), b"")
            while True:
                try:
                    await self._step()
                except UserError as error:
                    await self._send({"kind": "problem", "text": str(error)}, b"")
        finally:
            self._chair.leave()

    async def _step(self) -> None:
        """Do the most urgent thing, or wait for one."""
        made = self._made
        resting = time.monotonic() - self._last
        if self._setting is not None:
            setting, self._setting = self._setting, None
            await self._make(setting)
        elif made is None:
            await self._wait(None)
        elif self._chair.newcomer:
            await self._seat(made)
        elif self._show is not None:
            show, self._show = self._show, None
            await self._image(made, show)
        elif self._traced and resting >= SETTLED:
            await self._trace()
        elif self._traced:
            await self._wait(max(SETTLED - resting, 0.001))
        elif self._save:
            self._save = False
            given = made, self._flow, self._activity, self._confusion, self._accuracies
            await self._send({"kind": "archive"}, await asyncio.to_thread(archive, *given))
        elif self._jobs and resting >= REST:
            await self._piece()
        elif self._jobs:
            await self._wait(max(REST - resting, 0.001))
        elif not await self._wait(LOOK if self._chair.title == BOARD else None):
            await asyncio.to_thread(self._chair.ask, lambda seat: seat.machine.counters())
            await self._chair.say()

    async def _piece(self) -> None:
        """A piece of the jobs in turn, so that each is seen to go on."""
        name, job = next(iter(self._jobs.items()))
        told = await asyncio.to_thread(next, job, None)
        if self._jobs.get(name) is job:  # which another may have taken the place of
            del self._jobs[name]
            if told is not None:
                self._jobs[name] = job
        if told is not None and told[0]:
            await self._send(*told)
        await self._chair.say()

    async def _wait(self, seconds: float | None) -> bool:
        """Wait until there is something to do, so many seconds at most; whether there is."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._wake.wait(), seconds)
        return False

    async def _tell(self, state: str, text: str, seconds: float = 0.0) -> None:
        """Tell the page how it is with the machine."""
        await self._send({"kind": "machine", "state": state, "text": text, "s": seconds}, b"")

    async def _make(self, setting: PageSetting) -> None:
        begun = time.perf_counter()
        made = await asyncio.to_thread(Made.of, self._choices, setting)
        before, self._made = self._made, made
        self._flow = self._activity = None
        self._traced = False
        told = {"kind": "made", "setting": asdict(setting), **made.to_dict()}
        told["seconds"] = time.perf_counter() - begun
        await self._send(told, b"".join(each.tobytes() for each in made.words))
        await self._chair.sit(setting.on, made.base)
        await self._seat(made)
        # Other chips are made as this one is, on whatever machine it is.
        if before is None or replace(before.setting, on="", chip=None) != replace(
            setting, on="", chip=None
        ):
            self._renew_chips()

    async def _seat(self, made: Made) -> None:
        """Program the machine, show it the image again, and score it."""
        await self._chair.program(made)
        self._confusion = np.zeros((made.base.classes,) * 2, np.int64)
        self._jobs["score"] = score_pieces(made, self._choices, self._chair, self._confusion)
        if self._show is None:
            self._show = self._shown

    async def _image(self, made: Made, show: Show) -> None:
        begun = time.perf_counter()
        self._shown = show
        self._flow = flow = await asyncio.to_thread(self._answer, made, show)
        self._activity = None
        # A machine that has come meanwhile has not computed it.
        on = "golden" if flow.machine is None else self._chair.title
        told = {"kind": "shown", "serial": show.serial, "on": on, **flow.to_dict()}
        told["seconds"] = time.perf_counter() - begun
        await self._send(told, b"")
        # Who has just seen something is left time to do the next thing.
        self._last = time.monotonic()
        self._traced = flow.machine is not None
        if flow.machine is None:
            await self._chair.say()

    async def _trace(self) -> None:
        """Tell the page what the engine did for the image that it is shown."""
        self._traced = False
        flow, shown = self._flow, self._shown
        if flow is None or shown is None:
            return
        layers = len(flow.golden)
        self._activity = await asyncio.to_thread(self._chair.ask, Seat.activity, layers)
        if self._activity is not None:
            cycles = timeline(self._activity, layers)
            await self._send({"kind": "timeline", "serial": shown.serial, **cycles}, b"")

    def _answer(self, made: Made, show: Show) -> Flow:
        """Compute an image's values; in a thread."""
        shape, label, number = made.base.image_shape, None, show.use
        if show.test is None:
            image = drawn_image(show.strokes, shape)
        else:
            image = self._choices.images[show.test].reshape(shape)
            label, number = int(self._choices.labels[show.test]), show.test
        machine = self._chair.ask(Seat.show, image, number)
        batch = image[np.newaxis]
        golden = made.golden.trace(batch, number)
        return Flow(image, number, label, golden, made.ideal.logits(batch, number)[0], machine)

    def _renew_chips(self) -> None:
        """Begin the accuracy over chips afresh, with as many chips as the page wants."""
        self._accuracies = {}
        self._jobs.pop("chips", None)
        if self._made is not None and self._count:
            given = self._made, self._choices, self._count, self._accuracies
            self._jobs["chips"] = chip_pieces(*given)
