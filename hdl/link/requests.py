"""Requests, taken apart: heads and fields into registers, images on their way to the decoder."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import HEADER_BYTES, ErrorCode, Request
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTES, IMAGE_BITS, NUMBERS

FIELD_BYTES = {Request.IDENTIFY: 1, Request.WRITE: 3, Request.NUMBERED: 4, Request.READ: 5}
"""Bytes behind the head that are fields; an IDENTIFY may come without."""
NUMBER = slice(8 * HEADER_BYTES, 8 * HEADER_BYTES + IMAGE_BITS)
"""Bits of a `REQUEST_LAYOUT` that are an image's number."""


IMAGE_LAYOUT = data.StructLayout({"tag": 16, "malformed": 1})
"""An image whose answer is due.

Members
-------
tag : 16 bits
    Its request's.
malformed : 1 bit
    It cannot be answered with logits.
"""


REQUEST_LAYOUT = data.StructLayout(
    {"kind": 8, "tag": 16, "space": 8, "address": 16, "count": 16, "opens": 1, "error": ErrorCode}
)
"""A request: its bytes in the order in which they come, and what has become of it.

Members
-------
kind, tag : 8 and 16 bits
    Its head.
space, address, count : 8, 16 and 16 bits
    Which memory, where in it to begin, and how many lines to read; address and count move
    on line by line. Of an IDENTIFY `space` is the session, of an image all three are its
    number.
opens : 1 bit
    An IDENTIFY that opens a session.
error : ErrorCode
    With which it is answered; 0 if with none.
"""


class RequestParser(Component):
    """Read requests one after another, the next one when the one before is answered or on its way.

    Images go on while earlier ones are under way. Of any other request the fields are kept in
    registers until it is answered; a READ or a WRITE is shown to the `MemoryExecutor` before.

    Throughput: one byte per cycle.

    Parameters
    ----------
    numbered : bool
        Whether images have numbers.
    """

    def __init__(self, *, numbered: bool) -> None:
        self._numbered = numbered
        super().__init__(
            {
                # Payloads of at least `HEADER_BYTES` bytes.
                "payload": In(BYTES),
                # The number of each image, where images have them, and then its bytes.
                "numbers": Out(NUMBERS),
                "body": Out(BYTES),
                # The decoder has read an image to its end, and found it malformed or not.
                "judged": In(1),
                "malformed": In(1),
                # Each image, when it is judged.
                "images": Out(stream.Signature(IMAGE_LAYOUT)),
                # The request is for the executor, until `executed`.
                "executes": Out(1),
                # What comes behind its fields.
                "rest": Out(BYTES),
                # Nothing more of the request comes.
                "ended": Out(1),
                # The executor is done, and why it failed; 0 if it did not.
                "executed": In(1),
                "error": In(ErrorCode),
                # A line has been written or read.
                "line_done": In(1),
                # All images are answered, and the engine is idle; one clock late.
                "quiet": In(1),
                # The request that is read, or has been.
                "request": Out(REQUEST_LAYOUT),
                # Its answer may be given, and has been.
                "due": Out(1),
                "answered": In(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the parser."""
        byte, ended, request = self.payload.payload, self.ended, self.request
        m.d.comb += [
            self.numbers.payload.eq(request.as_value()[NUMBER]),
            self.images.payload.tag.eq(request.tag),
            self.images.payload.malformed.eq(self.malformed),
            self.rest.payload.eq(byte),
        ]
        with m.If(self.payload.valid & self.payload.ready):
            m.d.sync += ended.eq(byte.last)
        with m.If(self.line_done):
            m.d.sync += [
                request.address.eq(request.address + 1),
                request.count.eq(request.count - 1),
            ]
        place = Signal(range(HEADER_BYTES + max(FIELD_BYTES.values())))  # of the byte that comes
        m.d.sync += place.eq(0)  # where none is of the fields
        with m.FSM(name="request"):
            with m.State("FIELDS"):
                self._build_fields(m, place)
            if self._numbered:
                with m.State("NUMBER"):
                    m.d.comb += self.numbers.valid.eq(1)
                    with m.If(self.numbers.ready):
                        m.next = "IMAGE"
            with m.State("IMAGE"):
                # A blank image gets the byte that it may come with: an empty header.
                m.d.comb += [
                    self.body.valid.eq((self.payload.valid | ended) & self.images.ready),
                    self.body.payload.data.eq(Mux(ended, 0, byte.data)),
                    self.body.payload.last.eq(ended | byte.last),
                    self.payload.ready.eq(self.body.ready & self.images.ready & ~ended),
                ]
                with m.If(self.body.valid & self.body.ready & self.body.payload.last):
                    m.next = "VERDICT"
            with m.State("VERDICT"):
                # There is room, since there was when the image began.
                m.d.comb += self.images.valid.eq(self.judged)
                with m.If(self.judged):
                    m.next = "FIELDS"
            with m.State("EXECUTE"):
                m.d.comb += [
                    self.executes.eq(1),
                    self.rest.valid.eq(self.payload.valid),
                    self.payload.ready.eq(self.rest.ready),
                ]
                with m.If(self.executed):
                    m.d.sync += request.error.eq(self.error)
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.comb += self.payload.ready.eq(~ended)
                with m.If(ended):
                    m.next = "SETTLE"
            with m.State("SETTLE"):
                # `quiet` is late: a request that made the engine busy waits for it to show.
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.due.eq(self.quiet)
                with m.If(self.answered):
                    m.next = "FIELDS"

    def _build_fields(self, m: Module, place: Signal) -> None:
        """Read head and fields, each byte to its place, and choose where the request goes."""
        byte, request = self.payload.payload, self.request
        fields = {k: n for k, n in FIELD_BYTES.items() if self._numbered or k != Request.NUMBERED}
        final = Signal.like(place)  # of the last one
        m.d.comb += [self.payload.ready.eq(1), final.eq(HEADER_BYTES - 1)]
        with m.Switch(request.kind):
            for kind, count in fields.items():
                with m.Case(kind):
                    m.d.comb += final.eq(HEADER_BYTES + count - 1)
        m.d.sync += request.as_value().word_select(place, 8).eq(byte.data)
        with m.If(place == 0):
            m.d.sync += [request.opens.eq(0), request.error.eq(0)]
            if self._numbered:
                m.d.sync += request.as_value()[NUMBER].eq(0)  # that of an IMAGE
        m.d.sync += place.eq(place + self.payload.valid)
        with m.If(self.payload.valid):
            with m.If(place == final):
                m.next = "DRAIN"
                with m.Switch(request.kind):
                    with m.Case(Request.IMAGE, *(fields.keys() & {Request.NUMBERED})):
                        m.next = "NUMBER" if self._numbered else "IMAGE"
                    with m.Case(Request.WRITE, Request.READ):
                        m.next = "EXECUTE"
                    with m.Case(Request.IDENTIFY):
                        m.d.sync += request.opens.eq(1)
                    with m.Default():
                        m.d.sync += request.error.eq(ErrorCode.KIND)
            with m.Elif(byte.last):
                m.next = "DRAIN"
                with m.If(request.kind != Request.IDENTIFY):
                    m.d.sync += request.error.eq(ErrorCode.LENGTH)
