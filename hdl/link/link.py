"""The link: everything between a byte stream and the engine."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.answers import AnswerOrder, AnswerSender, LogitBytes
from allspin.hdl.link.frames import FrameReceiver, FrameSender
from allspin.hdl.link.memory_requests import LineReader, MemoryExecutor
from allspin.hdl.link.protocol import ErrorCode, LinkParameters
from allspin.hdl.link.requests import IMAGE_LAYOUT, RequestParser
from allspin.hdl.link.sparse import SparseDecoder
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTE_LAYOUT,
    BYTES,
    FETCHES,
    LOADS,
    NUMBERS,
    event_layout,
    result_layout,
)
from allspin.hdl.stream.registers import RegisterSlice


class Dispatcher(Component):
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
    numbers : Out(stream)
        The number of each image, before its first byte; where the engine wants it.
    """

    def __init__(self, parameters: LinkParameters) -> None:
        self._parameters = parameters
        ports = {
            # Payloads of at least `HEADER_BYTES` bytes.
            "payload": In(BYTES),
            "errors": In(stream.Signature(ErrorCode)),
            # Images for the `SparseDecoder`.
            "body": Out(BYTES),
            # The decoder has read an image to its end, and found it malformed or not.
            "judged": In(1),
            "malformed": In(1),
            # The engine's logits.
            "results": In(stream.Signature(result_layout(parameters.engine))),
            # The engine's memories.
            "load": Out(LOADS),
            "fetch": Out(FETCHES),
            "fetched": In(BYTES),
            "idle": In(1),
            # Payloads of answers.
            "answer": Out(BYTES),
        }
        if parameters.engine.numbered:
            ports["numbers"] = Out(NUMBERS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the dispatcher."""
        engine = self._parameters.engine
        m.submodules.images = images = Queue(IMAGE_LAYOUT, self._parameters.in_flight)
        m.submodules.parser = parser = RequestParser(numbered=engine.numbered)
        m.submodules.executor = executor = MemoryExecutor(engine)
        m.submodules.reader = reader = LineReader(engine.target)
        m.submodules.order = order = AnswerOrder(engine)
        m.submodules.logits = logits = LogitBytes(engine)
        m.submodules.sender = sender = AnswerSender(self._parameters)

        outer = [
            (self.payload, parser.payload),
            (self.body, parser.body),
            (self.load, executor.load),
            (self.fetch, reader.fetch),
            (self.fetched, reader.fetched),
            (self.errors, order.errors),
            (self.results, order.results),
            (self.answer, sender.answer),
        ]
        if engine.numbered:
            outer.append((self.numbers, parser.numbers))
        inner = [
            (parser.images, images.i),
            (images.o, order.images),
            (parser.rest, executor.rest),
            (order.logits, logits.logits),
            (order.head, sender.head),
            (logits.o, sender.logits),
            (reader.lines, sender.lines),
        ]
        for one, other in [(wiring.flipped(port), part) for port, part in outer] + inner:
            wiring.connect(m, one, other)
        quiet = Signal()
        m.d.sync += quiet.eq(images.empty & self.idle)
        m.d.comb += [
            parser.judged.eq(self.judged),
            parser.malformed.eq(self.malformed),
            parser.executed.eq(executor.executed),
            parser.error.eq(executor.error),
            parser.line_done.eq(executor.line_done | reader.line_done),
            parser.quiet.eq(quiet),
            parser.answered.eq(order.answered),
            order.request.eq(parser.request),
            order.due.eq(parser.due),
            executor.request.eq(parser.request),
            executor.executes.eq(parser.executes),
            executor.ended.eq(parser.ended),
            executor.quiet.eq(quiet),
            reader.request.eq(parser.request),
            reader.reads.eq(sender.reads),
        ]


class Link(Component):
    """Link between a byte stream and the engine, which speaks the protocol of ``docs/protocol.md``.

    Throughput: that of its slowest block.

    Parameters
    ----------
    parameters : LinkParameters
        The engine, the receive buffer, and what the identity tells.
    every_clock : bool
        Whether a byte can come, one can go and an event can leave in every clock; or an event in
        every other and a byte in every eighth, which is enough for a UART, and much smaller.

    Attributes
    ----------
    events, numbers, results, load, fetch, fetched, idle
        The engine's ports, the other way round.
    """

    def __init__(self, parameters: LinkParameters, *, every_clock: bool = True) -> None:
        self.parameters = parameters
        self._every_clock = every_clock
        engine = parameters.engine
        ports = {
            # Bytes from and to the host.
            "received": In(stream.Signature(8)),
            "sent": Out(stream.Signature(8)),
            "events": Out(stream.Signature(event_layout(engine.image))),
            "results": In(stream.Signature(result_layout(engine))),
            "load": Out(LOADS),
            "fetch": Out(FETCHES),
            "fetched": In(BYTES),
            "idle": In(1),
        }
        if engine.numbered:
            ports["numbers"] = Out(NUMBERS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the link."""
        p = self.parameters
        m.submodules.receiver = receiver = FrameReceiver(p.window, every_clock=self._every_clock)
        m.submodules.dispatcher = dispatcher = Dispatcher(p)
        m.submodules.decoder = decoder = SparseDecoder(p.engine.image)
        m.submodules.sender = sender = FrameSender(every_clock=self._every_clock)

        # The dispatcher's decisions are long, and end at registers on every side.
        payload = RegisterSlice(BYTE_LAYOUT, every_clock=self._every_clock)
        body = RegisterSlice(BYTE_LAYOUT, every_clock=self._every_clock)
        answer = RegisterSlice(BYTE_LAYOUT, every_clock=self._every_clock)
        events = RegisterSlice(event_layout(p.engine.image), every_clock=self._every_clock)
        results = RegisterSlice(result_layout(p.engine))
        m.submodules += [payload, body, events, answer, results]
        outer = [
            (self.received, receiver.received),
            (self.sent, sender.sent),
            (self.events, events.o),
            (self.results, results.i),
            (self.load, dispatcher.load),
            (self.fetch, dispatcher.fetch),
            (self.fetched, dispatcher.fetched),
        ]
        if p.engine.numbered:
            outer.append((self.numbers, dispatcher.numbers))
        inner = [
            (receiver.payload, payload.i),
            (payload.o, dispatcher.payload),
            (receiver.errors, dispatcher.errors),
            (dispatcher.body, body.i),
            (body.o, decoder.body),
            (decoder.events, events.i),
            (results.o, dispatcher.results),
            (dispatcher.answer, answer.i),
            (answer.o, sender.payload),
        ]
        for one, other in [(wiring.flipped(port), part) for port, part in outer] + inner:
            wiring.connect(m, one, other)
        m.d.comb += [
            dispatcher.judged.eq(decoder.judged),
            dispatcher.malformed.eq(decoder.malformed),
        ]
        # A clock late, which is soon enough: whatever ends it shows before the next request.
        m.d.sync += dispatcher.idle.eq(self.idle)
