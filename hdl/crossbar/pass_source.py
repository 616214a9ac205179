"""Passes of an image: its beats as lines of the memories, once for each group of columns."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.buffers import Ring
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout


class Replay(Component):
    """Ring of an image's events, which it sends once for each group of columns.

    The events lie in a ring. Its oldest image is sent `passes` times; in the last pass
    each event's place is free again as soon as it is sent, so the following images are
    taken in while this one is replayed. An event may be sent from one clock after it was
    taken; in steady state one is sent each clock.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar that is fed.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        # `last` of the beat ends its pass, which computes a group of columns.
        group = range(max(parameters.passes, 2))
        replayed = data.StructLayout({"beat": event_layout(parameters), "group": group})
        super().__init__(
            {
                # Images, each once.
                "events": In(stream.Signature(event_layout(parameters))),
                # Each image's events in order, group after group.
                "passes": Out(stream.Signature(replayed)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        # A power of two, and room for an image that drives every row alone, with a closing beat.
        depth = 1 << p.rows.bit_length()
        assert depth >= p.rows + 1
        m.submodules.ring = ring = Ring(event_layout(p), depth)

        cursor = Signal.like(ring.end)  # event to send next within a pass
        group = Signal(range(max(p.passes, 2)))
        next_group = Signal.like(group)
        out = self.passes.payload
        ends = Signal()
        again = Signal()  # the next pass is of the same image
        more = Signal()
        m.d.comb += [
            self.events.ready.eq(ring.room),
            ring.payload.eq(self.events.payload),
            ring.arrives.eq(self.events.valid & ring.room),
            ends.eq(self.passes.valid & out.beat.last),
            again.eq(ends & (out.group != p.passes - 1)),
            # The pointer is compared before its place is read, so an event that is being
            # written in this clock is read in the next.
            more.eq(again | (cursor != ring.end)),
            ring.pointer.eq(Mux(again, ring.start, cursor)),
            next_group.eq(group),
        ]
        with m.If(ends):
            m.d.comb += next_group.eq(Mux(again, out.group + 1, 0))
        with m.If(~self.passes.valid | self.passes.ready):
            m.d.sync += [self.passes.valid.eq(more), group.eq(next_group)]
            with m.If(more):
                m.d.sync += [
                    out.beat.eq(ring.item),
                    out.group.eq(next_group),
                    cursor.eq(ring.pointer + 1),
                ]
                with m.If(next_group == p.passes - 1):
                    m.d.sync += ring.start.eq(ring.pointer + 1)


def pass_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Return the layout of a beat of one pass.

    Members
    -------
    lines : array of unsigned, `rows_per_clock` of them
        Line of each part's memories: each group of columns has its own region of `part_rows` lines.
    values : array of unsigned, `value_bits`
        Value of each part's row.
    last : 1 bit
        The pass's last beat.
    final : 1 bit
        The pass is its image's last.
    tiles : array of unsigned
        In which tile each part's row is; of columns that are read tile by tile. Where their
        converters have offsets, each group of columns has as many of its own.
    """
    p = parameters
    members = {
        "lines": data.ArrayLayout(range(p.lines), p.rows_per_clock),
        "values": data.ArrayLayout(p.value_bits, p.rows_per_clock),
        "last": 1,
        "final": 1,
    }
    if p.tiling is not None:
        members["tiles"] = data.ArrayLayout(range(p.places), p.rows_per_clock)
    return data.StructLayout(members)


class PassSource(Component):
    """Passes of each image: as many as the crossbar has groups of columns.

    The block has no register of its own; with several groups, a `Replay` keeps the events.

    Throughput: one beat per cycle; no latency of its own.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # Images, each once.
                "events": In(stream.Signature(event_layout(parameters))),
                "passes": Out(stream.Signature(pass_layout(parameters))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        beat: Any = Signal(event_layout(p))
        group = Signal(range(max(p.passes, 2)))
        if p.passes == 1:
            m.d.comb += [
                self.passes.valid.eq(self.events.valid),
                self.events.ready.eq(self.passes.ready),
                beat.eq(self.events.payload),
            ]
        else:
            m.submodules.replay = replay = Replay(p)
            wiring.connect(m, wiring.flipped(self.events), replay.events)
            m.d.comb += [
                self.passes.valid.eq(replay.passes.valid),
                replay.passes.ready.eq(self.passes.ready),
                beat.eq(replay.passes.payload.beat),
                group.eq(replay.passes.payload.group),
            ]
        base = Signal(range(p.lines))
        tile_base = Signal(range(p.places))
        with m.Switch(group):
            for number in range(p.passes):
                with m.Case(number):
                    m.d.comb += base.eq(number * p.part_rows)
                    if p.tiling is not None and p.tiling.offsets:
                        m.d.comb += tile_base.eq(number * p.tiles)
        out = self.passes.payload
        m.d.comb += [out.last.eq(beat.last), out.final.eq(group == p.passes - 1)]
        for part in range(p.rows_per_clock):
            slot = beat.slots[part]
            m.d.comb += [out.lines[part].eq(base + slot.row), out.values[part].eq(slot.value)]
            if p.tiling is not None:
                # Both are powers of two, so a tile has as many rows of each part.
                part_rows = p.tiling.rows // p.rows_per_clock
                m.d.comb += out.tiles[part].eq(tile_base + slot.row[part_rows.bit_length() - 1 :])
