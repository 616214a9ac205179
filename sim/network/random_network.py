"""Random networks and images, which reach values that trained networks never reach."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from allspin.sim.network.layer import GAIN_BITS, Converter, Layer
from allspin.sim.network.layer_kinds import DENSE, LayerKind
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.neuron_base import Neuron


def random_network(
    topology: tuple[int, ...],
    seed: int,
    *,
    kinds: Sequence[LayerKind] = (),
    image_shape: tuple[int, ...] | None = None,
    states: int = 10,
    neuron: Neuron | None = None,
    pixel_bits: int = 4,
    hidden_bits: int = 4,
    rah_bits: int = 8,
    current_bits: int = 8,
) -> Network:
    """Draw a network whose neurons use their whole range.

    Parameters
    ----------
    topology : tuple of int
        Number of values of an image, then the columns of each layer.
    seed : int
        Seed of all draws.
    kinds : sequence of LayerKind
        Kinds of the first layers; all further layers are dense.
    image_shape : tuple of int, optional
        As in `Network`; by default, all values form one line.
    states, neuron, pixel_bits, hidden_bits, rah_bits, current_bits
        As in `Network`; the SOT neuron by default.
    """
    rng = np.random.default_rng(seed)
    neuron = neuron or SotNeuron()
    levels = uniform_levels(states, rah_bits)
    layers = []
    shape = images = image_shape or (1, topology[0])
    for number, columns in enumerate(topology[1:]):
        kind = kinds[number] if number < len(kinds) else DENSE
        rows = kind.rows(shape)
        shape = kind.shape(columns)
        converter = None
        table = None
        if number < len(topology) - 2:
            top = 2 ** (hidden_bits if number else pixel_bits) - 1
            # Half of the inputs are driven, with half of full scale: sums spread this far.
            spread = np.sqrt(rows / 2) * np.abs(levels).mean() * top / 2
            converter = _random_converter(rng, columns, float(spread), current_bits)
            if neuron.has_table:
                table = neuron.table(current_bits, hidden_bits)
        cells = rng.integers(0, states, (rows, columns), dtype=np.uint8)
        layers.append(Layer(cells, levels, converter, table, kind=kind))
    return Network(tuple(layers), neuron, images, pixel_bits, hidden_bits, rah_bits, current_bits)


def _random_converter(
    rng: np.random.Generator, columns: int, spread: float, current_bits: int
) -> Converter:
    """Draw V-I converters that map sums of a given spread to the range of the currents."""
    gains = rng.integers(2 ** (GAIN_BITS - 1), 2**GAIN_BITS, columns, dtype=np.int32)
    shift = int(np.log2(max(1, spread * gains.mean() / 2 ** (current_bits - 1))))
    bound = 2 ** (current_bits - 4)
    offsets = rng.integers(-bound, bound, columns, dtype=np.int32)
    return Converter(gains, offsets, shift)


def random_images(network: Network, count: int, seed: int) -> npt.NDArray[np.uint8]:
    """Draw images, each with its own share of black pixels; the first is black, the second white.

    Returns
    -------
    ndarray of uint8, shape (count, height, width) or (count, height, width, channels)
    """
    rng = np.random.default_rng(seed)
    shape = (count, *network.image_shape)
    black = rng.random(shape) < rng.random((count, *(1,) * len(network.image_shape)))
    images = np.where(black, 0, rng.integers(0, 256, shape)).astype(np.uint8)
    images[:1] = 0
    images[1:2] = 255
    return images
