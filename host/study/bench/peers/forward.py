"""The same network in plain NumPy floats: what the golden model is compared with.

It is what one would write who does not care for bits: float32 throughout, the V-I converter a
factor and an offset, the neuron two straight knees, noise from NumPy's own generator.
"""

import numpy as np
import numpy.typing as npt

from allspin.sim.network.network import Network

Floats = npt.NDArray[np.float32]


class FloatForward:
    """A network as float32 matrices.

    Parameters
    ----------
    network : Network
        Of neurons with two knees, such as SOT ones.
    write, use : float
        Standard deviation of R_AH as a fraction of the range, drawn once, and of each neuron's
        current at each use as a fraction of full scale; 0 for none.
    seed : int
        Of both.

    Raises
    ------
    ValueError
        If its neurons have no such knees.
    """

    def __init__(
        self, network: Network, write: float = 0.0, use: float = 0.0, seed: int = 0
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
            top = 2 ** network.input_bits(number) - 1
            gain = np.ones(layer.columns)
            offset = np.zeros(layer.columns)
            if layer.converter is not None:
                gain = layer.converter.gains / 2.0**layer.converter.shift / full
                offset = layer.converter.offsets / full
            self.matrices.append((words * (gain * top * scale)).astype(np.float32))
            self.offsets.append(offset.astype(np.float32))
            scale = 1.0  # a hidden activation is a fraction already

    def logits(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Column sums of the last layer, shape (images, classes), in arbitrary units."""
        knees = self.knees
        values: Floats = images.reshape(len(images), -1).astype(np.float32)
        for matrix, offset in zip(self.matrices[:-1], self.offsets[:-1], strict=True):
            values = values @ matrix
            values -= offset
            if self.use:
                values += self.use * self.rng.standard_normal(values.shape, np.float32)
            values -= np.float32(knees.threshold)
            values *= np.float32(knees.slope)
            np.clip(values, 0, np.float32(knees.saturation), out=values)
        return values @ self.matrices[-1]

    def classify(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Class of each image."""
        return self.logits(images).argmax(axis=1)
