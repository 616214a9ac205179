"""Dispatcher of the link: execute requests in order, and answer them in that order."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.answers import AnswerOrder, AnswerSender, LogitBytes
from allspin.hdl.link.memory_requests import LineReader, MemoryExecutor
from allspin.hdl.link.protocol import ErrorCode, LinkParameters
from allspin.hdl.link.requests import IMAGE_LAYOUT, RequestParser
from allspin.hdl.stream.buffers import Queue
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    BYTES,
    FETCHES,
    LOADS,
    NUMBERS,
    result_layout,
)


class Dispatcher(Component):
    """Execute requests one after another, and answer them in their order.

    Images go on to the decoder and the engine while earlier ones are under way. Every other request
    waits until all earlier images are answered and the engine is idle. An error of a frame is
    answered as soon as no other answer is being sent.

    Parameters
    ----------
    parameters : LinkParameters
        The engine behind the link, and further fields of the identity.

    Attributes
    ----------
    numbers : Out(stream)
        Number of each image, before its first byte; only for an engine that needs it.
    """

    def __init__(self, parameters: LinkParameters) -> None:
        self._parameters = parameters
        ports = {
            # Payloads of at least `HEADER_BYTES` bytes.
            "payload": In(BYTES),
            "errors": In(stream.Signature(ErrorCode)),
            # Images for the `SparseDecoder`.
            "body": Out(BYTES),
            # The decoder has read an image to its end, and whether the image is malformed.
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
