"""A network that learns in the array while pages watch: weights, loss, accuracy, pulses.

One thread learns, and all pages see the same; it waits while no page is open. Ten times a second
it puts a frame in the place of the one before, whether or not that was taken: a slow page misses
frames, and keeps nobody waiting.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from allspin.host.data.datasets import Dataset
from allspin.host.live.choices import Choices
from allspin.host.live.messages import read
from allspin.host.live.seat import in_background
from allspin.host.live.visit import Send
from allspin.host.show.say import Display, printable
from allspin.host.train.array_devices import ArrayParameters
from allspin.host.train.in_array import ArrayNetwork, train_in_array
from allspin.host.train.learnt import array_network, learn_in_array
from allspin.host.train.parameters import TrainingParameters
from allspin.sim.errors import check_range
from allspin.sim.network.formats import full_scale
from allspin.sim.network.network import Network

EVERY = 0.1
"""Seconds between two frames."""
LOOK = 0.02
"""Seconds between two looks at whether there is something to do."""
POINTS = 200
"""Of the curve of the loss, at least, where there are as many batches."""
BARS = 30
"""Of the histogram of pulses, at most."""
TOP = full_scale(8)
"""What the largest weight is in a frame, in which weights have 8 bits."""


class Unwanted(Exception):
    """Another training is wanted, or none."""


class Learning:
    """A training in the array that is watched, and that can be begun again.

    Parameters
    ----------
    dataset : Dataset
        What is learnt.
    parameters : TrainingParameters
        How, as of `allspin.host.train.learnt.learn_in_array`. A rate that is to be found is found
        at once.
    choose : callable
        Makes what pages may choose that draw digits, of the network that learns.
    progress : Display
        Shows that a rate is being looked for.

    Attributes
    ----------
    frame : tuple of dict and bytes
        What pages are told: how far it is, and the weights of each crossbar as int8, whose `TOP`
        is the largest weight of the mean device.
    choices : Choices
        The network in it is the one that was learnt at the last mark of the learning curve.
    wanted : ArrayParameters or None
        What is learnt. Another one ends the training that is under way; with None the thread ends.
    paused : bool
        Whether learning waits.
    watchers : int
        Open pages; without one it waits, too.

    Raises
    ------
    UserError
        As `learn_in_array` does, and `choose`.
    """

    def __init__(
        self,
        dataset: Dataset,
        parameters: TrainingParameters,
        choose: Callable[[Network], Choices],
        progress: Display | bool = False,
    ) -> None:
        self.wanted: ArrayParameters | None = None
        self.paused, self.watchers = False, 0
        self._dataset, self._formats = dataset, parameters.formats
        self._losses: list[tuple[int, float]] = []
        self._due = 0.0
        # It is not wanted yet, and ends before the first batch, with everything checked.
        with contextlib.suppress(Unwanted):
            learn_in_array(dataset, parameters, progress=progress, watch=self._look)
        self.choices = choose(self._written())
        self.wanted = self._network.parameters
        in_background(self._run)

    def _written(self) -> Network:
        """What is learnt so far, in whole numbers."""
        return array_network(self._network, self._formats, self._dataset.image_shape, {})

    def _run(self) -> None:
        """Learn what is wanted, one training after another; in a thread."""
        while (wanted := self.wanted) is not None:
            self._losses = []
            with contextlib.suppress(Unwanted):
                trained = train_in_array(
                    self._dataset, wanted, progress=self._mark, watch=self._look
                )
                self._tell(trained.curve, trained.curve[-1][0])
            while self.wanted is wanted:
                time.sleep(LOOK)

    def _mark(self, *_: object) -> None:
        """Let digits be drawn at what is learnt by now."""
        self.choices.networks[self.choices.first] = self._written()

    def _waits(self) -> bool:
        return self.paused or not self.watchers

    def _look(
        self,
        network: ArrayNetwork,
        curve: list[tuple[int, float, float]],
        losses: list[float],
    ) -> None:
        """Look at a training between two batches, and let it go on when it may."""
        self._network, given = network, network.parameters
        done = (curve[-1][0] if curve else 0) + given.batch * len(losses)
        every = max(1, given.epochs * len(self._dataset.train_images) // given.batch // POINTS)
        if losses and done // given.batch % every == 0:
            self._losses.append((done, float(np.mean(losses[-every:]))))
        if self._waits() or time.monotonic() >= self._due:
            self._tell(curve, done)
        while self.wanted is given and self._waits():
            time.sleep(LOOK)
        if self.wanted is not given:
            raise Unwanted

    def _tell(self, curve: list[tuple[int, float, float]], done: int) -> None:
        """Make the next frame, where so many images are learnt."""
        network, given = self._network, self._network.parameters
        films = [films for crossbar in network.pulsed for films in crossbar.films]
        pulses = np.concatenate([each.given.ravel() for each in films])
        width = int(pulses.max()) // BARS + 1
        units = [TOP / max(-crossbar.low, crossbar.high) for crossbar in network.pulsed]
        words = [
            np.rint(np.clip(crossbar.matrix * unit, -TOP, TOP)).astype(np.int8)
            for crossbar, unit in zip(network.pulsed, units, strict=True)
        ]
        said = {
            "kind": "frame",
            "layers": [{"rows": len(each), "columns": each.shape[1], "top": TOP} for each in words],
            "shape": self._dataset.image_shape,
            "device": printable(given.device.name) if given.device else "equal steps",
            "rule": f"{given.update}, rate {given.rate:g}, batches of {given.batch:,}",
            "seed": given.seed,
            "epochs": given.epochs,
            "images": done,
            "of": given.epochs * (len(self._dataset.train_images) // given.batch) * given.batch,
            "losses": self._losses[:],
            "accuracies": [(images, accuracy) for images, _, accuracy in curve],
            "pulses": int(pulses.sum()),
            "most": int(pulses.max()),
            "width": width,
            "bars": np.bincount(pulses // width).tolist(),
        }
        self._due = time.monotonic() + EVERY
        self.frame = said, b"".join(each.tobytes() for each in words)


class Watcher:
    """What one page sees of a learning.

    Parameters
    ----------
    learning : Learning
        The learning.
    send : callable
        Sends the page a message.
    """

    def __init__(self, learning: Learning, send: Send) -> None:
        self._learning, self._send, self._taken = learning, send, True

    def receive(self, text: str) -> None:
        """Take what a page said; ``ready`` when it has drawn a frame and takes another.

        Raises
        ------
        ValueError, TypeError
            If it may not say that.
        """
        kind, said = read(text, ("ready", "pause", "go", "again"))
        if kind == "ready":
            self._taken = True
        elif kind == "again":
            seed = check_range("seed", said.get("seed"), 0, 2**32 - 1)
            wanted = self._learning.wanted
            self._learning.wanted = wanted and replace(wanted, seed=seed)
        else:
            self._learning.paused = kind == "pause"

    async def run(self) -> None:
        """Show it until the page is closed."""
        learning, seen = self._learning, None
        learning.watchers += 1
        try:
            while True:
                now = learning.frame, learning.paused
                if self._taken and now != seen:
                    self._taken, seen = False, now
                    await self._send({**now[0][0], "paused": now[1]}, now[0][1])
                await asyncio.sleep(LOOK)
        finally:
            learning.watchers -= 1
