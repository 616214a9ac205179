"""Words of an SDRAM: loaded where they belong, never more under way than fit, unpacked in order."""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.memory_map import ENGINE, RESIDENT_BEATS, RESIDENT_RUN
from allspin.hdl.parameters.sdram_parameters import SdramParameters
from allspin.hdl.resident import loaders, word_player
from tests.formal.proof import Mutant, Proof, about, later, moves, when

SDRAM = SdramParameters(
    16, 1, 1, rcd=2, rp=2, ras=3, rfc=3, wr=2, refresh=20, power_up=30, cas=2, way=1
)
GROUPS = word_player.MAP_GROUPS


def loader(hdl: Any) -> Module:
    """Each two bytes of a line are a word behind those before; 16 of an order start a run."""
    m, inside = about(dut := hdl.WordLoader(SDRAM))
    load = dut.load.payload
    own = dut.load.valid & (load.layer == ENGINE)
    words, order = (own & (load.memory == which) for which in (RESIDENT_BEATS, RESIDENT_RUN))
    behind, here, low = Signal(24), Signal(24), Signal(8)
    m.d.comb += here.eq(Mux(load.first, load.address << 8, behind))
    with m.If(words | order):
        m.d.sync += behind.eq(here + 1)
    with m.If(words):
        m.d.sync += low.eq(load.data)
    request, ends = inside["request"], order & (here[:8] == 15)
    m.d.comb += [
        Assert(dut.load.ready),
        Assert(inside["full"] == later(m, words & here[0], 2)),
        when(
            inside["full"],
            request[: SDRAM.address_bits] == later(m, here[1 : 1 + SDRAM.address_bits], 2),
            request[SDRAM.address_bits] == 1,
            request[SDRAM.address_bits + 1 :] == later(m, Cat(low, load.data), 2),
        ),
        Assert(dut.start == later(m, ends, 3)),
        when(dut.writes.valid, dut.busy),
        Cover(inside["full"] & (request == 0x12355)),
        # Invariants that close the induction.
        Assert(inside["words"] == later(m, words)),
        Assert(inside["order"] == later(m, order)),
        Assert(inside["byte"] == later(m, load.as_value())),
        Assert(inside["place"] == later(m, behind)),
        Assert(inside["request"][-8:] == later(m, low)),
        Assert(inside["ordered"] == later(m, ends, 2)),
    ]
    return m


def unpacker(hdl: Any) -> Module:
    """A map's groups come in order, each where it says, and beats of zeros are left out."""
    m, inside = about(dut := hdl.WordUnpacker(CrossbarParameters(64, 2, 2, rows_per_clock=2)))
    word, event, taken = dut.words.payload, dut.events.payload, moves(dut.words)
    label, final, there, begin = Signal(init=1), Signal(), Signal(GROUPS), Signal(4)
    maps, at = Signal.like(inside["base"]), Signal(4)
    # Groups from `begin` on have not come yet.
    left = [there[k] & (k >= begin) for k in range(GROUPS)]
    is_map = ~label & ~Cat(left).any()
    for k in reversed(range(GROUPS)):
        with m.If(left[k]):
            m.d.comb += at.eq(k)
    due, kept, group, its_last = Signal(2), Signal(16), Signal.like(maps), Signal()
    with m.If(taken):
        m.d.sync += [label.eq(dut.last), begin.eq(Mux(label | is_map, 0, at + 1))]
        with m.If(label):
            m.d.sync += [there.eq(0), maps.eq(-GROUPS)]
        with m.Elif(is_map):
            m.d.sync += [there.eq(word), final.eq(word[GROUPS]), maps.eq(maps + GROUPS)]
        with m.If(dut.last):
            m.d.sync += [there.eq(0), begin.eq(0)]
    with m.If(moves(dut.events)):
        m.d.sync += due.eq(Mux(due == 3, 2, 0))
    with m.If(taken & dut.wanted & (dut.last | ~(label | is_map))):
        some = Cat(word[:8].any(), word[8:].any())
        m.d.sync += [due.eq(Mux(some == 0, 1, some)), kept.eq(word), its_last.eq(dut.last)]
        m.d.sync += group.eq(maps + at)
    low = due[0]
    m.d.comb += [
        Assert(dut.label == label),
        when(~label & is_map, dut.ends == (word[GROUPS] & (word[:GROUPS] == 0))),
        when(
            ~label & ~is_map,
            dut.ends == (final & ~Cat(one & (k > at) for k, one in enumerate(left)).any()),
        ),
        Assert(dut.events.valid == (due != 0)),
        when(due != 0, event.last == (its_last & (due != 3))),
        *(
            when(due != 0, slot.row == Cat(~low, group)[: len(slot.row)], slot.value == value)
            for slot, value in zip(
                event.slots,
                (Mux(low, kept[:4], kept[8:12]), Mux(low, kept[4:8], kept[12:])),
                strict=True,
            )
        ),
        Cover(event.last & dut.events.valid & (group == GROUPS + 3) & (due == 2)),
        # Invariants that close the induction.
        Assert(inside["map"] == Cat(left)),
        Assert(inside["rest"] == inside["map"] & (inside["map"] - 1)),
        Assert(inside["pending"] == due),
        Assert(inside["base"] == maps),
        Assert(inside["closing"] == final),
        when(
            due != 0, inside["held"] == kept, inside["group"] == group, inside["final"] == its_last
        ),
        when(label, begin == 0, there == 0),
    ]
    return m


def player(hdl: Any) -> Module:
    """Every word that comes has a place, and the player ends as soon as no word is under way."""
    m, inside = about(dut := hdl.WordPlayer(CrossbarParameters(64, 2, 2, rows_per_clock=4), 8))
    under_way = Signal(range(hdl.QUEUE_WORDS + 1))
    waits, head = inside["waiting__valid"], inside["head"]
    m.d.sync += under_way.eq(under_way + moves(dut.reads) - dut.comes)
    in_ring = Signal(6)
    m.d.comb += [
        Assume(~dut.comes | (under_way != 0)),
        Assume(~(dut.start & dut.playing)),
        in_ring.eq(inside["ring.end"] - head),
        Assert(in_ring + under_way <= hdl.QUEUE_WORDS),
        Assert(inside["credits"] + under_way + in_ring + waits == hdl.QUEUE_WORDS),
        when(~dut.playing, under_way == 0, ~waits, ~dut.events.valid, ~dut.reads.valid),
        when(dut.labels.valid & dut.labels.ready, dut.playing),
        Cover((in_ring == 5) & (under_way == 3)),
        Cover(later(m, dut.playing) & ~dut.playing & (dut.position == 5)),
    ]
    return m


PROOFS = [
    Proof(
        "WordLoader",
        loaders,
        loader,
        2,
        (Mutant("bit_length() - 1].all())", "bit_length() - 1].any() == 0)"),),
        cover_depth=17,
    ),
    Proof(
        "WordUnpacker",
        word_player,
        unpacker,
        2,
        (Mutant("following & (following - 1)", "following >> 1"),),
    ),
    Proof(
        "WordPlayer",
        word_player,
        player,
        2,
        (Mutant("credits - issued + freed", "credits - freed"),),
    ),
]
