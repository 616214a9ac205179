"""The numbers of an engine's memories, as link, host and documents share them."""

from dataclasses import dataclass

from allspin.hdl.parameters.crossbar import OFFSET_BITS
from allspin.hdl.parameters.engine import EngineParameters
from allspin.sim.network.neuron import NEURONS

WEIGHTS = 0
TABLE = 1
CONVERTER = 2
SHIFT = 3
COUNTERS = 4
STATES = 5
WRITE_TABLE = 6
USE_NOISE = 7
SUM_NOISE = 8
AMPLIFIERS = 9
TILE_OFFSETS = 10
"""Memories of a layer; `COUNTERS` are of the whole engine too."""
ENGINE = 15
"""The layer number under which the memories of the whole engine are found."""
CHIP = 5
REDRAW = 6
RESIDENT_BEATS = 7
LABELS = 8
RESIDENT_RUN = 9
RESIDENT_LOGITS = 10
"""Memories of the whole engine."""


@dataclass(frozen=True)
class MemoryMap:
    """One memory as the link sees it.

    Parameters
    ----------
    space : int
        Its number: layer in the high nibble, memory in the low one.
    lines : int
        Number of addressable lines.
    line_bytes : int
        Bytes of a line.
    readable : bool
        Whether its lines can be read.
    """

    space: int
    lines: int
    line_bytes: int
    readable: bool = True


def memory_map(engine: EngineParameters) -> tuple[MemoryMap, ...]:
    """Every memory of an engine, as ``docs/protocol.md`` numbers them.

    Parameters
    ----------
    engine : EngineParameters
        Whose.
    """
    maps = []
    for number, crossbar in enumerate(engine.crossbars):
        base = number << 4
        maps.append(MemoryMap(base | WEIGHTS, crossbar.rows, crossbar.columns))
        if number < len(engine.crossbars) - 1:
            if NEURONS[engine.neuron].has_table:
                maps.append(MemoryMap(base | TABLE, 2**engine.current_bits, 1))
            maps.append(MemoryMap(base | CONVERTER, crossbar.columns, 4))
            maps.append(MemoryMap(base | SHIFT, 1, 1))
        maps.append(MemoryMap(base | COUNTERS, 2, 8))
        if crossbar.tiling is not None and crossbar.tiling.offsets:
            line_bytes = crossbar.columns * OFFSET_BITS // 8
            maps.append(MemoryMap(base | TILE_OFFSETS, crossbar.tiles, line_bytes, False))
        if engine.variation is not None:
            maps.append(MemoryMap(base | STATES, crossbar.rows, crossbar.columns, False))
            maps.append(MemoryMap(base | WRITE_TABLE, 2 << engine.variation.state_bits, 8, False))
            if engine.variation.use_noise and number < len(engine.crossbars) - 1:
                maps.append(MemoryMap(base | USE_NOISE, 1, 4, False))
            if engine.noisy_sums:
                maps.append(MemoryMap(base | SUM_NOISE, 1, 4, False))
                maps.append(MemoryMap(base | AMPLIFIERS, crossbar.columns, 8, False))
    whole = ENGINE << 4
    maps.append(MemoryMap(whole | COUNTERS, 2, 8))
    if engine.variation is not None:
        maps.append(MemoryMap(whole | CHIP, 1, 12, False))
        if engine.variation.redraw:
            maps.append(MemoryMap(whole | REDRAW, 1, 1, False))
    if engine.resident is not None:
        maps.append(MemoryMap(whole | RESIDENT_BEATS, engine.resident.beats, engine.beat_bytes))
        maps.append(MemoryMap(whole | LABELS, engine.resident.images, 2))
        maps.append(MemoryMap(whole | RESIDENT_RUN, 1, 16))
        logits = engine.classes * engine.logit_bytes + 2
        maps.append(MemoryMap(whole | RESIDENT_LOGITS, engine.resident.images, logits))
    return tuple(maps)
