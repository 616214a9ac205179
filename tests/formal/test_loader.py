"""A Loader makes of the bytes of each line what the protocol says, and nothing of half a line.

Lines are as `docs/protocol.md` has them: a beat's distance, value and whether it is the last; a
label of two bytes; a run's number of images and the first one's number, in 16 bytes.
"""

from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal

from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.memory_map import ENGINE, LABELS, RESIDENT_BEATS, RESIDENT_RUN
from allspin.hdl.resident import loader as source
from allspin.hdl.stream.layouts import LoadLayout
from tests.formal.proof import Mutant, Proof, about, when

PARAMETERS = CrossbarParameters(4, 2, 2, value_bits=4)
SIZES = {RESIDENT_BEATS: 3, LABELS: 2, RESIDENT_RUN: 16}
KEPT = 6
"""Bytes of a line that mean anything, at most."""


def properties(hdl: Any) -> Module:
    dut = hdl.Loader(PARAMETERS, SIZES[RESIDENT_BEATS])
    m, inside = about(dut)
    m.d.comb += [
        dut.load.payload.as_value().eq(AnySeq(33)),
        Assert(dut.load.ready),
    ]

    # A byte, two clocks after it came. One that is not its line's first follows one of its memory.
    valid = [Signal(name=f"valid_{clocks}") for clocks in range(2)]
    byte: list[Any] = [Signal(LoadLayout(), name=f"byte_{clocks}") for clocks in range(2)]
    m.d.sync += [
        valid[0].eq(dut.load.valid),
        byte[0].eq(dut.load.payload),
        valid[1].eq(valid[0]),
        byte[1].eq(byte[0]),
    ]
    now = byte[1]
    own = Signal()
    memory = Signal(4)
    begun = Signal()
    of = {which: now.memory == which for which in SIZES}
    m.d.comb += [
        own.eq(valid[1] & (now.layer == ENGINE) & Cat(of.values()).any()),
        Assume(~own | now.first | (begun & (now.memory == memory))),
    ]

    # The line that it is of: its address, how many of its bytes have come, and they.
    place, index = Signal(4), Signal(4)
    address, ends, done = Signal(16), Signal(), Signal()
    kept = [Signal(8, name=f"kept_{number}") for number in range(KEPT)]
    m.d.comb += [
        index.eq(Mux(now.first, 0, place)),
        ends.eq(Cat((index == size - 1) & of[which] for which, size in SIZES.items()).any()),
    ]
    m.d.sync += done.eq(own & ends)
    with m.If(own):
        m.d.sync += [
            begun.eq(1),
            memory.eq(now.memory),
            place.eq(Mux(ends, 0, index + 1)),
            address.eq(Mux(now.first, now.address, address + (place == 0))),
        ]
        for number, one in enumerate(kept):
            with m.If(index == number):
                m.d.sync += one.eq(now.data)
    # A clock later, when the parts of a run's line are there.
    later = [Signal(8, name=f"later_{number}") for number in range(KEPT)]
    later_place, later_run, run_done = Signal(4), Signal(), Signal()
    is_run = begun & (memory == RESIDENT_RUN)
    m.d.sync += [
        *(to.eq(of_) for to, of_ in zip(later, kept, strict=True)),
        later_place.eq(place),
        later_run.eq(is_run),
        run_done.eq(done & is_run),
    ]

    slot = dut.beat.slots[0]
    beat = [
        slot.distance == kept[0][: len(slot.distance)],
        slot.value == kept[1][: len(slot.value)],
        dut.beat.last == kept[2][0],
    ]
    m.d.comb += [
        Assert(dut.beat_written == (done & (memory == RESIDENT_BEATS))),
        Assert(dut.label_written == (done & (memory == LABELS))),
        Assert(dut.start == run_done),
        when(
            dut.beat_written | dut.label_written,
            dut.address == address,
        ),
    ]
    with m.If(dut.beat_written):
        m.d.comb += [Assert(right) for right in beat]
    m.d.comb += [
        when(
            dut.label_written,
            dut.label == Cat(kept[:2]),
        ),
        when(
            dut.start,
            dut.images == Cat(later[:2]),
            dut.number == Cat(later[2:]),
        ),
        # What makes the induction close: which byte each register has.
        Assert(inside["came"] == valid[0]),
        Assert(inside["byte"] == byte[0].as_value()),
        Assert(inside["load"] == now.as_value()),
        Assert(inside["beats"] == (own & of[RESIDENT_BEATS])),
        Assert(inside["labels"] == (own & of[LABELS])),
        Assert(inside["order"] == (own & of[RESIDENT_RUN])),
        Assert(~begun | (inside["ended"] == (place == 0))),
        Assert(inside["line"] == address),
        Assert(begun | (~done & (place == 0))),
        Assert(~done | (place == 0)),
    ]
    (counted,) = (each for each in inside.named("number") if each is not dut.number)
    m.d.comb += Assert(counted == place)
    for which, size in SIZES.items():
        m.d.comb += Assert(~begun | (memory != which) | (place < size))
    m.d.comb += Assert(~begun | Cat(memory == which for which in SIZES).any())
    with m.If(begun & (memory == RESIDENT_BEATS)):
        for number, right in enumerate(beat):
            m.d.comb += Assert((place != 0) & (place <= number) | right)
    m.d.comb += [
        when(
            begun & (memory == LABELS),
            Mux(place == 0, dut.label == Cat(kept[:2]), dut.label[8:] == kept[0]),
        ),
    ]
    # Of a run's line the byte before is in registers.
    last_own, last_index = Signal(), Signal(4)
    m.d.sync += [last_own.eq(own & of[RESIDENT_RUN]), last_index.eq(index)]
    m.d.comb += [
        Assert(inside["of_images"] == (last_own & (last_index < 2))),
        Assert(inside["of_number"] == (last_own & (last_index >= 2) & (last_index < KEPT))),
        Assert(inside["ordered"] == (done & is_run)),
        Assert(~last_own | is_run),
        Assert(~last_own | (place == (last_index + 1)[:4])),
        Assert(~last_own | (done == (last_index == 15))),
    ]
    with m.If(last_own):
        for number, one in enumerate(kept):
            m.d.comb += Assert((last_index != number) | (inside["data"] == one))
        m.d.comb += Assert((last_index == 0) | (later_run & (later_place == last_index)))
    m.d.comb += [
        when(
            is_run & ~last_own,
            later_run & (later_place == place),
        ),
        Assert(~run_done | later_run & (later_place == 0)),
    ]
    for number in range(KEPT):
        changes = last_own & (last_index == number)
        m.d.comb += Assert(~is_run | changes | (kept[number] == later[number]))
    with m.If(later_run):
        for count in range(1, 3):
            here = (later_place == count) if count < 2 else (later_place >= 2) | (later_place == 0)
            m.d.comb += Assert(~here | (dut.images[16 - 8 * count :] == Cat(later[:count])))
        for count in range(1, 5):
            here = later_place == 2 + count
            if count == 4:
                here = (later_place >= 6) | (later_place == 0)
            right = dut.number[32 - 8 * count :] == Cat(later[2 : 2 + count])
            m.d.comb += Assert(~here | right)

    m.d.comb += [
        Cover(dut.start & (dut.images == 0x1234)),
        Cover(dut.beat_written & (dut.address == 7) & (slot.distance == 3)),
        Cover(dut.label_written & (dut.label == 9)),
    ]
    return m


PROOFS = [
    Proof(
        "Loader",
        source,
        properties,
        depth=1,
        mutants=(
            Mutant("beats & (here == self._beat_bytes - 1)", "beats & (here == 1)"),
            Mutant("labels & ends", "labels"),
            Mutant("line + ended", "line"),
            Mutant("here.eq(Mux(load.first, 0, number))", "here.eq(number)"),
            Mutant("(here < IMAGES_BYTES + NUMBER_BYTES)", "(here < NUMBER_BYTES)"),
        ),
        cover_depth=25,
    ),
]
