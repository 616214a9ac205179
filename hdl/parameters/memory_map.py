"""Numbers of the engine's memories, and the memories that a machine has."""

from dataclasses import dataclass

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import SDRAM_LINE_BYTES
from allspin.hdl.parameters.tiling import OFFSET_BITS
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
SHAPE = 11
"""Memories of the whole engine."""
SHAPE_BYTES = 3
"""Bytes of the shape of a general machine: number of the last hidden layer, and of classes."""


@dataclass(frozen=True)
class MemoryMap:
    """One memory of the link's address map.

    Parameters
    ----------
    space : int
        Its number: layer in the high nibble, memory in the low one.
    lines : int
        Number of addressable lines.
    line_bytes : int
        Bytes of a line.
    readable : bool
        True if its lines can be read.
    """

    space: int
    lines: int
    line_bytes: int
    readable: bool = True


def memory_map(engine: EngineParameters) -> tuple[MemoryMap, ...]:
    """Return every memory of an engine, as ``docs/protocol.md`` numbers them.

    Parameters
    ----------
    engine : EngineParameters
        Parameters of the engine.
    """
    maps = []
    variation = engine.variation
    resident = engine.resident
    for number, crossbar in enumerate(engine.crossbars):
        hidden = number < len(engine.crossbars) - 1
        read = {WEIGHTS: (crossbar.rows, crossbar.columns)}
        if hidden and NEURONS[engine.neuron].has_table:
            read[TABLE] = 2**engine.current_bits, 1
        if hidden:
            read |= {CONVERTER: (engine.neurons(number), 4), SHIFT: (1, 1)}
        read[COUNTERS] = 2, 8
        written: dict[int, tuple[int, int]] = {}
        if crossbar.tiling is not None and crossbar.tiling.offsets:
            written[TILE_OFFSETS] = crossbar.tiles, crossbar.columns * OFFSET_BITS // 8
        if variation is not None:
            written[STATES] = crossbar.rows, crossbar.columns
            written[WRITE_TABLE] = 2 << variation.state_bits, 8
            if variation.use_noise and hidden:
                written[USE_NOISE] = 1, 4
            if variation.sum_noise:
                written |= {SUM_NOISE: (1, 4), AMPLIFIERS: (crossbar.columns, 8)}
        maps += [MemoryMap(number << 4 | memory, *size) for memory, size in read.items()]
        maps += [MemoryMap(number << 4 | memory, *size, False) for memory, size in written.items()]
    whole = ENGINE << 4
    maps.append(MemoryMap(whole | COUNTERS, 2, 8))
    if engine.general:
        maps.append(MemoryMap(whole | SHAPE, 1, SHAPE_BYTES, False))
    if variation is not None:
        maps.append(MemoryMap(whole | CHIP, 1, 12, False))
        if variation.redraw:
            maps.append(MemoryMap(whole | REDRAW, 1, 1, False))
    if resident is not None:
        logits = engine.classes * engine.logit_bytes + 2
        maps += [
            MemoryMap(whole | RESIDENT_BEATS, resident.beats, engine.beat_bytes),
            MemoryMap(whole | LABELS, resident.images, 2),
        ]
        if resident.sdram is not None:
            maps[-2:] = [MemoryMap(whole | RESIDENT_BEATS, resident.beats, SDRAM_LINE_BYTES, False)]
        maps += [
            MemoryMap(whole | RESIDENT_RUN, 1, 16),
            MemoryMap(whole | RESIDENT_LOGITS, resident.images, logits),
        ]
    return tuple(maps)
