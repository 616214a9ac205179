"""Bins of columns that are read tile by tile, and of those whose memories keep states."""

from collections.abc import Iterator

import numpy as np
from amaranth.hdl import Cat

from tests.coverage.bins import Bin, clocks
from tests.coverage.coverage import Part, Recording


def tile_bins(recording: Recording) -> Iterator[Bin]:
    """Beginnings, ends and conversions of tiles; called before the simulation."""
    for part in recording.of("TileEnds"):
        yield from _ends(recording, part)
    for part in recording.of("TileStarts"):
        own = part.component
        further = own.begins & (own.place >= own._parameters.tiles)
        name = "TileStarts: a tile begins behind the first group of columns"
        yield clocks(recording, name, further)
    for part in recording.of("OffsetPlacer"):
        own = part.component
        last = own.write & (own.place == own._parameters.places - 1)
        yield clocks(recording, "OffsetPlacer: the last place of a lane", last)
    for part in (*recording.of("Conversions"), *recording.of("FastConversions")):
        own = part.component
        if part.kind == "Conversions":
            read, top = part.signal("read_0"), 1 << own._parameters.tiling.bits - 1
            converts, above, below = own.converts, read >= top, read < -top
        else:
            converts, beyond, sign = map(part.signal, ("convert_0", "beyond_0", "sign_0"))
            above, below = beyond & ~sign, beyond & sign
        found = {
            "above the range": converts & above & ~own.bare,
            "below the range": converts & below & ~own.bare,
            "within the range": converts & ~above & ~below & ~own.bare,
            "as it is": converts & own.bare,
        }
        for name, bits in found.items():
            yield clocks(recording, f"{part.kind}: {name}", bits)


def level_bins(recording: Recording) -> Iterator[Bin]:
    """Lines of states, and the sums that come of them."""
    for part in recording.of("LinePlacer"):
        own = part.component
        p, place = own._parameters, own.place
        last = own.valid & (place.bank == p.banks - 1)
        yield clocks(recording, "LinePlacer: a line of the last memory", last)
        passes = own.valid & (place.address >= p.part_rows * (p.passes - 1))
        yield clocks(recording, "LinePlacer: a line of the last group of columns", passes)
    for part in recording.of("LevelSums"):
        own = part.component
        p = own._parameters
        for name, level in (("largest", p.levels.words[-1]), ("smallest", p.levels.lowest)):
            at = own.sums[0] == p.most_driven * level
            yield clocks(recording, f"LevelSums: {name} sum", at)


def _ends(recording: Recording, part: Part) -> Iterator[Bin]:
    """Ends of tiles; a pass whose rows are all silent has no tile."""
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
        yield clocks(recording, f"TileEnds: {name}", bits)
