"""From masks of a position to masks of its tiles, where a kernel's rows are read tile by tile."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.convolution.walk import mask_layout
from allspin.hdl.stream.buffers import Component


class TileCut(Component):
    """Cut masks where tiles end, so that a walk is of one tile and no step has rows of two.

    A piece of a mask a clock, those that are empty left out. A piece waits for the next one, which
    says whether it is its tile's last.

    Parameters
    ----------
    lanes, bits : int
        As of `Walk`.
    tag : StructLayout
        As of `Walk`: `row`, if it has one, is that of a mask's first place in each lane, and
        `final` is set here where a position ends.
    lines : int
        Rows of a tile in each lane, a power of two.
    """

    def __init__(self, lanes: int, bits: int, tag: data.StructLayout, lines: int) -> None:
        self._lines = lines
        masks = stream.Signature(mask_layout(lanes, bits, tag))
        super().__init__(
            {
                # What is set at a position, `last` with its last mask; no other is empty.
                "masks": In(masks),
                # The same in pieces, `last` with the last of each tile.
                "pieces": Out(masks),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        mask, given = self.masks.payload, self.pieces.payload
        within = (self._lines - 1).bit_length()
        bits = len(mask.places[0])
        row = mask.tag.row if "row" in mask.tag.shape().members else Const(0, within)
        piece = Signal(range((bits + self._lines - 2) // self._lines + 1))  # of this mask
        tile = Signal(len(row) + len(piece))  # which it is of
        # In which piece of a mask each of its places is.
        of = [(row[:within] + place) >> within for place in range(bits)]
        here, later = Cat(k == piece for k in of), Cat(k > piece for k in of)
        more = Signal()  # pieces of this mask
        comes, takes, leaves = Signal(), Signal(), Signal()
        # What is kept: a piece, and whether it is its position's last.
        full, final = Signal(), Signal()
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
            given.eq(kept),
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
