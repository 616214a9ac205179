"""The dispatcher answers each request once, with its tag, in order, and only when all of it came.

The proof counts requests as they come, and answers as they go, without answers about damaged
frames, which have no request; it follows one request, any. Decoder, engine and host do anything. A
stand-in for the queue of images knows only the followed image and takes any time; `test_queue.py`
proves that a Queue keeps its items and their order.
"""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Mux, Signal, Value
from amaranth.lib import data

from allspin.hdl.link import answers, dispatcher as source, memory_requests, requests
from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    HEADER_BYTES,
    NO_TAG,
    Answer,
    LinkParameters,
    Request,
)
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import VariationParameters
from allspin.hdl.stream.buffers import Queue
from tests.formal.proof import Mutant, Proof, about, later, moves, stand_in, when
from tests.formal.stand_ins import offer

IN_FLIGHT = 4


class SomeQueue(Queue):
    """Keeps how many items it has, and the one that was marked when it entered.

    Attributes
    ----------
    mark : Signal
        The item that enters is to be kept.
    count : Signal
        Items inside.
    keeps, ahead, kept : Signal
        The marked item is inside, the number of items that leave before it, and its content.
    """

    def __init__(self, shape: Any, depth: int) -> None:
        super().__init__(shape, depth)
        self.mark, self.keeps = Signal(), Signal()
        self.count, self.ahead = Signal(range(depth + 2)), Signal(range(depth + 2))
        self.kept: Any = Signal(shape)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        enters, leaves = moves(self.i), moves(self.o)
        payload = Value.cast(self.o.payload)
        # Room and offers stay until they are used.
        room, offers = later(m, self.i.ready & ~enters), later(m, self.o.valid & ~leaves)
        m.d.sync += [
            self.count.eq(self.count + enters - leaves),
            self.ahead.eq(self.ahead - leaves),
        ]
        with m.If(leaves & (self.ahead == 0)):
            m.d.sync += self.keeps.eq(0)
        with m.If(enters & self.mark):
            m.d.sync += [
                self.keeps.eq(1),
                self.kept.eq(self.i.payload),
                self.ahead.eq(self.count - leaves),
            ]
        known = self.keeps & (self.ahead == 0)
        other = Mux(offers, later(m, payload), AnySeq(len(payload)))
        m.d.comb += [
            self.empty.eq(self.count == 0),
            self.i.ready.eq((self.count <= self._depth) & (room | AnySeq(1))),
            self.o.valid.eq((self.count != 0) & (offers | AnySeq(1))),
            payload.eq(Mux(known, self.kept, other)),
        ]
        return m


def properties(hdl: Any, noisy: bool, memory: str) -> Module:
    queues = stand_in(hdl, "Queue", SomeQueue)
    variation = VariationParameters(use_noise=True) if noisy else None
    layers = CrossbarParameters(3, 2, 2, memory=memory), CrossbarParameters(2, 2, 2)
    engine = EngineParameters(layers, variation=variation)
    m, inside = about(dut := hdl.Dispatcher(LinkParameters(engine, in_flight=IN_FLIGHT)))
    [images] = queues
    request: Any = data.View(hdl.REQUEST_LAYOUT, inside["parser.request"])
    answer: Any = data.View(hdl.HEAD_LAYOUT, inside["order.head__payload"])
    for port in (dut.payload, dut.errors, dut.results, dut.fetched):
        offer(m, port)
    m.d.comb += [
        # A property of all items that enter a queue holds for all that leave it.
        Assert(~images.i.valid | (images.i.payload.tag != NO_TAG)),
        Assume(~images.o.valid | (images.o.payload.tag != NO_TAG)),
    ]

    # Requests, as they come. Those that are followed are counted modulo 32: fewer are under way.
    followed = AnyConst(5)
    asked = Signal(5)
    place = Signal(range(HEADER_BYTES + 1))  # of the next byte, up to the body
    its_kind, low = Signal(8), Signal(8)
    kind, tag = Signal(8), Signal(16)
    byte = dut.payload.payload
    # The last one's first byte behind the header, if it has come.
    has_more, more = Signal(), Signal(8)
    m.d.comb += [
        Assume((place >= HEADER_BYTES - 1) | ~byte.last),
        Assume((place != 2) | (Cat(low, byte.data) != NO_TAG)),
    ]
    with m.If(moves(dut.payload)):
        m.d.sync += place.eq(Mux(byte.last, 0, Mux(place == HEADER_BYTES, place, place + 1)))
        with m.If(place < HEADER_BYTES):
            m.d.sync += has_more.eq(0)
        with m.Elif(~has_more):
            m.d.sync += [has_more.eq(1), more.eq(byte.data)]
        with m.Switch(place):
            with m.Case(0):
                m.d.sync += its_kind.eq(byte.data)
            with m.Case(1):
                m.d.sync += low.eq(byte.data)
            with m.Case(2):
                m.d.sync += asked.eq(asked + 1)
                with m.If(asked == followed):
                    m.d.sync += [kind.eq(its_kind), tag.eq(Cat(low, byte.data))]

    # Answers, as they go.
    answered = Signal.like(asked)
    head = Signal(range(ANSWER_HEADER_BYTES + 1))
    their_kind, their_tag = Signal(8), Signal(16)
    out = dut.answer.payload
    no_request = their_tag == NO_TAG
    session = Signal(8)  # the one that was opened last
    is_last = (answered + 1)[:5] == asked
    opens = is_last & (its_kind == Request.IDENTIFY) & has_more
    sends = moves(dut.answer)
    is_image = (kind == Request.IMAGE) | ((kind == Request.NUMBERED) if noisy else 0)
    known = is_image | (kind == Request.IDENTIFY) | (kind == Request.WRITE) | (kind == Request.READ)
    with m.If(sends):
        m.d.comb += Assert((head >= ANSWER_HEADER_BYTES - 1) | ~out.last)
        m.d.sync += head.eq(Mux(out.last, 0, Mux(head == ANSWER_HEADER_BYTES, head, head + 1)))
        with m.Switch(head):
            with m.Case(0):
                m.d.sync += their_kind.eq(out.data)
            with m.Case(1):
                m.d.sync += their_tag[:8].eq(out.data)
            with m.Case(2):
                m.d.sync += their_tag[8:].eq(out.data)
                with m.If((Cat(their_tag[:8], out.data) != NO_TAG) & opens):
                    m.d.sync += session.eq(more)
        with m.If(head == ANSWER_HEADER_BYTES - 1):
            m.d.comb += Assert(out.data == session)
            with m.If(no_request):
                m.d.comb += [Assert(their_kind == Answer.ERROR), Assert(dut.errors.valid)]
            with m.Else():
                # All of a request has come before its answer goes.
                m.d.comb += [
                    Assert(answered != asked),
                    Assert(~is_last | (place != HEADER_BYTES)),
                ]
                with m.If(answered == followed):
                    right = Mux(is_image, Answer.LOGITS, kind | 0x80)
                    m.d.comb += [
                        Assert(their_tag == tag),
                        Assert((their_kind == Answer.ERROR) | (known & (their_kind == right))),
                    ]
        m.d.sync += answered.eq(answered + (out.last & ~no_request))

    # Invariants that close the induction: where in its state machines the dispatcher is.
    def asks(*states: str) -> Value:
        return inside.state("parser.request", *states)

    def answers(*states: str) -> Value:
        return inside.state("order.order", *states)

    def executes(*states: str) -> Value:
        return inside.state("executor.execute", *states)

    def sends_out(*states: str) -> Value:
        return inside.state("sender.answer", *states)

    its_place, ended = inside["parser.place"], inside["parser.ended"]
    index, cause = inside["sender.index"], inside["order.cause"]
    session_now, quiet = inside["order.session"], inside.named("quiet")[0]
    in_head = asks("FIELDS") & (its_place < HEADER_BYTES)
    in_fields = asks("FIELDS") & ~in_head
    is_read = ~in_head
    busy = ~answers("IDLE")
    for_request, for_image = busy & (cause == hdl.Cause.REQUEST), busy & (cause == hdl.Cause.IMAGE)
    for_frame = busy & (cause == hdl.Cause.FRAME)
    moving_on = Signal()
    under_way, before = Signal(5), Signal(5)
    m.d.comb += [
        images.mark.eq((asked - 1)[:5] == followed),
        moving_on.eq(answers("DONE") & ~for_frame),
        under_way.eq(asked - answered + moving_on),
        before.eq(followed - answered + moving_on),
        Assert(images.count <= IN_FLIGHT + 1),
        Assert(under_way == images.count + is_read),
        # Requests.
        Assert(Mux(in_head, its_place == place, (place == 0) | (place == HEADER_BYTES))),
        Assert(~is_read | (ended == (place == 0))),
        Assert(executes("ADDRESS") | asks("EXECUTE")),
        Assert(~executes("WRITE") | (place == HEADER_BYTES)),
        Assert(~is_read | (request.tag != NO_TAG)),
        Assert(~asks("ANSWER", "SETTLE", "VERDICT") | (place == 0)),
        Assert(~asks("ANSWER", "SETTLE", "VERDICT") | (its_place == 0)),
        Assert(~in_fields | ((place == HEADER_BYTES) & (its_place <= inside["parser.final"]))),
        Assert(~asks("EXECUTE") | (request.kind == Request.WRITE) | (request.kind == Request.READ)),
        Assert((in_head & (place == 0)) | ~quiet | (images.count == 0)),
        Assert(~asks("VERDICT") | images.i.ready),
        Assert((place == 0) | (place == 3) | (request.kind == its_kind)),
        Assert((place != 2) | (request.tag[:8] == low)),
        # Answers.
        Assert(~(for_request & for_image)),
        Assert(~busy | for_request | for_image | for_frame),
        Assert(~for_request | (asks("ANSWER") & (images.count == 0))),
        Assert(~for_image | images.o.valid),
        Assert(~answers("DISCARD") | for_image),
        Assert(~for_frame | dut.errors.valid),
        when(
            for_request,
            answer.tag == request.tag,
            answer.kind == Mux(request.error != 0, Answer.ERROR, Cat(request.kind[:7], 1)),
        ),
        when(
            for_image,
            answer.tag == images.o.payload.tag,
            answer.kind == Mux(images.o.payload.malformed, Answer.ERROR, Answer.LOGITS),
        ),
        when(
            for_frame,
            answer.tag == NO_TAG,
            answer.kind == Answer.ERROR,
        ),
    ]
    sending, final = answers("ANSWER"), inside["sender.final"]
    in_answer = sending & sends_out("HEAD")
    parts = answer.kind, answer.tag[:8], answer.tag[8:], answer.session
    m.d.comb += [
        when(~sending, head == 0, index == 0, sends_out("HEAD")),
        when(
            in_answer,
            head == Mux(index < ANSWER_HEADER_BYTES, index, ANSWER_HEADER_BYTES),
            index <= final,
        ),
        when(
            in_answer & inside["sender.settled"],
            inside["sender.ends"] == (index == final),
            *((index != n) | (inside["sender.chosen"] == part) for n, part in enumerate(parts)),
        ),
        when(sending & ~sends_out("HEAD"), head == ANSWER_HEADER_BYTES, index == 0),
        Assert((head <= 0) | (their_kind == answer.kind)),
        Assert((head <= 1) | (their_tag[:8] == answer.tag[:8])),
        Assert((head <= 2) | (their_tag[8:] == answer.tag[8:])),
    ]
    # A session is opened by the request that is read, before the head of its answer goes.
    identifies = (its_kind == Request.IDENTIFY) & has_more
    opening = for_request & answers("ANSWER") & (head <= 2) & request.opens
    awaits = in_fields & (its_kind == Request.IDENTIFY)  # its session, if it has one
    m.d.comb += [
        Assert(session_now == Mux(opening, request.space, session)),
        Assert(~is_read | (request.kind == its_kind)),
        Assert(~awaits | ~has_more),
        Assert(~is_read | (request.opens == (identifies & ~awaits))),
        Assert(~in_head | (place == 0) | ~request.opens),
        Assert(
            ~is_read
            | (its_kind != Request.IDENTIFY)
            | awaits
            | (asks("DRAIN", "SETTLE", "ANSWER") & (has_more | (place == 0)))
        ),
        Assert(~is_read | ~identifies | (request.space == more)),
        Assert(~identifies | is_read | (images.count == 0)),
        Assert(~has_more | (place == 0) | (place == HEADER_BYTES)),
        # The request that is followed: among the images, or read.
        Assert(images.keeps == (before < images.count)),
        when(
            images.keeps,
            images.ahead == before,
            images.kept.tag == tag,
            is_image,
        ),
    ]
    is_followed = is_read & images.mark
    as_image = asks("IMAGE", "VERDICT", *(["NUMBER"] if noisy else []))
    numbered = in_fields & (kind == Request.NUMBERED)
    m.d.comb += [
        when(is_followed, request.tag == tag, request.kind == kind),
        when(is_followed & as_image, is_image),
        when(is_followed & ~as_image & (request.error == 0), known, ~is_image | numbered),
        Assert((tag != NO_TAG) | (before >= under_way)),
        Cover(sends & out.last & no_request & (under_way == 2)),
    ]
    if not noisy:
        m.d.comb += [
            Cover(sends & (head == ANSWER_HEADER_BYTES - 1) & (session == 0x5A)),
            Cover(for_request & answers("ANSWER") & (request.kind == Request.WRITE)),
            Cover(for_image & answers("DONE") & (images.count == 2) & (asked == followed + 1)),
        ]
    return m


PROOFS = [
    Proof(
        f"Dispatcher{variant}",
        source,
        lambda hdl, noisy=noisy, memory=memory: properties(hdl, noisy, memory),
        depth=1,
        mutants=mutants,
        cover_depth=20,
        parts=(requests, memory_requests, answers),
    )
    for variant, noisy, memory, mutants in (
        (
            "",
            False,
            "block",
            (
                Mutant("quiet.eq(images.empty & self.idle)", "quiet.eq(self.idle)", depth=25),
                Mutant("images.valid.eq(self.judged)", "images.valid.eq(1)", depth=25),
            ),
        ),
        (
            ", slow logic",
            False,
            "spram",
            (Mutant("quiet.eq(images.empty & self.idle)", "quiet.eq(self.idle)", depth=25),),
        ),
        (
            ", numbered images",
            True,
            "block",
            (
                Mutant("with m.Elif(self.due):", "with m.Elif(1):", depth=25),
                Mutant("(cause == Cause.REQUEST) & request.opens", "request.opens", depth=25),
            ),
        ),
    )
]
