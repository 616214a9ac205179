"""Positions of a feature map, flattened to one image."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.window_parameters import MapParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import event_layout


class Flatten(Component):
    """Positions, each a small image of its channels, as one image of the whole map.

    A silent beat is left out, except the map's last.

    Throughput: one beat per cycle, a beat with rows of two tiles in two; no latency.

    Parameters
    ----------
    map : MapParameters
        Parameters of the map.
    tile_rows : int
        Rows of a tile of the next crossbar, a power of two; 0 without tiles. With tiles, a beat's
        channels are neighbours, as a `RowDriver` gives them.
    """

    def __init__(self, map: MapParameters, tile_rows: int = 0) -> None:
        self._map = map
        self._lines = tile_rows // map.rows_per_clock if map.channels % map.rows_per_clock else 0
        super().__init__(
            {
                # Channels of a pixel, `last` with its last beat.
                "pixels": In(stream.Signature(event_layout(map.pixel))),
                # Rows of the map, `last` with its last beat.
                "events": Out(stream.Signature(event_layout(map))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._map
        pixels = self.pixels
        events = self.events
        parts = p.rows_per_clock
        beat = pixels.payload
        bits = (parts - 1).bit_length()
        first = Signal(range(max(p.rows, parts)))  # the pixel's first row
        pixel = Signal(range(max(p.pixels, 2)))
        ends = Signal()
        drives = Signal()
        split = Signal()  # its rows are of two tiles
        late = Signal()  # those of the second are driven
        leaves = events.ready
        last = ends
        if self._lines:
            leaves = events.ready & (late | ~split)
            last = ends & (late | ~split)
            with m.If(events.valid & events.ready):
                m.d.sync += late.eq(split & ~late)
        m.d.comb += [
            ends.eq(beat.last & (pixel == p.pixels - 1)),
            drives.eq(Cat(slot.value for slot in beat.slots).any() | ends),
            events.valid.eq(pixels.valid & drives),
            pixels.ready.eq(leaves | ~drives),
            events.payload.last.eq(last),
        ]
        for turn in sorted({number * p.channels % parts for number in range(parts)}):
            with m.If(first[:bits] == turn if bits else Const(1)):
                if self._lines and turn:
                    own, over = (
                        Cat(slot.value for slot in beat.slots[part]).any()
                        for part in (slice(parts - turn), slice(parts - turn, parts))
                    )
                    edge = (first[bits:] + beat.slots[0].row + 1) % self._lines == 0
                    m.d.comb += split.eq(edge & own & over)
                for number, slot in enumerate(beat.slots):
                    carry, part = divmod(number + turn, parts)
                    to = events.payload.slots[part]
                    row = first[bits:] + slot.row + carry
                    # Such a row need not exist in a part that drives 0.
                    value = slot.value
                    if self._lines:
                        value = Mux(split & (late != carry), 0, value)
                    m.d.comb += [to.value.eq(value), to.row.eq(Mux(value.any(), row, 0))]
        with m.If(pixels.valid & pixels.ready & beat.last):
            m.d.sync += [
                first.eq(Mux(ends, 0, first + p.channels)),
                pixel.eq(Mux(ends, 0, pixel + 1)),
            ]
