"""The link: everything between a byte stream and the engine."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.dispatcher import Dispatcher
from allspin.hdl.link.frames import FrameReceiver, FrameSender
from allspin.hdl.link.protocol import LinkParameters
from allspin.hdl.link.sparse import SparseDecoder
from allspin.hdl.stream.buffers import Component, RegisterSlice
from allspin.hdl.stream.layouts import (
    ByteLayout,
    EventLayout,
    FetchLayout,
    LoadLayout,
    ResultLayout,
)
from allspin.sim.chip.generator import USE_BITS as IMAGE_BITS


class Link(Component):
    """Speak the protocol of ``docs/protocol.md`` with a host, and run the engine for it.

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
            "events": Out(stream.Signature(EventLayout(engine.crossbars[0]))),
            "results": In(stream.Signature(ResultLayout(engine))),
            "load": Out(stream.Signature(LoadLayout())),
            "fetch": Out(stream.Signature(FetchLayout())),
            "fetched": In(stream.Signature(ByteLayout())),
            "idle": In(1),
        }
        if engine.numbered:
            ports["numbers"] = Out(stream.Signature(IMAGE_BITS))
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the link."""
        p = self.parameters
        m.submodules.receiver = receiver = FrameReceiver(p.window, every_clock=self._every_clock)
        m.submodules.dispatcher = dispatcher = Dispatcher(p)
        m.submodules.decoder = decoder = SparseDecoder(p.engine.crossbars[0])
        m.submodules.sender = sender = FrameSender(every_clock=self._every_clock)

        # The dispatcher's decisions are long, and end at registers on every side.
        payload = RegisterSlice(ByteLayout(), every_clock=self._every_clock)
        body = RegisterSlice(ByteLayout(), every_clock=self._every_clock)
        answer = RegisterSlice(ByteLayout(), every_clock=self._every_clock)
        events = RegisterSlice(EventLayout(p.engine.crossbars[0]), every_clock=self._every_clock)
        results = RegisterSlice(ResultLayout(p.engine))
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
