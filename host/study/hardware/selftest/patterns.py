"""Two patterns for each memory that can be read back: every bit is 0 in one and 1 in the other."""

from collections.abc import Iterator
from dataclasses import dataclass

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
from allspin.host.link.payloads.identity import Identity
from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT
from allspin.sim.network.neuron import NEURONS

Lines = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Patterns:
    """A memory, and what to write to it.

    Parameters
    ----------
    name : str
        What people call it.
    space : int
        Its number on the link.
    lines : tuple of two ndarrays of uint8, shape (lines, bytes of a line)
        A random pattern, and the one with every stored bit the other way.
    """

    name: str
    space: int
    lines: tuple[Lines, Lines]


def memory_patterns(identity: Identity, seed: int) -> Iterator[Patterns]:
    """Patterns for every memory of a machine that can be written and read.

    What makes chips cannot be read back; a chip shows whether it is right.

    Parameters
    ----------
    identity : Identity
        Of the machine; its neuron must be registered here.
    seed : int
        Of the patterns.
    """
    rng = np.random.default_rng(seed)
    for number, layer in enumerate(identity.layers):
        base, of = number << 4, f"layer {number}"
        words = _words(identity, number, (layer.rows, layer.columns), rng)
        yield Patterns(f"R_AH words, {of}", base | WEIGHTS, words)
        if number == len(identity.layers) - 1:
            continue
        if NEURONS[identity.neuron].has_table:
            table = _bits(2**identity.current_bits, [identity.hidden_bits], rng)
            yield Patterns(f"neuron's table, {of}", base | TABLE, table)
        converter = _converters(layer.columns, identity.current_bits + 2, rng)
        yield Patterns(f"V-I converters, {of}", base | CONVERTER, converter)
        shift = _bits(1, [MAX_SHIFT.bit_length()], rng)
        yield Patterns(f"V-I shift, {of}", base | SHIFT, shift)
    if Feature.RESIDENT in identity.features:
        pixel = identity.pixel_bits
        beat = [distance_bits(pixel), pixel] * identity.layers[0].rows_per_clock
        beats = _bits(identity.resident_beats, [*beat, 1], rng)
        yield Patterns("image memory", ENGINE << 4 | RESIDENT_BEATS, beats)
        class_bits = max(1, (identity.classes - 1).bit_length())
        widths = [min(8, class_bits), max(0, class_bits - 8)]
        labels = _bits(identity.resident_images, widths, rng)
        yield Patterns("label memory", ENGINE << 4 | LABELS, labels)


def _bits(lines: int, widths: list[int], rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Lines whose bytes have so many bits each."""
    masks = np.array([2**width - 1 for width in widths], np.uint8)
    drawn = rng.integers(0, 256, (lines, len(widths)), np.uint8) & masks
    return drawn, drawn ^ masks


def _words(
    identity: Identity, layer: int, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Lines, Lines]:
    """R_AH words; where a machine keeps states, those of states whose bits can be turned round."""
    levels = identity.layers[layer].levels
    if levels is not None:
        end = 2**levels.bits
        states = rng.integers(end - levels.count, levels.count, shape)
        first, second = (
            (levels.lowest + levels.step * each).astype(np.int8).view(np.uint8)
            for each in (states, end - 1 - states)
        )
        return first, second
    top = 2 ** (identity.rah_bits - 1)
    words = rng.integers(-top, top, shape).astype(np.int8)
    return words.view(np.uint8), (~words).view(np.uint8)


def _converters(columns: int, offset_bits: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """A gain and an offset for each column."""
    top = 2 ** (offset_bits - 1)
    words = np.empty((columns, 2), "<u2")
    words[:, 0] = rng.integers(0, 2**GAIN_BITS, columns)
    words[:, 1] = rng.integers(-top, top, columns).astype("<i2").view("<u2")
    other = words ^ np.array([2**GAIN_BITS - 1, 0xFFFF], "<u2")
    return words.view(np.uint8), other.view(np.uint8)
