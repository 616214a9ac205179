"""Parser of requests: heads and fields go into registers, images to the decoder."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.link.protocol import HEADER_BYTES, ErrorCode, Request
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import BYTES, IMAGE_BITS, NUMBERS

FIELD_BYTES = {Request.IDENTIFY: 1, Request.WRITE: 3, Request.NUMBERED: 4, Request.READ: 5}
"""Bytes of fields after the head; an IDENTIFY may have none."""
NUMBER = slice(8 * HEADER_BYTES, 8 * HEADER_BYTES + IMAGE_BITS)
"""Bits of an image's number in a `REQUEST_LAYOUT`."""


IMAGE_LAYOUT = data.StructLayout({"tag": 16, "malformed": 1})
"""Image whose answer is due.

Members
-------
tag : 16 bits
    Tag of its request.
malformed : 1 bit
    It cannot be answered with logits.
"""


REQUEST_LAYOUT = data.StructLayout(
    {"kind": 8, "tag": 16, "space": 8, "address": 16, "count": 16, "opens": 1, "error": ErrorCode}
)
"""Request: its bytes in the order in which they come, and its outcome.

Members
-------
kind, tag : 8 and 16 bits
    Its head.
space, address, count : 8, 16 and 16 bits
    The memory, the first line, and the number of lines to read; address and count advance line by
    line. In an IDENTIFY `space` is the session; in an image all three are its number.
opens : 1 bit
    An IDENTIFY that opens a session.
error : ErrorCode
    Error of its answer; 0 for none.
"""


class RequestParser(Component):
    """Read requests one after another, each once the previous one is answered or under way.

    Images go on while earlier ones are under way. The fields of any other request stay in registers
    until it is answered; the `MemoryExecutor` executes a READ or a WRITE before.

    Throughput: one byte per cycle.

    Parameters
    ----------
    numbered : bool
        True if images have numbers.
    """

    def __init__(self, *, numbered: bool) -> None:
        self._numbered = numbered
        super().__init__(
            {
                # Payloads of at least `HEADER_BYTES` bytes.
                "payload": In(BYTES),
                # The number of each image, if images have numbers, and then its bytes.
                "numbers": Out(NUMBERS),
                "body": Out(BYTES),
                # The decoder has read an image to its end, and whether the image is malformed.
                "judged": In(1),
                "malformed": In(1),
                # Each image, when it is judged.
                "images": Out(stream.Signature(IMAGE_LAYOUT)),
                # The request is for the executor, until `executed`.
                "executes": Out(1),
                # Bytes after its fields.
                "rest": Out(BYTES),
                # The request has no more bytes.
                "ended": Out(1),
                # The executor is done, with its error; 0 for success.
                "executed": In(1),
                "error": In(ErrorCode),
                # A line has been written or read.
                "line_done": In(1),
                # All images are answered, and the engine is idle; one clock late.
                "quiet": In(1),
                # The current request.
                "request": Out(REQUEST_LAYOUT),
                # Its answer is due, and has been sent.
                "due": Out(1),
                "answered": In(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the parser."""
        byte = self.payload.payload
        ended = self.ended
        request = self.request
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
        place = Signal(range(HEADER_BYTES + max(FIELD_BYTES.values())))  # place of the next byte
        m.d.sync += place.eq(0)  # outside the fields
        with m.FSM(name="request"):
            with m.State("FIELDS"):
                self._build_fields(m, place)
            if self._numbered:
                with m.State("NUMBER"):
                    m.d.comb += self.numbers.valid.eq(1)
                    with m.If(self.numbers.ready):
                        m.next = "IMAGE"
            with m.State("IMAGE"):
                # A blank image without bytes gets an empty header.
                m.d.comb += [
                    self.body.valid.eq((self.payload.valid | ended) & self.images.ready),
                    self.body.payload.data.eq(Mux(ended, 0, byte.data)),
                    self.body.payload.last.eq(ended | byte.last),
                    self.payload.ready.eq(self.body.ready & self.images.ready & ~ended),
                ]
                with m.If(self.body.valid & self.body.ready & self.body.payload.last):
                    m.next = "VERDICT"
            with m.State("VERDICT"):
                # The queue has room, since it had some when the image began.
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
                # `quiet` is late: wait until it shows that a request made the engine busy.
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.due.eq(self.quiet)
                with m.If(self.answered):
                    m.next = "FIELDS"

    def _build_fields(self, m: Module, place: Signal) -> None:
        """Read head and fields, each byte to its place, and choose the next state."""
        byte = self.payload.payload
        request = self.request
        fields = {k: n for k, n in FIELD_BYTES.items() if self._numbered or k != Request.NUMBERED}
        final = Signal.like(place)  # place of the last byte
        m.d.comb += [self.payload.ready.eq(1), final.eq(HEADER_BYTES - 1)]
        with m.Switch(request.kind):
            for kind, count in fields.items():
                with m.Case(kind):
                    m.d.comb += final.eq(HEADER_BYTES + count - 1)
        m.d.sync += request.as_value().word_select(place, 8).eq(byte.data)
        with m.If(place == 0):
            m.d.sync += [request.opens.eq(0), request.error.eq(0)]
            if self._numbered:
                m.d.sync += request.as_value()[NUMBER].eq(0)  # the number of an IMAGE
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
