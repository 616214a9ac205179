"""A network that learns in the array while pages watch: weights, loss, accuracy, pulses.

One thread learns, and all pages see the same; it waits while no page is open. Ten times a second
it puts a frame in the place of the one before, whether or not that was taken: a slow page misses
frames, and never blocks a page.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace

import numpy as np

from allspin.host.data.datasets import Data, load_dataset
from allspin.host.learn.array_network import ArrayNetwork
from allspin.host.learn.export import array_network
from allspin.host.learn.learning import learn
from allspin.host.learn.parameters import ArrayParameters, LearnParameters
from allspin.host.learn.training import train_in_array
from allspin.host.live.chair import in_background
from allspin.host.live.choices import Choices
from allspin.host.live.messages import read
from allspin.host.live.visit import Send
from allspin.host.show.display import Display
from allspin.host.show.say import printable
from allspin.sim.errors import check_range
from allspin.sim.network.levels import full_scale
from allspin.sim.network.network import Network

EVERY = 0.1
"""Seconds between two frames."""
LOOK = 0.02
"""Seconds between two checks for work."""
SMOOTH = 20
"""Batches in the mean loss of a frame."""
BARS = 30
"""Most bars of the histogram of pulses."""
TOP = full_scale(8)
"""Largest weight of a frame, whose weights have 8 bits."""


class Learning:
    """Training in the array that pages watch, and that can begin again.

    Parameters
    ----------
    data : str, Path or None
        What is learnt, as of `allspin.load_dataset`.
    parameters : LearnParameters
        How, as of `allspin.host.learn.learning.learn`. A rate that is to be found is found
        here.
    choose : callable
        Makes what pages may choose on which digits are drawn, of the network that learns.
    progress : Display or bool
        Shows that a rate is being looked for.

    Attributes
    ----------
    frame : tuple of dict and bytes
        What pages are told: how far it is, and the weights of each crossbar as int8, of which
        `TOP` is the largest weight of the mean device.
    choices : Choices
        Its first network is what was learnt at the last mark of the learning curve.
    wanted : ArrayParameters or None
        What is learnt. Another one ends the training that is under way; with None the thread ends.
    paused : bool
        Whether learning waits.
    watchers : int
        Open pages; without one it waits, too.
    work : Future
        The thread, which ends early only by what a device does not bear.

    Raises
    ------
    UserError
        As `learn` does, and `choose`.
    """

    def __init__(
        self,
        data: Data | None,
        parameters: LearnParameters,
        choose: Callable[[Network], Choices],
        progress: Display | bool = False,
    ) -> None:
        self._dataset, self._formats = load_dataset(data), parameters.formats
        self.wanted: ArrayParameters | None = None
        self.paused, self.watchers, self._due = False, 0, 0.0
        # It is not wanted yet: it ends before the first batch, with everything checked.
        with contextlib.suppress(CancelledError):
            learn(self._dataset, parameters, progress=progress, watch=self._look)
        self.choices = choose(self._written())
        self.wanted = self._network.parameters
        self.work = in_background(self._run)

    def _written(self) -> Network:
        """Present result of the training, in whole numbers."""
        return array_network(self._network, self._formats, self._dataset.image_shape, {})

    def _run(self) -> None:
        """Run one training after another, in a thread."""
        while (wanted := self.wanted) is not None:
            with contextlib.suppress(CancelledError):
                train_in_array(self._dataset, wanted, watch=self._look)
            while self.wanted is wanted:
                time.sleep(LOOK)

    def _waits(self) -> bool:
        return self.paused or not self.watchers

    def _look(
        self,
        network: ArrayNetwork,
        curve: list[tuple[int, float, float]],
        losses: list[float],
    ) -> None:
        """Handle requests between two batches, and wait while the training is paused."""
        self._network, is_mark = network, not losses
        if is_mark and curve:
            self.choices.networks[self.choices.first] = self._written()
        if is_mark or self._waits() or time.monotonic() >= self._due:
            self._tell(curve, losses)
        while self.wanted is network.parameters and self._waits():
            time.sleep(LOOK)
            if self.frame[0]["paused"] != self.paused:
                self._tell(curve, losses)
        if self.wanted is not network.parameters:
            raise CancelledError

    def _tell(self, curve: list[tuple[int, float, float]], losses: list[float]) -> None:
        """Make the next frame."""
        crossbars, given = self._network.pulsed, self._network.parameters
        pulses = self._network.pulse_counts
        most, images = int(pulses.max()), len(self._dataset.train_images)
        words = [
            np.rint(TOP * np.clip(each.matrix / max(-each.low, each.high), -1, 1)).astype(np.int8)
            for each in crossbars
        ]
        self.frame = (
            {
                "kind": "frame",
                "layers": [
                    {"rows": len(each), "columns": each.shape[1], "top": TOP} for each in words
                ],
                "shape": self._dataset.image_shape,
                "device": printable(given.device.name) if given.device else "equal steps",
                "rule": f"update {given.update}, rate {given.rate:g}, batches of {given.batch:,}",
                "seed": given.seed,
                "epochs": given.epochs,
                "images": (curve[-1][0] if curve else 0) + given.batch * len(losses),
                "of": given.epochs * (images - images % given.batch),
                "loss": float(np.mean(losses[-SMOOTH:])) if losses else None,
                "curve": curve[:],
                # The training says it, since only then no newer weights follow.
                "paused": self.paused,
                "pulses": int(pulses.sum()),
                "most": most,
                "width": most // BARS + 1,
                "bars": np.bincount(pulses // (most // BARS + 1)).tolist(),
            },
            b"".join(each.tobytes() for each in words),
        )
        self._due = time.monotonic() + EVERY


class Watcher:
    """Page that watches a training.

    Parameters
    ----------
    learning : Learning
        The learning.
    send : callable
        Sends the page a message.
    """

    def __init__(self, learning: Learning, send: Send) -> None:
        self._learning, self._send, self._ready, self._seen = learning, send, True, ()

    def receive(self, text: str) -> None:
        """Take a message of the page; ``ready`` when it has drawn a frame and takes another.

        Raises
        ------
        ValueError, TypeError
            If it may not say that.
        """
        kind, said = read(text, ("ready", "pause", "go", "again"))
        match kind:
            case "ready":
                self._ready = True
            case "again":
                seed = check_range("seed", said.get("seed"), 0, 2**32 - 1)
                now = self._learning.wanted
                self._learning.wanted = now and replace(now, seed=seed)
            case _:
                self._learning.paused = kind == "pause"

    async def run(self) -> None:
        """Send frames until the page is closed."""
        self._learning.watchers += 1
        try:
            while True:
                (told, weights), work = self._learning.frame, self._learning.work
                fault = work.done() and repr(work.exception())
                now = {**told, "fault": fault}, weights
                if self._ready and now != self._seen:
                    self._ready, self._seen = False, now
                    await self._send(*now)
                await asyncio.sleep(LOOK)
        finally:
            self._learning.watchers -= 1
