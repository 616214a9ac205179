"""Contents of the engine's memories for a network, and the beats that load them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine_parameters import EngineParameters
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
    """Return the contents of all memories for a network.

    Parameters
    ----------
    network : Network
        Network to run.
    parameters : EngineParameters, optional
        Parameters of an engine that may have converters with offsets where the network has none.

    Returns
    -------
    tuple of Contents
        In the order of their spaces; every memory but the counters.
    """
    contents = []
    for number, layer in enumerate(network.layers):
        memories: dict[int, npt.NDArray[Any]] = {WEIGHTS: layer.words}
        if layer.table is not None:
            memories[TABLE] = np.asarray(layer.table, np.uint8)
        if layer.converter is not None:
            count = network.neurons(number)
            words = np.empty(count, dtype=[("gain", "<u2"), ("offset", "<i2")])
            words["gain"] = np.resize(layer.converter.gains, count)
            words["offset"] = np.resize(layer.converter.offsets, count)
            memories |= {CONVERTER: words, SHIFT: np.array([layer.converter.shift], np.uint8)}
        tiling = None if parameters is None else parameters.crossbars[number].tiling
        offsets = None if layer.adc is None else layer.adc.offsets
        if layer.adc is not None and offsets is None and tiling is not None and tiling.offsets:
            offsets = np.zeros((layer.adc.tiles(layer.rows), layer.columns), np.int32)
        if offsets is not None:
            memories[TILE_OFFSETS] = offsets.astype("<i2")
        for memory, lines in memories.items():
            contents.append(Contents(number << 4 | memory, tuple(line.tobytes() for line in lines)))
    return tuple(contents)


def load_beats(contents: Contents) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield one memory's content as beats of the engine's port ``load``.

    Yields
    ------
    tuple of int
        The members of `allspin.hdl.stream.layouts.LOAD_LAYOUT` in order: layer, memory, first,
        address, data.
    """
    layer = contents.space >> 4
    memory = contents.space & 15
    first = 1
    for line in contents.lines:
        for byte in line:
            yield layer, memory, first, 0, byte
            first = 0
