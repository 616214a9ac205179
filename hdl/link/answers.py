"""Answers: their order, and their bytes."""

import enum

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    NO_SESSION,
    NO_TAG,
    Answer,
    ErrorCode,
    LinkParameters,
    Request,
    identity_bytes,
)
from allspin.hdl.link.requests import IMAGE_LAYOUT, REQUEST_LAYOUT
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTES, result_layout

CLASS_BYTES = 2


class Cause(enum.IntEnum):
    """Cause of an answer."""

    FRAME = 0
    IMAGE = 1
    REQUEST = 2


HEAD_LAYOUT = data.StructLayout({"kind": 8, "tag": 16, "session": 8, "error": ErrorCode, "more": 1})
"""Head of an answer.

Members
-------
kind, tag, session : 8, 16 and 8 bits
    Bytes of the head.
error : ErrorCode
    Byte after the head of an error.
more : 1 bit
    High if logits or lines follow.
"""


class AnswerOrder(Component):
    """Decide which answer is next.

    An error of a frame is answered as soon as no other answer is being sent, images in their order,
    and any other request when the parser shows it.

    Parameters
    ----------
    engine : EngineParameters
        Parameters of the engine.
    """

    def __init__(self, engine: EngineParameters) -> None:
        self._slow = engine.target.slow_clock
        super().__init__(
            {
                "errors": In(stream.Signature(ErrorCode)),
                # Images in the order of their logits.
                "images": In(stream.Signature(IMAGE_LAYOUT)),
                # A request other than an image.
                "request": In(REQUEST_LAYOUT),
                # Its answer is due, and has been sent.
                "due": In(1),
                "answered": Out(1),
                # The engine's logits.
                "results": In(stream.Signature(result_layout(engine))),
                # Logits of the images that are answered with logits.
                "logits": Out(stream.Signature(result_layout(engine))),
                "head": Out(stream.Signature(HEAD_LAYOUT)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the order."""
        image, request, head = self.images.payload, self.request, self.head.payload
        # A reset clears it, so that each answer shows if the memories are still those that the host
        # has written.
        session = Signal(8, init=NO_SESSION)
        cause = Signal(Cause)
        coming = Signal(Cause)  # the cause from the next clock on
        done = Signal()
        m.d.comb += [
            head.session.eq(session),
            coming.eq(cause),
            self.errors.ready.eq(done & (cause == Cause.FRAME)),
            self.images.ready.eq(done & (cause == Cause.IMAGE)),
            self.answered.eq(done & (cause == Cause.REQUEST)),
        ]
        # In registers, since the sources are many and far away; they are stable until `done`.
        m.d.sync += cause.eq(coming)
        self._build_head(m, coming)
        gives = Signal()  # on a part with slow logic, a register gates the logits
        if self._slow:
            m.d.sync += gives.eq(0)
            with m.If(gives):
                wiring.connect(m, wiring.flipped(self.results), wiring.flipped(self.logits))
        with m.FSM(name="order"):
            with m.State("IDLE"):
                with m.If(self.errors.valid):
                    m.d.comb += coming.eq(Cause.FRAME)
                    m.next = "CAUSE"
                with m.Elif(self.images.valid & self.results.valid):
                    m.d.comb += coming.eq(Cause.IMAGE)
                    m.next = "CAUSE"
                    with m.If(image.malformed):
                        m.next = "DISCARD"
                with m.Elif(self.due):
                    m.d.comb += coming.eq(Cause.REQUEST)
                    m.next = "CAUSE"
            with m.State("CAUSE"):
                with m.If((cause == Cause.REQUEST) & request.opens):
                    m.d.sync += session.eq(request.space)
                m.next = "ANSWER"
            with m.State("DISCARD"):
                m.d.comb += self.results.ready.eq(1)
                with m.If(self.results.valid & self.results.payload.last):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.head.valid.eq(1)
                has_logits = head.more & (cause == Cause.IMAGE)
                if self._slow:
                    m.d.sync += gives.eq(has_logits & ~self.head.ready)
                else:
                    with m.If(has_logits):
                        wiring.connect(m, wiring.flipped(self.results), wiring.flipped(self.logits))
                with m.If(self.head.ready):
                    m.next = "DONE"
            with m.State("DONE"):
                # A separate state, so that the answer's cause advances from a register.
                m.d.comb += done.eq(1)
                m.next = "IDLE"

    def _build_head(self, m: Module, cause: Signal) -> None:
        """Build the answer's head from its cause."""
        image, request, head = self.images.payload, self.request, self.head.payload
        failed = request.error != 0
        with m.Switch(cause):
            with m.Case(Cause.IMAGE):
                m.d.sync += [
                    head.tag.eq(image.tag),
                    head.kind.eq(Mux(image.malformed, Answer.ERROR, Answer.LOGITS)),
                    head.error.eq(ErrorCode.IMAGE),
                    head.more.eq(~image.malformed),
                ]
            with m.Case(Cause.REQUEST):
                m.d.sync += [
                    head.tag.eq(request.tag),
                    # An answer's kind is the request's with the highest bit set.
                    head.kind.eq(Mux(failed, Answer.ERROR, Cat(request.kind[:7], 1))),
                    head.error.eq(request.error),
                    head.more.eq(~failed & (request.kind == Request.READ) & (request.count != 0)),
                ]
            with m.Default():
                m.d.sync += [
                    head.tag.eq(NO_TAG),
                    head.kind.eq(Answer.ERROR),
                    head.error.eq(self.errors.payload),
                    head.more.eq(0),
                ]


class LogitBytes(Component):
    """Convert each image's logits to bytes, lowest byte first, followed by its class.

    Parameters
    ----------
    engine : EngineParameters
        Parameters of the engine.
    """

    def __init__(self, engine: EngineParameters) -> None:
        self._logit_bytes = engine.logit_bytes
        super().__init__(
            {
                "logits": In(stream.Signature(result_layout(engine))),
                # One packet per image.
                "o": Out(BYTES),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the conversion."""
        result = self.logits.payload
        logit = Signal(8 * self._logit_bytes)
        winner = Signal(8 * CLASS_BYTES)
        place = Signal(range(max(self._logit_bytes, CLASS_BYTES)))  # of the byte
        m.d.comb += [
            logit.eq(result.logit),
            winner.eq(result.winner),
            self.o.valid.eq(self.logits.valid),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += place.eq(place + 1)
        with m.FSM(name="logits"):
            with m.State("LOGIT"):
                m.d.comb += self.o.payload.data.eq(logit.word_select(place, 8))
                with m.If(place == self._logit_bytes - 1):
                    # The last logit stays, for its winner.
                    m.d.comb += self.logits.ready.eq(self.o.ready & ~result.last)
                    with m.If(self.o.valid & self.o.ready):
                        m.d.sync += place.eq(0)
                        with m.If(result.last):
                            m.next = "CLASS"
            with m.State("CLASS"):
                final = place == CLASS_BYTES - 1
                m.d.comb += [
                    self.o.payload.data.eq(winner.word_select(place[0], 8)),
                    self.o.payload.last.eq(final),
                    self.logits.ready.eq(self.o.ready & final),
                ]
                with m.If(self.o.valid & self.o.ready & final):
                    m.d.sync += place.eq(0)
                    m.next = "LOGIT"


class AnswerSender(Component):
    """Send an answer: its head and its body.

    Throughput: one byte per cycle.

    Parameters
    ----------
    parameters : LinkParameters
        Parameters in the identity.
    """

    def __init__(self, parameters: LinkParameters) -> None:
        self._identity = identity_bytes(parameters)
        super().__init__(
            {
                # Stable a clock before it is offered; taken with the answer's last byte.
                "head": In(stream.Signature(HEAD_LAYOUT)),
                # Bodies of answers with logits and with lines.
                "logits": In(BYTES),
                "lines": In(BYTES),
                # Lines are awaited.
                "reads": Out(1),
                # Payloads of answers.
                "answer": Out(BYTES),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the sender."""
        head = self.head.payload
        # The fifth byte is an error's code, or an identity's first byte.
        first, *identity = (Const(byte, 8) for byte in self._identity)
        fifth = Mux(head.kind == Answer.IDENTITY, first, head.error)
        known = Array((head.kind, head.tag[:8], head.tag[8:], head.session, fifth, *identity))
        index = Signal(range(len(known)))
        final = Signal.like(index)
        m.d.comb += final.eq(ANSWER_HEADER_BYTES - 1)
        with m.Switch(head.kind):
            with m.Case(Answer.IDENTITY):
                m.d.comb += final.eq(len(known) - 1)
            with m.Case(Answer.ERROR):
                m.d.comb += final.eq(ANSWER_HEADER_BYTES)
        # A wide multiplexer: one byte every other clock.
        chosen = Signal(8)
        ends = Signal()
        settled = Signal()
        sent = Signal()
        m.d.comb += sent.eq(self.answer.valid & self.answer.ready)
        m.d.sync += [chosen.eq(known[index]), ends.eq(index == final), settled.eq(~sent)]
        with m.FSM(name="answer") as fsm:
            with m.State("HEAD"):
                m.d.comb += [
                    self.answer.valid.eq(self.head.valid & settled),
                    self.answer.payload.data.eq(chosen),
                    self.answer.payload.last.eq(ends & ~head.more),
                ]
                with m.If(sent):
                    m.d.sync += index.eq(index + 1)
                    with m.If(ends):
                        m.d.sync += index.eq(0)
                        with m.If(head.more):
                            m.next = "LINES"
                            with m.If(head.kind == Answer.LOGITS):
                                m.next = "LOGITS"
            for state, body in (("LOGITS", self.logits), ("LINES", self.lines)):
                with m.State(state):
                    wiring.connect(m, wiring.flipped(body), wiring.flipped(self.answer))
                    with m.If(sent & self.answer.payload.last):
                        m.next = "HEAD"
            m.d.comb += [
                self.head.ready.eq(sent & self.answer.payload.last),
                self.reads.eq(fsm.ongoing("LINES")),
            ]
