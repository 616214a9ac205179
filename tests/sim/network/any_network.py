"""Networks of every legal kind, small enough for a comparison cell by cell."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import DENSE, Convolution
from allspin.sim.network.network import NEURON_PER, Network
from allspin.sim.network.neuron import NEURONS, ReluNeuron

KINDS = [kind for kind in NEURONS.values() if kind.__module__.startswith("allspin.")]
"""Kinds of neurons that ship, without those that other tests have registered."""


def grey_levels(network: Network, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Four images: a black one, a white one, one with black pixels, and any."""
    images = rng.integers(0, 256, (4, *network.image_shape), np.uint8)
    images[0] = 0
    images[1] = 255
    images[2] *= rng.integers(0, 2, network.image_shape, np.uint8)
    return images


@st.composite
def convolutions(draw: st.DrawFn, shape: tuple[int, ...]) -> Convolution:
    """Any convolution of maps of a shape."""
    sides = shape[:2]
    padding = draw(st.tuples(*[st.integers(0, 2)] * 4))
    beyond = padding[0] + padding[2], padding[1] + padding[3]
    kernel = tuple(
        min(draw(st.integers(max(first, last) + 1, 4)), side + more)
        for side, more, first, last in zip(sides, beyond, padding[:2], padding[2:], strict=True)
    )
    padding = tuple(min(lines, side - 1) for lines, side in zip(padding, kernel * 2, strict=True))
    made = Convolution(
        (*sides, *(shape[2:] or (1,))), kernel, draw(st.tuples(*[st.integers(1, 3)] * 2)), padding
    )
    return replace(made, pool=draw(st.integers(1, min(2, *made.places))))


@st.composite
def networks(draw: st.DrawFn, *, maps: bool = False) -> Network:
    """Any network; about half of its layers are cut into tiles.

    With `maps` its images may have channels, its first layers may be convolutions, and some have
    neurons of their own for positions.
    """
    image_shape = draw(st.integers(1, 4 + 2 * maps)), draw(st.integers(1, 5 + 2 * maps))
    if maps and draw(st.booleans()):
        image_shape = (*image_shape, draw(st.integers(2, 3)))
    shape, kinds = image_shape, []
    columns = draw(st.lists(st.integers(1, 10), min_size=1 + maps, max_size=4))
    for number, wide in enumerate(columns):
        convolves = maps and number <= min(1, len(columns) - 2) and len(shape) > 1
        kinds.append(draw(convolutions(shape)) if convolves and draw(st.booleans()) else DENSE)
        shape = kinds[-1].shape(wide)
    neuron_per = draw(st.sampled_from(NEURON_PER)) if maps else "column"
    hidden_bits = draw(st.integers(1, 8))
    current_bits = draw(st.integers(max(4, hidden_bits), 12))
    rah_bits = draw(st.integers(2, 8))
    neuron = draw(st.sampled_from(KINDS))()
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    half = 2 ** (rah_bits - 1)
    layers, given = [], image_shape
    for number, (kind, wide) in enumerate(zip(kinds, columns, strict=True)):
        shape = (kind.rows(given), wide)
        given = kind.shape(wide)
        converter = table = adc = None
        if number < len(columns) - 1:
            bound = draw(st.sampled_from([1, 2 ** (current_bits - 2), 2 ** (current_bits + 1)]))
            own = neuron_per == "position" and draw(st.booleans())
            neurons = wide * kind.positions if own else wide
            converter = Converter(
                gains=rng.integers(0, 1024, neurons, np.int32),
                offsets=rng.integers(-bound, bound, neurons, np.int32),
                shift=draw(st.integers(0, 31) | st.integers(4, 16)),
            )
            if neuron.has_table:
                table = rng.integers(0, 2**hidden_bits, 2**current_bits, np.uint8)
        if draw(st.booleans()):
            adc = Adc(8, draw(st.integers(2, 24)), draw(st.integers(0, 12)))
            if draw(st.booleans()):
                offsets = rng.integers(-5000, 5000, (adc.tiles(shape[0]), shape[1]))
                adc = replace(adc, offsets=offsets)
        levels = rng.integers(-half, half, draw(st.integers(2, 128)), np.int16)
        states = rng.integers(0, len(levels), shape, np.uint8)
        layers.append(Layer(states, levels, converter, table, adc, kind))
    return Network(
        layers=tuple(layers),
        neuron=neuron,
        image_shape=image_shape,
        pixel_bits=draw(st.integers(1, 8)),
        hidden_bits=hidden_bits,
        rah_bits=rah_bits,
        current_bits=current_bits,
        neuron_per=neuron_per,
    )


def in_tiles(network: Network, rows: int, bits: int, *, offsets: int | None = None) -> Network:
    """A network whose columns are read tile by tile; some conversions saturate.

    Parameters
    ----------
    network : Network
        Network whose columns are read in one piece.
    rows : int
        Rows of a tile.
    bits : int
        Width of a conversion.
    offsets : int, optional
        Seed of the offsets of its converters, which spread over a few steps; by default all are 0.
    """
    layers = []
    rng = np.random.default_rng(offsets)
    for number, layer in enumerate(network.layers):
        top = 2 ** network.input_bits(number) - 1
        spread = np.sqrt(min(rows, layer.rows) / 2) * np.abs(layer.levels).mean() * top / 2
        shift = max(0, int(np.log2(spread)) + 2 - bits)
        adc = Adc(rows, bits, shift)
        if offsets is not None:
            half = min(2 << shift, 1 << 15)
            shape = adc.tiles(layer.rows), layer.columns
            adc = replace(adc, offsets=rng.integers(-half, half, shape, dtype=np.int32))
        layers.append(replace(layer, adc=adc))
    return replace(network, layers=tuple(layers))


def one_layer(words: npt.ArrayLike) -> Network:
    """Return a network of one crossbar that holds given words, for pixels of 8 bits."""
    wanted = np.asarray(words)
    levels, states = np.unique(wanted, return_inverse=True)
    levels = np.append(levels, [0]).astype(np.int16)  # at least two states
    layer = Layer(states.reshape(wanted.shape).astype(np.uint8), levels)
    return Network((layer,), ReluNeuron(), (1, len(wanted)), pixel_bits=8)
