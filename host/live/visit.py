"""Session of one page: its setting, its machine, its image, and its background jobs.

Long tasks run in a thread, one after another, the most urgent first: a new chip, an image, an
archive, and while the page is idle the test images for the confusion matrix and the accuracy of
other chips.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.live.archive import archive
from allspin.host.live.chair import Chair
from allspin.host.live.choices import BOARD, Choices, PageSetting
from allspin.host.live.drawing import drawn_image
from allspin.host.live.flow import Flow, timeline
from allspin.host.live.jobs import Pieces, chip_pieces, score_pieces
from allspin.host.live.messages import Show, hello, parse
from allspin.host.live.page_chip import PageChip
from allspin.host.live.seat import Seat
from allspin.sim.errors import UserError

REST = 0.2
"""Seconds without a message after which a page is idle."""
LOOK = 2.0
"""Seconds between two checks of an idle board."""
SETTLED = 0.04
"""Seconds without a message after which a stroke is complete."""

Send = Callable[[dict[str, Any], bytes], Awaitable[None]]
"""Callback that sends a page an object, and bytes that belong to it."""


class Visit:
    """Session of one page: its setting, its machine, and the messages to it.

    Parameters
    ----------
    choices : Choices
        Networks, machines and images that pages may choose.
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
        self._made: PageChip | None = None
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
        """Take a message of the page; the last of several settings or images counts.

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
        """Do the most urgent task, or wait for one."""
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
        """Do a piece of the next job, so that all jobs make progress."""
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
        """Wait for a task, for `seconds` at most; return True if one has come."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self._wake.wait(), seconds)
        return False

    async def _tell(self, state: str, text: str, seconds: float = 0.0) -> None:
        """Send the page the state of the machine."""
        await self._send({"kind": "machine", "state": state, "text": text, "s": seconds}, b"")

    async def _make(self, setting: PageSetting) -> None:
        begun = time.perf_counter()
        made = await asyncio.to_thread(PageChip.of, self._choices, setting)
        before, self._made = self._made, made
        self._flow = self._activity = None
        self._traced = False
        told = {"kind": "made", "setting": asdict(setting), **made.to_dict()}
        told["seconds"] = time.perf_counter() - begun
        await self._send(told, b"".join(each.tobytes() for each in made.words))
        await self._chair.sit(setting.on, made.base)
        await self._seat(made)
        # The accuracy over chips depends on the setting, but not on machine and seed.
        if before is None or replace(before.setting, on="", chip=None) != replace(
            setting, on="", chip=None
        ):
            self._renew_chips()

    async def _seat(self, made: PageChip) -> None:
        """Program the machine, show it the image again, and score it."""
        await self._chair.program(made)
        self._confusion = np.zeros((made.base.classes,) * 2, np.int64)
        self._jobs["score"] = score_pieces(made, self._choices, self._chair, self._confusion)
        if self._show is None:
            self._show = self._shown

    async def _image(self, made: PageChip, show: Show) -> None:
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
        """Send the page the engine's activity for its image."""
        self._traced = False
        flow, shown = self._flow, self._shown
        if flow is None or shown is None:
            return
        layers = len(flow.golden)
        self._activity = await asyncio.to_thread(self._chair.ask, Seat.activity, layers)
        if self._activity is not None:
            cycles = timeline(self._activity, layers)
            await self._send({"kind": "timeline", "serial": shown.serial, **cycles}, b"")

    def _answer(self, made: PageChip, show: Show) -> Flow:
        """Compute an image's values, in a thread."""
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
        """Restart the accuracy over chips, with the number of chips that the page wants."""
        self._accuracies = {}
        self._jobs.pop("chips", None)
        if self._made is not None and self._count:
            given = self._made, self._choices, self._count, self._accuracies
            self._jobs["chips"] = chip_pieces(*given)
