"""A Flatten drives each value's row of the map once; a Pool gives the largest of each four."""

from types import ModuleType

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from allspin.hdl.convolution import flatten as flatten_source, pool as pool_source
from allspin.hdl.parameters.window_parameters import MapParameters
from tests.formal.proof import Mutant, Proof, about, later, moves, number_below, pick, when

FLAT = MapParameters(1, 3, 3, value_bits=1, rows_per_clock=2)
POOLED = MapParameters(3, 3, 2, value_bits=2)


def flatten(hdl: ModuleType) -> Module:
    p = FLAT
    m, inside = about(dut := hdl.Flatten(p))
    beat, event = dut.pixels.payload, dut.events.payload
    came, left = moves(dut.pixels), moves(dut.events)
    pixel = Signal(range(p.pixels))
    ends = beat.last & (pixel == p.pixels - 1)
    with m.If(came & beat.last):
        m.d.sync += pixel.eq(Mux(ends, 0, pixel + 1))
    driven = Cat(slot.value for slot in beat.slots).any()
    first = pixel * p.channels
    for number, slot in enumerate(beat.slots):
        channel = slot.row * p.rows_per_clock + number
        row = first + channel
        m.d.comb += [
            Assume((channel < p.channels) | (slot.value == 0)),
            when(
                dut.events.valid & (slot.value != 0),
                *(
                    (row % p.rows_per_clock != part)
                    | ((to.row * p.rows_per_clock + part == row) & (to.value == slot.value))
                    for part, to in enumerate(event.slots)
                ),
            ),
        ]
    values = [sum(slot.value for slot in slots) for slots in (beat.slots, event.slots)]
    m.d.comb += [
        # The event has no other row, silent beats are left out, and other beats move at once.
        when(dut.events.valid, values[0] == values[1], event.last == ends),
        Assert(dut.events.valid == (dut.pixels.valid & (driven | ends))),
        when(dut.events.valid, left == came),
        when(dut.pixels.valid & ~dut.events.valid, dut.pixels.ready),
        # Invariants that close the induction.
        Assert(inside["first"] == first),
        Assert(inside["pixel"] == pixel),
        Assert(pixel < p.pixels),
        Cover(left & ends & driven),
    ]
    return m


def in_tiles(hdl: ModuleType) -> Module:
    p, tile_rows = FLAT, 4
    m, inside = about(dut := hdl.Flatten(p, tile_rows))
    beat, event = dut.pixels.payload, dut.events.payload
    came, left = moves(dut.pixels), moves(dut.events)
    offered, waits = Cat(dut.pixels.valid, beat), dut.pixels.valid & ~dut.pixels.ready
    pixel = Signal(range(p.pixels))
    ends = beat.last & (pixel == p.pixels - 1)
    with m.If(came & beat.last):
        m.d.sync += pixel.eq(Mux(ends, 0, pixel + 1))
    rows, drives = [], []
    for number, slot in enumerate(beat.slots):
        channel = slot.row * p.rows_per_clock + number
        rows.append(pixel * p.channels + channel)
        drives.append(slot.value.any())
        m.d.comb += [
            Assume((channel < p.channels) | ~drives[-1]),
            Assume(slot.row == beat.slots[0].row),
        ]
    found = [to.row * p.rows_per_clock + part for part, to in enumerate(event.slots)]
    there = [to.value.any() for to in event.slots]
    # The proof follows any channel of a beat: it is driven now, or was before.
    marked, given, gives = number_below(m, p.rows_per_clock), Signal(), Signal()
    m.d.comb += gives.eq(
        Cat(
            is_there & (row == pick(rows, marked))
            for is_there, row in zip(there, found, strict=True)
        ).any()
    )
    m.d.sync += given.eq((given | (left & gives)) & ~came)
    tiles = [row // tile_rows for row in found]
    m.d.comb += [
        Assume(~later(m, waits) | (offered == later(m, offered))),
        when(dut.events.valid & gives, pick(drives, marked), ~given),
        when(came & pick(drives, marked), given | (left & gives)),
        when(left & there[0] & there[1], tiles[0] == tiles[1]),
        when(left, Cat(there).any() | event.last, event.last == (ends & came)),
        when(came & ends, left),
        *(
            when(left & one, Cat(one_row == row for row in rows).any())
            for one, one_row in zip(there, found, strict=True)
        ),
        Assert(inside["first"] == pixel * p.channels),
        Assert(inside["pixel"] == pixel),
        Assert(pixel < p.pixels),
        when(~inside["late"], ~given),
        when(
            inside["late"],
            dut.pixels.valid & inside["split"],
            given
            == (pick(drives, marked) & (pick(rows, marked) // tile_rows == rows[0] // tile_rows)),
        ),
        # The second event has the rows of the last tile.
        when(
            left & inside["late"],
            *(
                ~one | (tile == rows[-1] // tile_rows)
                for one, tile in zip(there, tiles, strict=True)
            ),
        ),
        Cover(came & inside["late"]),
    ]
    return m


def pool(hdl: ModuleType) -> Module:
    p = POOLED
    m, inside = about(dut := hdl.Pool(p))
    beat, given = dut.activations.payload, dut.largest.payload
    came, left = moves(dut.activations), moves(dut.largest)
    channel, x, y = Signal(range(p.channels)), Signal(range(p.width)), Signal(range(p.height))
    last = channel == p.channels - 1
    with m.If(came):
        m.d.sync += channel.eq(Mux(last, 0, channel + 1))
        with m.If(last):
            m.d.sync += x.eq(Mux(x == p.width - 1, 0, x + 1))
            with m.If(x == p.width - 1):
                m.d.sync += y.eq(Mux(y == p.height - 1, 0, y + 1))
    # The proof follows any channel and pair of columns: the largest value so far.
    marked, pair = number_below(m, p.channels), number_below(m, -(-p.width // 2))
    here = came & (channel == marked) & ((x >> 1) == pair)
    value, largest, now = beat.activations[0], Signal(p.value_bits), Signal(p.value_bits)
    before = Mux(x[0] | y[0], largest, 0)
    m.d.comb += now.eq(Mux(value > before, value, before))
    with m.If(here):
        m.d.sync += largest.eq(now)
    complete = x[0] & y[0]
    place = (pair * p.channels + marked)[: len(inside["pair"])]
    m.d.comb += [
        Assume(beat.last == last),
        Assert(dut.largest.valid == (dut.activations.valid & complete)),
        when(dut.largest.valid, given.last == last, left == came),
        when(dut.activations.valid & ~complete, dut.activations.ready),
        when(left & (channel == marked) & ((x >> 1) == pair), given.activations[0] == now),
        # Invariants that close the induction.
        Assert(inside["x"] == x),
        Assert(inside["y"] == y),
        Assert(inside["beat"] == channel),
        Assert(inside["pair"] == (x >> 1) * p.channels),
        Assert((x < p.width) & (y < p.height) & (channel < p.channels)),
        when(
            y[0] | (x > pair * 2) | ((x == pair * 2) & (channel > marked)),
            inside.word("kept", place) == largest,
        ),
        Cover(left & (given.activations[0] == 3) & (y == 1)),
    ]
    return m


PROOFS = [
    Proof(
        "Flatten",
        flatten_source,
        flatten,
        depth=1,
        mutants=(
            Mutant("+ slot.row + carry", "+ slot.row"),
            Mutant("leaves | ~drives", "leaves"),
            Mutant("first.eq(Mux(ends, 0, first", "first.eq(Mux(ends, 1, first"),
        ),
    ),
    Proof(
        "Flatten, tiles",
        flatten_source,
        in_tiles,
        depth=2,
        mutants=(
            Mutant("late != carry", "late == carry", depth=16),
            Mutant("split.eq(edge & own & over)", "split.eq(0)", depth=16),
            Mutant("late.eq(split & ~late)", "late.eq(split)", depth=16),
        ),
    ),
    Proof(
        "Pool",
        pool_source,
        pool,
        depth=2,
        mutants=(
            Mutant("Mux(x[0] | y[0], read", "Mux(y[0], read"),
            Mutant("given.ready | ~x[0] | ~y[0]", "given.ready"),
            Mutant("own > before, own", "own < before, own", depth=20),
        ),
        cover_depth=30,
    ),
]
