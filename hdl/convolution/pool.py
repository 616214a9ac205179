"""Pooling: the largest of each 2 x 2 activations of a feature map."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.neuron.neuron_array import activations_layout
from allspin.hdl.parameters.window_parameters import MapParameters
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component


class Pool(Component):
    """Largest of each 2 x 2 activations of a map, channel by channel.

    A line or column without a neighbour is left out.

    Throughput: one beat per cycle; no latency.

    Parameters
    ----------
    map : MapParameters
        Parameters of the map that comes.
    """

    def __init__(self, map: MapParameters) -> None:
        self._map = map
        layout = activations_layout(map.value_bits, map.rows_per_clock)
        super().__init__(
            {
                # `activations_layout`, pixel by pixel, line by line; `last` ends each pixel.
                "activations": In(stream.Signature(layout)),
                # `activations_layout` of the smaller map.
                "largest": Out(stream.Signature(layout)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._map
        came = self.activations
        given = self.largest
        beats = p.pixel.part_rows
        # The largest so far of each pair of columns.
        layout = came.payload.activations.shape()
        m.submodules.kept = kept = block_memory(layout, -(-p.width // 2) * beats, distributed=True)
        write = kept.write_port()
        read = kept.read_port(domain="comb")
        x = Signal(range(max(p.width, 2)))
        y = Signal(range(max(p.height, 2)))
        beat = Signal(range(beats))
        pair = Signal.like(read.addr)
        takes = Signal()
        line_ends = x == p.width - 1
        m.d.comb += [
            given.valid.eq(came.valid & x[0] & y[0]),
            came.ready.eq(given.ready | ~x[0] | ~y[0]),
            given.payload.last.eq(came.payload.last),
            takes.eq(came.valid & came.ready),
            read.addr.eq(pair + beat),
            write.addr.eq(pair + beat),
            write.data.eq(given.payload.activations),
            write.en.eq(takes),
        ]
        for number, own in enumerate(came.payload.activations):
            before: Value = Mux(x[0] | y[0], read.data[number], 0)
            m.d.comb += given.payload.activations[number].eq(Mux(own > before, own, before))
        with m.If(takes):
            m.d.sync += beat.eq(beat + 1)
            with m.If(came.payload.last):
                m.d.sync += [beat.eq(0), x.eq(x + 1)]
                with m.If(x[0]):
                    m.d.sync += pair.eq(pair + beats)
                with m.If(line_ends):
                    m.d.sync += [x.eq(0), pair.eq(0), y.eq(Mux(y == p.height - 1, 0, y + 1))]
