"""A TileCut gives each place that is set once; a walk has all of one tile, and no other's."""

from types import ModuleType

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value
from amaranth.lib import data

from allspin.hdl.convolution import tile_cut as source
from tests.formal.proof import Mutant, Proof, about, later, moves, number_below, pick, when

LANES, BITS, LINES = 2, 3, 2
TAG = data.StructLayout({"row": 3, "number": 2})


def properties(hdl: ModuleType) -> Module:
    m, _ = about(dut := hdl.TileCut(LANES, BITS, TAG, LINES))
    came, left = moves(dut.masks), moves(dut.pieces)
    mask, piece = dut.masks.payload, dut.pieces.payload

    # Masks are numbered, and a position's places come in the order of their rows.
    number, row = Signal(2), Signal(4)
    offered = Cat(dut.masks.valid, mask)
    waits, before = later(m, dut.masks.valid & ~dut.masks.ready), later(m, offered)
    m.d.comb += [
        Assume(~waits | (offered == before)),
        Assume(mask.last | Cat(mask.places).any()),
        Assume(mask.tag.number == number),
        Assume(mask.tag.row >= row),
        Assume(~came | (number != 3)),
    ]
    with m.If(came):
        m.d.sync += [number.eq(number + 1), row.eq(Mux(mask.last, 0, mask.tag.row + BITS - 1))]

    # The proof follows any mask, lane and place: if it is set, and if it was given.
    marked, lane, place = number_below(m, 3), number_below(m, LANES), number_below(m, BITS)
    is_set, is_last, given, closed = Signal(), Signal(), Signal(), Signal()
    of = piece.tag.number
    gives = left & (of == marked) & pick(piece.places, lane).bit_select(place, 1)
    with m.If(dut.masks.valid & (number == marked)):  # its first piece may leave before its last
        is_now = pick(mask.places, lane).bit_select(place, 1)
        m.d.sync += [is_set.eq(is_now), is_last.eq(mask.last)]
    closes = left & piece.tag.final
    m.d.sync += [given.eq(given | gives), closed.eq(closed | (closes & (of == marked)))]
    m.d.comb += [
        when(gives, is_set, ~given),
        when(left & (of > marked), is_set == given, is_last == closed),
        when(closes & (of == marked), is_set == (given | gives), is_last, ~closed),
        when(left & piece.tag.final, piece.last),
    ]

    # A piece has places of its walk's tile, and the next walk of a position is of a later one.
    inside, behind, tile = Signal(), Signal(), Signal(3)
    places = Cat(piece.places)
    own: list[Value] = [((piece.tag.row + k) >> 1)[:3] for k in range(BITS)] * LANES
    first = Signal(3)
    for is_there, here in reversed(list(zip(places, own, strict=True))):
        with m.If(is_there):
            m.d.comb += first.eq(here)
    with m.If(left):
        m.d.sync += [inside.eq(~piece.last), behind.eq(piece.last & ~piece.tag.final)]
        with m.If(places.any()):
            m.d.sync += tile.eq(first)
    m.d.comb += [
        Assert(~left | piece.tag.final | places.any()),
        [when(left & is_there, here == first) for is_there, here in zip(places, own, strict=True)],
        when(left & places.any() & inside, first == tile),
        when(left & places.any() & behind, first > tile),
        Cover((number == 3) & closes & behind),
    ]
    return m


PROOFS = [
    Proof(
        "TileCut",
        source,
        properties,
        depth=9,
        bounded="three masks pass through",
        command="prove",
        mutants=(
            Mutant("final | (tile != kept_tile)", "final"),
            Mutant("final | (tile != kept_tile)", "1"),
            Mutant("(final | comes)", "1"),
            Mutant("takes & ~more)", "takes)"),
            Mutant("piece.eq(Mux(more, piece + 1, 0))", "piece.eq(piece + 1)"),
            Mutant("mask.last & ~more", "mask.last"),
        ),
    ),
]
