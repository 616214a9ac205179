"""Memories of a feature map: the values that are not zero, and a bit for each place that has
one.
"""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.window_parameters import WindowParameters
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout
from allspin.hdl.stream.registers import later


def write_layout(parameters: WindowParameters) -> data.ArrayLayout:
    """Return the layout of writes: a value for each bank of the memories of two maps' values.

    Members
    -------
    valid : 1 bit
        A value comes.
    address : unsigned
        Address in a map; above it one bit chooses the map.
    value : unsigned
        The value.
    """
    p = parameters
    banks = 1 if p.flat else p.rows_per_clock
    own = p.map.rows if p.flat else p.map.pixels * p.map.pixel.part_rows
    address = (own - 1).bit_length() + 1
    write = data.StructLayout({"valid": 1, "address": address, "value": p.value_bits})
    return data.ArrayLayout(write, banks)


def map_ports(parameters: WindowParameters) -> dict[str, Any]:
    """Return the ports of the memories of a map."""
    p = parameters
    return {
        "map": In(stream.Signature(event_layout(p.map if p.flat else p.map.pixel))),
        # The memories have room for a map.
        "room": In(1),
        # The older map has been looked at: its lines are not needed any more.
        "seen": In(1),
        # A map has come as a whole.
        "filled": Out(1),
        # Values to keep.
        "writes": Out(write_layout(p)),
        # Line to look at and the map's half; the bits that are set in it, in the same clock.
        "line": In(range(p.map.height)),
        "half": In(1),
        "bits": Out(p.line),
    }


def line_memory(parameters: WindowParameters) -> Any:
    """Build the memory of the bits in each line of two maps."""
    depth = 2 << (parameters.map.height - 1).bit_length()
    return block_memory(parameters.line, depth, distributed=True)


def reciprocal(divisor: int, most: int) -> tuple[int, int]:
    """Return a factor and a shift that divide each number up to `most`, exactly.

    Examples
    --------
    >>> reciprocal(28, 783)
    (1171, 15)
    """
    shift = 0
    while True:
        factor = -(-(1 << shift) // divisor)
        if most * (factor * divisor - (1 << shift)) < 1 << shift:
            return factor, shift
        shift += 1


class FlatMap(Component):
    """Memory of a map that comes as an image's events, in any order.

    A row is divided by the length of a line. Its bit in the line's word is set: the word is read,
    changed and written back.

    Throughput: one event per cycle.

    Parameters
    ----------
    parameters : WindowParameters
        Parameters of map and kernel.
    """

    def __init__(self, parameters: WindowParameters) -> None:
        self._parameters = parameters
        super().__init__(map_ports(parameters))

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        beat = self.map.payload
        m.submodules.lines = lines = line_memory(p)
        write = lines.write_port()
        read = lines.read_port(domain="comb")
        looked = lines.read_port(domain="comb")
        # Words of a map that has been looked at are cleared, and after a reset all, in turn; an
        # event that is under way goes first.
        size = len(write.addr)
        dirty = Signal(size + 1, init=1 << size)
        cleared = Signal(size)
        go = Signal()  # all words are clear
        clears = Signal()
        m.d.comb += [
            looked.addr.eq(Cat(self.line, self.half)),
            self.bits.eq(looked.data),
        ]
        m.d.sync += [
            dirty.eq(dirty - clears + (self.seen << size - 1)),
            cleared.eq(cleared + clears),
            go.eq(~self.seen & (go | clears & (dirty == 1))),
        ]

        # A beat's slots one after another.
        gone = Signal(p.rows_per_clock)
        driven = Signal.like(gone)
        rest = Signal.like(gone)
        takes = Signal()
        willing = Signal()
        m.d.comb += [
            driven.eq(Cat(slot.value.any() for slot in beat.slots) & ~gone),
            rest.eq(driven & (driven - 1)),
            takes.eq(self.map.valid & willing),
            self.map.ready.eq(willing & ~rest.any()),
        ]
        with m.If(takes):
            m.d.sync += gone.eq(Mux(rest.any(), gone | (driven ^ rest), 0))
        part_bits = (p.rows_per_clock - 1).bit_length()
        parts: list[Value] = [
            Cat(slot.value, Const(number, part_bits), slot.row)
            for number, slot in enumerate(beat.slots)
        ]
        chosen = parts[-1]
        for number in reversed(range(p.rows_per_clock - 1)):
            chosen = Mux(driven[number], parts[number], chosen)

        half = Signal()
        ends = beat.last & ~rest.any()
        with m.If(takes & ends):
            m.d.sync += half.eq(~half)
        event = later(m, chosen, "event")
        flat = event[p.value_bits :]
        flags: list[Value] = [Cat(takes & driven.any(), takes & ends, half)]
        for clock in range(1, 5):
            flags.append(later(m, flags[-1], f"flags_{clock}", guarded=True))
        # Both halves of a product are looked up, and then added.
        factor, shift = reciprocal(p.line, p.map.rows - 1)
        middle = -(-len(flat) // 2)
        bits = (factor << middle).bit_length()
        low, high = (
            later(m, Array(Const(n * factor, bits) for n in range(1 << len(part)))[part], name)
            for name, part in (("low", flat[:middle]), ("high", flat[middle:]))
        )
        line = later(m, (low + (high << middle)) >> shift, "line_of")
        place = later(m, flat, "flat", 2) - line * p.line
        place = later(m, place[: max(1, (p.line - 1).bit_length())], "place")
        line = later(m, line, "line")
        _, known, *_, (valid, last, which) = flags
        # The room for another map is known when the map before it has come.
        m.d.comb += willing.eq(self.room & go & ~Cat(own[1] for own in flags[1:]).any())
        at = Cat(line[: size - 1], which)
        m.d.comb += [
            self.writes[0].valid.eq(known[0]),
            self.writes[0].address.eq(Cat(flat[: len(self.writes[0].address) - 1], known[2])),
            self.writes[0].value.eq(event[: p.value_bits]),
            read.addr.eq(at),
            clears.eq(~go & ~valid),
            write.addr.eq(Mux(clears, cleared, at)),
            write.data.eq(Mux(clears, 0, read.data | (1 << place))),
            write.en.eq(valid | clears),
            self.filled.eq(last),
        ]


class PixelMap(Component):
    """Memory of a map that comes pixel by pixel: a vector of each, and a bit for pixels that are
    not empty.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : WindowParameters
        Parameters of map and kernel.

    Attributes
    ----------
    pixel : In
        A pixel that is looked at; `pixel_half` says of which map.
    vector : Out
        Bits of its channels that are set, in the same clock.
    """

    def __init__(self, parameters: WindowParameters) -> None:
        self._parameters = parameters
        own = parameters.map
        ports = {"pixel": In(range(own.pixels)), "pixel_half": In(1), "vector": Out(own.channels)}
        super().__init__(map_ports(parameters) | ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        beat = self.map.payload
        own = self._parameters.map
        m.submodules.lines = lines = line_memory(p)
        depth = 2 << (own.pixels - 1).bit_length()
        m.submodules.vectors = vectors = block_memory(own.channels, depth)
        write_line = lines.write_port()
        read_line = lines.read_port(domain="comb")
        write = vectors.write_port()
        read = vectors.read_port(domain="comb")

        vector = Signal(own.channels)
        line = Signal(own.width)
        now = Signal.like(vector)
        after = Signal.like(line)
        x = Signal(range(own.width))
        y = Signal(range(own.height))
        half = Signal()
        pixel = Signal(range(own.pixels))
        first = Signal(len(self.writes[0].address) - 1)  # where the pixel's values are kept
        takes = Signal()
        closes = Signal()
        wraps = Signal()
        driven = [
            beat.slots[channel % p.rows_per_clock].value.any()
            & (beat.slots[channel % p.rows_per_clock].row == channel // p.rows_per_clock)
            for channel in range(own.channels)
        ]
        m.d.comb += [
            self.map.ready.eq(self.room),
            takes.eq(self.map.valid & self.room),
            closes.eq(takes & beat.last),
            wraps.eq(x == own.width - 1),
            now.eq(vector | Cat(driven)),
            after.eq(Cat(line, now.any()) >> 1),
            write.addr.eq(Cat(pixel, half)),
            write.data.eq(now),
            write.en.eq(closes),
            write_line.addr.eq(Cat(y, half)),
            write_line.data.eq(after),
            write_line.en.eq(closes & wraps),
            self.filled.eq(closes & wraps & (y == own.height - 1)),
            read.addr.eq(Cat(self.pixel, self.pixel_half)),
            self.vector.eq(read.data),
            read_line.addr.eq(Cat(self.line, self.half)),
            self.bits.eq(read_line.data),
        ]
        for slot, one in zip(beat.slots, self.writes, strict=True):
            m.d.comb += [
                one.valid.eq(takes & slot.value.any()),
                one.address.eq(Cat((first + slot.row)[: len(first)], half)),
                one.value.eq(slot.value),
            ]
        with m.If(takes):
            m.d.sync += vector.eq(now)
        with m.If(closes):
            m.d.sync += [
                vector.eq(0),
                line.eq(after),
                x.eq(Mux(wraps, 0, x + 1)),
                pixel.eq(pixel + 1),
                first.eq(first + own.pixel.part_rows),
            ]
            with m.If(wraps):
                m.d.sync += y.eq(y + 1)
        with m.If(self.filled):
            m.d.sync += [y.eq(0), pixel.eq(0), first.eq(0), half.eq(~half)]
