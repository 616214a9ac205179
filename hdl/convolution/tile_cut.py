"""From masks of a position to masks of its tiles, where a kernel's rows are read tile by tile."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.convolution.walk import Walk, mask_layout, step_layout
from allspin.hdl.parameters.window_parameters import WindowParameters
from allspin.hdl.stream.component import Component


def final_layout(tag: data.StructLayout) -> data.StructLayout:
    """Return the layout of a tag with a bit `final` for the last mask of a position."""
    return data.StructLayout({**{str(name): field.shape for name, field in tag}, "final": 1})


class TileCut(Component):
    """Masks cut where tiles end, so that a walk stays in one tile and no step has rows of two.

    Empty pieces of a mask are left out. A piece waits for the next one, which tells if it is its
    tile's last.

    Throughput: one piece per cycle.

    Parameters
    ----------
    lanes, bits : int
        Width, as in `Walk`.
    tag : StructLayout
        Tag, as in `Walk`; its `row`, if it has one, belongs to a mask's first place in each lane.
    lines : int
        Rows of a tile in each lane, a power of two.
    """

    def __init__(self, lanes: int, bits: int, tag: data.StructLayout, lines: int) -> None:
        self._lines = lines
        super().__init__(
            {
                # Places that are set at a position, `last` with its last mask; the other masks are
                # never empty.
                "masks": In(stream.Signature(mask_layout(lanes, bits, tag))),
                # The same in pieces, `last` with the last of each tile. Of the tag, `final` says
                # that it is the position's last too.
                "pieces": Out(stream.Signature(mask_layout(lanes, bits, final_layout(tag)))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        mask = self.masks.payload
        given = self.pieces.payload
        within = (self._lines - 1).bit_length()
        bits = len(mask.places[0])
        row = mask.tag.row if "row" in mask.tag.shape().members else Const(0, within)
        piece = Signal(range((bits + self._lines - 2) // self._lines + 1))  # index in this mask
        tile = Signal(len(row) + len(piece))  # its tile
        # In which piece of a mask each of its places is.
        of = [(row[:within] + place) >> within for place in range(bits)]
        here = Cat(k == piece for k in of)
        later = Cat(k > piece for k in of)
        more = Signal()  # pieces of this mask
        comes = Signal()
        takes = Signal()
        leaves = Signal()
        # A piece in the register, and a bit if the piece is its position's last.
        full = Signal()
        final = Signal()
        kept = Signal.like(mask, reset_less=True)
        kept_tile = Signal.like(tile, reset_less=True)
        m.d.comb += [
            tile.eq((row >> within) + piece),
            more.eq(Cat(places & later for places in mask.places).any()),
            comes.eq(
                self.masks.valid & (Cat(places & here for places in mask.places).any() | ~more)
            ),
            takes.eq(comes & (~full | leaves)),
            leaves.eq(self.pieces.valid & self.pieces.ready),
            self.masks.ready.eq(takes & ~more),
            self.pieces.valid.eq(full & (final | comes)),
            given.places.eq(kept.places),
            given.tag.eq(kept.tag),
            given.last.eq(final | (tile != kept_tile)),
            given.tag.final.eq(final),
        ]
        with m.If(takes | (self.masks.valid & ~comes)):
            m.d.sync += piece.eq(Mux(more, piece + 1, 0))
        with m.If(takes):
            m.d.sync += [
                full.eq(1),
                final.eq(mask.last & ~more),
                kept.eq(mask),
                *(
                    own.eq(places & here)
                    for own, places in zip(kept.places, mask.places, strict=True)
                ),
                kept_tile.eq(tile),
            ]
        with m.Elif(leaves):
            m.d.sync += full.eq(0)


class TiledWalk(Component):
    """`Walk` whose steps have places of one tile, and whose steps of a tile follow one another.

    Throughput: one beat per cycle.

    Parameters
    ----------
    lanes, bits, tag, lines
        Parameters of the `TileCut`.
    """

    def __init__(self, lanes: int, bits: int, tag: data.StructLayout, lines: int) -> None:
        self._parameters = lanes, bits, tag, lines
        super().__init__(
            {
                "masks": In(stream.Signature(mask_layout(lanes, bits, tag))),
                "steps": Out(stream.Signature(step_layout(lanes, bits, tag))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        lanes, bits, tag, lines = self._parameters
        m.submodules.cut = cut = TileCut(lanes, bits, tag, lines)
        m.submodules.walk = walk = Walk(lanes, bits, final_layout(tag))
        wiring.connect(m, wiring.flipped(self.masks), cut.masks)
        wiring.connect(m, cut.pieces, walk.masks)
        found = walk.steps.payload
        steps = self.steps.payload
        m.d.comb += [
            self.steps.valid.eq(walk.steps.valid),
            walk.steps.ready.eq(self.steps.ready),
            # All lanes end a walk, which is a tile's, together.
            steps.last.eq(found.last & found.lanes[0].tag.final),
        ]
        for own, lane in zip(steps.lanes, found.lanes, strict=True):
            m.d.comb += [
                own.drives.eq(lane.drives),
                own.place.eq(lane.place),
                own.tag.eq(lane.tag),
            ]


def make_walk(parameters: WindowParameters, bits: int, tag: data.StructLayout) -> Walk | TiledWalk:
    """Return the walk through masks of a kernel's rows."""
    parts = parameters.rows_per_clock
    lines = parameters.tile_lines
    return TiledWalk(parts, bits, tag, lines) if lines else Walk(parts, bits, tag)
