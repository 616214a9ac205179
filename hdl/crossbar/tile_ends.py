"""First and last beats of each tile among the beats that drive a crossbar."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component

SOONEST = 2
"""Clocks from a beat to the decision if it begins a tile; one more where the clock is fast."""


class TileEnds(Component):
    """First and last beats of tiles.

    A beat drives rows of one tile. A beat of zeros drives no row: it neither begins a tile nor
    belongs to one, so a tile without a driven row is never complete.

    Throughput: one beat per cycle; latency 2 or 3.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    clocks : int
        Clocks from a beat to its outputs, at least `SOONEST`, or one more where the target is wide.
    """

    def __init__(self, parameters: CrossbarParameters, clocks: int) -> None:
        p = self._parameters = parameters
        assert clocks >= SOONEST + p.target.wide
        self._clocks = clocks
        super().__init__(
            {
                # A beat is taken.
                "taken": In(1),
                # Value of each part's row.
                "values": In(data.ArrayLayout(p.value_bits, p.rows_per_clock)),
                # In which tile that row is, as `pass_layout` has it.
                "tiles": In(data.ArrayLayout(range(p.places), p.rows_per_clock)),
                # The beat is its pass's last.
                "last": In(1),
                # `clocks` later: it is the first of its tile.
                "begins": Out(1),
                # At the same time: all beats of a tile have come. Behind a pass's last beat this
                # comes a clock after the outputs of that beat.
                "converts": Out(1),
                # Tile that begins.
                "tile": Out(range(p.places)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        p = self._parameters
        driven = Cat(value.any() for value in self.values)
        tiles = self.tiles
        ends = self.taken & self.last
        drives = driven & self.taken.replicate(p.rows_per_clock)
        if p.target.wide:
            some = Signal(p.rows_per_clock)
            places = Signal.like(tiles)
            closes = Signal()
            m.d.sync += [some.eq(drives), places.eq(tiles), closes.eq(ends)]
            drives = some
            tiles = places
            ends = closes
        numbers = [Mux(drives[part], tiles[part], 0) for part in range(p.rows_per_clock)]
        # A beat's rows are all of one tile, and other rows count as tile 0.
        drive = Signal()
        tile = Signal(range(p.places))
        last = Signal()
        m.d.sync += [
            drive.eq(drives.any()),
            tile.eq(reduce(or_, numbers)),
            last.eq(ends),
        ]

        open_ = Signal()  # a tile has begun that is not complete
        current = Signal.like(tile)
        begins = Signal()
        completes = Signal()
        complete = Signal()
        m.d.comb += [
            begins.eq(drive & (~open_ | (tile != current))),
            completes.eq((begins & open_) | complete),
        ]
        m.d.sync += [open_.eq((open_ | drive) & ~last), complete.eq((open_ | drive) & last)]
        with m.If(drive):
            m.d.sync += current.eq(tile)
        said = Cat(begins, completes, tile)
        for clock in range(SOONEST + p.target.wide - 1, self._clocks):
            later = Signal(len(said), name=f"said_{clock}")
            m.d.sync += later.eq(said)
            said = later
        m.d.comb += Cat(self.begins, self.converts, self.tile).eq(said)
