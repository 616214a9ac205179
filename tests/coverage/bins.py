"""Bins of events of a whole machine, beside those of its streams and FSMs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Value

from allspin.hdl.link.protocol import NO_TAG
from tests.coverage.coverage import Bits, Part, Recording

Bin = tuple[str, Callable[[], Bits | int]]
"""A name, and a function that counts its hits when the run is over."""


def machine_bins(recording: Recording) -> list[Bin]:
    """All bins of a machine; before it is simulated, since they keep signals."""
    return [
        *images_under_way(recording),
        *extreme_sums(recording),
        *hand_overs(recording),
        *tags(recording),
    ]


def images_under_way(recording: Recording) -> Iterator[Bin]:
    """Blank and full images, and two images at a time, one of them blank."""
    (part,) = recording.of("Engine")
    engine = part.component
    crossbar = engine.parameters.image
    events, results = engine.events, engine.results
    slots = [events.payload.slots[k] for k in range(crossbar.rows_per_clock)]
    top = 2**crossbar.value_bits - 1
    takes = events.valid & events.ready
    gives = results.valid & results.ready & results.payload.last
    seen = {
        "last": takes & events.payload.last,
        "driven": Cat(slot.value.any() & takes for slot in slots),
        "topmost": Cat((slot.value == top) & takes for slot in slots),
        "takes": takes,
        "gives": gives,
    }
    recording.keep(*seen.values())

    def found() -> tuple[npt.NDArray[Any], ...]:
        """For each image: its first and last clock, rows driven, and rows driven to the top."""
        values = {name: recording.values(signal) for name, signal in seen.items()}
        ends = np.flatnonzero(values["last"])
        starts = np.flatnonzero(values["takes"])
        first = starts[np.searchsorted(starts, np.concatenate([[0], ends[:-1] + 1]))]
        left = np.flatnonzero(values["gives"])
        counts = [
            np.diff(np.cumsum(np.bitwise_count(values[name]))[ends], prepend=0)
            for name in ("driven", "topmost")
        ]
        return first, left, *counts

    def two_with_one_blank() -> int:
        first, left, driven, _ = found()
        together = first[1:] <= left[: len(first) - 1]
        return int(np.count_nonzero(together & ((driven[1:] == 0) != (driven[:-1] == 0))))

    yield "image: blank", lambda: int(np.count_nonzero(found()[2] == 0))
    yield "image: full", lambda: int(np.count_nonzero(found()[3] == crossbar.rows))
    yield "image: two under way, one of them blank", two_with_one_blank


def clocks(recording: Recording, name: str, value: Any) -> Bin:
    """A bin of the clocks in which a value, which is kept, is 1."""
    recording.keep(value)
    return name, lambda: recording.values(value) == 1


def extreme_sums(recording: Recording) -> Iterator[Bin]:
    """The largest and the smallest sum that a column can have."""
    for kind in ("PortableColumns", "FastColumns"):
        for part in recording.of(kind):
            p, sums = part.component._parameters, part.component.sums
            columns = [sums.payload.sums[k] for k in range(min(p.neurons_per_clock, p.lanes))]
            scale = p.rows * (2**p.value_bits - 1)
            half = 2 ** (p.rah_bits - 1)
            for name, bound in (("largest", half - 1), ("smallest", -half)):
                at = Cat(column == scale * bound for column in columns).any()
                hit = sums.valid & sums.ready & at
                yield clocks(recording, f"{kind}: {name} sum", hit)


def hand_overs(recording: Recording) -> Iterator[Bin]:
    """Work that begins as soon as the work before it ends."""
    for part in recording.of("PortableColumns"):
        passes, sums = part.component.passes, part.component.sums
        leaves = sums.valid & sums.ready
        ends = passes.valid & passes.ready & passes.payload.last
        yield from after_last_word(recording, part, leaves, ends, range(2))
    for part in recording.of("Departure"):
        own = part.component
        yield from after_last_word(recording, part, own.sets_out, own.ends, range(4))
    for part in recording.of("Resident"):
        yield from after_fall(
            recording,
            part.signal("own"),
            part.component.link_events,
            "hand-over: an image in the clock after a resident run",
        )
    for engine, loads in zip(recording.of("Engine"), recording.of("Loads"), strict=True):
        yield from after_fall(
            recording,
            loads.component.loading,
            engine.component.events,
            "hand-over: an image in the clock after the last word is there",
        )


def after_last_word(
    recording: Recording, part: Part, leaves: Value, ends: Value, clocks: Iterable[int]
) -> Iterator[Bin]:
    """An image that ends so many clocks after the last sum of the one before has left.

    Parameters
    ----------
    recording : Recording
        Keeps the signals.
    part : Part
        Component that counts the sums that are left.
    leaves, ends : Value
        Are 1 in the clock in which sums leave, and an image ends.
    clocks : iterable of int
        Each has a bin.
    """
    left = part.signal("left")
    step = part.component._parameters.neurons_per_clock
    recording.keep(left, leaves, ends)

    def hits(later: int) -> Bits:
        gone = (recording.values(left) <= step) & (recording.values(leaves) == 1)
        come = recording.values(ends) == 1
        return gone[: len(gone) - later] & come[later:]

    for later in clocks:
        name = f"hand-over: {part.kind}'s next sums {later} clocks after the last left"
        yield name, lambda later=later: hits(later)


def after_fall(recording: Recording, busy: Any, port: Any, name: str) -> Iterator[Bin]:
    """An event that enters a stream in the first clock in which something is over."""
    recording.keep(busy, port.valid, port.ready)

    def hits() -> Bits:
        kept = recording.values(busy) == 1
        enters = (recording.values(port.valid) == 1) & (recording.values(port.ready) == 1)
        return kept[:-1] & ~kept[1:] & enters[1:]

    yield name, hits


def tags(recording: Recording) -> Iterator[Bin]:
    """Images of the last tag and of the first, one after the other; and no room for another."""
    for part in recording.parts:
        if part.path == ("link", "dispatcher", "images"):
            port = part.component.i
            tag, moves = port.payload.tag, port.valid & port.ready
            recording.keep(tag, moves)

            def wraps(tag: Any = tag, moves: Any = moves) -> int:
                found = recording.values(tag)[recording.values(moves) == 1]
                return int(np.count_nonzero((found[:-1] == NO_TAG - 1) & (found[1:] == 0)))

            yield "tag: wraps among images", wraps
            yield clocks(recording, "image: as many under way as there may be", ~port.ready)
