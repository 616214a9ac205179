"""The dispatcher: requests to the engine, its answers back, each with its tag."""

import enum

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, ValueLike
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
from allspin.hdl.link.queue import Queue
from allspin.hdl.memory_map import COUNTERS, memory_map
from allspin.hdl.stream.layouts import ByteLayout, FetchLayout, LoadLayout, ResultLayout
from allspin.sim.chip.generator import USE_BITS as IMAGE_BITS

CLASS_BYTES = 2


class ImageLayout(data.StructLayout):
    """An image whose answer is due.

    Members
    -------
    tag : 16 bits
        Its request's.
    malformed : 1 bit
        It cannot be answered with logits.
    """

    def __init__(self) -> None:
        super().__init__({"tag": 16, "malformed": 1})


class Cause(enum.IntEnum):
    """What an answer answers."""

    FRAME = 0
    IMAGE = 1
    REQUEST = 2


class RequestState:
    """The request that is being executed, as both halves of the dispatcher see it.

    Attributes
    ----------
    kind, tag, space, address, count : Signal
        Its fields; address and count move on as lines are read.
    opens : Signal
        An IDENTIFY that opens the session whose number is in `space`.
    failed, code : Signal
        It is answered with an error, and with which.
    due : Signal
        It is its answer's turn.
    line_read, answered : Signal
        A line has been sent; the answer has.
    """

    def __init__(self) -> None:
        self.kind = Signal(8)
        self.tag = Signal(16)
        self.space = Signal(8)
        self.opens = Signal()
        self.address = Signal(16)
        self.count = Signal(16)
        self.failed = Signal()
        self.code = Signal(ErrorCode)
        self.due = Signal()
        self.line_read = Signal()
        self.answered = Signal()


class Dispatcher(wiring.Component):
    """Execute requests one after another, and answer them in their order.

    Images go on to the decoder and the engine while earlier ones are under way. Every
    other request waits until all images before it are answered and the engine is idle.
    An error of a frame is answered as soon as no answer is being sent.

    Parameters
    ----------
    parameters : LinkParameters
        The engine behind the link, and what the identity tells.

    Attributes
    ----------
    payload : In(stream)
        `ByteLayout`: payloads of at least `HEADER_BYTES` bytes.
    errors : In(stream)
        `ErrorCode` of frames that were dropped.
    numbers : Out(stream)
        The number of each image, before its first byte; where the engine wants it.
    body : Out(stream)
        `ByteLayout`: images for the `SparseDecoder`.
    judged, malformed : In(1)
        The decoder has read an image to its end, and found it malformed or not.
    results : In(stream)
        `ResultLayout`: the engine's logits.
    load, fetch, fetched, idle
        The engine's memories.
    answer : Out(stream)
        `ByteLayout`: payloads of answers.
    """

    payload: stream.Interface
    errors: stream.Interface
    body: stream.Interface
    judged: Signal
    malformed: Signal
    results: stream.Interface
    load: stream.Interface
    fetch: stream.Interface
    fetched: stream.Interface
    idle: Signal
    answer: stream.Interface
    numbers: stream.Interface

    def __init__(self, parameters: LinkParameters) -> None:
        self._parameters = parameters
        ports = {
            "payload": In(stream.Signature(ByteLayout())),
            "errors": In(stream.Signature(ErrorCode)),
            "body": Out(stream.Signature(ByteLayout())),
            "judged": In(1),
            "malformed": In(1),
            "results": In(stream.Signature(ResultLayout(parameters.engine))),
            "load": Out(stream.Signature(LoadLayout())),
            "fetch": Out(stream.Signature(FetchLayout())),
            "fetched": In(stream.Signature(ByteLayout())),
            "idle": In(1),
            "answer": Out(stream.Signature(ByteLayout())),
        }
        if parameters.engine.noisy:
            ports["numbers"] = Out(stream.Signature(IMAGE_BITS))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """Build the dispatcher."""
        m = Module()
        m.submodules.images = images = Queue(ImageLayout(), self._parameters.in_flight)
        request = RequestState()
        self._elaborate_requests(m, request, images)
        self._elaborate_answers(m, request, images)
        return m

    def _elaborate_requests(self, m: Module, request: RequestState, images: Queue) -> None:
        """Take requests apart and carry them out, all but their answers."""
        byte = self.payload.payload.data
        last = self.payload.payload.last
        take = Signal()
        m.d.comb += take.eq(self.payload.valid & self.payload.ready)

        ended = Signal()  # the request's last byte has been taken
        field = Signal(range(5))  # of a body's head, byte by byte
        exists = Signal()
        readable = Signal()
        memories = memory_map(self._parameters.engine)
        lines = Signal(range(max(memory.lines for memory in memories) + 1))  # of the space
        line_bytes = Signal(range(max(memory.line_bytes for memory in memories) + 1))
        lines_left = Signal.like(lines)  # from the address to the space's end
        beyond = Signal()  # what is asked for is not there, or not to be read
        bytes_left = Signal.like(line_bytes)  # of the line
        first = Signal()  # the next byte is a line's first
        # Known a clock before they are asked for.
        no_lines = Signal()
        line_ends = Signal()
        last_line = Signal()

        # Known a clock late, so a request that made the engine busy waits one (SETTLE).
        quiet = Signal()
        m.d.sync += quiet.eq(images.empty & self.idle)

        m.d.comb += [
            images.i.payload.tag.eq(request.tag),
            images.i.payload.malformed.eq(self.malformed),
            self.load.payload.layer.eq(request.space[4:]),
            self.load.payload.memory.eq(request.space[:4]),
            self.load.payload.first.eq(first),
            self.load.payload.address.eq(request.address),
            self.load.payload.data.eq(byte),
            self.fetch.payload.layer.eq(request.space[4:]),
            self.fetch.payload.memory.eq(request.space[:4]),
            self.fetch.payload.address.eq(request.address),
        ]
        # Of a space that has been named for at least a clock: the address follows it.
        m.d.sync += [exists.eq(0), readable.eq(0), lines.eq(0), line_bytes.eq(0)]
        with m.Switch(request.space):
            for memory in memories:
                with m.Case(memory.space):
                    m.d.sync += [
                        exists.eq(1),
                        readable.eq(memory.readable),
                        lines.eq(memory.lines),
                        line_bytes.eq(memory.line_bytes),
                    ]

        def fail(code: ErrorCode) -> None:
            m.d.sync += [request.failed.eq(1), request.code.eq(code)]
            m.next = "DRAIN"

        # The fields in front of an image are its number, of any other request where in which
        # memory to begin, and how many lines to read.
        final_field = Signal(range(5))
        m.d.comb += final_field.eq(Mux(request.kind == Request.READ, 4, 2))
        number = Signal(IMAGE_BITS) if self._parameters.engine.noisy else None
        if number is not None:
            m.d.comb += self.numbers.payload.eq(number)
            with m.If(request.kind == Request.NUMBERED):
                m.d.comb += final_field.eq(3)

        with m.If(take):
            m.d.sync += ended.eq(last)
        with m.FSM(name="request"):
            with m.State("KIND"):
                m.d.comb += self.payload.ready.eq(1)
                m.d.sync += [
                    request.kind.eq(byte),
                    request.failed.eq(0),
                    request.opens.eq(0),
                    field.eq(0),
                ]
                if number is not None:
                    m.d.sync += number.eq(0)
                with m.If(self.payload.valid):
                    m.next = "TAG_LOW"
            with m.State("TAG_LOW"):
                m.d.comb += self.payload.ready.eq(1)
                m.d.sync += request.tag[:8].eq(byte)
                with m.If(self.payload.valid):
                    m.next = "TAG_HIGH"
            with m.State("TAG_HIGH"):
                m.d.comb += self.payload.ready.eq(1)
                m.d.sync += request.tag[8:].eq(byte)
                with m.If(self.payload.valid), m.Switch(request.kind):
                    with m.Case(Request.IMAGE):
                        m.next = "NUMBER" if number is not None else "IMAGE"
                    if number is not None:
                        with m.Case(Request.NUMBERED):
                            m.next = "FIELDS"
                            with m.If(last):
                                fail(ErrorCode.LENGTH)
                    with m.Case(Request.WRITE, Request.READ):
                        m.next = "FIELDS"
                        with m.If(last):
                            fail(ErrorCode.LENGTH)
                    with m.Case(Request.IDENTIFY):
                        m.next = "SESSION"
                        with m.If(last):
                            m.next = "DRAIN"
                    with m.Default():
                        fail(ErrorCode.KIND)
            with m.State("SESSION"):
                m.d.comb += self.payload.ready.eq(1)
                m.d.sync += [request.space.eq(byte), request.opens.eq(1)]
                with m.If(self.payload.valid):
                    m.next = "DRAIN"
            if number is not None:
                with m.State("NUMBER"):
                    m.d.comb += self.numbers.valid.eq(1)
                    with m.If(self.numbers.ready):
                        m.next = "IMAGE"
            with m.State("IMAGE"):
                # A blank image gets the byte that it may come with: an empty header.
                m.d.comb += [
                    self.body.valid.eq((self.payload.valid | ended) & images.i.ready),
                    self.body.payload.data.eq(Mux(ended, 0, byte)),
                    self.body.payload.last.eq(ended | last),
                    self.payload.ready.eq(self.body.ready & images.i.ready & ~ended),
                ]
                with m.If(self.body.valid & self.body.ready & self.body.payload.last):
                    m.next = "VERDICT"
            with m.State("VERDICT"):
                # There is room, since there was when the image began.
                m.d.comb += images.i.valid.eq(self.judged)
                with m.If(self.judged):
                    m.next = "KIND"
            with m.State("FIELDS"):
                m.d.comb += self.payload.ready.eq(1)
                with m.If(self.payload.valid):
                    m.d.sync += field.eq(field + 1)
                    if number is not None:
                        m.d.sync += number.eq(Cat(number[8:], byte))
                    with m.Switch(field):
                        with m.Case(0):
                            m.d.sync += request.space.eq(byte)
                        with m.Case(1):
                            m.d.sync += request.address[:8].eq(byte)
                        with m.Case(2):
                            m.d.sync += request.address[8:].eq(byte)
                        with m.Case(3):
                            m.d.sync += request.count[:8].eq(byte)
                        with m.Case(4):
                            m.d.sync += request.count[8:].eq(byte)
                    with m.If(field == final_field):
                        m.next = "ADDRESS"
                        if number is not None:
                            with m.If(request.kind == Request.NUMBERED):
                                m.next = "NUMBER"
                    with m.Elif(last):
                        fail(ErrorCode.LENGTH)
            with m.State("ADDRESS"):
                m.d.sync += [
                    lines_left.eq(lines - request.address),
                    first.eq(1),
                    no_lines.eq(0),
                ]
                hidden = (request.kind == Request.READ) & ~readable
                m.d.sync += beyond.eq(~exists | (request.address >= lines) | hidden)
                m.next = "COUNT"
            with m.State("COUNT"):
                m.d.sync += [
                    bytes_left.eq(line_bytes - 1),
                    line_ends.eq(line_bytes == 1),
                    last_line.eq(lines_left == 1),
                ]
                with m.If((request.kind == Request.READ) & (request.count > lines_left)):
                    m.d.sync += beyond.eq(1)
                m.next = "CHECK"
            with m.State("CHECK"):
                with m.If(beyond):
                    fail(ErrorCode.SPACE)
                with m.Elif(request.kind == Request.READ):
                    m.next = "DRAIN"
                with m.Elif(quiet):
                    with m.If(request.space[:4] == COUNTERS):
                        m.d.comb += self.load.valid.eq(1)
                        with m.If(self.load.ready):
                            m.next = "DRAIN"
                    with m.Elif(ended):
                        m.next = "DRAIN"
                    with m.Else():
                        m.next = "WRITE"
            with m.State("WRITE"):
                with m.If(no_lines), m.If(self.payload.valid):
                    fail(ErrorCode.SPACE)
                with m.Else():
                    m.d.comb += [
                        self.load.valid.eq(self.payload.valid),
                        self.payload.ready.eq(self.load.ready),
                    ]
                # What `take` is in this state; said again, since it comes sooner like this.
                with m.If(self.payload.valid & self.load.ready & ~no_lines):
                    m.d.sync += [
                        bytes_left.eq(bytes_left - 1),
                        line_ends.eq(bytes_left == 1),
                        first.eq(0),
                    ]
                    with m.If(last):
                        m.next = "DRAIN"
                    with m.If(line_ends):
                        m.d.sync += [
                            bytes_left.eq(line_bytes - 1),
                            line_ends.eq(line_bytes == 1),
                            no_lines.eq(last_line),
                            last_line.eq(lines_left == 2),
                            first.eq(1),
                            request.address.eq(request.address + 1),
                            lines_left.eq(lines_left - 1),
                        ]
                    with m.Elif(last):
                        fail(ErrorCode.LENGTH)
            with m.State("DRAIN"):
                m.d.comb += self.payload.ready.eq(~ended)
                with m.If(ended):
                    m.next = "SETTLE"
            with m.State("SETTLE"):
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += request.due.eq(quiet)
                with m.If(request.line_read):
                    m.d.sync += [
                        request.address.eq(request.address + 1),
                        request.count.eq(request.count - 1),
                    ]
                with m.If(request.answered):
                    m.next = "KIND"

    def _elaborate_answers(self, m: Module, request: RequestState, images: Queue) -> None:
        """Send one answer after another, from whatever has one to give."""
        engine = self._parameters.engine
        identity = Array(Const(byte, 8) for byte in identity_bytes(self._parameters))
        result = self.results.payload
        logit = Signal(8 * engine.logit_bytes)
        m.d.comb += logit.eq(result.logit)

        # A reset clears it, so that each answer tells whether the memories are still those that
        # the host has written.
        session = Signal(8, init=NO_SESSION)

        cause = Signal(Cause)
        kind = Signal(8)
        tag = Signal(16)
        code = Signal(ErrorCode)
        malformed = Signal()
        index = Signal(range(max(ANSWER_HEADER_BYTES + 1, len(identity))))
        sent = Signal()
        done = Signal()
        m.d.comb += [
            sent.eq(self.answer.valid & self.answer.ready),
            request.answered.eq(done & (cause == Cause.REQUEST)),
            images.o.ready.eq(done & (cause == Cause.IMAGE)),
            self.errors.ready.eq(done & (cause == Cause.FRAME)),
            malformed.eq(images.o.payload.malformed),
        ]
        # Registers, since what is chosen from is far and wide; it stays as it is until `done`.
        coming = Signal(Cause)  # the cause from the next clock on
        m.d.comb += coming.eq(cause)
        m.d.sync += cause.eq(coming)
        with m.Switch(coming):
            with m.Case(Cause.IMAGE):
                m.d.sync += [
                    tag.eq(images.o.payload.tag),
                    kind.eq(Mux(malformed, Answer.ERROR, Answer.LOGITS)),
                    code.eq(ErrorCode.IMAGE),
                ]
            with m.Case(Cause.REQUEST):
                m.d.sync += [
                    tag.eq(request.tag),
                    # An answer's kind is the request's with the highest bit set.
                    kind.eq(Mux(request.failed, Answer.ERROR, Cat(request.kind[:7], 1))),
                    code.eq(request.code),
                ]
            with m.Default():
                m.d.sync += [
                    tag.eq(NO_TAG),
                    kind.eq(Answer.ERROR),
                    code.eq(self.errors.payload),
                ]
        empty = Signal()  # the head is all of the answer
        m.d.sync += empty.eq(
            (kind == Answer.WRITTEN) | ((kind == Answer.LINES) & (request.count == 0))
        )

        # What there is to send does not depend on whether it is, for that comes late.
        def send(byte: ValueLike, last: ValueLike = 0, *, valid: ValueLike = 1) -> None:
            m.d.comb += [
                self.answer.valid.eq(valid),
                self.answer.payload.data.eq(byte),
                self.answer.payload.last.eq(last),
            ]

        # Heads and the identity are many bytes to choose from: one every other clock.
        chosen = Signal(8)
        settled = Signal()
        m.d.sync += settled.eq(~sent)

        with m.If(sent):
            m.d.sync += index.eq(index + 1)
        with m.FSM(name="answer") as answers:
            head = Array((kind, tag[:8], tag[8:], session, code))
            m.d.sync += chosen.eq(Mux(answers.ongoing("IDENTITY"), identity[index], head[index]))
            with m.State("IDLE"):
                m.d.sync += index.eq(0)
                with m.If(self.errors.valid):
                    m.d.comb += coming.eq(Cause.FRAME)
                    m.next = "CAUSE"
                with m.Elif(images.o.valid & self.results.valid):
                    m.d.comb += coming.eq(Cause.IMAGE)
                    m.next = "CAUSE"
                    with m.If(malformed):
                        m.next = "DISCARD"
                with m.Elif(request.due):
                    m.d.comb += coming.eq(Cause.REQUEST)
                    m.next = "CAUSE"
            with m.State("CAUSE"):
                with m.If((cause == Cause.REQUEST) & request.opens):
                    m.d.sync += session.eq(request.space)
                m.next = "HEAD"
            with m.State("DONE"):
                # A state of its own, so that what caused the answer moves on from a register.
                m.d.comb += done.eq(1)
                m.next = "IDLE"
            with m.State("DISCARD"):
                m.d.comb += self.results.ready.eq(1)
                with m.If(self.results.valid & result.last):
                    m.next = "HEAD"
            with m.State("HEAD"):
                send(chosen, empty & (index == ANSWER_HEADER_BYTES - 1), valid=settled)
                with m.If(sent & (index == ANSWER_HEADER_BYTES - 1)):
                    with m.Switch(kind):
                        with m.Case(Answer.IDENTITY):
                            m.d.sync += index.eq(0)
                            m.next = "IDENTITY"
                        with m.Case(Answer.LOGITS):
                            m.d.sync += index.eq(0)
                            m.next = "LOGIT"
                        with m.Case(Answer.LINES):
                            m.next = "FETCH"
                        with m.Default():
                            m.next = "CODE"
                    with m.If(empty):
                        m.next = "DONE"
            with m.State("CODE"):
                send(chosen, 1, valid=settled)
                with m.If(sent):
                    m.next = "DONE"
            with m.State("IDENTITY"):
                final = index == len(identity) - 1
                send(chosen, final, valid=settled)
                with m.If(sent & final):
                    m.next = "DONE"
            with m.State("LOGIT"):
                send(logit.word_select(index[:2], 8), valid=self.results.valid)
                with m.If(index == engine.logit_bytes - 1):
                    # The last one stays, for its winner. (Not `sent`, which would tie this
                    # to whatever else may be sent.)
                    m.d.comb += self.results.ready.eq(self.answer.ready & ~result.last)
                    with m.If(sent):
                        m.d.sync += index.eq(0)
                        with m.If(result.last):
                            m.next = "CLASS"
            with m.State("CLASS"):
                final = index == CLASS_BYTES - 1
                send((result.winner | Const(0, 16)).word_select(index[0], 8), final)
                m.d.comb += self.results.ready.eq(self.answer.ready & final)
                with m.If(sent & final):
                    m.next = "DONE"
            with m.State("FETCH"):
                m.d.comb += self.fetch.valid.eq(1)
                with m.If(self.fetch.ready):
                    m.next = "LINE"
            with m.State("LINE"):
                line_end = self.fetched.payload.last
                ends = line_end & (request.count == 1)
                send(self.fetched.payload.data, ends, valid=self.fetched.valid)
                m.d.comb += self.fetched.ready.eq(self.answer.ready)
                with m.If(sent & line_end):
                    m.next = "LINE_READ"
                    with m.If(request.count == 1):
                        m.next = "DONE"
            with m.State("LINE_READ"):
                # As for DONE: the next line follows from a register.
                m.d.comb += request.line_read.eq(1)
                m.next = "FETCH"
