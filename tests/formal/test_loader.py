"""A Loader makes the lines of the protocol from bytes, and ignores half a line.

Lines are as `docs/protocol.md` has them: a beat's distance, value and whether it is the last; a
label of two bytes; a run's number of images and the first one's number, in 16 bytes.
"""

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal
from amaranth.lib import data

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.memory_map import ENGINE, LABELS, RESIDENT_BEATS, RESIDENT_RUN
from allspin.hdl.resident import loaders as source
from allspin.hdl.stream.layouts import LOAD_LAYOUT
from tests.formal.proof import Mutant, Proof, about, later, when

PARAMETERS = CrossbarParameters(4, 2, 2, value_bits=4)
SIZES = {RESIDENT_BEATS: 3, LABELS: 2, RESIDENT_RUN: 16}
KEPT = 6
"""Bytes of a line that mean anything, at most."""


def properties(hdl: Any) -> Module:
    m, inside = about(dut := hdl.Loader(PARAMETERS, SIZES[RESIDENT_BEATS]))

    # A byte, two clocks after it came. One that is not its line's first follows one of its memory.
    came, valid = later(m, dut.load.valid), later(m, dut.load.valid, 2)
    byte = later(m, dut.load.payload.as_value())
    now: Any = data.View(LOAD_LAYOUT, later(m, byte))
    memory = Signal(4)
    begun = Signal()
    of = {which: now.memory == which for which in SIZES}
    own = valid & (now.layer == ENGINE) & Cat(of.values()).any()

    # The line that it is of: its address, how many of its bytes have come, and they.
    place, address = Signal(4), Signal(16)
    index = Mux(now.first, 0, place)
    ends = Cat((index == size - 1) & of[which] for which, size in SIZES.items()).any()
    done = later(m, own & ends)
    kept = [Signal(8, name=f"kept_{number}") for number in range(KEPT)]
    with m.If(own):
        m.d.sync += [
            begun.eq(1),
            memory.eq(now.memory),
            place.eq(Mux(ends, 0, index + 1)),
            address.eq(Mux(now.first, now.address, address + (place == 0))),
            [one.eq(Mux(index == number, now.data, one)) for number, one in enumerate(kept)],
        ]
    # A clock later, when the parts of a run's line are complete.
    is_run = begun & (memory == RESIDENT_RUN)
    run, later_run, run_done = later(m, Cat(kept)), later(m, is_run), later(m, done & is_run)
    later_place = later(m, place)

    slot = dut.beat.slots[0]
    beat = [
        slot.distance == kept[0][: len(slot.distance)],
        slot.value == kept[1][: len(slot.value)],
        dut.beat.last == kept[2][0],
    ]
    # The byte before, of a run's line, is in registers.
    last_own, last_index = later(m, own & of[RESIDENT_RUN]), later(m, index)
    (counted,) = (each for each in inside.named("number") if each is not dut.number)
    m.d.comb += [
        Assert(dut.load.ready),
        Assume(~own | now.first | (begun & (now.memory == memory))),
        Assert(dut.beat_written == (done & (memory == RESIDENT_BEATS))),
        Assert(dut.label_written == (done & (memory == LABELS))),
        Assert(dut.start == run_done),
        when(dut.beat_written | dut.label_written, dut.address == address),
        when(dut.beat_written, *beat),
        when(dut.label_written, dut.label == Cat(kept[:2])),
        when(dut.start, dut.images == run[:16], dut.number == run[16:]),
        # Invariants that close the induction: which byte each register has.
        Assert(inside["came"] == came),
        Assert(inside["byte"] == byte),
        Assert(inside["load"] == now.as_value()),
        Assert(inside["beats"] == (own & of[RESIDENT_BEATS])),
        Assert(inside["labels"] == (own & of[LABELS])),
        Assert(inside["order"] == (own & of[RESIDENT_RUN])),
        Assert(inside["line"] == address),
        Assert(begun | (~done & (place == 0))),
        Assert(~done | (place == 0)),
        Assert(counted == place),
        when(
            begun,
            inside["ended"] == (place == 0),
            Cat(memory == which for which in SIZES).any(),
            *((memory != which) | (place < size) for which, size in SIZES.items()),
        ),
        when(
            begun & (memory == RESIDENT_BEATS),
            *((place != 0) & (place <= number) | right for number, right in enumerate(beat)),
        ),
        when(
            begun & (memory == LABELS),
            Mux(place == 0, dut.label == Cat(kept[:2]), dut.label[8:] == kept[0]),
        ),
        Assert(inside["of_images"] == (last_own & (last_index < 2))),
        Assert(inside["of_number"] == (last_own & (last_index >= 2) & (last_index < KEPT))),
        Assert(inside["ordered"] == (done & is_run)),
        when(
            last_own,
            is_run,
            place == (last_index + 1)[:4],
            done == (last_index == 15),
            *((last_index != number) | (inside["data"] == one) for number, one in enumerate(kept)),
            (last_index == 0) | (later_run & (later_place == last_index)),
        ),
        when(is_run & ~last_own, later_run & (later_place == place)),
        when(run_done, later_run & (later_place == 0)),
        when(
            is_run,
            *(
                (last_own & (last_index == number)) | (one == run.word_select(number, 8))
                for number, one in enumerate(kept)
            ),
        ),
        Cover(dut.start & (dut.images == 0x1234)),
        Cover(dut.beat_written & (dut.address == 7) & (slot.distance == 3)),
        Cover(dut.label_written & (dut.label == 9)),
    ]
    # The bytes of a run's line have been shifted in from above.
    for part, begins, length in ((dut.images, 0, 2), (dut.number, 2, 4)):
        for count in range(1, length + 1):
            here = later_place == begins + count
            if count == length:
                here = (later_place >= begins + count) | (later_place == 0)
            meant = run[8 * begins : 8 * (begins + count)]
            m.d.comb += when(later_run & here, part[8 * (length - count) :] == meant)
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
