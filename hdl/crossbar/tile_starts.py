"""Start of each tile's sum: the offset of its converter, and half a step."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.tiling import OFFSET_BITS
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import LANES_PER_LEAF, tree


def offset_layout(parameters: CrossbarParameters) -> data.StructLayout:
    """Return the layout of a byte of a tile's offsets: column 0 first, the low byte of each first.

    Members
    -------
    first : 1 bit
        The byte is the first of tile `tile`; further ones follow, and then the next tile's.
    tile : unsigned
        Read where `first` is set.
    data : 8 bits
        The byte.
    """
    return data.StructLayout({"first": 1, "tile": range(parameters.tiles), "data": 8})


class OffsetPlacer(Component):
    """Start of each tile's sum from the bytes of its offset, and the place in its lane's memory.

    Throughput: one byte per cycle; latency 1.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        assert p.tiling is not None
        super().__init__(
            {
                # A byte that comes.
                "valid": In(1),
                "byte": In(offset_layout(p)),
                # The block has a start to store.
                "write": Out(1),
                # Lane of the start, and place in the lane's memory: each group of columns has a
                # place for each tile.
                "lane": Out(range(p.lanes)),
                "place": Out(range(p.places)),
                # Start to store.
                "start": Out(signed(p.tiling.start_bits)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the counters."""
        p = self._parameters
        byte = self.byte
        assert p.tiling is not None
        names = {
            "high": range(2),
            "tile": range(p.tiles + 1),
            "column": range(p.columns + 1),
            "lane": range(p.lanes + 1),
            "base": range((p.passes + 1) * p.tiles),
        }
        following = {name: Signal(shape, name=f"next_{name}") for name, shape in names.items()}
        here = {name: Signal(shape, name=f"here_{name}") for name, shape in names.items()}
        for name, place in here.items():
            start = byte.tile if name == "tile" else 0
            m.d.comb += place.eq(Mux(byte.first, start, following[name]))
        low = Signal(8)
        offset = Signal(signed(OFFSET_BITS))
        ends_row = here["column"] == p.columns - 1
        ends_group = here["lane"] == p.lanes - 1
        m.d.comb += offset.eq(Cat(low, byte.data).as_signed())
        m.d.sync += self.write.eq(self.valid & here["high"])
        with m.If(self.valid):
            m.d.sync += [
                *(following[name].eq(place) for name, place in here.items()),
                following["high"].eq(~here["high"]),
            ]
            with m.If(~here["high"]):
                m.d.sync += low.eq(byte.data)
            with m.Else():
                m.d.sync += [
                    self.lane.eq(here["lane"]),
                    self.place.eq(here["base"] + here["tile"]),
                    self.start.eq(offset + p.tiling.start),
                    following["column"].eq(here["column"] + 1),
                    following["lane"].eq(here["lane"] + 1),
                ]
                with m.If(ends_row):
                    m.d.sync += [
                        following["tile"].eq(here["tile"] + 1),
                        *(following[name].eq(0) for name in ("column", "lane", "base")),
                    ]
                with m.Elif(ends_group):
                    m.d.sync += [
                        following["base"].eq(here["base"] + p.tiles),
                        following["lane"].eq(0),
                    ]


class TileStarts(Component):
    """Memory of each lane's starts.

    Throughput: one tile per cycle; latency 1, on wide targets 3.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.

    Attributes
    ----------
    clocks : int
        From `begins` to `starts`; the way to the lanes takes two where the target is wide.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        assert p.tiling is not None
        self.clocks = 3 if p.target.wide else 1
        self._shape = signed(p.tiling.start_bits)
        super().__init__(
            {
                # Bytes for an `OffsetPlacer`; not while an image is under way.
                "valid": In(1),
                "byte": In(offset_layout(p)),
                # A tile begins.
                "begins": In(1),
                # Place of the tile: each group of columns has a place for each tile.
                "place": In(range(p.places)),
                # `clocks` later where each lane's sum starts; 0 where no tile begins.
                "starts": Out(data.ArrayLayout(self._shape, p.lanes)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memories."""
        p = self._parameters
        m.submodules.placer = placer = OffsetPlacer(p)
        m.d.comb += [placer.valid.eq(self.valid), placer.byte.eq(self.byte)]
        leaves = -(-p.lanes // LANES_PER_LEAF)
        written: Any = Signal(
            data.StructLayout(
                {
                    "write": 1,
                    "lane": range(p.lanes),
                    "place": range(p.places),
                    "start": self._shape,
                }
            )
        )
        asked: Any = Signal(data.StructLayout({"begins": 1, "place": range(p.places)}))
        m.d.comb += [
            written.write.eq(placer.write),
            written.lane.eq(placer.lane),
            written.place.eq(placer.place),
            written.start.eq(placer.start),
            asked.begins.eq(self.begins),
            asked.place.eq(self.place),
        ]
        writes = [written] * leaves
        asks = [asked] * leaves
        if p.target.wide:
            writes = tree(m, platform, written, leaves, "written")
            asks = tree(m, platform, asked, leaves, "asked")
        for lane in range(p.lanes):
            write_here = writes[lane // LANES_PER_LEAF]
            ask = asks[lane // LANES_PER_LEAF]
            memory = block_memory(self._shape, p.places, distributed=p.target.distributed_ram)
            m.submodules[f"lane_{lane}"] = memory
            write = memory.write_port()
            read = memory.read_port(domain="comb")
            start = Signal(self._shape, name=f"start_{lane}", reset_less=True)
            m.d.comb += [
                write.addr.eq(write_here.place),
                write.data.eq(write_here.start),
                write.en.eq(write_here.write & (write_here.lane == lane)),
                read.addr.eq(ask.place),
                self.starts[lane].eq(start),
            ]
            m.d.sync += start.eq(Mux(ask.begins, read.data, 0))


def write_clocks(parameters: CrossbarParameters) -> int:
    """Return the clocks from a byte of offsets at its layer to the start in its lane's memory."""
    # With the layer's own register, and the way to the lanes.
    return 5 if parameters.target.wide else 2
