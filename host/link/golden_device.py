"""The golden model with a device's face."""

import numpy as np
import numpy.typing as npt

from allspin.host.data.closing import Closing
from allspin.host.link.device import NO_PROGRESS, Answers, Progress
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel, UseNoise
from allspin.sim.network.network import Network

BATCH = 1000
"""Images between two calls of the progress callback."""


class GoldenDevice(Closing):
    """What `allspin.host.link.device.Device` does, computed by the golden model; it has no clock.

    Parameters
    ----------
    noise : UseNoise, optional
        What a chip adds at each use.

    Attributes
    ----------
    name : str
        What messages call it.
    """

    name = "the golden model"
    resent = damaged = 0  # no line

    def __init__(self, noise: UseNoise | None = None) -> None:
        self._noise = noise
        self._model: GoldenModel | None = None

    def close(self) -> None:
        """Do nothing."""

    def check(self, network: Network) -> None:
        """Any network fits."""

    def program(self, network: Network, progress: Progress = NO_PROGRESS) -> None:
        """Take a network."""
        self._model = GoldenModel(network, noise=self._noise)

    def clear_counters(self) -> None:
        """Do nothing."""

    def counters(self) -> None:
        """None: it counts nothing."""

    def stream(self, images: npt.NDArray[np.uint8], progress: Progress = NO_PROGRESS) -> Answers:
        """Run images.

        Parameters
        ----------
        images : ndarray of uint8, shape (images, height, width) or (images, rows)
            Grey levels, 0 to 255.
        progress : callable
            Called with the number of images answered.

        Raises
        ------
        UserError
            If it has not been programmed.
        ValueError
            If the images have not as many pixels as the first layer has rows.
        """
        if self._model is None:
            raise UserError(f"{self.name} has no network yet; program it first")
        logits = np.empty((len(images), self._model.network.classes), dtype=np.int64)
        for start in range(0, len(images), BATCH):
            part = slice(start, start + BATCH)
            logits[part] = self._model.logits(images[part], start)
            progress(min(start + BATCH, len(images)))
        return Answers(logits, np.argmax(logits, axis=1))
