"""Test patterns of a machine's memories: every bit is 0 in one pattern and 1 in the other."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.memory_map import (
    CONVERTER,
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    SHIFT,
    TABLE,
    WEIGHTS,
)
from allspin.hdl.parameters.profile import distance_bits
from allspin.host.link.identity import Identity
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT
from allspin.sim.network.neuron import NEURONS

Lines = npt.NDArray[np.uint8]
"""Content of a memory, shape (lines, bytes of a line)."""
Patterns = tuple[str, int, Lines, Lines]
"""A memory's name, its space on the link, a random pattern, and its bitwise complement."""


def memory_patterns(identity: Identity, seed: int) -> Iterator[Patterns]:
    """Yield patterns for every memory of a machine that can be written and read.

    Memories of the Programmer cannot be read back: the self-test loads a chip to check them.

    Parameters
    ----------
    identity : Identity
        Identity of the machine, whose neuron must be registered here.
    seed : int
        Seed of the patterns.
    """
    rng = np.random.default_rng(seed)
    for number in range(len(identity.layers)):
        base = number << 4
        layer = f"layer {number}"
        yield f"R_AH words, {layer}", base | WEIGHTS, *_words(identity, number, rng)
        if number == len(identity.layers) - 1:
            continue
        if NEURONS[identity.neuron].has_table:
            table = _bits(2**identity.current_bits, [identity.hidden_bits], rng)
            yield f"neuron's table, {layer}", base | TABLE, *table
        converters = _converters(identity.neurons(number), identity.current_bits + 2, rng)
        yield f"V-I converters, {layer}", base | CONVERTER, *converters
        yield f"V-I shift, {layer}", base | SHIFT, *_bits(1, [MAX_SHIFT.bit_length()], rng)
    # An SDRAM's words are not read back: each run compares their digest.
    if Feature.RESIDENT in identity.features and Feature.SDRAM not in identity.features:
        pixel = identity.pixel_bits
        beat = [distance_bits(pixel), pixel] * identity.layers[0].rows_per_clock
        beats = _bits(identity.resident_beats, [*beat, 1], rng)
        yield "image memory", ENGINE << 4 | RESIDENT_BEATS, *beats
        class_bits = max(1, (identity.classes - 1).bit_length())
        widths = [min(8, class_bits), max(0, class_bits - 8)]
        yield "label memory", ENGINE << 4 | LABELS, *_bits(identity.resident_images, widths, rng)


def _bits(lines: int, widths: list[int], rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Return random lines whose bytes have the given widths in bits, and their complement."""
    masks = np.array([2**width - 1 for width in widths], np.uint8)
    drawn = rng.integers(0, 256, (lines, len(widths)), np.uint8) & masks
    return drawn, drawn ^ masks


def _words(identity: Identity, number: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Return random R_AH words and their complement.

    A machine that keeps states gets the words of states, and those of complemented states.
    """
    layer = identity.layers[number]
    shape = (layer.rows, layer.columns)
    levels = layer.levels
    if levels is None:
        top = 2 ** (identity.rah_bits - 1)
        words = rng.integers(-top, top, shape).astype(np.int8).view(np.uint8)
        return words, ~words
    end = 2**levels.bits
    states = rng.integers(end - levels.count, levels.count, shape)
    both = np.array([states, end - 1 - states])
    first, second = (levels.lowest + levels.step * both).astype(np.int8).view(np.uint8)
    return first, second


def _converters(columns: int, offset_bits: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Return a random gain and offset for each column, and their complement."""
    top = 2 ** (offset_bits - 1)
    words = np.empty((columns, 2), "<u2")
    words[:, 0] = rng.integers(0, 2**GAIN_BITS, columns)
    words[:, 1] = rng.integers(-top, top, columns).astype("<i2").view("<u2")
    other = words ^ np.array([2**GAIN_BITS - 1, 0xFFFF], "<u2")
    return words.view(np.uint8), other.view(np.uint8)
