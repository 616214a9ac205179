"""Link: everything between a byte stream and the engine."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.dispatcher import Dispatcher
from allspin.hdl.link.frames import FrameReceiver, FrameSender
from allspin.hdl.link.protocol import LinkParameters
from allspin.hdl.link.sparse import SparseDecoder
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


class Link(Component):
    """Link between a byte stream and the engine, which speaks the protocol of ``docs/protocol.md``.

    Throughput: that of its slowest block.

    Parameters
    ----------
    parameters : LinkParameters
        The engine, the receive buffer, and further fields of the identity.
    every_clock : bool
        True if a byte can come, a byte can go and an event can leave in every clock. False for an
        event in two clocks and a byte in eight, which is enough for a UART, and much smaller.

    Attributes
    ----------
    events, numbers, results, load, fetch, fetched, idle
        The engine's ports, with the opposite directions.
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

        # The dispatcher's logic is deep, so registers surround it on all sides.
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
        # A clock late is early enough: any cause that ends it shows before the next request.
        m.d.sync += dispatcher.idle.eq(self.idle)
