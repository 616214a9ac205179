"""Resident hands the engine over between the link and itself, and neither gets the other's answers.

Rules stand for loader, player, judge and engine: a line is complete some clocks after its last
byte; a player that has begun plays at least one image; the engine answers each image that it got,
at any time, and is idle only without images. The link is a dispatcher: it writes and reads only
when its images are answered and all is idle, one memory at a time.
"""

from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Cover, Fragment, Module, Mux, Signal, Value
from amaranth.lib import data, wiring

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import ResidentParameters
from allspin.hdl.resident import reader as reader_source, resident as source
from tests.formal.proof import Mutant, Proof, about, anything, copied, later, moves, stand_in, when
from tests.formal.stand_ins import offer

BEATS = 8
PARAMETERS = EngineParameters(
    (
        CrossbarParameters(2, 2, 2, value_bits=1, rah_bits=2),
        CrossbarParameters(2, 2, 2, value_bits=1, rah_bits=2),
    ),
    resident=ResidentParameters(BEATS, 4),
)
MOST = 3
"""Images in the engine."""
LATE = 4
"""Clocks from a line's last byte to the output of a `allspin.hdl.resident.loaders.Loader`."""
IMAGES, LOAD, FETCH = range(3)


class Half(wiring.Component):
    """In place of a part, with its ports."""

    settling = 1

    def __init__(self, part: Any) -> None:
        Fragment.get(part, None)  # of which only the ports are wanted
        super().__init__(dict(part.signature.members.items()))

    def elaborate(self, platform: object) -> Module:
        return Module()


def properties_of_resident(hdl: Any) -> Module:
    return properties(hdl, copied(reader_source))


def properties_of_reader(reader: Any) -> Module:
    return properties(copied(source), reader)


def properties(hdl: Any, reader: Any) -> Module:
    """Copies of Resident's file, and of its reader's."""
    parts = [
        stand_in(hdl, kind.__name__, lambda *arguments, kind=kind: Half(kind(*arguments)))
        for kind in (source.Loader, source.BeatPlayer, source.Judge)
    ]
    slices = stand_in(hdl, "RegisterSlice", source.RegisterSlice)
    # The reader is no stand-in.
    reader.RegisterSlice, reader.CLASS_BYTES = hdl.RegisterSlice, 1
    hdl.ResidentReader = reader.ResidentReader
    m, inside = about(dut := hdl.Resident(PARAMETERS))
    [loader], [player], [judge] = parts

    # The link: a dispatcher that has images under way, or writes a memory, or reads one.
    mode = Signal(range(3), init=IMAGES)
    quiet = Signal()
    link_images, link_mid = Signal(4), Signal()
    since = Signal(3, init=7)  # a byte or a line's end
    of_run, ended = Signal(), Signal()  # a written line: the line of a run, and any line
    asked = Signal()  # a line that has not ended
    ends = Signal()
    offer(m, dut.link_fetch, may=(mode == FETCH) & ~asked)
    stays = later(m, dut.link_fetch.valid & ~dut.link_fetch.ready)
    m.d.comb += [
        dut.link_load.valid.eq((mode == LOAD) & ~ended & AnySeq(1)),
        ends.eq(moves(dut.link_load) & AnySeq(1)),
        loader.load.ready.eq(1),
        Assume(dut.link_fetch.payload.address < BEATS),
    ]
    line_ends = moves(dut.link_fetched) & dut.link_fetched.payload.last
    m.d.sync += [
        quiet.eq(dut.link_idle),
        since.eq(Mux(moves(dut.link_load) | line_ends, 0, since + (since != 7))),
        asked.eq((asked | moves(dut.link_fetch)) & ~line_ends),
    ]
    link_event = moves(dut.link_events)
    link_answer = moves(dut.link_results) & dut.link_results.payload.last
    none = (link_images == 0) & ~link_mid & ~dut.link_events.valid
    with m.Switch(mode):
        with m.Case(IMAGES), m.If(quiet & none & AnySeq(1)):
            m.d.sync += [mode.eq(Mux(AnySeq(1), LOAD, FETCH)), ended.eq(0), of_run.eq(AnySeq(1))]
        with m.Case(LOAD):
            with m.If(ends & of_run):
                m.d.sync += ended.eq(1)
            with m.If(quiet & (since >= 3) & ~dut.link_load.valid & AnySeq(1)):
                m.d.sync += mode.eq(IMAGES)
        with (
            m.Case(FETCH),
            m.If(~asked & ~stays & ~dut.link_fetch.valid & (since >= 3) & AnySeq(1)),
        ):
            m.d.sync += mode.eq(IMAGES)
    offer(m, dut.link_events, may=mode == IMAGES)
    offered = later(m, dut.link_events.valid & ~dut.link_events.ready)
    m.d.sync += link_images.eq(
        link_images + (link_event & dut.link_events.payload.last) - link_answer
    )
    with m.If(link_event):
        m.d.sync += link_mid.eq(~dut.link_events.payload.last)

    # The loader.
    recent = Signal(LATE)
    run_ends = Signal(LATE)
    m.d.sync += [
        recent.eq((recent << 1) | moves(dut.link_load)),
        run_ends.eq((run_ends << 1) | (ends & of_run)),
    ]
    m.d.comb += [
        loader.start.eq(run_ends[LATE - 1]),
        loader.beat_written.eq(recent[LATE - 2] & ~of_run & AnySeq(1)),
        anything(loader.address),
        anything(loader.images),
        anything(loader.number),
    ]

    # The player.
    active = Signal()
    to_play = Signal(16)
    own_event = moves(player.events)
    own_end = own_event & player.events.payload.last
    plays_on = Signal()
    position = Signal(range(BEATS))
    peeks = Signal()
    offer(m, player.events, may=active)
    own_offered = later(m, player.events.valid & ~player.events.ready)
    m.d.comb += [
        plays_on.eq(active & ~(own_end & ((to_play == 1) | AnySeq(1)))),
        player.playing.eq(active),
        player.position.eq(position),
        player.peeked.eq(peeks & AnySeq(1)),
        anything(player.beat),
    ]
    m.d.sync += [
        active.eq(plays_on | player.start),
        to_play.eq(to_play - own_end),
        peeks.eq((peeks & ~player.peeked) | player.peek),
    ]
    with m.If(active):
        m.d.sync += position.eq(AnySeq(range(BEATS)))
    with m.If(player.start):
        m.d.sync += to_play.eq(player.images)
    m.d.comb += [
        Assert(~player.start | (~player.playing & (player.images != 0))),
        Assert(~player.write | (~player.playing & ~player.start & ~peeks & ~player.peek)),
        Assert(~player.peek | (~player.playing & ~peeks)),
    ]

    # The judge is busy for four clocks.
    coming = Signal(4)
    m.d.sync += coming.eq((coming << 1) | judge.answered)
    m.d.comb += [
        judge.busy.eq(coming.any()),
        *(anything(port) for port in (judge.counts, judge.label)),
    ]

    # The engine.
    complete, arriving = Signal(range(MOST + 1)), Signal()
    offer(m, dut.results, may=complete != 0)
    result_stays = later(m, dut.results.valid & ~dut.results.ready)
    engine_event, engine_result = moves(dut.events), moves(dut.results)
    m.d.comb += [
        dut.events.ready.eq((complete != MOST) & AnySeq(1)),
        dut.idle.eq((complete == 0) & ~arriving & AnySeq(1)),
    ]
    engine_ends = engine_event & dut.events.payload.last
    m.d.sync += complete.eq(complete + engine_ends - (engine_result & dut.results.payload.last))
    with m.If(engine_event):
        m.d.sync += arriving.eq(~dut.events.payload.last)
    reads = Signal()  # the engine, a line
    m.d.comb += dut.fetched.valid.eq(reads & AnySeq(1))
    m.d.sync += reads.eq(
        (reads | moves(dut.fetch)) & ~(moves(dut.fetched) & dut.fetched.payload.last)
    )

    # Owner of the images. Items of either owner go to the engine, and of one only.
    to_engine, answers, to_link = slices
    own_images, own_mid = Signal(16), Signal()
    own, running, serving = inside["own"], inside["running"], inside["reader.serving"]
    answer = answers.o.payload
    own_result = moves(answers.o) & own
    own_answer = own_result & answer.last
    m.d.sync += own_images.eq(own_images + own_end - own_answer)
    with m.If(own_event):
        m.d.sync += own_mid.eq(~player.events.payload.last)
    m.d.comb += [
        Assert(moves(to_engine.i) == (link_event | own_event)),
        Assert(~(link_event & own_event)),
        Assert(~moves(dut.link_results) | (link_images != 0)),
        Assert(~own_result | (own_images != 0)),
        Assert(((link_images == 0) & ~link_mid) | ((own_images == 0) & ~own_mid)),
        Assert(moves(answers.o) == (moves(dut.link_results) | own_result)),
        # Each of a run's answers is counted.
        Assert(judge.answered == (running & own_answer)),
    ]
    for taken, port in ((link_event, dut.link_events), (own_event, player.events)):
        same = Value.cast(to_engine.i.payload) == Value.cast(port.payload)
        m.d.comb += when(taken, same)
    # A run ends when all of it is answered and counted, and only then does the link learn of it.
    ran, launch = later(m, running), player.start
    own_work = launch | active | own_mid | (own_images != 0)
    m.d.comb += [
        when(
            ran & ~running,
            ~own_work & ~coming.any(),
        ),
        when(
            dut.link_idle,
            ~own_work & ~coming.any() & ~recent.any() & ~player.write,
        ),
    ]

    # A single image is searched for from the first beat, or from where the one that was read before
    # ended; not so if a beat has been written since.
    def reads_in(*states: str) -> Value:
        return inside.state("reader.reading", *states)

    address, wants_logits = inside["reader.address"], inside["reader.play"]
    held = data.View(reader.held_layout(PARAMETERS), inside["reader.held"])
    final, left = held.final, held.left
    fetched, next_image = to_link.i, inside["reader.next_image"]
    leaves = reads_in("SEND") & fetched.ready & (left == 0) & final
    known, known_image, known_beat = Signal(), Signal(16), Signal(range(BEATS))
    with m.If(leaves & wants_logits):
        m.d.sync += [known.eq(1), known_image.eq(address + 1), known_beat.eq(position)]
    with m.If(player.write):
        m.d.sync += known.eq(0)
    beyond = known & (address >= known_image)
    from_there = (player.first == known_beat) & (player.skip == address - known_image)
    from_start = (player.first == 0) & (player.skip == address)
    m.d.comb += [
        when(
            player.start & (mode == FETCH),
            Mux(beyond, from_there, from_start),
            player.images == 1,
        ),
        when(player.start & (mode == LOAD), (player.first == 0) & (player.skip == 0)),
    ]

    # Invariants that close the induction: the place of each item.
    settling = inside["settling"]
    lasts = []
    for each, name in ((to_engine, "event_slice"), (answers, "result_slice")):
        held, holds = (
            data.View(each.o.payload.shape(), inside[f"{name}.held"]),
            inside[f"{name}.holds"],
        )
        lasts.append((each.o.valid & each.o.payload.last) + (holds & held.last))
        m.d.comb += Assert(~holds | each.o.valid)
        if each is to_engine:
            behind = Mux(holds, ~held.last, Mux(each.o.valid, ~each.o.payload.last, arriving))
            m.d.comb += Assert(behind == (link_mid | own_mid))
        else:
            ended_there = Mux(holds, held.last, ~each.o.valid | each.o.payload.last)
            m.d.comb += Assert(ended_there | (complete != 0))
    on_way = Signal(4)
    m.d.comb += [
        on_way.eq(lasts[0] + complete + lasts[1]),
        Assert(link_images + own_images == on_way),
        Assert(complete <= MOST),
        Assert(~result_stays | (dut.results.valid & (complete != 0))),
        Assert(~(active | own_mid | (own_images != 0)) | own),
        Assert(~own_work | running | serving),
        Assert(~own_mid | active),
        Assert(~coming.any() | running),
        Assert(~active | (to_play != 0)),
        Assert(~launch | (player.images != 0)),
        Assert(mode <= FETCH),
        Assert(~stays | (mode == FETCH)),
        Assert(~own_offered | active),
    ]
    # Modes agree with one another.
    here = reads_in("ENGINE")
    with m.If(mode == IMAGES):
        m.d.comb += Assert(~own & ~running & ~serving & here & ~launch & ~reads & ~asked)
    with m.Else():
        m.d.comb += Assert((link_images == 0) & ~link_mid & ~offered)
    m.d.comb += [
        Assert(~running | ((mode == LOAD) & of_run & ended & ~run_ends.any())),
        Assert(~settling.any() | (mode == LOAD)),
        Assert(settling[:LATE] == recent),
        Assert((run_ends & ~recent) == 0),
        Assert((run_ends & (run_ends - 1)) == 0),
        Assert(~run_ends.any() | (ended & of_run & ~own_work)),
        Assert(~serving | (mode == FETCH)),
        Assert(~launch | Mux(mode == LOAD, running, serving & reads_in("LOGIT"))),
        Assert(~quiet | (~settling[1:].any() & ~running & ~own & (~serving | asked))),
        Assert((mode == LOAD) | ~ended | (mode == IMAGES)),
    ]
    for clock in range(len(settling)):
        m.d.comb += Assert(~settling[clock] | (since <= clock))
    m.d.comb += [
        when(
            mode == LOAD,
            here & ~asked & ~reads & ~serving,
        ),
    ]
    # Progress of the reading of a line.
    one = launch + active + own_images
    m.d.comb += [
        Assert(here | (asked & serving & ~reads & (mode == FETCH))),
        Assert(~here | ~serving | (asked & ~own_work)),
        Assert(~asked | (mode == FETCH)),
        Assert(~to_link.o.valid | asked),
        Assert(~(to_link.o.valid & to_link.o.payload.last) | (here & ~reads)),
        Assert(~reads | (asked & here)),
        Assert(peeks == reads_in("WAIT")),
        Assert(inside["reader.aim"] == reads_in("AIM")),
        Assert(~reads_in("LOOK", "WAIT") | ~wants_logits),
        Assert(~reads_in("LOGIT") | wants_logits),
        Assert(~reads_in("SEND") | wants_logits | final),
        Assert(~reads_in("REGARD") | ~own_work),
        Assert(~reads_in("AIM", "LOOK", "WAIT", "SEND", "LOGIT") | own),
        when(
            mode == FETCH,
            asked | ~serving,
            asked | (since == 0) | ~own,
            ~active | (to_play == 1),
            ~launch | (player.images == 1),
            one == (reads_in("LOGIT") | (reads_in("SEND") & ~final)),
            ~stays | (dut.link_fetch.valid & here & ~asked),
        ),
        when(
            ~wants_logits | ~reads_in("LOGIT", "SEND"),
            next_image == Mux(known, known_image, 0),
            inside["reader.next_beat"] == Mux(known, known_beat, 0),
        ),
        when(
            reads_in("AIM"),
            inside["reader.ahead"] == (address >= inside["reader.next_image"]),
            inside["reader.gap"] == (address - inside["reader.next_image"])[:16],
        ),
        Cover(ran & ~running & (position == 3)),
        Cover(leaves & wants_logits & (position == 3)),
        Cover(moves(dut.link_results)),
    ]
    return m


PROOFS = [
    Proof(
        "Resident",
        source,
        properties_of_resident,
        depth=1,
        mutants=(
            Mutant("& ~self._events.o.valid\n", "\n"),
            Mutant("& ~reader.serving & ~settling.any()", "& ~reader.serving"),
            Mutant("own.eq(running | reader.serving)", "own.eq(running)"),
        ),
    ),
    Proof(
        "ResidentReader",
        reader_source,
        properties_of_reader,
        depth=1,
        mutants=(
            Mutant("with m.If(self.forget):", "with m.If(0):", depth=25),
            Mutant("self.skip.eq(Mux(ahead, gap, self.address))", "self.skip.eq(0)"),
        ),
    ),
]
