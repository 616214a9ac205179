"""What a teacher, a network of real numbers, says of images."""

import numpy as np

from allspin.host.training.latent.network import LatentNetwork
from allspin.host.training.latent.number_formats import Array


def softmax(logits: Array) -> Array:
    """Shares of the classes, shape (images, classes)."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


class Teacher:
    """A trained network, ready to answer: forward only, in place, since it is the widest by far.

    Parameters
    ----------
    network : LatentNetwork
        Not quantised.
    temperature : float
        By which its logits are divided.
    """

    def __init__(self, network: LatentNetwork, temperature: float) -> None:
        self._layers = network.layers
        self._weights = [network.weights(layer) for layer in range(network.layers)]
        self._top = np.float32(network.formats.input_top(0))
        self._gains, self._offsets = [], []
        self._respond = network.formats.respond_only
        for layer in range(network.layers - 1):
            self._gains.append(network.gains(layer))
            self._offsets.append(network.offsets(layer))
        self._scale = np.float32(np.exp(network.parameters[-1][0]) / temperature)

    def answers(self, values: Array) -> Array:
        """Share of each class that it sees.

        Parameters
        ----------
        values : ndarray of float32, shape (rows, images)
            Row values as whole numbers.

        Returns
        -------
        ndarray of float32, shape (images, classes)
        """
        drive = values.T
        for layer in range(self._layers):
            sums = drive @ self._weights[layer]
            if layer == 0:
                sums /= self._top
            if layer < self._layers - 1:
                sums *= self._gains[layer]
                sums -= self._offsets[layer]
                drive = self._respond(np.clip(sums, 0, 1, out=sums))
            else:
                drive = sums
        drive *= self._scale
        return softmax(drive)
