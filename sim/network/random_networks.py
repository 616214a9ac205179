"""Random networks and images: they reach values that trained ones never do."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from allspin.sim.network.formats import uniform_levels
from allspin.sim.network.network import GAIN_BITS, Converter, Layer, Network
from allspin.sim.network.neuron import Neuron, SotNeuron


def random_network(
    topology: tuple[int, ...],
    seed: int,
    *,
    states: int = 10,
    neuron: Neuron | None = None,
    pixel_bits: int = 4,
    hidden_bits: int = 4,
    rah_bits: int = 8,
    current_bits: int = 8,
) -> Network:
    """A network whose neurons use their whole range.

    Parameters
    ----------
    topology : tuple of int
        Widths from the pixels to the classes.
    seed : int
        Of all draws.
    states, neuron, pixel_bits, hidden_bits, rah_bits, current_bits
        As in `allspin.sim.network.network.Network`; the SOT neuron by default.

    Returns
    -------
    Network
        Its images have the shape ``(1, topology[0])``.
    """
    rng = np.random.default_rng(seed)
    neuron = neuron or SotNeuron()
    layers = []
    for number, (rows, columns) in enumerate(pairwise(topology)):
        levels = uniform_levels(states, rah_bits)
        converter = table = None
        if number < len(topology) - 2:
            top = 2 ** (hidden_bits if number else pixel_bits) - 1
            # Half the inputs are driven, with half of full scale: sums spread this far.
            spread = np.sqrt(rows / 2) * np.abs(levels).mean() * top / 2
            gains = rng.integers(2 ** (GAIN_BITS - 1), 2**GAIN_BITS, columns, dtype=np.int32)
            shift = int(np.log2(max(1, spread * gains.mean() / 2 ** (current_bits - 1))))
            bound = 2 ** (current_bits - 4)
            offsets = rng.integers(-bound, bound, columns, dtype=np.int32)
            converter = Converter(gains, offsets, shift)
            if neuron.has_table:
                table = neuron.table(current_bits, hidden_bits)
        drawn = rng.integers(0, states, (rows, columns), dtype=np.uint8)
        layers.append(Layer(drawn, levels, converter, table))
    return Network(
        tuple(layers), neuron, (1, topology[0]), pixel_bits, hidden_bits, rah_bits, current_bits
    )


def random_images(network: Network, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Images with any share of black, among them one black throughout and one white.

    Returns
    -------
    ndarray of uint8, shape (count, height, width)
    """
    rng = np.random.default_rng(seed)
    shape = (count, *network.image_shape)
    black = rng.random(shape) < rng.random((count, 1, 1))
    images = np.where(black, 0, rng.integers(0, 256, shape)).astype(np.uint8)
    images[:1] = 0
    images[1:2] = 255
    return images
