"""What the engine's memories must hold to run a network, and how it gets there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.memory_map import CONVERTER, SHIFT, TABLE, TILE_OFFSETS, WEIGHTS
from allspin.sim.network.network import Network


@dataclass(frozen=True)
class Contents:
    """The whole content of one memory.

    Parameters
    ----------
    space : int
        Its number: layer in the high nibble, memory in the low one (``docs/protocol.md``).
    lines : tuple of bytes
        Its lines, from line 0.
    """

    space: int
    lines: tuple[bytes, ...]


def network_contents(
    network: Network, parameters: EngineParameters | None = None
) -> tuple[Contents, ...]:
    """Everything that is loaded to run a network.

    Parameters
    ----------
    network : Network
        What to run.
    parameters : EngineParameters, optional
        Of an engine that may have converters with offsets where the network has none.

    Returns
    -------
    tuple of Contents
        In the order of their spaces; every memory but the counters.
    """
    contents = []
    for number, layer in enumerate(network.layers):
        base = number << 4
        contents.append(Contents(base | WEIGHTS, tuple(row.tobytes() for row in layer.words)))
        if layer.table is not None:
            contents.append(
                Contents(base | TABLE, tuple(bytes([int(entry)]) for entry in layer.table))
            )
        if layer.converter is not None:
            words = np.empty(layer.columns, dtype=[("gain", "<u2"), ("offset", "<i2")])
            words["gain"] = layer.converter.gains
            words["offset"] = layer.converter.offsets
            contents.append(Contents(base | CONVERTER, tuple(word.tobytes() for word in words)))
            contents.append(Contents(base | SHIFT, (bytes([layer.converter.shift]),)))
        tiling = None if parameters is None else parameters.crossbars[number].tiling
        offsets = None if layer.adc is None else layer.adc.offsets
        if layer.adc is not None and offsets is None and tiling is not None and tiling.offsets:
            offsets = np.zeros((layer.adc.tiles(layer.rows), layer.columns), np.int32)
        if offsets is not None:
            tiles = tuple(tile.tobytes() for tile in offsets.astype("<i2"))
            contents.append(Contents(base | TILE_OFFSETS, tiles))
    return tuple(contents)


def load_beats(contents: Contents) -> Iterator[tuple[int, int, int, int, int]]:
    """One memory's content as beats of the engine's port ``load``.

    Yields
    ------
    tuple of int
        The members of `allspin.hdl.stream.layouts.LoadLayout` in order: layer, memory, first,
        address, data.
    """
    layer, memory = contents.space >> 4, contents.space & 15
    first = 1
    for line in contents.lines:
        for byte in line:
            yield layer, memory, first, 0, byte
            first = 0
