"""Bins of columns that are read tile by tile, and of those whose memories keep states."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from amaranth.hdl import Cat

from tests.coverage.bins import Bin
from tests.coverage.coverage import Bits, Part, Recording


def tile_bins(recording: Recording) -> Iterator[Bin]:
    """How tiles begin and end, and what comes of their sums; before it is simulated."""
    for part in recording.of("TileEnds"):
        yield from _ends(recording, part)
    for part in recording.of("TileStarts"):
        own = part.component
        further = own.begins & (own.place >= own._parameters.tiles)
        name = "TileStarts: a tile begins behind the first group of columns"
        yield name, _hits(recording, further)
    for part in recording.of("OffsetPlacer"):
        own = part.component
        last = own.write & (own.place == own._parameters.places - 1)
        yield "OffsetPlacer: the last place of a lane", _hits(recording, last)
    for part in recording.of("Conversions"):
        own = part.component
        read, top = part.signal("read_0"), 1 << own._parameters.tiling.bits - 1
        converts = own.converts & ~own.bare
        found = {
            "above the range": converts & (read >= top),
            "below the range": converts & (read < -top),
            "within the range": converts & (read < top) & (read >= -top),
            "as it is": own.converts & own.bare,
        }
        for name, bits in found.items():
            yield f"Conversions: {name}", _hits(recording, bits)
    for part in recording.of("FastConversions"):
        converts, beyond, sign = map(part.signal, ("convert_0", "beyond_0", "sign_0"))
        bare = part.component.bare
        found = {
            "above the range": converts & beyond & ~sign,
            "below the range": converts & beyond & sign,
            "within the range": converts & ~beyond & ~bare,
            "as it is": converts & bare,
        }
        for name, bits in found.items():
            yield f"FastConversions: {name}", _hits(recording, bits)


def level_bins(recording: Recording) -> Iterator[Bin]:
    """Lines of states, and the sums that come of them."""
    for part in recording.of("LinePlacer"):
        own = part.component
        p = own._parameters
        last = own.valid & (own.place.bank == p.banks - 1)
        yield "LinePlacer: a line of the last memory", _hits(recording, last)
        passes = own.valid & (own.place.address >= p.part_rows * (p.passes - 1))
        yield "LinePlacer: a line of the last group of columns", _hits(recording, passes)
    for part in recording.of("LevelSums"):
        own = part.component
        p = own._parameters
        sum_ = own.sums[0]
        for name, level in (("largest", p.levels.words[-1]), ("smallest", p.levels.lowest)):
            at = sum_ == p.most_driven * level
            yield f"LevelSums: {name} sum", _hits(recording, at)


def _hits(recording: Recording, bits: Any) -> Callable[[], Bits]:
    """Counts the clocks in which a value, which is kept, is 1."""
    recording.keep(bits)
    return lambda: recording.values(bits) == 1


def _ends(recording: Recording, part: Part) -> Iterator[Bin]:
    """A pass whose rows are all silent has none."""
    own = part.component
    ends = own.taken & own.last
    drives = own.taken & Cat(value.any() for value in own.values).any()
    recording.keep(ends, drives)

    def blank() -> int:
        last = np.flatnonzero(recording.values(ends) == 1)
        driven = np.cumsum(recording.values(drives))[last]
        return int(np.count_nonzero(np.diff(driven, prepend=0) == 0))

    yield "TileEnds: a pass without a tile", blank
    found = {
        "a silent beat": own.taken & ~drives,
        "a tile begins as another ends": own.begins & own.converts,
        "a tile begins behind none": own.begins & ~own.converts,
        "a tile ends with its pass": own.converts & ~own.begins,
    }
    for name, bits in found.items():
        yield f"TileEnds: {name}", _hits(recording, bits)
