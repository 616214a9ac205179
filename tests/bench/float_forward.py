"""The same network in plain NumPy floats, which the golden model is compared with.

It is the code of a user who does not care for bits: float32 throughout, the V-I converter a
factor and an offset, the neuron two straight knees, noise from NumPy's own generator.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.network import Network
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

# The only noise of noisy runs: an error of each cell, drawn once, and noise on each hidden
# neuron's current at each use, of which a column has one draw an image.
WRITE = 0.03
"""Standard deviation of a cell's error, of the range."""

USE = 0.014
"""Standard deviation of noise at each use, of the current's full scale; as the paper's neuron."""


def law(device: Device) -> Device:
    """A device that varies so, and not as its own file says."""
    assert isinstance(device.synapse, SotSynapse)
    synapse = replace(device.synapse, c2c=CycleVariation(WRITE, WRITE), d2d=DeviceVariation())
    return replace(device, synapse=synapse, neuron_variation=NeuronVariation(use=USE))


Floats = npt.NDArray[np.float32]


class FloatForward:
    """A network as float32 matrices.

    Parameters
    ----------
    network : Network
        Network of neurons with two knees, such as SOT neurons.
    write, use : float
        Standard deviation of R_AH as a fraction of the range, drawn once, and of each neuron's
        current at each use as a fraction of full scale; 0 for an ideal network.
    seed : int
        Seed of both, and not the seed of a training: the first weights would be the same draws,
        and errors in the direction of the weights do no harm.

    Attributes
    ----------
    matrices, offsets : list of ndarray of float32
        For each layer the matrix that multiplies grey levels or activations, shape (rows,
        columns), and the terms that are then subtracted: converter's offset and neuron's threshold.
    products : list of callable
        Function that multiplies with each matrix; a peer puts its own here.

    Raises
    ------
    ValueError
        If its neurons have no such knees.
    """

    def __init__(
        self, network: Network, write: float = 0.0, use: float = 0.0, seed: int = 1000
    ) -> None:
        knees = network.neuron.knees
        if knees is None:
            raise ValueError(f"neurons must be sot, not {network.neuron.name}")
        self.knees = knees
        self.use = np.float32(use)
        self.rng = np.random.default_rng(seed)
        self.matrices: list[Floats] = []
        self.offsets: list[Floats] = []
        scale = 1 / 255
        full = 2**network.current_bits - 1
        for number, layer in enumerate(network.layers):
            words = layer.words.astype(np.float32)
            if write:
                span = float(layer.levels[-1]) - float(layer.levels[0])
                noise = self.rng.standard_normal(words.shape, np.float32)
                words += np.float32(write * span) * noise
                most = np.iinfo(layer.words.dtype).max  # the hardware holds no larger ones
                np.clip(words, -most, most, out=words)
            top = 2 ** network.input_bits(number) - 1
            gain = np.ones(layer.columns)
            offset = np.zeros(layer.columns)
            if layer.converter is not None:
                gain = layer.converter.gains / 2.0**layer.converter.shift / full
                offset = layer.converter.offsets / full + knees.threshold
            self.matrices.append((words * (gain * top * scale)).astype(np.float32))
            self.offsets.append(offset.astype(np.float32))
            scale = 1.0  # a hidden activation is a fraction already
        self.products: list[Callable[[Floats], Floats]] = [
            partial(_times, matrix) for matrix in self.matrices
        ]

    def logits(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Column sums of the last layer, shape (images, classes), in arbitrary units."""
        values: Floats = images.reshape(len(images), -1).astype(np.float32)
        for product, offset in zip(self.products[:-1], self.offsets[:-1], strict=True):
            values = product(values)
            values -= offset
            if self.use:
                values += self.use * self.rng.standard_normal(values.shape, np.float32)
            values *= np.float32(self.knees.slope)
            np.clip(values, 0, np.float32(self.knees.saturation), out=values)
        return self.products[-1](values)

    def classify(self, images: npt.NDArray[np.uint8], first: int = 0) -> npt.NDArray[np.int64]:
        """Class of each image; the number of the first makes no difference."""
        return self.logits(images).argmax(axis=1)


def _times(matrix: Floats, values: Floats) -> Floats:
    return values @ matrix
