"""One page: what it has chosen, what it is shown, and who computes it.

Everything that takes long is done in a thread, one thing after another, the most urgent first: a
new chip, an image, an archive, and while nobody draws the test images for the confusion matrix and
the accuracy of other chips.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.live.choices import BOARD, Choices, Setting
from allspin.host.live.many import Pieces, chip_pieces, score_pieces
from allspin.host.live.messages import Message, Show, hello
from allspin.host.live.seat import Chair, Held, Seat
from allspin.host.live.shown import Flow, Made, archive, drawn_image, timeline
from allspin.sim.errors import UserError

REST = 0.2
"""Seconds without a message after which nobody draws."""
LOOK = 2.0
"""Seconds between two looks at whether a board is still there, while it has nothing to do."""
SETTLED = 0.04
"""Seconds without a message after which an image is not followed by the next one of a stroke."""

Send = Callable[[dict[str, Any], bytes], Awaitable[None]]
"""Sends a page an object, and bytes that belong to it."""


class Session:
    """What one page is shown.

    Parameters
    ----------
    choices : Choices
        What may be chosen.
    held : dict
        Who holds the board.
    send : callable
        Sends the page a message.
    """

    def __init__(self, choices: Choices, held: Held, send: Send) -> None:
        self._choices = choices
        self._send = send
        self._wake = asyncio.Event()
        self._setting: Setting | None = None
        self._show: Show | None = None
        self._save = False
        self._last = 0.0
        self._made: Made | None = None
        self._shown: Show | None = None
        self._flow: Flow | None = None
        self._traced = False
        self._activity: npt.NDArray[np.uint64] | None = None
        self._chair = Chair(choices, held, self._tell, self._wake.set)
        self._count = 0
        self._accuracies: dict[int, float] = {}
        self._confusion: npt.NDArray[np.int64] | None = None
        self._jobs: dict[str, Pieces] = {}

    def receive(self, message: Message) -> None:
        """Take what a page said; of several settings or images the last one counts."""
        self._last = time.monotonic()
        match message:
            case Setting():
                self._setting = message
            case Show():
                self._show = message
            case None:
                self._save = True
            case _:
                self._count = message
                self._renew_chips()
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

    async def _make(self, setting: Setting) -> None:
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
        on = self._chair.title
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
