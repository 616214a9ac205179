"""The part of a feature map that a kernel sees, position after position."""

from itertools import pairwise
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.convolution.maps import FlatMap, PixelMap
from allspin.hdl.convolution.tile_cut import TiledWalk, make_walk
from allspin.hdl.convolution.walk import Walk, mask_layout
from allspin.hdl.parameters.window_parameters import WindowParameters
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout
from allspin.hdl.stream.registers import RegisterSlice


def table(numbers: list[int], index: Value, width: int) -> Value:
    """Return a constant for each value of an index, modulo ``2**width``."""
    return Array(Const(number % 2**width, width) for number in numbers)[index]


class Scan(Component):
    """Masks of a kernel's positions: the places of the map at each position that are not zero.

    Each of the kernel's lines has a register with a line of the map, which is shifted by the stride
    from one position to the next. Between the lines of positions the block takes as many clocks as
    the kernel has lines.

    Throughput: one position per cycle; between two lines of positions as many cycles as the kernel
    has lines.

    Parameters
    ----------
    parameters : WindowParameters
        Parameters of map and kernel.
    """

    def __init__(self, parameters: WindowParameters) -> None:
        p = self._parameters = parameters
        origin = (p.map.height * p.line - 1).bit_length()
        self.tag = data.StructLayout({"origin": origin, "half": 1})
        super().__init__(
            {
                # A map has come that has not been looked at.
                "more": In(1),
                # Line to read, and the bits that are set in it, in the same clock.
                "line": Out(range(p.map.height)),
                "bits": In(p.line),
                # Bits that are set at each position, in the order of the kernel's places. Of the
                # tag, `origin` is the first place, counted in the map, and `half` the map.
                "masks": Out(stream.Signature(mask_layout(1, len(p.seen), self.tag))),
                # The last position is taken.
                "done": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        p = self._parameters
        masks = self.masks
        tag = masks.payload.tag
        (kernel_lines, kernel_width) = p.kind.kernel
        (stride_down, stride_across) = p.kind.stride
        (positions_down, positions_across) = p.kind.places
        (above, left, _, _) = p.kind.padding
        # Bits of a line: those at a position, those of a stride, and those of the padding.
        seen = kernel_width * p.unit
        step = stride_across * p.unit
        padding = left * p.unit
        first_origin = -above * p.line - padding
        band_bits = (positions_across - 1) * step + seen
        band = [
            Signal(band_bits, name=f"band_{number}", reset_less=True)
            for number in range(kernel_lines)
        ]
        end = (positions_down - 1) * stride_down + kernel_lines
        at = Signal(range(end + 1))  # the line that comes next, the padding counted
        count = Signal(range(max(kernel_lines, 2)))  # of the lines of this position
        column = Signal(range(max(positions_across, 2)))
        full = Signal()
        last = Signal()
        origin = Signal(len(tag.origin), init=first_origin % 2 ** len(tag.origin))
        half = Signal()
        inside = Signal()
        m.d.comb += [
            self.line.eq(at - above),
            inside.eq((at >= above) & (at < above + p.map.height)),
        ]
        m.d.comb += [
            masks.valid.eq(full),
            masks.payload.places[0].eq(Cat(line[:seen] for line in band)),
            tag.origin.eq(origin),
            tag.half.eq(half),
            masks.payload.last.eq(1),
        ]
        m.d.comb += [
            last.eq(column == positions_across - 1),
            self.done.eq(full & masks.ready & last & (at == end)),
        ]
        with m.If(~full & self.more):
            bits = self.bits & inside.replicate(p.line)
            for line, next_line in pairwise(band):
                m.d.sync += line.eq(next_line)
            m.d.sync += [
                band[-1].eq(Cat(Const(0, padding), bits)),
                at.eq(at + 1),
                count.eq(count + 1),
            ]
            with m.If(count == kernel_lines - 1):
                m.d.sync += [full.eq(1), count.eq(0)]
        with m.Elif(full & masks.ready):
            for line in band:
                m.d.sync += line.eq(line >> step)
            m.d.sync += [origin.eq(origin + step), column.eq(column + 1)]
            with m.If(last):
                walked = (positions_across - 1) * step
                m.d.sync += [
                    origin.eq(origin + stride_down * p.line - walked),
                    column.eq(0),
                    full.eq(0),
                    at.eq(at + stride_down - kernel_lines),
                ]
        with m.If(self.done):
            m.d.sync += [at.eq(0), origin.eq(origin.init), half.eq(~half)]


class Window(Component):
    """Window of a kernel on a map: the memory keeps two maps in turn, and each position of the
    kernel becomes an image.

    The values at a position are driven as rows of the kernel, `rows_per_clock` in a clock, at best
    in as few beats as the busiest part has values that are not zero. A position without any value
    is a silent beat.

    One map is written while the other is read.

    Throughput: a position takes as many beats as its busiest part has values, at least one.

    Parameters
    ----------
    parameters : WindowParameters
        Parameters of map and kernel.
    """

    def __init__(self, parameters: WindowParameters) -> None:
        p = self._parameters = parameters
        super().__init__(
            {
                # The map's values; where it comes pixel by pixel, the rows are channels.
                "map": In(stream.Signature(event_layout(p.map if p.flat else p.map.pixel))),
                # The kernel's rows, with `last` at the end of each position.
                "events": Out(stream.Signature(event_layout(p))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        m.submodules.near = near = RegisterSlice(self.map.payload.shape(), every_clock=True)
        m.submodules.map = kept = (FlatMap if p.flat else PixelMap)(p)
        m.submodules.scan = scan = Scan(p)
        wiring.connect(m, wiring.flipped(self.map), near.i)
        wiring.connect(m, near.o, kept.map)
        # Maps are counted as they have come, have been looked at, and have been read.
        filled = Signal(2)
        seen = Signal(2)
        read = Signal()
        gone = Signal(2)
        m.d.sync += [
            filled.eq(filled + kept.filled),
            seen.eq(seen + scan.done),
            gone.eq(gone + read),
        ]
        m.d.comb += [
            kept.room.eq((filled ^ gone) != 2),
            kept.seen.eq(scan.done),
            kept.line.eq(scan.line),
            kept.half.eq(scan.masks.payload.tag.half),
        ]
        m.d.comb += [scan.more.eq(filled != seen), scan.bits.eq(kept.bits)]
        walk = self._build_places(m, scan) if p.flat else self._build_vectors(m, scan, kept)
        m.d.comb += read.eq(self._build_values(m, walk, kept.writes))

    def _build_places(self, m: Module, scan: Scan) -> Walk | TiledWalk:
        """Walk through the places of a position; each part has every so many of them."""
        p = self._parameters
        parts = p.rows_per_clock
        bits = -(-p.rows // parts)
        m.submodules.walk = walk = make_walk(p, bits, scan.tag)
        masks = walk.masks
        found = scan.masks.payload
        m.d.comb += [
            masks.valid.eq(scan.masks.valid),
            scan.masks.ready.eq(masks.ready),
            masks.payload.tag.eq(found.tag),
            masks.payload.last.eq(1),
        ]
        for part in range(parts):
            m.d.comb += masks.payload.places[part].eq(found.places[0][part::parts])
        return walk

    def _build_vectors(self, m: Module, scan: Scan, kept: Any) -> Walk | TiledWalk:
        """Walk from the pixels of a position that are not empty to their channels."""
        p = self._parameters
        parts = p.rows_per_clock
        channels = p.map.channels
        pixel_rows = p.map.pixel.part_rows
        bits = -(-(channels + p.turns[-1]) // parts)
        address = (p.map.pixels * pixel_rows - 1).bit_length()
        # A pixel's first row is row `row` of part `turn`; its first value is at `origin`.
        tag = data.StructLayout(
            {"row": range(p.part_rows), "turn": range(parts), "origin": address, "half": 1}
        )
        m.submodules.pixels = pixels = Walk(1, len(p.seen), scan.tag)
        m.submodules.walk = walk = make_walk(p, bits, tag)
        wiring.connect(m, scan.masks, pixels.masks)
        go = Signal()
        valid = Signal(4)
        masks = walk.masks
        m.d.comb += [go.eq(~masks.valid | masks.ready), pixels.steps.ready.eq(go)]
        with m.If(go):
            m.d.sync += valid.eq(Cat(pixels.steps.valid, valid))

        def registered(value: Any, name: str) -> Any:
            register = Signal(value.shape(), name=name, reset_less=True)
            with m.If(go):
                m.d.sync += register.eq(value)
            return register

        # Clock 1: the pixel, and its first row.
        own: Any = masks.payload.tag
        step = pixels.steps.payload.lanes[0]
        width = len(step.tag.origin)
        offsets = [y * p.map.width + x for y, x in p.seen]
        rows = [place * channels for place in range(len(offsets))]
        pixel = step.tag.origin + table(offsets, step.place, width)
        pixel = registered(pixel[:width], "pixel")
        row = table([row // parts for row in rows], step.place, len(own.row))
        turn = table([row % parts for row in rows], step.place, (parts - 1).bit_length())
        told = Cat(step.drives, pixels.steps.payload.last, step.tag.half, row, turn)
        told = registered(told, "told")
        m.d.comb += [kept.pixel.eq(pixel), kept.pixel_half.eq(told[2])]
        # Clocks 2 and 3: the channels that are set. The output of a block RAM comes late.
        vector = registered(registered(kept.vector, "read"), "vector")
        origin = registered((pixel * pixel_rows)[:address], "origin_read")
        origin = registered(origin, "origin")
        seen = registered(registered(told, "told_read"), "seen")
        drives, last, half = seen[:3]
        row = seen[3 : 3 + len(own.row)]
        turn = seen[3 + len(own.row) :]
        # Clock 4: the channels in the parts that drive their rows.
        turned: Value = vector
        for by in p.turns[1:]:
            turned = Mux(turn == by, vector << by, turned)
        turned = registered(Mux(drives, turned, 0), "turned")
        m.d.comb += [masks.valid.eq(valid[-1]), masks.payload.last.eq(registered(last, "last"))]
        m.d.comb += [
            Cat(own.row, own.turn).eq(registered(Cat(row, turn), "place")),
            own.origin.eq(registered(origin, "first")),
            own.half.eq(registered(half, "half")),
        ]
        for part in range(parts):
            m.d.comb += masks.payload.places[part].eq(turned[part::parts])
        return walk

    def _build_values(self, m: Module, walk: Walk | TiledWalk, writes: Any) -> Value:
        """Read the values of the driven rows; return a bit for the clock of a map's last values."""
        p = self._parameters
        m.submodules.out = out = RegisterSlice(event_layout(p), every_clock=True)
        wiring.connect(m, out.o, wiring.flipped(self.events))
        steps = walk.steps
        positions = p.kind.positions
        go = Signal()
        valid = Signal(3)
        last = Signal()
        closes = Signal()
        beat: Any = Signal(event_layout(p))
        position = Signal(range(max(positions, 2)))
        ends = Signal()
        m.d.comb += [
            go.eq(~valid[2] | out.i.ready),
            steps.ready.eq(go),
            out.i.valid.eq(valid[2]),
            beat.last.eq(closes),
            ends.eq(go & valid[0] & last & (position == positions - 1)),
        ]
        with m.If(go):
            m.d.sync += [
                valid.eq(Cat(steps.valid, valid)),
                last.eq(steps.payload.last),
                closes.eq(last),
                # The outputs of block RAMs come late in their clock.
                out.i.payload.eq(beat),
            ]
            with m.If(valid[0] & last):
                m.d.sync += position.eq(Mux(ends, 0, position + 1))
        for part, (step, slot) in enumerate(zip(steps.payload.lanes, beat.slots, strict=True)):
            self._build_part(m, part, step, slot, go, writes)
        return ends

    def _build_part(
        self, m: Module, part: int, step: Any, slot: Any, go: Signal, writes: Any
    ) -> None:
        """Return a part's row and value, two clocks later."""
        p = self._parameters
        parts = p.rows_per_clock
        address = Signal(len(step.tag.origin), name=f"address_{part}", reset_less=True)
        drives = Signal(2, name=f"drives_{part}")
        half = Signal(name=f"half_{part}")
        rows = [Signal(range(p.part_rows), name=f"row_{part}_{clock}") for clock in range(2)]
        turns = [Signal(range(parts), name=f"turn_{part}_{clock}") for clock in range(2)]
        if p.flat:
            offsets = [y * p.line + x for y, x in p.seen]
            part_offsets = offsets[part::parts] or [0]
            row = step.place
            turn = Const(0, 1)
            at = step.tag.origin + table(part_offsets, step.place, len(address))
        else:
            row = step.tag.row + step.place
            turn = step.tag.turn
            at = step.tag.origin + step.place - (turn > part)
        with m.If(go):
            m.d.sync += [address.eq(at), half.eq(step.tag.half)]
            m.d.sync += [
                rows[0].eq(row),
                rows[1].eq(rows[0] & drives[0].replicate(len(rows[0]))),
                turns[0].eq(turn),
                turns[1].eq(turns[0]),
                drives.eq(Cat(step.drives, drives)),
            ]
        value: Value = Const(0, p.value_bits)
        for turn in p.turns:
            # An image's map is written as a whole for each part, others channel by channel.
            bank = (part - turn) % len(writes)
            name = f"values_{part}_{bank}"
            m.submodules[name] = memory = block_memory(p.value_bits, 2 << len(address))
            write = memory.write_port()
            read = memory.read_port(domain="comb")
            found = Signal(p.value_bits, name=f"value_{part}_{bank}", reset_less=True)
            m.d.comb += [
                Cat(write.en, write.addr, write.data).eq(writes[bank]),
                read.addr.eq(Cat(address, half)),
            ]
            with m.If(go):
                m.d.sync += found.eq(read.data)
            value = Mux(turns[1] == turn, found, value) if len(p.turns) > 1 else found
        driven_value = value & drives[1].replicate(p.value_bits)
        m.d.comb += [slot.row.eq(rows[1]), slot.value.eq(driven_value)]
